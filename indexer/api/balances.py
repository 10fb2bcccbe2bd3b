# SPDX-License-Identifier: Apache-2.0
"""Money that rests in the vault and that anyone can push out: what a keeper goes through, account by account."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from indexer.api import ids, models
from indexer.api.answers import Answer
from indexer.api.context import Context, answer
from indexer.api.ids import show_account, show_amount
from indexer.api.pages import SCAN
from indexer.api.problems import RESPONSES, bad_id
from indexer.api.reader import Row, Snapshot
from indexer.ledger import unpack_shares
from indexer.schema import ZERO20, ZERO32

_CURSOR = re.compile(r"0x[0-9a-f]{104}")
# Sub-accounts (tag 2) belong to contracts, which move them by themselves.
_PAYABLE = "balance <> ? AND NOT (account >= ? AND account < ?)"
_SUB_ACCOUNTS = (bytes([2]) + bytes(31), bytes([3]) + bytes(31))


class BalanceQuery(BaseModel):
    """A page of the list of balances."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=500, description="Most items of a page.")
    cursor: str | None = Field(None, max_length=106, description="`next` of the page before.")


class SplitShare(BaseModel):
    """One recipient of a split."""

    account: str = Field(description="32 bytes, 0x hex.")
    share: int = Field(description="Of 1,000,000.")


class SplitPreimage(BaseModel):
    """A split as `pay_out` of the vault takes it."""

    controller: str | None
    shares: list[SplitShare]


class RestingBalance(BaseModel):
    """What is booked to an account in one currency."""

    account: models.Account
    balance: models.Amount
    left_before: models.Amount = Field(description="All that ever left the account: it rises with every payout.")
    split: SplitPreimage | None = Field(description="null: not a split, or one that was never declared.")
    finality: models.Finality


def router(context: Context) -> APIRouter:
    """`GET /balances`."""
    api = APIRouter(responses=RESPONSES)

    @context.get(
        api, "/balances", operation_id="listBalances", tags=["accounts"], response_model=models.Page[RestingBalance]
    )
    def list_balances(query: Annotated[BalanceQuery, Query()]) -> Answer:
        """Balances above zero of people, splits and invited people, by account. A page can be shorter than its limit
        while `next` is there."""
        after = (b"", b"")
        if query.cursor is not None:
            if not _CURSOR.fullmatch(query.cursor):
                raise bad_id(query.cursor, "a cursor: take `next` of the page before")
            raw = bytes.fromhex(query.cursor[2:])
            after = (raw[:32], raw[32:])
        with context.reader.snapshot() as snapshot:
            return answer(snapshot, _page(snapshot, after, query.limit))

    return api


def _page(snapshot: Snapshot, after: tuple[bytes, bytes], limit: int) -> dict[str, Any]:
    # Most balances are zero: a page looks at so many rows at most, whatever it finds in them.
    seen = "SELECT * FROM balances WHERE (account, currency) > (?, ?) ORDER BY account, currency LIMIT ?"
    rows = snapshot.all(
        f"SELECT o.*, b.hash AS block_hash, y.symbol, y.decimals, s.controller, s.shares FROM ({seen}) o "  # noqa: S608
        "JOIN blocks b ON b.number = o.changed >> 20 LEFT JOIN currencies y ON y.currency = o.currency "
        f"LEFT JOIN splits s ON s.split = o.account WHERE {_PAYABLE} ORDER BY o.account, o.currency LIMIT ?",
        (*after, SCAN, ZERO32, *_SUB_ACCOUNTS, limit + 1),
    )
    place = None
    if len(rows) > limit:
        rows = rows[:limit]
        place = (rows[-1]["account"], rows[-1]["currency"])
    elif edge := snapshot.all(f"SELECT account, currency FROM ({seen}) o LIMIT 1 OFFSET ?", (*after, SCAN, SCAN - 1)):  # noqa: S608
        place = (edge[0]["account"], edge[0]["currency"])
    return {
        "items": [_show(snapshot, row) for row in rows],
        "next": None if place is None else "0x" + (place[0] + place[1]).hex(),
        "indexed": {"block": snapshot.at.number, "hash": "0x" + snapshot.at.hash.hex()},
    }


def _show(snapshot: Snapshot, row: Row) -> dict[str, Any]:
    money = (row["currency"], row["symbol"], row["decimals"])
    left = sum(int.from_bytes(row[name]) for name in ("distributed", "withdrawn"))
    split = None
    if row["shares"]:
        split = {
            "controller": None if row["controller"] == ZERO20 else ids.show_address(row["controller"]),
            "shares": [
                {"account": "0x" + account.hex(), "share": share} for account, share in unpack_shares(row["shares"])
            ],
        }
    return {
        "account": show_account(row["account"]),
        "balance": show_amount(row["balance"], *money),
        "left_before": show_amount(left, *money),
        "split": split,
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }
