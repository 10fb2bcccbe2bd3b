# SPDX-License-Identifier: Apache-2.0
"""Keccak-256 and what is written with it: one C call for each hash where `safe-pysha3` is installed, as with
`ipto[services]`; elsewhere pycryptodome, ten times slower. A relayer makes some sixty for every action it takes on.

Source: EIP-55 (mixed-case checksum of addresses).
"""

from __future__ import annotations

import functools

try:
    from sha3 import keccak_256
except ImportError:
    from eth_hash.auto import keccak as _slowly

    def keccak(data: bytes) -> bytes:
        """The 32 bytes."""
        return bytes(_slowly(data))

else:

    def keccak(data: bytes) -> bytes:
        """The 32 bytes."""
        digest: bytes = keccak_256(data).digest()
        return digest


@functools.lru_cache(maxsize=4096)
def checksummed(digits: str) -> str:
    """An address in EIP-55 form from its 40 lower-case hex digits. The same few come again and again."""
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if mark > "7" else digit for digit, mark in zip(digits, marks[:40], strict=True)
    )


def address_of_key(point: bytes) -> str:
    """The address of a public key (65 bytes, uncompressed), EIP-55."""
    return checksummed(keccak(point[1:])[12:].hex())
