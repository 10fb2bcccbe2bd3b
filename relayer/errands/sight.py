# SPDX-License-Identifier: Apache-2.0
"""What errands are decided from: lists from the indexer, and the chain's own word on each thing before it is paid."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ipto import ids
from ipto.chain import Deployment, abi
from ipto.errors import IntegrityError
from ipto.rpc import AsyncRpc
from ipto.services import Indexer
from ipto.structs import Offer
from relayer.errands.desk import Need, Turn
from relayer.errands.worth import Worth

_OFFERS = 20_000  # kept in memory; an offer never changes


@dataclass(frozen=True, slots=True)
class Option:
    """One call that would settle a need. amount: what it pays, smallest unit; None: what the call says it paid."""

    kind: str
    target: str
    calldata: bytes
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A need as the indexer tells it. amount: what may be owed at most. least_gas: what settling it costs at least."""

    need: Need
    currency: str
    amount: int
    least_gas: int
    options: Callable[[Turn, Worth], AsyncIterator[Option]]


class Sight:
    """The indexer and the chain."""

    def __init__(self, indexer: Indexer, rpc: AsyncRpc, deployment: Deployment) -> None:
        self._indexer, self._rpc, self.deployment = indexer, rpc, deployment
        self._offers: OrderedDict[str, Offer] = OrderedDict()

    def has(self, contract: str) -> bool:
        """Whether the deployment has a contract."""
        return contract in self.deployment.contracts

    async def ask(self, path: str, **parameters: Any) -> Any:
        """A resource of the indexer under /v1. Raises ServiceError, NotFoundError, RefusedError."""
        return await asyncio.to_thread(lambda: self._indexer.get(path, **parameters))

    async def items(self, path: str, **parameters: Any) -> AsyncIterator[Any]:
        """All items of a list, page after page."""
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            page = await self.ask(path, **parameters, **more)
            for item in page["items"]:
                yield item
            cursor = page["next"]
            if cursor is None:
                return

    async def view(self, contract: str, function: str, *args: Any) -> Any:
        """What a contract says now. Raises RpcError, RpcTransportError, IntegrityError."""
        call = abi(contract).function(function)
        request = {"to": self.deployment.address(contract), "data": "0x" + call.encode(*args).hex()}
        answer = await self._rpc.call("eth_call", request, "latest")
        return call.decode_output(bytes.fromhex(answer[2:]))

    async def views(self, calls: list[Awaitable[Any]]) -> list[Any]:
        """Many of them, in the order asked."""
        return list(await asyncio.gather(*calls))

    async def offer(self, offer_id: str) -> Offer:
        """A whole offer by its id, whatever the indexer says. Raises IntegrityError when it is another's."""
        if offer_id in self._offers:
            self._offers.move_to_end(offer_id)
            return self._offers[offer_id]
        found = Offer.from_mapping((await self.ask(f"offers/{offer_id}"))["chain"])
        if "0x" + ids.offer_id(found).hex() != offer_id:
            raise IntegrityError(f"the indexer shows another offer for {offer_id}; rebuild it")
        self._offers[offer_id] = found
        if len(self._offers) > _OFFERS:
            self._offers.popitem(last=False)
        return found

    async def time(self) -> int:
        """The newest block's time, UTC seconds."""
        block = await self._rpc.call("eth_getBlockByNumber", "latest", False)
        return int(block["timestamp"], 16)
