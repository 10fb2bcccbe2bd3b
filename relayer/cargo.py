# SPDX-License-Identifier: Apache-2.0
"""How actions travel: which go into one transaction, and what a receipt says about each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipto.chain import abi
from ipto.rpc import RpcTransportError, quantity
from ipto.typed_data import MAX_BATCH_CALL_BYTES, MAX_BATCH_CALLS
from relayer.records import Action, Attempt, InFlight, Mined, Result
from relayer.settings import Settings
from relayer.transactions import Call, call_of

_ITEM_GAS = 6_000  # of one call in a batch, beside its own limit
_BATCH_GAS = 60_000  # of a batch: memory for its longest
# Part of the slack in an action's gas limit that it can do without in a batch, for what its first uses of contracts
# would cost is paid once for all.
_SPARED = 12_000
_FAILED = "0x" + abi("SignedActions").event("ActionFailed").topic.hex()


@dataclass(frozen=True, slots=True)
class Cargo:
    """Actions of one transaction, in order, and the call that carries them."""

    actions: tuple[Action, ...]
    call: Call


def single(action: Action) -> Cargo:
    """An action in a transaction of its own."""
    return Cargo((action,), Call(action.target, action.calldata, action.gas_limit))


class Packer:
    """Puts signed actions that go out at the same time into one `execute_many`, which is cheaper for each of them.

    Contract accounts travel alone, for their code runs; so do purchases, which are calls of another contract.
    """

    def __init__(self, signed_actions: str, settings: Settings) -> None:
        self._signed, self._settings = signed_actions, settings

    def pack(self, actions: Sequence[Action]) -> list[Cargo]:
        """Transactions for these actions. A signer's stay in order."""
        cargos: list[Cargo] = []
        batch: list[Action] = []
        spent = 0
        for action in actions:
            if action.target != self._signed or action.by_contract or len(action.calldata) > MAX_BATCH_CALL_BYTES:
                if any(action.signer == other.signer for other in batch):
                    cargos += self._close(batch)
                    batch, spent = [], 0
                cargos.append(single(action))
                continue
            full = len(batch) == min(self._settings.batch, MAX_BATCH_CALLS)
            if full or spent + action.gas_limit > self._settings.gas_cap_batch:
                cargos += self._close(batch)
                batch, spent = [], 0
            batch.append(action)
            spent += action.gas_limit
        return cargos + self._close(batch)

    def _close(self, batch: Sequence[Action]) -> list[Cargo]:
        if len(batch) < 2:
            return [single(action) for action in batch]
        inner = [action.gas_limit - _intrinsic(action.calldata) - _SPARED for action in batch]
        data = abi("SignedActions").function("execute_many").encode([action.calldata for action in batch], inner)
        execution = sum(inner) + max(inner) // 63 + _ITEM_GAS * len(batch) + _BATCH_GAS
        call = Call(self._signed, data, max(_intrinsic(data) + execution, _floor(data)))
        # What was set aside for each pays for all together, or they travel alone.
        if call.gas > sum(action.gas_limit for action in batch):
            return [single(action) for action in batch]
        return [Cargo(tuple(batch), call)]


def _intrinsic(data: bytes) -> int:
    """Gas of a transaction before it runs (EIP-2028)."""
    zeros = data.count(0)
    return 21_000 + 4 * zeros + 16 * (len(data) - zeros)


def _floor(data: bytes) -> int:
    """Gas of a transaction with this data at least (EIP-7623)."""
    zeros = data.count(0)
    return 21_000 + 10 * (zeros + 4 * (len(data) - zeros))


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` divided by weight, to the last unit; no share is above its weight's proportion rounded up."""
    whole, given, passed = sum(weights), 0, 0
    parts = []
    for weight in weights:
        passed += weight
        upto = total * passed // whole
        parts.append(upto - given)
        given = upto
    return parts


def read_receipt(item: InFlight, attempt: Attempt, receipt: Mapping[str, Any]) -> Mined:
    """What a receipt of one of the slot's transactions says. Raises RpcTransportError when it cannot be read."""
    try:
        succeeded = quantity(receipt["status"]) == 1
        cost = quantity(receipt["gasUsed"]) * quantity(receipt["effectiveGasPrice"])
        # Rollups charge for their data besides.
        cost += quantity(receipt["l1Fee"]) if receipt.get("l1Fee") else 0
        call = call_of(attempt.raw)
        cost += call.value if succeeded else 0
        number, block_hash = quantity(receipt["blockNumber"]), str(receipt["blockHash"])
    except KeyError as error:
        raise RpcTransportError(f"the node's receipt has no {error}; is this an Ethereum node?") from None
    costs = shares(cost, [action.gas_limit for action in item.actions])
    refused = _refused(receipt, call.to) if len(item.actions) > 1 else {}
    results = tuple(
        Result(None if attempt.cancels else succeeded and place not in refused, part, refused.get(place))
        for place, part in enumerate(costs)
    )
    return Mined(attempt.hash, number, block_hash, results)


def _refused(receipt: Mapping[str, Any], signed_actions: str) -> dict[int, str]:
    """Which calls of a batch were refused, and why in words."""
    found = {}
    for log in receipt.get("logs", ()):
        topics = log["topics"]
        # Whatever an action calls may log what it likes, but not as this contract.
        if len(topics) == 2 and topics[0] == _FAILED and log["address"].lower() == signed_actions.lower():
            text = bytes.fromhex(log["data"][2:]).rstrip(b"\0")
            words = text.decode("ascii", "replace") if text.isascii() and text else ""
            found[quantity(topics[1])] = words or "the contract refused without a reason"
    return found
