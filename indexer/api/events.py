# SPDX-License-Identifier: Apache-2.0
"""The protocol's logs, decoded."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from indexer.api import ids, models
from indexer.api.answers import Answer
from indexer.api.context import Context, answer
from indexer.api.pages import Listing, PageQuery, page
from indexer.api.problems import RESPONSES, bad_filter
from indexer.api.reader import Row, Snapshot
from indexer.schema import LOG_BITS
from indexer.shown import Shower
from ipto.chain import artifact


class EventQuery(PageQuery):
    """Filters of the list of events."""

    name: str | None = Field(None, max_length=64, description="Event name, as in the ABI.")
    contract: str | None = Field(None, max_length=64, description="Contract name.")
    work: str | None = Field(None, description="Work id: events that name it.")
    transaction: str | None = Field(None, description="Transaction hash; within the blocks given.")
    from_block: int | None = Field(None, ge=0, lt=1 << 40)
    to_block: int | None = Field(None, ge=0, lt=1 << 40)


def router(context: Context) -> APIRouter:
    """Operations under /events."""
    api = APIRouter(tags=["events"], responses=RESPONSES)
    known = {name: Shower(artifact(name)["abi"]) for name in context.indexed_contracts}
    names = {event for shower in known.values() for event in shower.names}

    @context.get(api, "/events", operation_id="listEvents", response_model=models.Page[models.Event])
    def list_events(query: Annotated[EventQuery, Query()]) -> Answer:
        """Everything that happened, or what happened to one work."""
        if query.name is not None and query.name not in names:
            raise bad_filter(f"no contract has an event {query.name!r}; there are {', '.join(sorted(names))}")
        if query.contract is not None and query.contract not in known:
            raise bad_filter(f"there is no contract {query.contract!r}; there are {', '.join(known)}")
        columns = "o.*, b.hash AS block_hash, b.timestamp"
        listing = Listing("events", columns, f"JOIN blocks b ON b.number = o.seq >> {LOG_BITS}")
        if query.work is not None:
            listing.equal("work", ids.token_id(query.work, "work"))
        if query.name is not None:
            listing.equal("name", query.name)
        if query.contract is not None:
            listing.where("o.contract = ?", query.contract)
        if query.transaction is not None:
            listing.where("o.tx = ?", ids.bytes32(query.transaction, "a transaction hash"))
        if query.from_block is not None:
            listing.from_seq = query.from_block << LOG_BITS
        if query.to_block is not None:
            listing.to_seq = ((query.to_block + 1) << LOG_BITS) - 1
        with context.reader.snapshot() as snapshot:
            return answer(
                snapshot, page(snapshot, listing, query, lambda row: _event(known[row["contract"]], snapshot, row))
            )

    return api


def _event(shower: Shower, snapshot: Snapshot, row: Row) -> dict[str, Any]:
    """models.Event"""
    return {
        "contract": row["contract"],
        "name": row["name"] or None,
        "args": shower.arguments(row["topics"], row["data"]),
        "block": row["seq"] >> LOG_BITS,
        "log_index": row["seq"] & ((1 << LOG_BITS) - 1),
        "at": row["timestamp"],
        "transaction": ids.show_digest(row["tx"]),
        "finality": snapshot.finality(row["seq"], row["block_hash"]),
    }
