# SPDX-License-Identifier: Apache-2.0
"""A reference model of dispute resolution: why a step is refused, who owns what, who is owed what, what is on hold.

Written from the protocol's words, not from the contract: holds are lists of intervals, money is a dictionary.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

DAY = 86_400
ANSWER_TIME, LIFE, DELAY, GRACE = 14 * DAY, 90 * DAY, 7 * DAY, 30 * DAY
BUDGET, REST = 90 * DAY, 180 * DAY
FOR_OPENER, FOR_RESPONDENT, NO_FAULT = 1, 2, 3


@dataclass
class Interval:
    """An asked hold: who asked, from when, until when, whether it may still be cut short."""

    case: int
    start: int
    end: int
    is_over: bool = False


@dataclass
class Case:
    """A case, as it stands."""

    work: int
    opener: str
    respondent: str
    opened_at: int
    moves: bool  # else it names a steward
    is_answered: bool = False
    is_referred: bool = False
    outcome: int = 0
    ruled_at: int = 0
    clean_since: int = 0
    keeps_steward: bool = False
    is_withdrawn: bool = False
    is_lapsed: bool = False
    is_settled: bool = False
    is_executed: bool = False
    hold: Interval | None = None
    days_paid: int = 0
    rent_to: str = ""
    chest: int = 0

    def is_running(self, now: int) -> bool:
        return not (self.outcome or self.is_withdrawn or self.is_lapsed) and now < self.opened_at + LIFE


@dataclass
class Work:
    """A claim, as far as disputes are concerned."""

    owner: str
    steward: str
    clean_since: int = 0
    asked: list[Interval] = field(default_factory=list)
    order: tuple[int, int] | None = None  # the case it was made in, until when

    def asked_now(self, now: int) -> Interval | None:
        running = [item for item in self.asked if item.start <= now < item.end and not item.is_over]
        assert len(running) <= 1
        return running[0] if running else None

    def held_until(self, now: int) -> int:
        asked = self.asked_now(now)
        ends = [asked.end if asked else 0, self.order[1] if self.order else 0]
        return max((end for end in ends if end > now), default=0)

    def left(self, now: int) -> int:
        used, last_end = 0, None
        for item in self.asked:
            if last_end is not None and item.start >= last_end + REST:
                used = 0
            used, last_end = used + item.end - item.start, item.end
        return BUDGET if last_end is None or now >= last_end + REST else BUDGET - used


class DisputeModel:
    """All cases and works. bond, fee, rent: what the contract was deployed with."""

    def __init__(self, bond: int, fee: int, rent: int) -> None:
        self.bond, self.fee, self.rent = bond, fee, rent
        self.cases: dict[int, Case] = {}
        self.works: dict[int, Work] = {}
        self.purses: Counter[str] = Counter()
        self.fees: Counter[int] = Counter()
        self.paid_in = 0

    # ---- what is refused

    def why_no_hold(self, work: Work, case: Case | None, days: int, now: int) -> set[str]:
        refused = set()
        if case is not None and case.days_paid:
            refused.add("disputes: one hold a case")
        if not 1 <= days <= 90:
            refused.add("disputes: days out of range")
        if now + days * DAY > (case.opened_at if case else now) + LIFE:
            refused.add("disputes: hold outlives the case")
        if work.asked_now(now):
            refused.add("disputes: an asked hold is running")
        if days * DAY > work.left(now):
            refused.add("disputes: held long enough")
        return refused

    def why_not_open(self, number: int, opener: str, days: int, now: int) -> set[str]:
        work = self.works[number]
        refused = {"disputes: opener is the respondent"} if opener == work.owner else set()
        return refused | (self.why_no_hold(work, None, days, now) if days else set())

    def why_not_running(self, case: Case, now: int, is_open: bool = False) -> set[str]:
        if not case.is_running(now):
            return {"disputes: case is over"}
        return {"disputes: case was referred"} if is_open and case.is_referred else set()

    def why_no_answer(self, case: Case, sender: str, now: int) -> set[str]:
        refused = self.why_not_running(case, now, is_open=True)
        if now >= case.opened_at + ANSWER_TIME:
            refused.add("disputes: too late to answer")
        if case.is_answered:
            refused.add("disputes: answered before")
        if sender == case.opener or sender != self.works[case.work].owner:
            refused.add("disputes: not the subject's owner")
        return refused

    def why_not_refer(self, case: Case, now: int) -> set[str]:
        refused = self.why_not_running(case, now, is_open=True)
        if not case.is_answered and now < case.opened_at + ANSWER_TIME:
            refused.add("disputes: can still be answered")
        return refused

    def why_no_ruling(self, case: Case, outcome: int, clean_since: int, keeps: bool, now: int) -> set[str]:
        refused = self.why_not_running(case, now)
        if not case.is_referred:
            refused.add("disputes: case not referred")
        is_plain = outcome != FOR_OPENER or not case.moves
        if (is_plain and (clean_since or keeps)) or clean_since > now:
            refused.add("disputes: remedy out of range")
        return refused

    def why_not_execute(self, case: Case, now: int, settles_only: bool = False) -> set[str]:
        if case.is_withdrawn or case.is_lapsed or (settles_only and not case.outcome):
            return {"disputes: no ruling"}
        if not case.outcome:
            return {"disputes: case is running"} if now < case.opened_at + LIFE else set()
        refused = {"disputes: ruling not executable yet"} if now < case.ruled_at + DELAY else set()
        if settles_only and case.is_settled:
            refused.add("disputes: settled before")
        if not settles_only and case.is_executed:
            refused.add("disputes: executed before")
        return refused

    # ---- what is done

    def open(self, number: int, case_number: int, opener: str, moves: bool, days: int, now: int) -> None:
        case = Case(number, opener, self.works[number].owner, now, moves, chest=self.bond)
        self.cases[case_number] = case
        self.paid_in += self.bond
        if days:
            self.ask_hold(case_number, days, now)

    def answer(self, case: Case, sender: str) -> None:
        case.is_answered, case.respondent = True, sender
        case.chest += self.bond
        self.paid_in += self.bond

    def ask_hold(self, case_number: int, days: int, now: int) -> None:
        case = self.cases[case_number]
        case.hold = Interval(case_number, now, now + days * DAY)
        case.days_paid, case.rent_to = days, self.works[case.work].owner
        case.chest += days * self.rent
        self.paid_in += days * self.rent
        self.works[case.work].asked.append(case.hold)

    def end_hold(self, case: Case, now: int) -> None:
        if case.hold is not None and not case.hold.is_over:
            case.hold.end = min(case.hold.end, now)
            case.hold.is_over = True

    def end_order(self, work: Work, case_number: int) -> None:
        if work.order and work.order[0] == case_number:
            work.order = None

    def order(self, case_number: int, is_held: bool, now: int) -> None:
        case = self.cases[case_number]
        work = self.works[case.work]
        if is_held:
            work.order = (case_number, case.opened_at + LIFE)
        else:
            self.end_hold(case, now)
            self.end_order(work, case_number)

    def rule(self, case_number: int, outcome: int, clean_since: int, keeps: bool, now: int) -> None:
        case = self.cases[case_number]
        case.outcome, case.ruled_at = outcome, now
        case.clean_since, case.keeps_steward = clean_since, keeps
        self.end_hold(case, now)
        self.end_order(self.works[case.work], case_number)
        if outcome == FOR_OPENER:
            self.works[case.work].order = (case_number, now + DELAY + GRACE)
        case.chest -= self.fee
        self.fees[case_number] += self.fee

    def close(self, case_number: int, now: int) -> None:
        case = self.cases[case_number]
        self.end_hold(case, now)
        self.end_order(self.works[case.work], case_number)
        self.settle(case_number, now)

    def settle(self, case_number: int, now: int) -> None:
        case = self.cases[case_number]
        case.is_settled = True
        used = 0
        if case.hold is not None:
            used = -(-(case.hold.end - case.hold.start) * self.rent // DAY)
        lost = case.outcome == FOR_OPENER
        owed = Counter({case.opener: self.bond + case.days_paid * self.rent})
        if case.is_answered:
            owed[case.respondent] += self.bond
        if not lost and used:
            owed[case.opener] -= used
            owed[case.rent_to] += used
        if case.outcome:
            if not case.is_answered:
                owed[case.opener] -= self.fee
            elif case.outcome == NO_FAULT:
                owed[case.opener] -= self.fee - self.fee // 2
                owed[case.respondent] -= self.fee // 2
            else:
                loser, winner = (case.respondent, case.opener) if lost else (case.opener, case.respondent)
                owed[loser] -= self.bond
                owed[winner] += self.bond - self.fee
        for party, amount in owed.items():
            self.purses[party] += amount
        case.chest -= sum(owed.values())

    def execute(self, case_number: int, now: int) -> None:
        case = self.cases[case_number]
        if not case.outcome:
            case.is_lapsed = True
            self.close(case_number, now)
            return
        case.is_executed = True
        if not case.is_settled:
            self.settle(case_number, now)
        if case.outcome != FOR_OPENER:
            return
        work = self.works[case.work]
        self.end_order(work, case_number)
        if not case.moves:
            work.steward = case.opener
            return
        running = next((item for item in work.asked if not item.is_over), None)
        if running:
            self.end_hold(self.cases[running.case], now)
        work.owner = case.opener
        work.clean_since = max(work.clean_since, case.clean_since)
        if not case.keeps_steward:
            work.steward = ""
