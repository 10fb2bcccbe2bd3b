# SPDX-License-Identifier: Apache-2.0
"""Fees of EIP-1559 transactions from `eth_feeHistory`, under the operator's ceiling. All amounts are wei per gas."""

from __future__ import annotations

from dataclasses import dataclass

from ipto.rpc import AsyncRpc, RpcTransportError, quantity

# A tip below this is dropped by most nodes; it is what an idle chain is offered.
MIN_TIP = 10**8
# Nodes demand 10 % on both fields of a replacement (geth) or a little more; 12.5 % satisfies all we know.
BUMP_NUMERATOR, BUMP_DENOMINATOR = 9, 8
_BLOCKS = 10
_PERCENTILE = 60


@dataclass(frozen=True, slots=True)
class Market:
    """What the next block asks for, and what others tip."""

    base_fee: int
    tip: int


@dataclass(frozen=True, slots=True)
class Fees:
    """The two fields of a transaction."""

    max_fee: int
    priority_fee: int


async def market(rpc: AsyncRpc) -> Market:
    """The next block's base fee and the median of recent blocks' tips. Raises RpcError or RpcTransportError."""
    history = await rpc.call("eth_feeHistory", hex(_BLOCKS), "latest", [_PERCENTILE])
    try:
        base_fee = quantity(history["baseFeePerGas"][-1])
        rewards = [quantity(row[0]) for row in history.get("reward") or [] if row]
    except (KeyError, IndexError, TypeError):
        raise RpcTransportError("the node's eth_feeHistory has no base fees; is this an EIP-1559 chain?") from None
    # Empty blocks report zero, which says nothing about what a block producer takes.
    paid = sorted(reward for reward in rewards if reward > 0)
    return Market(base_fee, max(MIN_TIP, paid[len(paid) // 2] if paid else 0))


def first(now: Market, ceiling: int) -> Fees | None:
    """Fees of a first transaction: room for the base fee to double. None when the ceiling is below the market."""
    if now.base_fee + min(now.tip, MIN_TIP) > ceiling:
        return None
    return Fees(min(2 * now.base_fee + now.tip, ceiling), min(now.tip, ceiling - now.base_fee))


def replacement(old: Fees, now: Market, ceiling: int) -> Fees | None:
    """Fees that replace `old` in a mempool: both at least an eighth higher. None when that passes the ceiling."""
    least = Fees(_bump(old.max_fee), _bump(old.priority_fee))
    tip = max(least.priority_fee, now.tip)
    fresh = Fees(max(least.max_fee, 2 * now.base_fee + tip), tip)
    if fresh.max_fee <= ceiling:
        return fresh
    if least.max_fee <= ceiling:
        return Fees(ceiling, max(least.priority_fee, min(tip, ceiling - now.base_fee)))
    return None


def _bump(fee: int) -> int:
    return max(fee + 1, -(-fee * BUMP_NUMERATOR // BUMP_DENOMINATOR))
