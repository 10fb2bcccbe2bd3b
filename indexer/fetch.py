# SPDX-License-Identifier: Apache-2.0
"""Logs and headers from a node, in order, checked against each other.

Two ways: `bulk` ranges of blocks that are final take one eth_getLogs and two headers; `tight` ranges of blocks that a
reorg may still take away get every header, and each log must belong to the header of its block. A block whose bloom
filter says it may hold our logs but that brought none is asked again by its hash.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from eth_hash.auto import keccak

from indexer.schema import LOG_BITS
from ipto.errors import IptoError
from ipto.rpc import Call, RpcError, RpcTimeoutError, RpcTooLargeError, RpcTransportError, quantity

TARGET_LOGS = 10_000  # of one answer: enough to be fast, little enough for memory and for providers' limits
_SILENCES = 2  # times a block is asked again that should have logs of ours
_CHECKED = 200  # blocks whose headers are fetched at once
_TOO_MUCH = re.compile(
    r"too many|too large|too wide|more than \d+|exceed|limit|range|timed? ?out|response size|result window", re.I
)
_SUGGESTED = re.compile(r"\[\s*(0x[0-9a-f]+)\s*,\s*(0x[0-9a-f]+)\s*\]", re.I)


class Node(Protocol):
    """Who is asked: `AsyncRpc`, or several as `endpoints.Endpoints`."""

    async def call(self, method: str, *params: Any) -> Any:
        """One method's result."""
        ...

    async def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Several results, all of one node."""
        ...

    async def try_batch(self, calls: Sequence[Call]) -> list[Any]:
        """The same, with errors in their places."""
        ...


class NotThereError(IptoError, LookupError):
    """The node does not have a block it should have: it lags behind, or the chain was reorganised meanwhile."""


class Header(NamedTuple):
    """What is kept of a block's header; times in UTC seconds."""

    number: int
    hash: bytes
    parent: bytes
    timestamp: int
    bloom: bytes = b""


class Log(NamedTuple):
    """One log. `topics` is all topics in one string of 32-byte words."""

    seq: int
    block: int
    block_hash: bytes
    timestamp: int
    contract: str
    tx: bytes
    topics: bytes
    data: bytes


class Segment(NamedTuple):
    """All logs of the blocks first..last. `parent` is the hash of the block before; `headers` are all headers when the
    segment is tight, else the last one."""

    first: int
    last: int
    parent: bytes
    headers: list[Header]
    logs: list[Log]
    tight: bool


class _TooWideError(Exception):
    """A range has to be cut; the fetcher's width is already what the next may have."""


