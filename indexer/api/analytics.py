# SPDX-License-Identifier: Apache-2.0
"""What was sold, by day, work, usage and licensee: for one creator, or for everybody. As JSON or CSV."""

from __future__ import annotations

import csv
import datetime
import io
from collections import defaultdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from indexer.api import ids, models, shapes
from indexer.api.answers import Answer, Keep
from indexer.api.context import Context, answer
from indexer.api.ids import show_account, show_address, show_amount
from indexer.api.problems import RESPONSES, bad_filter
from indexer.api.reader import Row, Snapshot
from ipto.structs import Usage

_ROWS = 50_000  # sales one answer looks at
_DAY = 86_400


class EarningsQuery(BaseModel):
    """How earnings are grouped, and which."""

    model_config = ConfigDict(extra="forbid")

    by: Literal["day", "work", "usage", "licensee"] = "day"
    since: int = Field(0, ge=0, lt=1 << 40, description="UTC seconds, inclusive.")
    until: int = Field((1 << 40) - 1, ge=0, lt=1 << 40, description="UTC seconds, exclusive.")
    format: Literal["json", "csv"] = "json"


class Line(models._Model):
    """One group in one currency."""

    key: str = Field(description="A day (UTC), a work's id, usages joined by +, or an address.")
    licenses: int
    amount: models.Amount


class Grouped(models._Model):
    """Earnings by group."""

    account: models.Account | None
    by: str
    lines: list[Line]
    complete: bool = Field(description="False when there were more sales than one answer looks at: narrow the time.")
    indexed: models.Indexed


class Network(models._Model):
    """The protocol in numbers."""

    works: int
    offers: int
    licenses: int
    datasets: int
    dataset_licenses: int
    ai_models: int
    reports: int
    disputes: int
    splits: int
    sold: list[models.Amount] = Field(description="Prices of all licenses of works and datasets.")
    fees: list[models.Amount]
    indexed: models.Indexed


# With `format=csv` the answer is a file for a spreadsheet.
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


def router(context: Context) -> APIRouter:
    """Operations under /analytics."""
    api = APIRouter(tags=["analytics"], responses=RESPONSES)

    @context.get(
        api, "/analytics/creators/{account}", operation_id="getCreatorAnalytics", response_model=Grouped, responses=_CSV
    )
    def creator(account: Annotated[str, Path(max_length=80)], query: Annotated[EarningsQuery, Query()]) -> Answer:
        """What the licenses of works this account registered, or that name it as payee, brought."""
        key = ids.account(account)
        with context.reader.snapshot() as snapshot:
            return _grouped(snapshot, query, key)

    @context.get(api, "/analytics/network", operation_id="getNetwork", response_model=Network)
    def network() -> Answer:
        """Counts and sums over everything."""
        with context.reader.snapshot() as snapshot:
            return answer(snapshot, _network(snapshot))

    @context.get(api, "/analytics/sales", operation_id="getSales", response_model=Grouped, responses=_CSV)
    def sales(query: Annotated[EarningsQuery, Query()]) -> Answer:
        """What all licenses of works brought."""
        with context.reader.snapshot() as snapshot:
            return _grouped(snapshot, query, None)

    return api


def _grouped(snapshot: Snapshot, query: EarningsQuery, account: bytes | None) -> Answer:
    if query.since >= query.until:
        raise bad_filter("since must be before until")
    rows = _sales(snapshot, query, account)
    totals: dict[tuple[str, bytes], list[int]] = defaultdict(lambda: [0, 0])
    named: dict[bytes, Row] = {}
    for row in rows:
        group = totals[(_key(row, query.by), row["currency"])]
        group[0] += 1
        group[1] += int.from_bytes(row["price"])
        named[row["currency"]] = row
    lines = [
        {
            "key": key,
            "licenses": count,
            "amount": show_amount(total, currency, named[currency]["symbol"], named[currency]["decimals"]),
        }
        for (key, currency), (count, total) in sorted(totals.items())
    ]
    if query.format == "csv":
        return _csv(snapshot, query.by, lines)
    return answer(
        snapshot,
        {
            "account": None if account is None else show_account(account),
            "by": query.by,
            "lines": lines,
            "complete": len(rows) < _ROWS,
            "indexed": {"block": snapshot.at.number, "hash": "0x" + snapshot.at.hash.hex()},
        },
    )


