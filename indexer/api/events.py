# SPDX-License-Identifier: Apache-2.0
"""The protocol's logs, decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from indexer.api import ids, models
from indexer.api.context import Context, answer
from indexer.api.pages import Listing, PageQuery, page
from indexer.api.problems import RESPONSES, bad_filter
from indexer.api.reader import Row, Snapshot
from indexer.decode import EventDecoder, event_decoder
from indexer.schema import LOG_BITS
from indexer.service import INDEXED
from ipto.chain import artifact

Show = Callable[[Any], Any]

_JSON_BITS = 53  # beyond this a JSON number is not exact everywhere


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
    known = {name: _Shower(artifact(name)["abi"]) for name in INDEXED}
    names = {event for shower in known.values() for event in shower.names}

    @context.get(api, "/events", operation_id="listEvents", response_model=models.Page[models.Event])
    def list_events(query: Annotated[EventQuery, Query()]) -> Response:
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
                snapshot, page(snapshot, listing, query, lambda row: known[row["contract"]].show(snapshot, row))
            )

    return api


class _Shower:
    """Shows one contract's logs."""

    def __init__(self, abi: list[dict[str, Any]]) -> None:
        self._events: dict[bytes, tuple[EventDecoder, list[Show]]] = {}
        for item in abi:
            if item["type"] == "event":
                decoder = event_decoder(item)
                self._events[decoder.topic] = (decoder, [_show(part) for part in item["inputs"]])
        self.names = {decoder.name for decoder, _ in self._events.values()}

    def show(self, snapshot: Snapshot, row: Row) -> dict[str, Any]:
        """models.Event"""
        args: dict[str, Any] = {}
        found = self._events.get(row["topics"][:32])
        if found:
            decoder, shows = found
            values = decoder.decode(row["topics"], row["data"])
            args = {name: show(value) for name, show, value in zip(decoder.names, shows, values, strict=True)}
        return {
            "contract": row["contract"],
            "name": row["name"] or None,
            "args": args,
            "block": row["seq"] >> LOG_BITS,
            "log_index": row["seq"] & ((1 << LOG_BITS) - 1),
            "at": row["timestamp"],
            "transaction": ids.show_digest(row["tx"]),
            "finality": snapshot.finality(row["seq"], row["block_hash"]),
        }


def _show(part: Mapping[str, Any]) -> Show:
    """How a value of an ABI parameter is written in JSON."""
    kind = part["type"]
    if kind.endswith("]"):
        item = _show({**part, "type": kind[: kind.rindex("[")]})
        return lambda values: [item(value) for value in values]
    if kind == "tuple":
        fields = [(component["name"], _show(component)) for component in part["components"]]
        return lambda values: {name: show(value) for (name, show), value in zip(fields, values, strict=True)}
    if kind == "address":
        return ids.show_address
    if kind.startswith("uint") and int(kind[4:]) > _JSON_BITS:
        return str
    return lambda value: "0x" + value.hex() if isinstance(value, bytes) else value
