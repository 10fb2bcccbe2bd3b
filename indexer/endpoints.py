# SPDX-License-Identifier: Apache-2.0
"""Several nodes as one: the healthiest is asked, the next one when it fails.

A node's score is how long its answers take, times the questions it is busy with. One that fails rests, longer each time
it fails again, and is asked before its time only when all of them rest. No answer is believed because of who gave it:
`fetch` checks what it gets, whoever it is from.
"""

from __future__ import annotations

import functools
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from ipto.errors import InputError
from ipto.rpc import AsyncRpc, Call, RpcError, RpcTimeoutError, RpcTooLargeError, RpcTransportError

log = logging.getLogger(__name__)

RATE = re.compile(r"rate.?limit|429|too many requests|throttl|capacity|credits", re.I)
_SMOOTH = 0.2  # weight of the newest answer in the average
_FIRST_REST = 0.5  # seconds
_LONGEST_REST = 60.0


@dataclass(slots=True)
class Health:
    """What is known of one node. seconds: average time of an answer; rests_until: on the monotonic clock."""

    seconds: float = 0.05
    busy: int = 0
    failures: int = 0
    rests_until: float = 0.0
    answered: int = 0
    failed: int = 0

    def score(self) -> float:
        """Smaller is better."""
        return self.seconds * (1 + self.busy)


@dataclass(slots=True)
class _Node:
    rpc: AsyncRpc
    health: Health = field(default_factory=Health)


class Endpoints:
    """The interface of AsyncRpc over one or more nodes. Use as an async context manager, or call `aclose`."""

    def __init__(self, urls: Sequence[str], *, timeout: float = 30.0) -> None:
        """urls: http(s) endpoints, at least one. timeout: seconds for one request."""
        if not urls:
            raise InputError("name at least one RPC endpoint")
        self._nodes = [_Node(AsyncRpc(url, timeout=timeout)) for url in urls]

    def health(self) -> list[Health]:
        """Each node's health, in the order of the URLs."""
        return [node.health for node in self._nodes]

    async def call(self, method: str, *params: Any) -> Any:
        """As AsyncRpc.call. Raises what the last node that was asked raised."""
        return await self._ask(lambda rpc: rpc.call(method, *params))

    async def batch(self, calls: Sequence[Call]) -> list[Any]:
        """As AsyncRpc.batch; all answers are of one node."""
        return list(await self._ask(functools.partial(_batch, calls)))

    async def try_batch(self, calls: Sequence[Call]) -> list[Any]:
        """As AsyncRpc.try_batch; all answers are of one node."""
        return list(await self._ask(lambda rpc: rpc.try_batch(calls)))

    async def aclose(self) -> None:
        """Give the connections back."""
        for node in self._nodes:
            await node.rpc.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _ask(self, ask: Callable[[AsyncRpc], Awaitable[Any]]) -> Any:
        now = time.monotonic()
        order = sorted(self._nodes, key=lambda node: (max(0.0, node.health.rests_until - now), node.health.score()))
        for left, node in zip(range(len(order) - 1, -1, -1), order, strict=True):
            try:
                return await self._time(node, ask)
            except (RpcTransportError, RpcError) as error:
                if not self._is_the_nodes_fault(error):
                    raise
                self._rest(node)
                if not left:
                    raise
                log.info("%s; asking another node", error)
        raise AssertionError("unreachable")

    async def _time(self, node: _Node, ask: Callable[[AsyncRpc], Awaitable[Any]]) -> Any:
        health = node.health
        start = time.monotonic()
        health.busy += 1
        try:
            answer = await ask(node.rpc)
        finally:
            health.busy -= 1
        health.seconds += _SMOOTH * (time.monotonic() - start - health.seconds)
        health.failures = 0
        health.answered += 1
        return answer

    @staticmethod
    def _is_the_nodes_fault(error: Exception) -> bool:
        # A question that takes too long, or brings too much, does so at the next node: the caller asks a smaller one.
        if isinstance(error, (RpcTimeoutError, RpcTooLargeError)):
            return False
        return isinstance(error, RpcTransportError) or RATE.search(str(error)) is not None

    @staticmethod
    def _rest(node: _Node) -> None:
        health = node.health
        health.failures += 1
        health.failed += 1
        rest = min(_LONGEST_REST, _FIRST_REST * 2 ** min(health.failures - 1, 10))
        health.rests_until = time.monotonic() + rest


async def _batch(calls: Sequence[Call], rpc: AsyncRpc) -> list[Any]:
    """A batch, one by one where a node knows no batches; of one node either way."""
    try:
        return await rpc.batch(calls)
    except RpcTransportError as error:
        if "does not support batches" not in str(error):
            raise
    return [await rpc.call(method, *params) for method, params in calls]