def _sales(snapshot: Snapshot, query: EarningsQuery, account: bytes | None) -> list[Row]:
    columns = "l.issued_at, l.work, l.licensee, l.price, l.currency, y.symbol, y.decimals, f.usages"
    joins = "LEFT JOIN currencies y ON y.currency = l.currency LEFT JOIN offers f ON f.offer_id = l.offer_id"
    times = (query.since, query.until, _ROWS)
    if account is None:
        sql = f"SELECT {columns} FROM licenses l {joins} WHERE l.issued_at >= ? AND l.issued_at < ? "  # noqa: S608
        return snapshot.all(sql + "ORDER BY l.seq DESC LIMIT ?", times)
    if account.startswith(bytes(12)):
        # A person: the works it registered.
        sql = (
            f"SELECT {columns} FROM works w JOIN licenses l ON l.work = w.work {joins} "  # noqa: S608
            "WHERE w.creator = ? AND l.issued_at >= ? AND l.issued_at < ? ORDER BY l.seq DESC LIMIT ?"
        )
        return snapshot.all(sql, (account[12:], *times))
    sql = (
        f"SELECT {columns} FROM sales p JOIN licenses l ON l.work = p.work AND l.payee = p.payee "  # noqa: S608
        f"AND l.currency = p.currency {joins} "
        "WHERE p.payee = ? AND l.issued_at >= ? AND l.issued_at < ? ORDER BY l.seq DESC LIMIT ?"
    )
    return snapshot.all(sql, (account, *times))


def _key(row: Row, by: str) -> str:
    if by == "day":
        day = row["issued_at"] - row["issued_at"] % _DAY
        return datetime.datetime.fromtimestamp(day, datetime.UTC).strftime("%Y-%m-%d")
    if by == "work":
        return str(int.from_bytes(row["work"]))
    if by == "usage":
        return "+".join(shapes.names_of(Usage, row["usages"] or 0)) or "unknown"
    return show_address(row["licensee"])


def _csv(snapshot: Snapshot, by: str, lines: list[dict[str, Any]]) -> Answer:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([by, "licenses", "amount", "currency", "symbol", "decimals"])
    for line in lines:
        amount = line["amount"]
        # A spreadsheet must not take a token's symbol for a formula.
        symbol = "".join(c for c in amount["symbol"] or "" if c.isalnum())
        writer.writerow(
            [line["key"], line["licenses"], amount["amount"], amount["currency"], symbol, amount["decimals"]]
        )
    headers = [
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"x-indexed-block", b"%d" % snapshot.at.number),
        (b"content-disposition", f'attachment; filename="sales-by-{by}.csv"'.encode()),
    ]
    return Answer(out.getvalue().encode(), headers, keep=Keep.STATE)


_COUNTED = {
    "works": "works",
    "offers": "offers",
    "licenses": "licenses",
    "datasets": "datasets",
    "dataset_licenses": "dataset_licenses",
    "ai_models": "models",
    "reports": "reports",
    "disputes": "cases",
    "splits": "splits",
}


def _network(snapshot: Snapshot) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, table in _COUNTED.items():
        row = snapshot.one(f"SELECT count(*) AS count FROM {table}")  # noqa: S608  # our own names
        body[name] = row["count"] if row else 0
    sold: dict[bytes, list[int]] = defaultdict(lambda: [0, 0])
    known: dict[bytes, Row] = {}
    rows = snapshot.all(
        "SELECT o.currency, o.price, o.fee, y.symbol, y.decimals FROM turnover o "
        "LEFT JOIN currencies y ON y.currency = o.currency ORDER BY o.currency LIMIT 1000"
    )
    for row in rows:
        sold[row["currency"]][0] += int.from_bytes(row["price"])
        sold[row["currency"]][1] += int.from_bytes(row["fee"])
        known[row["currency"]] = row
    for place, name in ((0, "sold"), (1, "fees")):
        body[name] = [
            show_amount(both[place], currency, known[currency]["symbol"], known[currency]["decimals"])
            for currency, both in sold.items()
        ]
    body["indexed"] = {"block": snapshot.at.number, "hash": "0x" + snapshot.at.hash.hex()}
    return body
