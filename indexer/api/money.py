# SPDX-License-Identifier: Apache-2.0
"""Accounts, splits, payouts and earnings."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from indexer.api import ids, models, shapes
from indexer.api.answers import Answer
from indexer.api.context import Context, answer
from indexer.api.ids import show_account, show_amount
from indexer.api.kinds import Kind, Show, each
from indexer.api.pages import Listing, PageQuery
from indexer.api.problems import RESPONSES, not_found
from indexer.api.reader import Row, Snapshot
from indexer.ledger import Recipient, unpack_shares
from indexer.schema import ZERO20

_MANY = 100  # currencies and splits of one account that are shown; the ledger has all
_BLOCK = "JOIN blocks b ON b.number = o.changed >> 20 LEFT JOIN currencies y ON y.currency = o.currency"

Movement = Literal[
    "credited", "booked_in", "booked_out", "distributed", "share_booked", "share_sent", "withdrawn", "refused"
]
_PAYOUTS = ("share_sent", "withdrawn")  # money that left the vault
AccountPath = Annotated[str, Path(max_length=80, description="Address, or 32 bytes in 0x hex.")]


class LedgerQuery(PageQuery):
    """Filters of an account's ledger."""

    currency: str | None = Field(None, description="ERC-20 address; ETH is 0xEeee…EEeE.")
    kind: Movement | None = None


class PayoutQuery(PageQuery):
    """Filters of the list of payouts."""

    account: str | None = Field(None, description="Who was paid: address, or 32 bytes in 0x hex.")
    currency: str | None = Field(None, description="ERC-20 address; ETH is 0xEeee…EEeE.")


class SplitQuery(PageQuery):
    """Filters of the list of splits."""

    account: str | None = Field(None, description="A recipient: address, or 32 bytes in 0x hex.")


def _balances(snapshot: Snapshot, account: bytes) -> list[dict[str, Any]]:
    rows = snapshot.all(
        f"SELECT o.*, b.hash AS block_hash, y.symbol, y.decimals FROM balances o {_BLOCK} "  # noqa: S608
        "WHERE o.account = ? ORDER BY o.currency LIMIT ?",
        (account, _MANY),
    )
    return [_balance(snapshot, row) for row in rows]


def _balance(snapshot: Snapshot, row: Row) -> dict[str, Any]:
    def amount(*names: str) -> dict[str, Any]:
        value = sum(int.from_bytes(row[name]) for name in names)
        return show_amount(value, row["currency"], row["symbol"], row["decimals"])

    return {
        "currency": ids.show_address(row["currency"]),
        "balance": amount("balance"),
        "earned": amount("credited", "booked_in", "shared_in", "pushed"),
        "credited": amount("credited"),
        "booked_in": amount("booked_in"),
        "from_splits": amount("shared_in", "pushed"),
        "paid_out": amount("withdrawn", "pushed"),
        "booked_out": amount("booked_out"),
        "distributed": amount("distributed"),
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _split(snapshot: Snapshot, row: Row, *, whole: bool) -> dict[str, Any]:
    split = row["split"]
    received: dict[bytes, list[dict[str, Any]]] = {}
    if whole:
        paid = snapshot.all(
            "SELECT o.*, y.symbol, y.decimals FROM split_paid o LEFT JOIN currencies y ON y.currency = o.currency "
            "WHERE o.split = ? ORDER BY o.account, o.currency LIMIT 6400",
            (split,),
        )
        for had in paid:
            money = (had["currency"], had["symbol"], had["decimals"])
            shown = {"amount": show_amount(had["amount"], *money), "sent": show_amount(had["pushed"], *money)}
            received.setdefault(had["account"], []).append(shown)
    return {
        "split": ids.show_digest(split),
        "controller": None if row["controller"] == ZERO20 else ids.show_address(row["controller"]),
        "recipients": [
            {"account": show_account(account), "share": share, "received": received.get(account, [])}
            for account, share in unpack_shares(row["shares"])
        ],
        "balances": _balances(snapshot, split) if whole else [],
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _sales(snapshot: Snapshot, row: Row) -> dict[str, Any]:
    money = (row["currency"], row["symbol"], row["decimals"])
    price = int.from_bytes(row["price"])
    split = snapshot.one("SELECT shares FROM splits WHERE split = ?", row["payee"])
    people = unpack_shares(split["shares"]) if split else [Recipient(row["payee"], 1_000_000)]
    return {
        "payee": show_account(row["payee"]),
        "licenses": row["licenses"],
        "price": show_amount(price, *money),
        "fee": show_amount(row["fee"], *money),
        "people": [
            {
                "account": show_account(account),
                "share": share,
                "amount": show_amount(price * share // 1_000_000, *money),
            }
            for account, share in people
        ],
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _splits(snapshot: Snapshot, whole: bool) -> Show:
    return lambda row: _split(snapshot, row, whole=whole)


LINES = Kind("ledger", shapes.LINE_COLUMNS, shapes.LINE_JOINS, each(shapes.line), by_line=True)
SPLITS = Kind(
    "splits", "o.*, b.hash AS block_hash", "JOIN blocks b ON b.number = o.changed >> 20", _splits,
    (), "split", "split", partial(ids.bytes32, what="a split"),
)  # fmt: skip


def _ledger(query: PageQuery, account: str | None, currency: str | None) -> Listing:
    listing = LINES.listing(query)
    if account is not None:
        listing.equal("account", ids.account(account))
    if currency is not None:
        listing.where("o.currency = ?", ids.address(currency))
    return listing


def router(context: Context) -> APIRouter:
    """Operations on money."""
    api = APIRouter(responses=RESPONSES)

    @context.get(
        api, "/accounts/{account}", operation_id="getAccount", tags=["accounts"], response_model=models.AccountState
    )
    def get_account(account: AccountPath) -> Answer:
        """An account's balances: earned, paid out, still booked. One that nothing ever happened to has none."""
        key = ids.account(account)
        with context.reader.snapshot() as snapshot:
            named = snapshot.one("SELECT redirect, accepted_by FROM accounts WHERE account = ?", key)
            members = snapshot.all("SELECT split, share FROM members WHERE account = ? LIMIT ?", (key, _MANY))
            body = {
                "account": show_account(key),
                "redirect": ids.show_some_address(named["redirect"]) if named else None,
                "accepted_by": ids.show_some_address(named["accepted_by"]) if named else None,
                "balances": _balances(snapshot, key),
                "splits": [{"split": ids.show_digest(row["split"]), "share": row["share"]} for row in members],
            }
            return answer(snapshot, body)

    @context.get(
        api,
        "/accounts/{account}/ledger",
        operation_id="listLedger",
        tags=["accounts"],
        response_model=models.Page[models.LedgerLine],
    )
    def list_ledger(account: AccountPath, query: Annotated[LedgerQuery, Query()]) -> Answer:
        """Every movement of an account's money."""
        listing = _ledger(query, account, query.currency)
        if query.kind is not None:
            listing.where("o.kind = ?", query.kind)
        return LINES.page(context, query, listing)

    @context.get(
        api, "/payouts", operation_id="listPayouts", tags=["payouts"], response_model=models.Page[models.LedgerLine]
    )
    def list_payouts(query: Annotated[PayoutQuery, Query()]) -> Answer:
        """Money that left the vault: shares sent by splits, and withdrawals."""
        listing = _ledger(query, query.account, query.currency)
        listing.where("o.kind IN (?, ?)", *_PAYOUTS)
        return LINES.page(context, query, listing)

    @context.get(
        api,
        "/splits",
        operation_id="listSplits",
        tags=["splits"],
        response_model=models.Page[models.Split],
    )
    def list_splits(query: Annotated[SplitQuery, Query()]) -> Answer:
        """Splits, by recipient."""
        listing = SPLITS.listing(query)
        if query.account is not None:
            listing.source = "members"
            listing.columns = "s.*, b.hash AS block_hash"
            listing.joins = "JOIN splits s ON s.split = o.split JOIN blocks b ON b.number = s.changed >> 20"
            listing.equal("account", ids.account(query.account))
        return SPLITS.page(context, query, listing)

    @context.get(
        api,
        "/splits/{split}",
        operation_id="getSplit",
        tags=["splits"],
        response_model=models.Split,
    )
    def get_split(split: Annotated[str, Path(max_length=80)]) -> Answer:
        """One split: its recipients, what each has had, and what is still to be divided."""
        return SPLITS.one(context, split)

    @context.get(
        api, "/works/{work}/earnings", operation_id="getEarnings", tags=["works"], response_model=models.Earnings
    )
    def get_earnings(work: Annotated[str, Path(max_length=80)]) -> Answer:
        """What a work's licenses brought, and each person's part of it."""
        key = ids.token_id(work, "work")
        with context.reader.snapshot() as snapshot:
            if snapshot.one("SELECT 1 FROM works WHERE work = ?", key) is None:
                raise not_found(f"work {work}")
            rows = snapshot.all(
                f"SELECT o.*, b.hash AS block_hash, y.symbol, y.decimals FROM sales o {_BLOCK} "  # noqa: S608
                "WHERE o.work = ? ORDER BY o.currency, o.payee LIMIT ?",
                (key, _MANY),
            )
            body = {
                "work": str(int.from_bytes(key)),
                "work_hex": ids.show_digest(key),
                "sales": [_sales(snapshot, row) for row in rows],
            }
            return answer(snapshot, body)

    return api
