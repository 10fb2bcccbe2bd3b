# SPDX-License-Identifier: Apache-2.0
"""What a call would do, asked of the node before anything is accepted or signed."""

from __future__ import annotations

from dataclasses import dataclass

from ipto.rpc import AsyncRpc, RpcError, quantity

# The estimate is exact for the state it saw; other people's transactions may make the same call a little dearer
# (a first use of a storage word costs 17,100 more).
_SLACK = 40_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """`gas_limit` to send with, or the `reason` why the call would fail."""

    gas_limit: int
    reason: str | None

    @property
    def succeeds(self) -> bool:
        """Whether the call would go through."""
        return self.reason is None


def is_revert(error: RpcError) -> bool:
    """Whether the node ran the call and it failed, as against a node in trouble."""
    words = error.message.lower()
    return (
        error.code == 3
        or error.reason is not None
        or any(sign in words for sign in ("revert", "out of gas", "gas required exceeds", "invalid opcode", "outofgas"))
    )


def words_of(error: RpcError) -> str:
    """A revert's reason as a sentence part."""
    if error.reason:
        return error.reason
    words = error.message.lower()
    if "gas" in words and "revert" not in words:
        return "it needs more gas than the relayer gives"
    return "the contract refused without a reason"


async def simulate(rpc: AsyncRpc, sender: str, to: str, data: bytes, gas_cap: int, block: str) -> Outcome:
    """Run a call as `sender` on `block` with at most `gas_cap` gas and measure what it needs.

    Raises RpcError or RpcTransportError when the node could not tell.
    """
    call = {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(gas_cap)}
    try:
        await rpc.call("eth_call", call, block)
        estimate = quantity(await rpc.call("eth_estimateGas", call, block))
    except RpcError as error:
        if is_revert(error):
            return Outcome(0, words_of(error))
        raise
    if estimate > gas_cap:
        return Outcome(0, f"it needs {estimate} gas, the relayer gives at most {gas_cap}")
    return Outcome(min(gas_cap, estimate + estimate // 8 + _SLACK), None)


async def revert_words(rpc: AsyncRpc, sender: str, to: str, data: bytes, gas: int, block: int) -> str:
    """Why a mined call failed, by running it again on the state its block left. Best effort: it may say little."""
    call = {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(gas)}
    try:
        await rpc.call("eth_call", call, hex(block))
    except RpcError as error:
        if is_revert(error):
            return words_of(error)
    return "the state of the chain at that moment"
