# SPDX-License-Identifier: Apache-2.0
"""The history as it happens: server-sent events, resumed by `Last-Event-ID`, taken back when the chain reorganises.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio.to_thread
import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from indexer.api import ids
from indexer.api.context import Context
from indexer.api.heads import Head
from indexer.api.limits import client_of
from indexer.api.pages import SCAN
from indexer.api.problems import RESPONSES, bad_filter, not_ready
from indexer.api.reader import Row, Snapshot
from indexer.schema import LOG_BITS
from indexer.shown import Shower
from ipto.chain import artifact

_BATCH = 200
_KEEP_ALIVE = 15.0  # seconds
_REMEMBERED = 5_000  # events sent, to be taken back
_MAX_STREAMS = 200
_MAX_OF_ONE = 20  # streams of one client
_ID = re.compile(r"(\d{1,19})-([0-9a-f]{16})")


class StreamQuery(BaseModel):
    """What to hear of."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=64, description="Event name, as in the ABI.")
    contract: str | None = Field(None, max_length=64, description="Contract name.")
    work: str | None = Field(None, max_length=80, description="Work id: events that name it.")
    from_block: int | None = Field(None, ge=0, lt=1 << 40, description="Start there; without it, with what comes next.")


def router(context: Context) -> APIRouter:
    """GET /stream."""
    api = APIRouter(prefix="/v1", tags=["events"], responses=RESPONSES)
    showers = {name: Shower(artifact(name)["abi"]) for name in context.indexed_contracts}
    running: Counter[str] = Counter()

    @api.get("/stream", operation_id="streamEvents", response_class=StreamingResponse)
    async def stream(
        request: Request, query: Annotated[StreamQuery, Query()], last_event_id: Annotated[str | None, Header()] = None
    ) -> StreamingResponse:
        """Events as they are indexed, one `event: log` each; `event: removed` names one a reorganisation took away;
        `event: reset` says to ask again from `block` on. `id` is for `Last-Event-ID`."""
        found = None if not last_event_id else _ID.fullmatch(last_event_id)
        if last_event_id and found is None:
            raise bad_filter("Last-Event-ID is not an id of this stream; leave it out to start anew")
        client = client_of(request.scope)
        if running.total() >= _MAX_STREAMS or running[client] >= _MAX_OF_ONE:
            raise not_ready("too many streams at once; ask again, or run an indexer of your own")
        follow = _Follow(context, showers, query)
        if found is not None:
            await follow.resume(int(found[1]), bytes.fromhex(found[2]))
        else:
            await follow.start()

        async def counted() -> AsyncIterator[bytes]:
            running[client] += 1
            try:
                async for part in follow.run():
                    yield part
            finally:
                running[client] -= 1
                if not running[client]:
                    del running[client]

        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        return StreamingResponse(counted(), media_type="text/event-stream", headers=headers)

    return api


