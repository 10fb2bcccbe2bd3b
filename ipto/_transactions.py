# SPDX-License-Identifier: Apache-2.0
"""Sends transactions, waits for receipts, and names what went wrong."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ipto.errors import IptoError
from ipto.rpc import Rpc, RpcError, quantity
from ipto.structs import checksum_address

if TYPE_CHECKING:
    # Reading a chain needs no keys, and what they need takes long to import.
    from ipto.accounts import Signer

DEFAULT_RECEIPT_SECONDS = 120.0
_POLL_SECONDS = 0.02
_MAX_POLL_SECONDS = 1.0


class TransactionError(IptoError, RuntimeError):
    """A transaction was not carried out. `tx_hash` is 0x hex when it was sent."""

    def __init__(self, message: str, tx_hash: str | None = None) -> None:
        super().__init__(message)
        self.tx_hash = tx_hash


class RevertedError(TransactionError):
    """A contract refused. `reason` is its revert string; `docs/errors.md` says what to do about each."""

    def __init__(self, reason: str | None, what: str, tx_hash: str | None = None) -> None:
        super().__init__(f"{what} was refused: {reason or 'the contract gave no reason'}", tx_hash)
        self.reason = reason


class TransactionTimeoutError(TransactionError, TimeoutError):
    """No receipt in time; the transaction may still be mined. Look its hash up before sending anything again."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A mined transaction that succeeded."""

    tx_hash: str
    block_number: int
    block_hash: str
    gas_used: int
    gas_price: int  # wei per gas, what was really paid
    contract_address: str | None
    logs: tuple[dict[str, Any], ...]  # as the node sent them

    @property
    def cost(self) -> int:
        """What it cost its sender in wei, without the value it carried."""
        return self.gas_used * self.gas_price


def send(
    rpc: Rpc,
    signer: Signer,
    to: str | None,
    data: bytes = b"",
    *,
    value: int = 0,
    gas: int | None = None,
    nonce: int | None = None,
    timeout: float = DEFAULT_RECEIPT_SECONDS,
    what: str = "the transaction",
) -> Receipt:
    """Sign an EIP-1559 transaction, send it and wait until it is mined.

    to: None creates a contract. value: wei. gas: limit; estimated when not given. nonce: the pending one when not
    given; senders that work in parallel must give it. timeout: seconds to wait for the receipt.
    Raises RevertedError with the contract's words (before sending, when estimating shows it), TransactionTimeoutError.
    """
    transaction: dict[str, Any] = {"value": value, "data": "0x" + data.hex(), "type": 2}
    if to is not None:
        transaction["to"] = to
    call = {"from": signer.address, "data": transaction["data"], "value": hex(value)} | ({"to": to} if to else {})
    chain_id, pending, block, tip = rpc.batch(
        [
            ("eth_chainId", []),
            ("eth_getTransactionCount", [signer.address, "pending"]),
            ("eth_getBlockByNumber", ["latest", False]),
            ("eth_maxPriorityFeePerGas", []),
        ]
    )
    if gas is None:
        try:
            # A little more than estimated: storage touched by others in between may cost more.
            gas = quantity(rpc.call("eth_estimateGas", call)) * 6 // 5
        except RpcError as error:
            raise reverted(error, what) from error
    priority = quantity(tip)
    transaction |= {
        "chainId": quantity(chain_id),
        "nonce": quantity(pending) if nonce is None else nonce,
        "gas": gas,
        "maxPriorityFeePerGas": priority,
        # Twice the base fee survives six full blocks in a row.
        "maxFeePerGas": 2 * quantity(block["baseFeePerGas"]) + priority,
    }
    try:
        tx_hash = str(rpc.call("eth_sendRawTransaction", "0x" + signer.sign_transaction(transaction).hex()))
    except RpcError as error:
        raise reverted(error, what) from error
    raw = _await(rpc, tx_hash, timeout)
    if quantity(raw["status"]) != 1:
        raise RevertedError(_replay(rpc, call, gas, raw["blockNumber"]), what, tx_hash)
    return _receipt(raw)


def wait_for_receipt(rpc: Rpc, tx_hash: str, timeout: float = DEFAULT_RECEIPT_SECONDS) -> Receipt:
    """Wait for a transaction sent elsewhere. Raises RevertedError, TransactionTimeoutError."""
    raw = _await(rpc, tx_hash, timeout)
    if quantity(raw["status"]) != 1:
        raise RevertedError(None, f"transaction {tx_hash}", tx_hash)
    return _receipt(raw)


def _await(rpc: Rpc, tx_hash: str, timeout: float) -> dict[str, Any]:
    deadline, pause = time.monotonic() + timeout, _POLL_SECONDS
    while True:
        raw = rpc.call("eth_getTransactionReceipt", tx_hash)
        if raw is not None:
            return cast(dict[str, Any], raw)
        if time.monotonic() > deadline:
            raise TransactionTimeoutError(
                f"{tx_hash} was not mined within {timeout:g} s; it may be later, so look it up before sending again",
                tx_hash,
            )
        time.sleep(pause)
        pause = min(pause * 1.5, _MAX_POLL_SECONDS)


def _receipt(raw: Mapping[str, Any]) -> Receipt:
    created = raw.get("contractAddress")
    return Receipt(
        raw["transactionHash"],
        quantity(raw["blockNumber"]),
        raw["blockHash"],
        quantity(raw["gasUsed"]),
        quantity(raw["effectiveGasPrice"]),
        checksum_address(created) if created else None,
        tuple(raw["logs"]),
    )


def _replay(rpc: Rpc, call: dict[str, Any], gas: int, block: str) -> str | None:
    """Why a mined transaction failed: asked again on its block; the state may differ, so this is only a hint."""
    try:
        rpc.call("eth_call", call | {"gas": hex(gas)}, block)
    except RpcError as error:
        return error.reason
    return None


def reverted(error: RpcError, what: str) -> TransactionError:
    """An RPC error as a refusal by the contract, or as what it is."""
    if error.code == 3 or error.data is not None or "revert" in error.message.lower():
        return RevertedError(error.reason or _words(error.message), what)
    return TransactionError(f"{what} could not be sent: {error.message}")


def _words(message: str) -> str | None:
    """The reason in a message such as `execution reverted: market: …`, for nodes that send no data."""
    _, found, rest = message.partition("reverted: ")
    return rest.strip() if found else None
