# SPDX-License-Identifier: Apache-2.0
"""A reference model of usage settlement: what each license reported, what each report still holds, who was paid.

Written from the protocol's words: no packing, no hashes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

DAY = 86_400
WINDOW, FINAL_WINDOW, GRACE = 7 * DAY, 30 * DAY, 14 * DAY


@dataclass
class ReportModel:
    """One report, as it stands. total: what its tree shares out. shares: by place in it; None: no root stands."""

    total: int
    shares: list[int] | None
    is_final: bool
    opens_at: int
    left: int | None = None  # seconds of the window while held
    is_void: bool = False
    is_ruled: bool = False
    paid: set[int] = field(default_factory=set)

    @property
    def held(self) -> int:
        """What its account must hold."""
        return self.total - sum(self.shares[place] for place in self.paid) if self.shares else self.total


@dataclass
class LicenseModel:
    """One license and its duty."""

    report_every: int
    issued_at: int
    through: int
    reports: list[ReportModel] = field(default_factory=list)
    final: int = 0
    late: int = 0

    def standing_final(self) -> int:
        return self.final if self.final and not self.reports[self.final - 1].is_void else 0

    def due_at(self) -> int:
        return 2**256 - 1 if self.standing_final() else self.through + self.report_every + GRACE

    def voids(self) -> int:
        return sum(report.is_void for report in self.reports)

    def refusals(self, number: int, through: int, total: int, is_final: bool, now: int) -> set[str]:
        """All reasons against a report."""
        reasons = {
            "usage: not the next report": number != len(self.reports) + 1,
            "usage: period was reported already": through < self.through,
            "usage: period is not over": through > now,
            "usage: supplement without money": through == self.through and not total and not is_final,
        }
        return {reason for reason, holds in reasons.items() if holds}

    def report(self, through: int, shares: list[int], is_final: bool, now: int) -> ReportModel:
        """A report that nothing speaks against."""
        is_supplement = through == self.through and not is_final
        if not is_supplement:
            self.late += now > self.due_at()
            self.final = len(self.reports) + 1 if is_final else 0
        made = ReportModel(sum(shares), shares, is_final, now + (FINAL_WINDOW if is_final else WINDOW))
        self.reports.append(made)
        self.through = through
        return made


@dataclass
class Money:
    """Everything that came in and where it went, by currency."""

    brought: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)
