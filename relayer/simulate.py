# SPDX-License-Identifier: Apache-2.0
"""What a call would do, asked of the node before anything is accepted or signed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ipto.rpc import AsyncRpc, RpcError, RpcTransportError, quantity, revert_reason

# The measure is exact for the state it saw; other people's transactions may make the same call a little dearer
# (a first use of a storage word costs 17,100 more).
_SLACK = 40_000
# How nodes say that the code ran and came to a bad end: go-ethereum, Erigon and Nethermind in words, reth and anvil by
# the names of revm's halts. A wallet chooses which.
_RAN = (
    "revert", "out of gas", "outofgas", "gas required exceeds", "invalid opcode", "opcodenotfound", "feopcode",
    "invalid jump", "invalidjump", "stack underflow", "stackunderflow", "stack limit", "stack overflow",
    "stackoverflow", "bad instruction", "badinstruction", "bad jump", "write protection",
    "statechangeduringstaticcall", "callnotallowedinsidestatic", "return data out of bounds", "outofoffset",
    "max code size", "createcontractsizelimit",
)  # fmt: skip
_METHOD_NOT_FOUND = -32601
_UNKNOWN_METHOD = ("not found", "not exist", "not available", "not supported", "unsupported")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`gas_limit` to send with, or the `reason` why the call would fail."""

    gas_limit: int
    reason: str | None
    returned: bytes = b""  # where the node says it
    used: int | None = None  # likewise; after refunds

    @property
    def succeeds(self) -> bool:
        """Whether the call would go through."""
        return self.reason is None


def is_revert(error: RpcError) -> bool:
    """Whether the node ran the call and it failed, as against a node in trouble."""
    words = error.message.lower()
    return error.code == 3 or error.reason is not None or any(sign in words for sign in _RAN)


def words_of(error: RpcError) -> str:
    """A revert's reason as a sentence part."""
    if error.reason:
        return error.reason
    words = error.message.lower()
    if "gas" in words and "revert" not in words:
        return "it needs more gas than the relayer gives"
    return "the contract refused without a reason"


def limit_for(used: int) -> int:
    """The gas limit for a call that used so much, as the node told it after refunds of up to a fifth; each call inside
    it passes on 63/64 of what is left."""
    return used + used // 4 + used // 16 + _SLACK


def used_of(limit: int) -> int:
    """About what a call uses that has this gas limit: the reverse of `limit_for`."""
    return max(0, (limit - _SLACK) * 16 // 21)


class Simulator:
    """Runs calls on the node's newest state. Once is enough where the node has `eth_simulateV1`, which says the gas
    used along with the result; elsewhere `eth_estimateGas` searches for it, at a dozen runs a call."""

    def __init__(self, rpc: AsyncRpc, block: str) -> None:
        self._rpc, self._block = rpc, block
        self._has_v1 = True

    async def run(self, sender: str, to: str, data: bytes, gas_cap: int, *, exact: bool = False) -> Outcome:
        """Run a call as `sender` with at most `gas_cap` gas and measure what it needs.

        exact: for calls whose outcome depends on the gas they are given, as contract accounts' may.
        Raises RpcError or RpcTransportError when the node could not tell.
        """
        call = {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(gas_cap)}
        if self._has_v1 and not exact:
            try:
                return await self._simulate(call, gas_cap)
            except RpcError as error:
                words = error.message.lower()
                if error.code != _METHOD_NOT_FOUND and not any(sign in words for sign in _UNKNOWN_METHOD):
                    raise
                self._has_v1 = False
        return await self._estimate(call, gas_cap)

    async def _simulate(self, call: dict[str, str], gas_cap: int) -> Outcome:
        plan = {"blockStateCalls": [{"calls": [call]}], "validation": False}
        answer = await self._rpc.call("eth_simulateV1", plan, self._block)
        try:
            result = answer[0]["calls"][0]
            succeeded, used, returned = quantity(result["status"]), quantity(result["gasUsed"]), result["returnData"]
        except (KeyError, IndexError, TypeError):
            raise RpcTransportError("the node's eth_simulateV1 has no result; is this an Ethereum node?") from None
        if succeeded != 1:
            error = result.get("error") or {}
            message = str(error.get("message", "")) if isinstance(error, dict) else ""
            return Outcome(0, revert_reason(returned) or words_of(RpcError(3, message, returned)))
        return replace(_within(gas_cap, used, limit_for(used)), returned=bytes.fromhex(returned[2:]), used=used)

    async def _estimate(self, call: dict[str, str], gas_cap: int) -> Outcome:
        try:
            await self._rpc.call("eth_call", call, self._block)
            estimate = quantity(await self._rpc.call("eth_estimateGas", call, self._block))
        except RpcError as error:
            if is_revert(error):
                return Outcome(0, words_of(error))
            raise
        return _within(gas_cap, estimate, estimate + estimate // 8 + _SLACK)


def _within(gas_cap: int, needed: int, limit: int) -> Outcome:
    if needed > gas_cap:
        return Outcome(0, f"it needs {needed} gas, the relayer gives at most {gas_cap}")
    return Outcome(min(gas_cap, limit), None)


async def revert_words(rpc: AsyncRpc, sender: str, to: str, data: bytes, gas: int, block: int) -> str:
    """Why a mined call failed, by running it again on the state its block left. Best effort: it may say little."""
    call = {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": hex(gas)}
    try:
        await rpc.call("eth_call", call, hex(block))
    except RpcError as error:
        if is_revert(error):
            return words_of(error)
    return "the state of the chain at that moment"
