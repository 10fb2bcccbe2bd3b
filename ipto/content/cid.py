# SPDX-License-Identifier: Apache-2.0
"""Content identifiers: how a digest is written so that any IPFS node finds the bytes.

Only SHA-256 is used, because the contracts store 32 bytes and nothing else: the digest of a raw block *is* what stands
on chain, and `Cid.raw(digest)` is its address. Source: the multiformats CID specification.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Self

from ipto.errors import InputError

RAW = 0x55  # the block is the bytes themselves
DAG_PB = 0x70  # the block is a node that links to others

_SHA2_256 = b"\x12\x20"  # multihash: function, length
_V1_BYTES = 36  # version, codec, function, length, digest
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_HINT = "write a CID as b… (base32), f… (base16) or Qm… (version 0)"


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """A CID of version 0 or 1 over SHA-256. `str(cid)` is base32 (b…), or base58 (Qm…) for version 0."""

    version: int
    codec: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.version not in (0, 1) or self.codec not in (RAW, DAG_PB):
            raise InputError(f"CID version {self.version} with codec {self.codec:#x} is not supported; {_HINT}")
        if self.version == 0 and self.codec != DAG_PB:
            raise InputError("a CID of version 0 is always dag-pb")
        if not isinstance(self.digest, bytes) or len(self.digest) != 32:
            raise InputError("a CID needs a SHA-256 digest of 32 bytes")

    @classmethod
    def raw(cls, digest: bytes) -> Self:
        """The CID of one raw block with this SHA-256 digest: how digests on chain are addressed."""
        return cls(1, RAW, digest)

    @classmethod
    def of_block(cls, data: bytes, codec: int = RAW, version: int = 1) -> Self:
        """The CID of one block."""
        return cls(version, codec, hashlib.sha256(data).digest())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read the binary form. Raises InputError for anything but SHA-256 over raw or dag-pb."""
        if len(data) == 34 and data[:2] == _SHA2_256:
            return cls(0, DAG_PB, data[2:])
        if len(data) == _V1_BYTES and data[0] == 1 and data[2:4] == _SHA2_256:
            return cls(1, data[1], data[4:])
        raise InputError("not a CID over SHA-256 with codec raw or dag-pb")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a CID from text, one spelling for each: b… in lower case, f… in lower case, Qm….

        Raises InputError for other alphabets, wrong lengths, spare bits that are not zero, and other hash functions.
        """
        if not isinstance(text, str) or not text.isascii():
            raise InputError(f"{text!r:.80} is not a CID; {_HINT}")
        try:
            if text.startswith("Qm") and len(text) == 46:
                cid = cls.from_bytes(_base58_decode(text))
            elif text.startswith("b") and len(text) == 59:
                cid = cls.from_bytes(base64.b32decode(text[1:].upper() + "======"))
            elif text.startswith("f") and len(text) == 1 + 2 * _V1_BYTES:
                cid = cls.from_bytes(bytes.fromhex(text[1:]))
            else:
                raise InputError(f"{text!r:.80} is not a CID; {_HINT}")
        except (binascii.Error, InputError, ValueError) as error:
            raise InputError(f"{text!r:.80} is not a CID; {_HINT}") from error
        if text not in (str(cid), cid.base16()):
            raise InputError(f"{text!r:.80} is not the canonical spelling of a CID; did you mean {cid}?")
        return cid

    @classmethod
    def parse_uri(cls, uri: str) -> Self:
        """Read `ipfs://CID`, without a path behind it."""
        if not isinstance(uri, str) or not uri.startswith("ipfs://"):
            raise InputError(f"{uri!r:.80} is not an ipfs:// address")
        return cls.parse(uri.removeprefix("ipfs://"))

    def to_bytes(self) -> bytes:
        """The binary form, as it stands in links and CAR files."""
        prefix = b"" if self.version == 0 else bytes((1, self.codec))
        return prefix + _SHA2_256 + self.digest

    def base16(self) -> str:
        """The multibase `f` form of a version 1 CID, as events on chain carry it; version 0 stays base58."""
        return str(self) if self.version == 0 else "f" + self.to_bytes().hex()

    @property
    def uri(self) -> str:
        """The `ipfs://` address."""
        return f"ipfs://{self}"

    @property
    def is_raw(self) -> bool:
        """Whether the digest is that of the bytes themselves."""
        return self.codec == RAW

    def __str__(self) -> str:
        if self.version == 0:
            return _base58_encode(self.to_bytes())
        return "b" + base64.b32encode(self.to_bytes()).decode().rstrip("=").lower()


def _base58_encode(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return text


def _base58_decode(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    return number.to_bytes(34, "big")
