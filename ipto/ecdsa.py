# SPDX-License-Identifier: Apache-2.0
"""secp256k1 signatures as key services give them, made into what Ethereum takes.

A key service signs a digest and answers in DER, with either of the two valid s and without the recovery id. Source:
SEC 1 appendix C.5 (DER of ECDSA-Sig-Value), RFC 5480 (SubjectPublicKeyInfo), EIP-2 (low s), Yellow Paper appendix F.
"""

from __future__ import annotations

import coincurve

from ipto._keccak import address_of_key
from ipto.errors import InputError, IntegrityError

__all__ = ["ORDER", "address_of_point", "ethereum_signature", "point_of_spki", "read_der"]

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
# SEQUENCE { SEQUENCE { OID ecPublicKey, OID secp256k1 }, BIT STRING (no unused bits, uncompressed point) }
_SPKI_HEAD = bytes.fromhex("3056301006072a8648ce3d020106052b8104000a034200")


def read_der(signature: bytes) -> tuple[int, int]:
    """r and s. Raises IntegrityError for anything but one canonical DER signature of this curve."""
    first, rest = _read_integer(_read_value(signature, 0x30, whole=True)[0])
    second, rest = _read_integer(rest)
    if rest or not 0 < first < ORDER or not 0 < second < ORDER:
        raise IntegrityError("this is not an ECDSA signature of secp256k1 in DER")
    return first, second


def _read_value(data: bytes, tag: int, *, whole: bool = False) -> tuple[bytes, bytes]:
    # Both integers have 33 bytes at most: the short form of lengths is the only canonical one.
    length = data[1] if len(data) > 1 else 0x80
    if length > 0x7F or data[0] != tag or len(data) < 2 + length or (whole and len(data) > 2 + length):
        raise IntegrityError("this is not an ECDSA signature in DER")
    return data[2 : 2 + length], data[2 + length :]


def _read_integer(data: bytes) -> tuple[int, bytes]:
    value, rest = _read_value(data, 0x02)
    padded = len(value) > 1 and value[0] == 0 and value[1] < 0x80
    if not value or value[0] > 0x7F or padded:
        raise IntegrityError("a number of this signature is negative or not in its shortest form")
    return int.from_bytes(value, "big"), rest


def point_of_spki(document: bytes) -> bytes:
    """The public point (65 bytes, uncompressed) of a DER SubjectPublicKeyInfo.

    Raises IntegrityError for a key of another curve or form.
    """
    if len(document) != len(_SPKI_HEAD) + 65 or not document.startswith(_SPKI_HEAD) or document[len(_SPKI_HEAD)] != 4:
        raise IntegrityError("this is not the public key of an ECC_SECG_P256K1 (EC_SIGN_SECP256K1_SHA256) key")
    point = document[len(_SPKI_HEAD) :]
    try:
        coincurve.PublicKey(point)
    except ValueError:
        raise IntegrityError("this public key is not on the curve") from None
    return point


def address_of_point(point: bytes) -> str:
    """The address of a public point (65 bytes), EIP-55."""
    return address_of_key(point)


def ethereum_signature(digest: bytes, signature: bytes, point: bytes) -> bytes:
    """65 bytes r, s, v with low s and v 27 or 28, from a DER signature of 32 bytes by the key of `point`.

    The recovery id is found by trying both, which also proves that it is this key's signature of this digest.
    Raises InputError for a digest of another length, IntegrityError when it is not.
    """
    if len(digest) != 32:
        raise InputError("a digest is 32 bytes")
    r, s = read_der(signature)
    s = min(s, ORDER - s)
    compact = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    for recovery in (0, 1):
        if _recover(digest, compact + bytes([recovery])) == point:
            return compact + bytes([27 + recovery])
    raise IntegrityError("the signature is not by this key, or of something else: it must not be used")


def _recover(digest: bytes, signature: bytes) -> bytes | None:
    try:
        found = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception:
        # coincurve raises bare exceptions of several types for numbers off the curve.
        return None
    return bytes(found.format(compressed=False))
