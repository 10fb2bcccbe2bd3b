# SPDX-License-Identifier: Apache-2.0
"""How actions travel: which go into one transaction, and what a receipt says about each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipto.rpc import RpcTransportError, quantity
from relayer.records import Action, Attempt, InFlight, Mined, Result
from relayer.transactions import Call


@dataclass(frozen=True, slots=True)
class Cargo:
    """Actions of one transaction, in order, and the call that carries them."""

    actions: tuple[Action, ...]
    call: Call


def single(action: Action) -> Cargo:
    """An action in a transaction of its own."""
    return Cargo((action,), Call(action.target, action.calldata, action.gas_limit))


def pack(actions: Sequence[Action]) -> list[Cargo]:
    """Transactions for these actions, in their order."""
    return [single(action) for action in actions]


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
        number, block_hash = quantity(receipt["blockNumber"]), str(receipt["blockHash"])
    except KeyError as error:
        raise RpcTransportError(f"the node's receipt has no {error}; is this an Ethereum node?") from None
    costs = shares(cost, [action.gas_limit for action in item.actions])
    results = tuple(Result(None if attempt.cancels else succeeded, part) for part in costs)
    return Mined(attempt.hash, number, block_hash, results)
