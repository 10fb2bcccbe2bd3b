# SPDX-License-Identifier: Apache-2.0
"""Who owes usage reports: one row for each license that does, from its sale on.

The next report is due a cadence after the end of the last period, the first a cadence after the sale, and overdue
fourteen days later. The duty outlives the license and ends with a final report.
"""

from __future__ import annotations

from collections.abc import Sequence

from indexer.event import Event, u256
from indexer.rows import Change, Read, Set
from indexer.tables import Row, table

GRACE_SECONDS = 14 * 86_400
FINAL, LATE, SUPPLEMENT, HELD, VOID, CORRECTED, RESTATED = 1, 2, 4, 8, 16, 32, 64

# `kind` is "offer" or "dataset": which market sold the license. `final` is the number of the last final report that no
# period followed, also when it was found false: then `due_at` says so, which is NULL while nothing is owed.
DUTIES = table(
    "duties",
    "license:blob32 kind:text market:blob20 subject:blob32 report_every:int started_at:int through:int reports:int "
    "late:int void:int final:int due_at:int?",
    "license",
    "due_at license ?due_at",
    "subject seq",
    by_seq=True,
)


def duty_of_sale(event: Event, license_id: bytes, terms: Row | None, kind: str) -> Sequence[Change]:
    """What a sale obliges its buyer to, by the offer or dataset it was made from."""
    every = terms["report_every"] if terms else 0
    if not every:
        return ()
    values = {
        "kind": kind,
        "subject": license_id[:28] + bytes(4),
        "report_every": every,
        "started_at": event.timestamp,
        "through": event.timestamp,
        "due_at": event.timestamp + every + GRACE_SECONDS,
    }
    return (Set(DUTIES, (license_id,), values),)


def reported(event: Event, read: Read) -> Sequence[Change]:
    """A report moves the duty on, or ends it."""
    args = event.args
    key = (u256(args["license"]),)
    duty = read(DUTIES, key)
    every = duty["report_every"] if duty else 0
    values: Row = {
        "market": args["market"],
        "through": args["through"],
        "reports": args["number"],
        "late": (duty["late"] if duty else 0) + (1 if args["flags"] & LATE else 0),
    }
    if not args["flags"] & SUPPLEMENT:  # more money for what was reported changes nothing else
        final = args["number"] if args["flags"] & FINAL else 0
        due_at = None if final or not every else args["through"] + every + GRACE_SECONDS
        values |= {"final": final, "due_at": due_at}
    return (Set(DUTIES, key, values),)


def voided(report: Row, read: Read, change: int) -> Sequence[Change]:
    """A report was voided (1) or stands again (-1). A void final report no longer ends the duty."""
    key = (report["license"],)
    duty = read(DUTIES, key)
    if duty is None:
        return ()
    values: Row = {"void": duty["void"] + change}
    if report["number"] == duty["final"]:
        values["due_at"] = duty["through"] + duty["report_every"] + GRACE_SECONDS if change > 0 else None
    return (Set(DUTIES, key, values),)
