# SPDX-License-Identifier: Apache-2.0
"""Models, usage reports, what they paid, and who owes one."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from indexer.api import ids, models, records
from indexer.api.answers import Answer
from indexer.api.context import Context, now
from indexer.api.ids import show_account, show_address, show_amount, show_digest, show_some_address, show_some_digest
from indexer.api.kinds import Kind, Show, each
from indexer.api.pages import PageQuery
from indexer.api.problems import RESPONSES
from indexer.api.reader import Row, Snapshot
from indexer.duties import CORRECTED, FINAL, HELD, LATE, RESTATED, SUPPLEMENT, VOID

_BLOCK = "JOIN blocks b ON b.number = o.changed >> 20"
_MONEY = "LEFT JOIN currencies y ON y.currency = o.currency"
_FLAGS = {
    FINAL: "FINAL",
    LATE: "LATE",
    SUPPLEMENT: "SUPPLEMENT",
    HELD: "HELD",
    VOID: "VOID",
    CORRECTED: "CORRECTED",
    RESTATED: "RESTATED",
}
Digest = Annotated[str, Path(max_length=80, description="0x and 64 hex digits.")]


class ModelQuery(PageQuery):
    """Filters of the list of models."""

    developer: str | None = Field(None, description="Address.")


class ReportQuery(PageQuery):
    """Filters of the list of reports."""

    license: str | None = Field(None, description="License id.")
    model: str | None = Field(None, description="Model id.")
    reporter: str | None = Field(None, description="Address.")
    state: Literal["open", "claimable", "held", "void"] | None = Field(
        None, description="open: can still be challenged; claimable: shares can be claimed."
    )


class PaymentQuery(PageQuery):
    """Filters of the list of usage payments."""

    report: str | None = Field(None, description="Report id.")
    work: str | None = Field(None, description="Work id.")
    account: str | None = Field(None, description="Who was paid: address, or 32 bytes in 0x hex.")


class DutyQuery(PageQuery):
    """Filters of the list of duties."""

    license: str | None = Field(None, description="License id.")
    subject: str | None = Field(None, description="Offer or dataset id.")
    overdue: bool | None = None
    due_before: int | None = Field(None, ge=0, lt=1 << 40, description="UTC seconds.")


def _model(snapshot: Snapshot, row: Row) -> dict[str, Any]:
    committed = snapshot.all(
        "SELECT manifest, committed_at FROM manifests WHERE model = ? ORDER BY committed_at DESC, manifest LIMIT 100",
        (row["model"],),
    )
    return {
        "id": show_digest(row["model"]),
        "developer": show_address(row["developer"]),
        "card": show_digest(row["card"]),
        "registered_at": row["registered_at"],
        "manifests": [
            {"digest": show_digest(item["manifest"]), "committed_at": item["committed_at"]} for item in committed
        ],
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _report(snapshot: Snapshot, row: Row) -> dict[str, Any]:
    money = (row["currency"], row["symbol"], row["decimals"])
    return {
        "id": show_digest(row["report"]),
        "license": str(int.from_bytes(row["license"])),
        "license_hex": show_digest(row["license"]),
        "market": show_address(row["market"]),
        "model": show_some_digest(row["model"]),
        "reporter": show_address(row["reporter"]),
        "number": row["number"],
        "since": row["since"],
        "through": row["through"],
        "total": show_amount(row["total"], *money),
        "paid": show_amount(row["paid"], *money),
        "shared": show_amount(row["pool"], *money),
        "shared_paid": show_amount(row["pool_paid"], *money),
        "claims": row["claims"],
        "root": show_some_digest(row["root"]),
        "manifest": show_some_digest(row["manifest"]),
        "flags": [name for bit, name in _FLAGS.items() if row["flags"] & bit],
        "opens_at": None if row["flags"] & (HELD | VOID) else row["opens_at"],
        "reported_at": row["reported_at"],
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _payment(snapshot: Snapshot, row: Row) -> dict[str, Any]:
    return {
        "report": show_digest(row["report"]),
        "work": str(int.from_bytes(row["work"])),
        "work_hex": show_digest(row["work"]),
        "account": show_account(row["account"]),
        "offer": show_digest(row["offer_id"]),
        "index": row["number"],
        "amount": show_amount(row["amount"], row["currency"], row["symbol"], row["decimals"]),
        "at": row["timestamp"],
        "transaction": show_digest(row["tx"]),
        "finality": snapshot.finality(row["seq"], row["block_hash"]),
    }


def _duty(snapshot: Snapshot, row: Row, at: int) -> dict[str, Any]:
    overdue = row["due_at"] is not None and row["due_at"] < at
    return {
        "license": str(int.from_bytes(row["license"])),
        "license_hex": show_digest(row["license"]),
        "kind": row["kind"] or "offer",
        "subject": show_digest(row["subject"]),
        "holder": show_some_address(row["holder"] or bytes(20)),
        "report_every_seconds": row["report_every"],
        "reported_through": row["through"],
        "reports": row["reports"],
        "late": row["late"],
        "void": row["void"],
        "due_at": row["due_at"],
        "overdue": overdue,
        "in_good_standing": not overdue and not row["void"],
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _duties(snapshot: Snapshot, _whole: bool) -> Show:
    at = now(snapshot)
    return lambda row: _duty(snapshot, row, at)


_LICENSE, _WORK = partial(ids.token_id, what="license"), partial(ids.token_id, what="work")
_MODEL, _REPORT = partial(ids.bytes32, what="a model id"), partial(ids.bytes32, what="a report id")

MODELS = Kind(
    "models", "o.*, b.hash AS block_hash", _BLOCK, each(_model),
    (("developer", "developer", ids.address),),
    "model", "model", _MODEL,
)  # fmt: skip
REPORTS = Kind(
    "reports", "o.*, b.hash AS block_hash, y.symbol, y.decimals", f"{_BLOCK} {_MONEY}", each(_report),
    (("license", "license", _LICENSE), ("model", "model", _MODEL), ("reporter", "reporter", ids.address)),
    "report", "report", _REPORT,
)  # fmt: skip
PAYMENTS = Kind(
    "usage_paid",
    "o.*, b.hash AS block_hash, b.timestamp, y.symbol, y.decimals, e.tx",
    f"JOIN blocks b ON b.number = o.seq >> 20 JOIN events e ON e.seq = o.seq {_MONEY}",
    each(_payment),
    (("report", "report", _REPORT), ("work", "work", _WORK), ("account", "account", ids.account)),
)
DUTIES = Kind(
    "duties",
    "o.*, b.hash AS block_hash, coalesce(l.holder, k.holder) AS holder",
    f"{_BLOCK} LEFT JOIN licenses l ON l.license = o.license LEFT JOIN dataset_licenses k ON k.license = o.license",
    _duties,
    (("license", "license", _LICENSE), ("subject", "subject", partial(ids.bytes32, what="an offer or dataset id"))),
)


def router(context: Context) -> APIRouter:
    """Operations on usage."""
    api = APIRouter(tags=["usage"], responses=RESPONSES)

    @context.get(api, "/models", operation_id="listModels", response_model=models.Page[records.AiModel])
    def list_models(query: Annotated[ModelQuery, Query()]) -> Answer:
        """Registered models."""
        return MODELS.page(context, query)

    @context.get(api, "/models/{model}", operation_id="getModel", response_model=records.AiModel)
    def get_model(model: Digest) -> Answer:
        """One model and what it was trained on."""
        return MODELS.one(context, model)

    @context.get(api, "/reports", operation_id="listReports", response_model=models.Page[records.Report])
    def list_reports(query: Annotated[ReportQuery, Query()]) -> Answer:
        """Usage reports, by license, model, reporter and state."""
        listing = REPORTS.listing(query)

        def refine(snapshot: Snapshot) -> None:
            at = now(snapshot)
            if query.state in ("held", "void"):
                listing.where("o.flags & ? <> 0", HELD if query.state == "held" else VOID)
            elif query.state is not None:
                comparison = ">" if query.state == "open" else "<="
                listing.where(f"o.flags & ? = 0 AND o.opens_at {comparison} ?", HELD | VOID, at)

        return REPORTS.page(context, query, listing, refine)

    @context.get(api, "/reports/{report}", operation_id="getReport", response_model=records.Report)
    def get_report(report: Digest) -> Answer:
        """One report."""
        return REPORTS.one(context, report)

    @context.get(
        api, "/usage-payments", operation_id="listUsagePayments", response_model=models.Page[records.UsagePayment]
    )
    def list_payments(query: Annotated[PaymentQuery, Query()]) -> Answer:
        """Shares of reports that were paid, by report, work or account."""
        return PAYMENTS.page(context, query)

    @context.get(api, "/duties", operation_id="listDuties", response_model=models.Page[records.Duty])
    def list_duties(query: Annotated[DutyQuery, Query()]) -> Answer:
        """Licenses that owe usage reports: when the next is due, and who is overdue."""
        listing = DUTIES.listing(query)

        def refine(snapshot: Snapshot) -> None:
            if query.overdue is not None:
                overdue = "o.due_at < ?" if query.overdue else "(o.due_at IS NULL OR o.due_at >= ?)"
                listing.where(overdue, now(snapshot))
            if query.due_before is not None:
                listing.where("o.due_at < ?", query.due_before)

        return DUTIES.page(context, query, listing, refine)

    return api