class _Follow:
    """One client's place in the history."""

    def __init__(self, context: Context, showers: dict[str, Shower], query: StreamQuery) -> None:
        self._context = context
        self._showers = showers
        self._last = -1
        self._sent: deque[tuple[int, bytes]] = deque(maxlen=_REMEMBERED)
        self._first: list[bytes] = []
        self._seen: Head = (-1, b"")
        # How far was looked where nothing was to be sent: the block there, so that it is noticed when it goes.
        self._edge: tuple[int, bytes] | None = None
        conditions: dict[bool, list[str]] = {True: ["seq > ?"], False: []}
        values: dict[bool, list[Any]] = {True: [], False: []}
        for column, value in (
            ("name", query.name),
            ("contract", query.contract),
            ("work", None if query.work is None else ids.token_id(query.work, "work")),
        ):
            if value is not None:
                # One filter has an index; others are tested on a bounded number of events.
                indexed = column != "contract" and not values[True]
                conditions[indexed].append(f"{column} = ?")
                values[indexed].append(value)
        self._bare = not conditions[False]
        self._values = (*values[True], *values[False])
        self._edge_values = tuple(values[True])
        self._among = f"SELECT * FROM events WHERE {' AND '.join(conditions[True])} ORDER BY seq LIMIT {SCAN}"  # noqa: S608
        self._sql = (
            f"SELECT e.*, b.hash AS block_hash, b.timestamp FROM ({self._among}) e "  # noqa: S608
            f"JOIN blocks b ON b.number = e.seq >> {LOG_BITS} WHERE {' AND '.join(conditions[False]) or 'TRUE'} "
            "ORDER BY e.seq LIMIT ?"
        )
        self._from_block = query.from_block

    async def start(self) -> None:
        block = self._from_block
        if block is None:
            block = (await self._context.heads.at())[0] + 1
        self._last = (block << LOG_BITS) - 1

    async def resume(self, seq: int, block_hash: bytes) -> None:
        """Go on after an event, unless the chain does not have it any more."""

        def look(snapshot: Snapshot) -> bool:
            return _stands(snapshot, seq, block_hash)

        if await self._ask(look):
            self._last = seq
            self._sent.append((seq, block_hash))
            return
        block = seq >> LOG_BITS
        self._last = (block << LOG_BITS) - 1
        self._first.append(_message("reset", f"{max(self._last, 0)}-{'0' * 16}", {"block": block}))

    async def run(self) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        for part in self._first:
            yield part
        while True:
            removed, rows, further = await self._ask(self._look)
            for seq, block_hash in removed:
                yield _message(
                    "removed", f"{seq}-{block_hash.hex()}", {"block": seq >> LOG_BITS, "log_index": _index(seq)}
                )
            for row in rows:
                self._sent.append((row["seq"], row["block_hash"][:8]))
                self._last = row["seq"]
                yield _message("log", f"{row['seq']}-{row['block_hash'][:8].hex()}", self._show(row))
            if rows or removed or further:
                continue
            if not await self._context.heads.change(self._seen, _KEEP_ALIVE):
                yield b": still here\n\n"

    def _look(self, snapshot: Snapshot) -> tuple[list[tuple[int, bytes]], list[Row], bool]:
        """What was taken back, what is new, and whether there is more to look at."""
        self._seen = (snapshot.at.number, snapshot.at.hash)
        removed: list[tuple[int, bytes]] = []
        while self._sent:
            seq, block_hash = self._sent[-1]
            if _stands(snapshot, seq, block_hash):
                break
            removed.append(self._sent.pop())
            self._last = min(self._last, ((seq >> LOG_BITS) << LOG_BITS) - 1)
        if self._edge is not None and (removed or not _stands(snapshot, *self._edge)):
            self._edge = None
        after = self._last if self._edge is None else max(self._last, self._edge[0])
        rows = snapshot.all(self._sql, (after, *self._values, _BATCH))
        if rows or self._bare:
            return removed, rows, False
        last = f"SELECT a.seq, b.hash FROM ({self._among}) a JOIN blocks b ON b.number = a.seq >> {LOG_BITS}"  # noqa: S608
        edge = snapshot.one(f"{last} ORDER BY a.seq LIMIT 1 OFFSET {SCAN - 1}", after, *self._edge_values)
        if edge is not None:
            self._edge = (edge["seq"], edge["hash"][:8])
        return removed, rows, edge is not None

    def _show(self, row: Row) -> dict[str, Any]:
        shower = self._showers.get(row["contract"])
        return {
            "contract": row["contract"],
            "name": row["name"] or None,
            "args": shower.arguments(row["topics"], row["data"]) if shower else {},
            "block": row["seq"] >> LOG_BITS,
            "block_hash": "0x" + row["block_hash"].hex(),
            "log_index": _index(row["seq"]),
            "at": row["timestamp"],
            "transaction": "0x" + row["tx"].hex(),
        }

    async def _ask(self, look: Any) -> Any:
        def once() -> Any:
            with self._context.reader.snapshot() as snapshot:
                return look(snapshot)

        return await anyio.to_thread.run_sync(once) if self._context.reader.remote else once()


def _stands(snapshot: Snapshot, seq: int, block_hash: bytes) -> bool:
    """Whether an event's block is still on the chain."""
    row = snapshot.one("SELECT hash FROM blocks WHERE number = ?", seq >> LOG_BITS)
    return row is not None and row["hash"][:8] == block_hash


def _index(seq: int) -> int:
    return seq & ((1 << LOG_BITS) - 1)


def _message(kind: str, number: str, data: dict[str, Any]) -> bytes:
    return f"id: {number}\nevent: {kind}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
