# SPDX-License-Identifier: Apache-2.0
"""Models, training manifests, usage reports and what they paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from indexer import duties
from indexer.duties import CORRECTED, FINAL, HELD, RESTATED, VOID
from indexer.event import Event, Handler, u256
from indexer.rows import Add, Change, Put, Read, Set
from indexer.tables import ZERO32, table

MODELS = table(
    "models", "model:blob32 developer:blob20 card:blob32 registered_at:int", "model", "developer seq", by_seq=True
)
MANIFESTS = table("manifests", "model:blob32 manifest:blob32 committed_at:int", "model manifest", "manifest seq")
REPORTERS = table(
    "reporters", "market:blob20 license:blob32 holder:blob20 developer:blob20 allowed:int",
    "market license holder developer", "license seq",
)  # fmt: skip
BOUND = table("bound_models", "license:blob32 model:blob32 holder:blob20", "license", "model seq")
# `total` and `paid` are over the report's life; `pool` is what its present tree shares out, `pool_paid` what was paid
# of that: a ruling leaves what was paid as it is and shares out the rest anew.
REPORTS = table(
    "reports",
    "report:blob32 license:blob32 market:blob20 model:blob32 reporter:blob20 number:int since:int through:int "
    "currency:blob20 total:u256 root:blob32 manifest:blob32 flags:int opens_at:int reported_at:int paid:u256 "
    "claims:int pool:u256 pool_paid:u256",
    "report",
    "license seq",
    "model seq",
    "reporter seq",
    by_seq=True,
)
# One line for each share of a report that was paid.
USAGE_PAID = table(
    "usage_paid",
    "seq:int report:blob32 work:blob32 account:blob32 offer_id:blob32 number:int currency:blob20 amount:u256",
    "seq",
    "report seq",
    "work seq",
    "account seq",
    stamps=False,
)
TABLES = (MODELS, MANIFESTS, REPORTERS, BOUND, REPORTS, USAGE_PAID, duties.DUTIES)


def model_registered(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    values = {"developer": args["developer"], "card": args["card"], "registered_at": event.timestamp}
    return (Set(MODELS, (args["model"],), values),)


def manifest_committed(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    return (Set(MANIFESTS, (args["model"], args["manifest"]), {"committed_at": event.timestamp}),)


def reporter_authorized(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    key = (args["market"], u256(args["license"]), args["holder"], args["developer"])
    return (Set(REPORTERS, key, {"allowed": int(args["allowed"])}),)


def model_bound(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    return (Set(BOUND, (u256(args["license"]),), {"model": args["model"], "holder": args["holder"]}),)


def usage_reported(event: Event, read: Read) -> Sequence[Change]:
    args = event.args
    names = ("market", "model", "reporter", "number", "since", "through", "currency", "root", "manifest", "flags")
    values: dict[str, Any] = {name: args[name] for name in (*names, "opens_at")}
    values |= {
        "license": u256(args["license"]),
        "total": u256(args["total"]),
        "pool": u256(args["total"]),
        "reported_at": event.timestamp,
    }
    return (Set(REPORTS, (args["report"],), values), *duties.reported(event, read))


def usage_paid(event: Event, read: Read) -> Sequence[Change]:
    args = event.args
    report = read(REPORTS, (args["report"],))
    line = {
        "seq": event.seq,
        "report": args["report"],
        "work": u256(args["work"]),
        "account": args["account"],
        "offer_id": args["offer_id"],
        "number": args["index"],
        "currency": report["currency"] if report else bytes(20),
        "amount": u256(args["amount"]),
    }
    amount = args["amount"]
    return (
        Put(USAGE_PAID, line),
        Add(REPORTS, (args["report"],), {"paid": amount, "pool_paid": amount, "claims": 1}),
    )


def report_held(event: Event, read: Read) -> Sequence[Change]:
    args = event.args
    flags = _flags(args["report"], read)
    flags = flags | HELD if args["held"] else flags & ~HELD
    return (Set(REPORTS, (args["report"],), {"flags": flags, "opens_at": args["opens_at"]}),)


def report_voided(event: Event, read: Read) -> Sequence[Change]:
    args = event.args
    report = read(REPORTS, (args["report"],))
    flags = report["flags"] if report else 0
    was_void = bool(flags & VOID)
    values: dict[str, Any]
    if args["root"] == ZERO32:
        change = 0 if was_void else 1
        values = {"flags": (flags & ~HELD) | VOID, "root": ZERO32, "opens_at": 0}
    else:
        change = -1 if was_void else 0
        values = {
            "flags": (flags & ~(HELD | VOID)) | CORRECTED,
            "root": args["root"],
            "opens_at": event.timestamp,
        }
    values |= {"pool": u256(args["left"]), "pool_paid": ZERO32}
    moved = duties.voided(report, read, change) if report and change else ()
    return (Set(REPORTS, (args["report"],), values), *moved)


def report_restated(event: Event, read: Read) -> Sequence[Change]:
    args = event.args
    report = read(REPORTS, (args["report"],))
    flags = report["flags"] if report else 0
    values = {
        "flags": (flags & ~VOID) | RESTATED,
        "root": args["root"],
        "manifest": args["manifest"],
        "opens_at": args["opens_at"],
    }
    moved = duties.voided(report, read, -1) if report else ()
    return (Set(REPORTS, (args["report"],), values), *moved)


def _flags(report: bytes, read: Read) -> int:
    row = read(REPORTS, (report,))
    return row["flags"] if row else 0


_S = "UsageSettlement"
HANDLERS: dict[tuple[str, str], Handler] = {
    (_S, "ModelRegistered"): model_registered,
    (_S, "ManifestCommitted"): manifest_committed,
    (_S, "ReporterAuthorized"): reporter_authorized,
    (_S, "ModelBound"): model_bound,
    (_S, "UsageReported"): usage_reported,
    (_S, "UsagePaid"): usage_paid,
    (_S, "ReportHeld"): report_held,
    (_S, "ReportVoided"): report_voided,
    (_S, "ReportRestated"): report_restated,
}
__all__ = ["FINAL", "HANDLERS", "TABLES"]
