# SPDX-License-Identifier: Apache-2.0
"""Identifiers in requests and amounts, digests and addresses in answers."""

from __future__ import annotations

import re
from typing import Any

from indexer.api.problems import bad_id
from indexer.ledger import account_of, is_address
from indexer.schema import ZERO20, ZERO32
from indexer.shown import show_address as show_address

_HEX = re.compile(r"0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}")


def token_id(text: str, what: str) -> bytes:
    """A work's or license's id, decimal or 0x hex, as 32 bytes. Raises ProblemError (400)."""
    if _DECIMAL.fullmatch(text):
        number = int(text)
    elif _HEX.fullmatch(text) and len(text) <= 66:
        number = int(text, 16)
    else:
        number = 1 << 256
    if number >> 256:
        raise bad_id(text, f"a {what} id: write it in decimal, or 0x and up to 64 hex digits")
    return number.to_bytes(32)


def bytes32(text: str, what: str) -> bytes:
    """0x and 64 hex digits. Raises ProblemError (400)."""
    if len(text) != 66 or not _HEX.fullmatch(text):
        raise bad_id(text, f"{what}: write 0x and 64 hex digits")
    return bytes.fromhex(text[2:])


def address(text: str, what: str = "an address") -> bytes:
    """0x and 40 hex digits, in any case. Raises ProblemError (400)."""
    if len(text) != 42 or not _HEX.fullmatch(text):
        raise bad_id(text, f"{what}: write 0x and 40 hex digits")
    return bytes.fromhex(text[2:])


def account(text: str) -> bytes:
    """An account of the vault: an address, or 0x and 64 hex digits. Raises ProblemError (400)."""
    if len(text) == 42:
        return account_of(address(text))
    return bytes32(text, "an account: an address, a split or a sub-account")


def show_some_address(raw: bytes) -> str | None:
    """An address; None for the zero address."""
    return None if raw == ZERO20 else show_address(raw)


def show_digest(raw: bytes) -> str:
    """32 bytes as 0x hex."""
    return "0x" + raw.hex()


def show_some_digest(raw: bytes) -> str | None:
    """32 bytes as 0x hex; None for zeros."""
    return None if raw == ZERO32 else "0x" + raw.hex()


def show_account(raw: bytes) -> dict[str, Any]:
    """An account, what kind it is, and its address when it is one."""
    kind = "address" if is_address(raw) else {1: "split", 2: "sub_account", 3: "invitation"}.get(raw[0], "unknown")
    return {"account": "0x" + raw.hex(), "kind": kind, "address": show_address(raw[12:]) if kind == "address" else None}


def show_amount(value: bytes | int, currency: bytes, symbol: str | None, decimals: int | None) -> dict[str, Any]:
    """An amount in the smallest unit with what is needed to show it."""
    number = value if isinstance(value, int) else int.from_bytes(value)
    return {"amount": str(number), "currency": show_address(currency), "symbol": symbol, "decimals": decimals}
