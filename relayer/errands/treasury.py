# SPDX-License-Identifier: Apache-2.0
"""The treasury: keeps lanes in gas money, within limits, and never twice for one need.

A need is a lane that has less than the threshold, seen in a block that is not older than the lane's last refill. The
refill is a row of the treasury's own queue before anything is signed, one open row for each lane; the budgets of that
queue are the caps, for the amount and the gas are set aside before and booked after.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from ipto.rpc import AsyncRpc, RpcError, RpcTransportError, quantity
from relayer.database import Database, StorageError
from relayer.errands import REFILL
from relayer.errands.desk import Desk, Need, Order
from relayer.errands.settings import TreasurySettings
from relayer.simulate import Simulator

log = logging.getLogger("relayer.treasury")


class Treasury:
    """Decides; `step` is one round."""

    def __init__(
        self,
        rpc: AsyncRpc,
        desk: Desk,
        database: Database,
        simulator: Simulator,
        settings: TreasurySettings,
        sender: str,
        gas_cap: int,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """sender: the treasury's own address. wake: told when something was written into the queue."""
        self._rpc, self._desk, self._database, self._simulator = rpc, desk, database, simulator
        self._settings, self._sender, self._gas_cap, self._wake = settings, sender, gas_cap, wake
        self.error: str | None = None  # why the last round failed, for operators
        self.needy: dict[str, str] = {}  # lane below the threshold → what is being done about it, or why nothing
        self.capped: set[str] = set()  # lanes that a limit keeps from being refilled
        self.balances: dict[str, int] = {}
        self.looked_at = 0  # UTC seconds at which every lane had been looked at

    async def run(self) -> None:
        """Rounds until cancelled."""
        while True:
            try:
                await self.step()
                self.error = None
            except (RpcError, RpcTransportError, StorageError) as error:
                self._failed(str(error))
            except Exception as error:
                log.exception("round")
                self._failed(f"{type(error).__name__}: {error}")
            await asyncio.sleep(self._settings.round_seconds)

    def _failed(self, why: str) -> None:
        if self.error != why:
            log.warning("%s", why)
        self.error = why

    async def step(self) -> int:
        """Look at every lane; returns how many refills were ordered."""
        ordered = 0
        for lane in self._settings.lanes:
            # The block first: the balance must not be of an earlier one than the last refill's.
            head = await self._rpc.block_number()
            balance = quantity(await self._rpc.call("eth_getBalance", lane, hex(head)))
            self.balances[lane] = balance
            if balance >= self._settings.threshold_wei:
                self.needy.pop(lane, None)
                self.capped.discard(lane)
            else:
                ordered += await self._refill(lane, head, self._settings.target_wei - balance)
        self.looked_at = int(time.time())
        if ordered:
            self._wake()
        return ordered

    async def _refill(self, lane: str, head: int, amount: int) -> bool:
        self.needy.setdefault(lane, "it is being refilled")
        # How often it was refilled names the need: whoever decides on the same state writes the same row.
        need = Need(lane, f"refill {await asyncio.to_thread(self._refills, lane)}")
        turn = await self._desk.turn(need, head)
        if turn is None:
            return False
        data = amount.to_bytes(32, "big")
        outcome = await self._simulator.run(self._sender, lane, data, self._gas_cap)
        if not outcome.succeeds:
            self._tell(lane, f"it cannot be refilled: {outcome.reason}")
            return False
        most = amount + outcome.gas_limit * self._settings.max_fee
        row = await self._desk.order(turn, Order(REFILL, lane, data, outcome.gas_limit, most))
        if row is None:
            self.capped.add(lane)
            self._tell(lane, "a limit of the treasury is reached, or an operator stopped it")
            return False
        self.capped.discard(lane)
        self._tell(lane, "it is being refilled")
        log.info("lane %s gets %d wei, action %s", lane, amount, row)
        return True

    def _refills(self, lane: str) -> int:
        rows = self._database.read("SELECT count(*) AS n FROM actions WHERE signer = ? AND state = 'final'", lane)
        return int(rows[0]["n"])

    def _tell(self, lane: str, words: str) -> None:
        if self.needy.get(lane) != words:
            log.warning("lane %s: %s", lane, words)
        self.needy[lane] = words
