# SPDX-License-Identifier: Apache-2.0
"""EIP-1559 transactions to bytes and back. A lane signs hundreds a second; a test compares with eth-account.

Source: https://eips.ethereum.org/EIPS/eip-1559 (0x02 || rlp(fields, signature)), Yellow Paper appendix B (RLP).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ipto._keccak import checksummed, keccak
from ipto.accounts import Signer
from ipto.errors import InputError

_TYPE = b"\x02"


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction does, whatever it costs and whenever it is sent."""

    to: str
    data: bytes
    gas: int
    value: int = 0

    def transaction(self, chain_id: int, nonce: int, max_fee: int, priority_fee: int) -> dict[str, Any]:
        """The transaction's fields, as JSON-RPC names them."""
        return {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "to": self.to,
            "value": self.value,
            "data": "0x" + self.data.hex(),
            "gas": self.gas,
            "maxFeePerGas": max_fee,
            "maxPriorityFeePerGas": priority_fee,
        }


def sign(transaction: Mapping[str, Any], signer: Signer) -> bytes:
    """The raw transaction. The signer sees 32 bytes: check the fields before."""
    fields = [
        _integer(transaction["chainId"]),
        _integer(transaction["nonce"]),
        _integer(transaction["maxPriorityFeePerGas"]),
        _integer(transaction["maxFeePerGas"]),
        _integer(transaction["gas"]),
        bytes.fromhex(transaction["to"][2:]),
        _integer(transaction["value"]),
        bytes.fromhex(transaction["data"][2:]),
        [],
    ]
    signature = signer.sign_digest(keccak(_TYPE + _rlp(fields)))
    parts = [signature[64] - 27, int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")]
    return _TYPE + _rlp([*fields, *map(_integer, parts)])


def call_of(raw: bytes) -> Call:
    """What a raw transaction does. Raises InputError for bytes that are no transaction of this type."""
    try:
        fields, rest = _read(raw[1:])
        if raw[:1] != _TYPE or rest or not isinstance(fields, list) or len(fields) != 12:
            raise InputError("these bytes are not a signed EIP-1559 transaction")
        to = checksummed(bytes(fields[5]).hex())
        return Call(to, fields[7], int.from_bytes(fields[4], "big"), int.from_bytes(fields[6], "big"))
    except (IndexError, TypeError, ValueError) as error:
        raise InputError("these bytes are not a signed EIP-1559 transaction") from error


def _integer(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _rlp(item: bytes | list[Any]) -> bytes:
    if isinstance(item, list):
        return _with_length(b"".join(map(_rlp, item)), 0xC0)
    return item if len(item) == 1 and item[0] < 0x80 else _with_length(item, 0x80)


def _with_length(payload: bytes, offset: int) -> bytes:
    size = len(payload)
    if size < 56:
        return bytes([offset + size]) + payload
    length = _integer(size)
    return bytes([offset + 55 + len(length)]) + length + payload


def _read(data: bytes) -> tuple[Any, bytes]:
    """The first RLP item and what follows it."""
    first = data[0]
    if first < 0x80:
        return data[:1], data[1:]
    offset = 0x80 if first < 0xC0 else 0xC0
    size, start = first - offset, 1
    if size > 55:
        start += size - 55
        size = int.from_bytes(data[1:start], "big")
    payload, rest = data[start : start + size], data[start + size :]
    if len(payload) != size:
        raise IndexError("too short")
    if offset == 0x80:
        return payload, rest
    items = []
    while payload:
        item, payload = _read(payload)
        items.append(item)
    return items, rest
