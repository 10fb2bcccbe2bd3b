# SPDX-License-Identifier: Apache-2.0
"""Whether an action has happened on chain, whoever carried it there.

An action's signature is public once it is broadcast: a front-runner may submit it first. Then our own transaction
reverts, yet the action took effect. The truth is the nonce kept by the contract, and the event that names the action.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.crypto import keccak

from ipto.codec import encode
from ipto.rpc import AsyncRpc, RpcTransportError, quantity
from relayer.actions import PURCHASE
from relayer.errands import ERRANDS
from relayer.records import Action, NewAction

_IS_NONCE_USED = keccak(text="is_nonce_used(address,uint256)")[:4]
_AUTHORIZATION_STATE = keccak(text="authorizationState(address,bytes32)")[:4]
_ACTION_EXECUTED = "0x" + keccak(text="ActionExecuted(address,bytes32,uint256)").hex()
_AUTHORIZATION_USED = "0x" + keccak(text="AuthorizationUsed(address,bytes32)").hex()

_BLOCKS = 2_000


@dataclass(frozen=True, slots=True)
class Effect:
    """The nonce is used; `tx_hash` names the transaction that carried the action out, None when it was cancelled."""

    tx_hash: str | None


async def nonce_used(rpc: AsyncRpc, action: Action | NewAction, block: str) -> bool:
    """Whether the action's nonce is used or cancelled at `block`."""
    if action.kind in ERRANDS:
        return False  # nobody signed it: it has no nonce, and doing it twice does nothing
    if action.kind == PURCHASE:
        # EIP-3009: the token keeps the nonce.
        data = _AUTHORIZATION_STATE + encode(["address", "bytes32"], [action.signer, bytes.fromhex(action.nonce[2:])])
    else:
        data = _IS_NONCE_USED + encode(["address", "uint256"], [action.signer, int(action.nonce, 16)])
    answer = await rpc.call("eth_call", {"to": action.contract, "data": "0x" + data.hex()}, block)
    if not isinstance(answer, str) or len(answer) != 66:
        raise RpcTransportError(f"{action.contract} did not say whether the nonce is used; is it the right contract?")
    return int(answer, 16) != 0


async def is_over(rpc: AsyncRpc, deadline: int, block: int) -> bool:
    """Whether the block at confirmation depth is past a deadline, so that nobody can meet it any more."""
    found = await rpc.call("eth_getBlockByNumber", hex(block), False) if block >= 0 else None
    return found is not None and quantity(found["timestamp"]) > deadline


async def effect(rpc: AsyncRpc, action: Action, to_block: int) -> Effect | None:
    """What became of the action until block `to_block`; None while its nonce is unused."""
    if not await nonce_used(rpc, action, hex(to_block)):
        return None
    signer = "0x" + bytes(12).hex() + action.signer[2:].lower()
    event = [_AUTHORIZATION_USED, signer, action.nonce]
    if action.kind != PURCHASE:
        event = [_ACTION_EXECUTED, signer, action.digest]
    # Providers bound the range of one query.
    for start in range(action.since_block, to_block + 1, _BLOCKS):
        end = min(start + _BLOCKS - 1, to_block)
        where = {"address": action.contract, "topics": event, "fromBlock": hex(start), "toBlock": hex(end)}
        if logs := await rpc.call("eth_getLogs", where):
            return Effect(logs[0]["transactionHash"])
    return Effect(None)
