# SPDX-License-Identifier: Apache-2.0
"""How errands travel on a lane: each in a transaction of its own, and only while it still does something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ipto.chain import abi
from ipto.rpc import RpcError, quantity
from relayer.cargo import Cargo, Packer, single
from relayer.errands import PAYOUTS, REFILL
from relayer.records import Action
from relayer.simulate import Outcome, Simulator, is_revert, words_of
from relayer.transactions import Call

NOTHING = "nothing would be paid"
# Payouts that say how much they moved.
_TELLING = frozenset(
    abi(name).function(function).selector for name, function in PAYOUTS.values() if abi(name).function(function).outputs
)


class ErrandPacker(Packer):
    """Recipients may burn gas and tokens may lie: no payout shares a transaction with another one's."""

    def pack(self, actions: Sequence[Action]) -> list[Cargo]:
        """The transactions for these actions, in order."""
        return [refill(action) if action.kind == REFILL else single(action) for action in actions]


def refill(action: Action) -> Cargo:
    """ETH for a lane; the queue keeps the amount where other actions have their call."""
    return Cargo((action,), Call(action.target, b"", action.gas_limit, int.from_bytes(action.calldata, "big")))


class PayoutSimulator(Simulator):
    """A payout that would move nothing counts as one that fails: it is not worth any gas."""

    async def run(self, sender: str, to: str, data: bytes, gas_cap: int, *, exact: bool = False) -> Outcome:
        """As `Simulator.run`; `returned` is always told."""
        outcome = await super().run(sender, to, data, gas_cap, exact=exact)
        if not outcome.succeeds or data[:4] not in _TELLING:
            return outcome
        if not outcome.returned:
            call = {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(outcome.gas_limit)}
            try:
                answer = await self._rpc.call("eth_call", call, self._block)
            except RpcError as error:
                if not is_revert(error):
                    raise
                return Outcome(0, words_of(error))
            outcome = replace(outcome, returned=bytes.fromhex(answer[2:]))
        return outcome if any(outcome.returned) else Outcome(0, NOTHING)


class RefillSimulator(Simulator):
    """A transfer of ETH: whether the receiver takes it is all there is to ask."""

    async def run(self, sender: str, to: str, data: bytes, gas_cap: int, *, exact: bool = True) -> Outcome:  # noqa: ARG002
        """`data` is the amount."""
        call = {"from": sender, "to": to, "value": hex(int.from_bytes(data, "big")), "gas": hex(gas_cap)}
        try:
            used = quantity(await self._rpc.call("eth_estimateGas", call, self._block))
        except RpcError as error:
            if not is_revert(error):
                raise
            return Outcome(0, words_of(error))
        return Outcome(min(gas_cap, used + used // 8), None, used=used)