class Fetcher:
    """Reads one chain. contracts: name by 20-byte address. width: blocks of the first range; max_width: of any.

    attempts: how often a question is put; patience: seconds before the second time, doubled each time after.
    check_headers: also for final blocks fetch every header, so that a node that leaves logs out is found out by the
    blocks' bloom filters; costs a header a block."""

    def __init__(
        self,
        rpc: Node,
        contracts: Mapping[bytes, str],
        *,
        width: int = 32,
        max_width: int = 50_000,
        concurrency: int = 3,
        attempts: int = 5,
        check_headers: bool = False,
        patience: float = 0.1,
    ) -> None:
        self._rpc = rpc
        self._names = {"0x" + address.hex(): name for address, name in contracts.items()}
        self._blooms = [_bloom_bits(address) for address in contracts]
        self._max_width = min(max_width, _CHECKED) if check_headers else max_width
        self._width = min(width, self._max_width)
        self._concurrency = concurrency
        self._attempts = attempts
        self._check_headers = check_headers
        self._patience = patience

    async def chain_id(self) -> int:
        """The chain the node serves."""
        return quantity(await self._retry("eth_chainId"))

    async def head(self) -> Header:
        """The newest block's header."""
        return await self._tagged("latest")

    async def finalized(self) -> int | None:
        """The number of the newest finalized block; None when the node does not know the tag."""
        try:
            return (await self._tagged("finalized")).number
        except (RpcError, NotThereError):
            return None

    async def header(self, number: int) -> Header | None:
        """The header of a block; None when the node has no such block."""
        block = await self._retry("eth_getBlockByNumber", hex(number), False)
        return None if block is None else _header(block)

    async def headers(self, numbers: list[int]) -> list[Header | None]:
        """The headers of some blocks, None for those the node does not have."""
        found: list[Header | None] = []
        for at in range(0, len(numbers), 100):
            calls = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers[at : at + 100]]
            for block in await self._patiently(functools.partial(self._rpc.batch, calls)):
                found.append(None if block is None else _header(block))
        return found

    async def bulk(self, first: int, last: int) -> AsyncGenerator[Segment, None]:
        """Segments that cover first..last in order, several fetched at once, as wide as the node bears."""
        waiting: deque[tuple[int, asyncio.Task[Segment]]] = deque()
        start = first
        try:
            while waiting or start <= last:
                while start <= last and len(waiting) < self._concurrency:
                    end = min(last, start + self._width - 1)
                    waiting.append((start, asyncio.create_task(self._bulk(start, end))))
                    start = end + 1
                begin, task = waiting.popleft()
                try:
                    segment = await task
                except _TooWideError:
                    # What was asked for after it is as wide. Nothing is kept of it: memory is bounded by few answers.
                    await _drop(waiting)
                    start = begin
                    continue
                self._learn(segment)
                yield segment
        finally:
            await _drop(waiting)

    async def tight(self, first: int, last: int) -> Segment:
        """One segment of blocks that are not final. Raises NotThereError when the node's answers do not fit together:
        ask again."""
        found = await self.headers(list(range(first, last + 1)))
        headers = [header for header in found if header is not None]
        if len(headers) != len(found):
            raise NotThereError(f"the node has not all of the blocks {first} to {last}")
        for before, after in itertools.pairwise(headers):
            if after.parent != before.hash:
                raise NotThereError(f"block {after.number} does not follow the block before it: the chain is moving")
        if first == last:
            raw = await self._logs(blockHash="0x" + headers[0].hash.hex())
        else:
            raw = await self._logs(fromBlock=hex(first), toBlock=hex(last))
        logs = self._read(raw, {header.number: header.timestamp for header in headers})
        spoke = {log.block for log in logs}
        # Also of a single block: a replica may know the newest header before it knows its logs.
        for header in headers:
            if header.number not in spoke and self._may_hold(header.bloom):
                logs += await self._ask_again(header)
        logs.sort()
        hashes = {header.number: header.hash for header in headers}
        if any(hashes.get(log.block) != log.block_hash for log in logs):
            raise NotThereError(f"the logs of the blocks {first} to {last} belong to other blocks: the chain is moving")
        return Segment(first, last, headers[0].parent, headers, logs, tight=True)

    # ---- internal ---------------------------------------------------------------------------------------

    async def _ask_again(self, header: Header) -> list[Log]:
        """The logs of a block whose filter says it may hold ours but that brought none. A filter may err that way:
        after some more silence it is believed."""
        for _ in range(_SILENCES):
            again = await self._logs(blockHash="0x" + header.hash.hex())
            if again:
                return self._read(again, {header.number: header.timestamp})
        return []

    async def _bulk(self, first: int, last: int) -> Segment:
        calls: list[Call] = [
            ("eth_getLogs", [{"address": list(self._names), "fromBlock": hex(first), "toBlock": hex(last)}]),
            ("eth_getBlockByNumber", [hex(first), False]),
            ("eth_getBlockByNumber", [hex(last), False]),
        ]
        try:
            if self._check_headers:
                segment = await self.tight(first, last)
                return segment._replace(headers=segment.headers[-1:], tight=False)
            # In one batch, so that one node answers all of it: a node that does not have the last block yet says so,
            # instead of leaving its logs out.
            raw, *edges = await self._patiently(functools.partial(self._rpc.batch, calls))
        except (RpcError, RpcTimeoutError, RpcTooLargeError) as error:
            is_size = isinstance(error, (RpcTimeoutError, RpcTooLargeError)) or _TOO_MUCH.search(str(error))
            if first == last or not is_size:
                raise
            self._width = max(1, min(self._width, _middle(str(error), first, last) - first + 1))
            raise _TooWideError from error
        opening, closing = (None if block is None else _header(block) for block in edges)
        if not isinstance(raw, list):
            raise RpcTransportError("the node answered eth_getLogs without a list; check the RPC URL")
        if opening is None or closing is None:
            raise NotThereError(f"the node has not all of the blocks {first} to {last}")
        unknown = sorted({quantity(log["blockNumber"]) for log in raw if not log.get("blockTimestamp")})
        times = {header.number: header.timestamp for header in await self.headers(unknown) if header}
        logs = sorted(self._read(raw, times))
        hashes = {opening.number: opening.hash, closing.number: closing.hash}
        for log in logs:
            if hashes.setdefault(log.block, log.block_hash) != log.block_hash:
                raise NotThereError(f"block {log.block} has two hashes: the chain is moving")
        return Segment(first, last, opening.parent, [closing], logs, tight=False)

    def _learn(self, segment: Segment) -> None:
        blocks = segment.last - segment.first + 1
        if blocks < self._width // 2:
            return
        wished = blocks * TARGET_LOGS // max(1, len(segment.logs))
        self._width = max(1, min(self._max_width, 2 * self._width, wished))

    async def _logs(self, **where: str) -> list[dict[str, Any]]:
        result = await self._retry("eth_getLogs", {"address": list(self._names), **where})
        if not isinstance(result, list):
            raise RpcTransportError("the node answered eth_getLogs without a list; check the RPC URL")
        return result

    async def _retry(self, method: str, *params: Any) -> Any:
        return await self._patiently(lambda: self._rpc.call(method, *params))

    async def _patiently(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Reading is safe to repeat. An error the node states itself is not repeated, unless it asks for patience."""
        for attempt in range(self._attempts):
            try:
                return await ask()
            except (RpcTimeoutError, RpcTooLargeError):
                raise
            except (RpcTransportError, RpcError) as error:
                patience = not isinstance(error, RpcError) or re.search(r"rate|429|too many requests", str(error), re.I)
                if not patience or attempt == self._attempts - 1:
                    raise
                await asyncio.sleep(self._patience * 2**attempt)
        raise AssertionError("unreachable")

    async def _tagged(self, tag: str) -> Header:
        block = await self._retry("eth_getBlockByNumber", tag, False)
        if block is None:
            raise NotThereError(f"the node has no {tag} block")
        return _header(block)

    def _read(self, raw: list[dict[str, Any]], times: Mapping[int, int]) -> list[Log]:
        seen: dict[int, Log] = {}
        for item in raw:
            name = self._names.get(item["address"].lower())
            if name is None or item.get("removed"):
                continue
            block = int(item["blockNumber"], 16)
            seq = (block << LOG_BITS) + int(item["logIndex"], 16)
            time = times.get(block)
            if time is None:
                stamp = item.get("blockTimestamp")
                if stamp is None:
                    raise NotThereError(f"the node does not know when block {block} was made")
                time = int(stamp, 16)
            seen[seq] = Log(
                seq,
                block,
                bytes.fromhex(item["blockHash"][2:]),
                time,
                name,
                bytes.fromhex(item["transactionHash"][2:]),
                bytes.fromhex("".join([topic[2:] for topic in item["topics"]])),
                bytes.fromhex(item["data"][2:]),
            )
        return list(seen.values())

    def _may_hold(self, bloom: bytes) -> bool:
        bits = int.from_bytes(bloom)
        return any(bits & wanted == wanted for wanted in self._blooms)


async def _drop(waiting: deque[tuple[int, asyncio.Task[Segment]]]) -> None:
    tasks = [task for _, task in waiting]
    waiting.clear()
    for task in tasks:
        task.cancel()
    # What they found, errors included, is of no use: their blocks are asked for again.
    await asyncio.gather(*tasks, return_exceptions=True)


def _header(block: Mapping[str, Any]) -> Header:
    return Header(
        quantity(block["number"]),
        bytes.fromhex(block["hash"][2:]),
        bytes.fromhex(block["parentHash"][2:]),
        quantity(block["timestamp"]),
        bytes.fromhex(block.get("logsBloom", "0x")[2:]),
    )


def _bloom_bits(address: bytes) -> int:
    """The three bits an address sets in a block's 2048-bit filter (Yellow Paper, 4.3.1)."""
    digest = keccak(address)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2]) & 2047)
    return bits


def _middle(message: str, first: int, last: int) -> int:
    """Where to cut a range the node found too large: where it says, else in the middle."""
    if found := _SUGGESTED.search(message):
        start, end = (int(part, 16) for part in found.groups())
        if start == first and first <= end < last:
            return end
    return (first + last) // 2
