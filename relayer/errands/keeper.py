# SPDX-License-Identifier: Apache-2.0
"""The keeper: goes through what people are owed, again and again, and has it paid when it is worth the gas.

The indexer says where to look; the chain says, by running the call, what would be paid and what it would cost. The
decision becomes a row of the keeper's own queue, and its lanes do the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable

from ipto.errors import IptoError, NotFoundError
from ipto.rpc import AsyncRpc, RpcError, RpcTransportError
from ipto.services import RefusedError as IndexerRefusal
from ipto.services import ServiceError
from relayer import fees
from relayer.database import StorageError
from relayer.errands.accounts import account_needs
from relayer.errands.claims import Trees, claim_needs
from relayer.errands.collects import collect_needs
from relayer.errands.desk import Desk, Order, Turn
from relayer.errands.requests import Asked
from relayer.errands.settings import KeeperSettings
from relayer.errands.sight import Candidate, Option, Sight
from relayer.errands.worth import Worth
from relayer.simulate import Simulator

log = logging.getLogger("relayer.keeper")

_TOGETHER = 16  # needs looked at on chain at the same time
_RESTING = 100_000  # needs remembered as not worth a look for a while
_REST = 600  # seconds until one that is worth too little is looked at again, for gas may be cheaper then
_LONGEST_REST = 86_400  # one that would fail or pay nothing is left alone twice as long each time


class Keeper:
    """Decides; `step` is one round. Safe to kill anywhere, and beside others on the same queue."""

    def __init__(
        self,
        sight: Sight,
        rpc: AsyncRpc,
        desk: Desk,
        simulator: Simulator,
        worth: Worth,
        trees: Trees | None,
        asked: Asked,
        settings: KeeperSettings,
        sender: str,
        clock: Callable[[], float],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """sender: the lane whose calls are tried. wake: told when something was written into the queue."""
        self._sight, self._rpc, self._desk, self._simulator = sight, rpc, desk, simulator
        self._worth, self._trees, self._asked, self._settings = worth, trees, asked, settings
        self._sender, self._clock, self._wake = sender, clock, wake
        self._walk: AsyncIterator[Candidate] | None = None
        self._resting: OrderedDict[tuple[str, str, int], tuple[int, int]] = OrderedDict()
        self.error: str | None = None  # why the last round failed, for operators
        self.notice: str | None = None  # why nothing is paid at the moment
        self.seen = self.ordered = self.not_worth = 0  # since the start
        self.walked_at = 0  # UTC seconds at which everything had been gone through

    @property
    def wrong_reports(self) -> int:
        """Reports whose shares cannot be made anew here."""
        return len(self._trees.wrong) if self._trees else 0

    async def run(self) -> None:
        """Rounds until cancelled."""
        while True:
            try:
                await self.step()
                self.error = None
            except (RpcError, RpcTransportError, ServiceError, StorageError, IndexerRefusal, NotFoundError) as error:
                self._failed(str(error))
            except Exception as error:
                # A keeper must outlive a surprise, and say so; every round starts from indexer and chain again.
                log.exception("round")
                self._failed(f"{type(error).__name__}: {error}")
            await asyncio.sleep(self._settings.round_seconds)

    def _failed(self, why: str) -> None:
        self._walk = None
        if self.error != why:
            log.warning("%s", why)
        self.error = why

    async def step(self) -> int:
        """Look at up to `checks` needs from where the last round ended; returns how many payouts were ordered."""
        head = await self._rpc.block_number()
        market = await fees.market(self._rpc)
        if fees.first(market, self._settings.max_fee) is None:
            self.notice = "gas costs more than the ceiling; payouts wait"
            return 0
        self.notice = None
        worth = Worth(self._worth.wei, self._worth.ratio, market.base_fee + market.tip, self._settings.overhead_wei)
        before = self.ordered
        turns = await self._gather(worth, head)
        limit = asyncio.Semaphore(_TOGETHER)

        async def settle(candidate: Candidate, turn: Turn) -> None:
            async with limit:
                await self._settle(candidate, turn, worth)

        results = await asyncio.gather(*(settle(*item) for item in turns), return_exceptions=True)
        if self.ordered > before:
            self._wake()
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return self.ordered - before

    async def _gather(self, worth: Worth, head: int) -> list[tuple[Candidate, Turn]]:
        """Those whose time has come."""
        found: list[tuple[Candidate, Turn]] = []
        asked = await asyncio.to_thread(self._asked.all)
        if self._walk is None:
            self._walk = self._candidates(asked)
        while len(found) < self._settings.checks:
            try:
                candidate = await anext(self._walk)
            except StopAsyncIteration:
                self._walk = None
                self.walked_at = int(self._clock())
                break
            except BaseException:
                self._walk = None
                raise
            self.seen += 1
            may = worth.pays(candidate.amount, candidate.currency, candidate.least_gas) and not self._rests(candidate)
            if not may and candidate.need.asked is None:
                continue  # most: they cost nothing but this
            turn = await self._desk.turn(candidate.need, head)
            if turn is not None and (may or turn.asked):
                found.append((candidate, turn))
        return found

    async def _candidates(self, asked: dict[tuple[str, str], int]) -> AsyncIterator[Candidate]:
        # Claims and collects first: what they book is paid out by what follows.
        if self._trees is not None:
            async for candidate in claim_needs(self._sight, self._trees, asked):
                yield candidate
        async for candidate in collect_needs(self._sight, asked):
            yield candidate
        async for candidate in account_needs(self._sight, asked):
            yield candidate

    async def _settle(self, candidate: Candidate, turn: Turn, worth: Worth) -> None:
        fails = True
        try:
            async for option in candidate.options(turn, worth):
                found = await self._try(candidate, turn, option, worth)
                if found is None:
                    return
                fails &= found
        except (NotFoundError, IptoError) as error:
            if isinstance(error, (RpcTransportError, ServiceError, StorageError)):
                raise
            # One need that upsets node or indexer must not stop the others.
            log.warning("%s: %s", turn.need.subject, error)
        self._rest(candidate, fails)

    async def _try(self, candidate: Candidate, turn: Turn, option: Option, worth: Worth) -> bool | None:
        """Have a call made when it is worth it: None when it is settled, else whether the call would fail."""
        settings = self._settings
        cap = min(settings.gas_cap_action, settings.asked_gas_cap) if turn.asked else settings.gas_cap_action
        outcome = await self._simulator.run(self._sender, option.target, option.calldata, cap, exact=turn.asked)
        if not outcome.succeeds:
            log.info("%s: %s: %s", turn.need.subject, option.kind, outcome.reason)
            return True
        amount = int.from_bytes(outcome.returned[:32], "big") if option.amount is None else option.amount
        used = outcome.gas_limit if outcome.used is None else outcome.used
        if not turn.asked and not worth.pays(amount, candidate.currency, used):
            self.not_worth += 1
            return False
        most = outcome.gas_limit * settings.max_fee
        row = await self._desk.order(turn, Order(option.kind, option.target, option.calldata, outcome.gas_limit, most))
        if row is None:
            self.notice = "a budget is used up, or an operator stopped it; payouts wait"
            return None
        self.ordered += 1
        log.info("%s: %s pays %d of %s, action %s", turn.need.subject, option.kind, amount, candidate.currency, row)
        return None

    # --- what is not worth a look ---------------------------------------------------------------------------------

    @staticmethod
    def _key(candidate: Candidate) -> tuple[str, str, int]:
        return candidate.need.subject, candidate.need.marker, candidate.amount

    def _rests(self, candidate: Candidate) -> bool:
        until, _ = self._resting.get(self._key(candidate), (0, 0))
        return until > int(self._clock())

    def _rest(self, candidate: Candidate, fails: bool) -> None:
        key = self._key(candidate)
        _, tries = self._resting.pop(key, (0, 0))
        wait = min(_REST << min(tries, 20), _LONGEST_REST) if fails else _REST
        self._resting[key] = (int(self._clock()) + wait, tries + fails)
        if len(self._resting) > _RESTING:
            self._resting.popitem(last=False)
