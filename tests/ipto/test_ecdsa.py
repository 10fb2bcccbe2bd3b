# SPDX-License-Identifier: Apache-2.0
"""What key services answer becomes what Ethereum takes, or is refused: compared with eth-keys and cryptography."""

from __future__ import annotations

import coincurve
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_keys import keys
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ipto.ecdsa import ORDER, address_of_point, ethereum_signature, point_of_spki, read_der
from ipto.errors import InputError, IntegrityError

SECRETS = st.integers(1, ORDER - 1)
DIGESTS = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(1, ORDER - 1)


def point(secret: int) -> bytes:
    return bytes(coincurve.PrivateKey(secret.to_bytes(32, "big")).public_key.format(compressed=False))


# eth-keys is the reference, and slow: written in Python.
@settings(max_examples=25, deadline=None)
@given(SECRETS, DIGESTS, st.booleans())
def test_either_of_the_two_signatures_becomes_the_one_eth_keys_makes(secret: int, digest: bytes, high: bool) -> None:
    key = keys.PrivateKey(secret.to_bytes(32, "big"))
    expected = key.sign_msg_hash(digest)
    s = ORDER - expected.s if high else expected.s
    found = ethereum_signature(digest, encode_dss_signature(expected.r, s), point(secret))
    assert found[:64] == expected.to_bytes()[:64]
    assert found[64] == 27 + expected.v
    assert int.from_bytes(found[32:64], "big") <= ORDER // 2
    recovered = keys.Signature(found[:64] + bytes([found[64] - 27])).recover_public_key_from_msg_hash(digest)
    assert recovered == key.public_key
    assert address_of_point(point(secret)) == key.public_key.to_checksum_address()


@settings(deadline=None)
@given(NUMBERS, NUMBERS)
@example(1, 1)
@example(ORDER - 1, ORDER - 1)
@example(0x80, 0x7F)
def test_der_is_read_as_cryptography_writes_it(r: int, s: int) -> None:
    assert read_der(encode_dss_signature(r, s)) == (r, s)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_no_other_bytes_are_a_signature(data: bytes) -> None:
    try:
        r, s = read_der(data)
    except IntegrityError:
        return
    assert encode_dss_signature(r, s) == data, "two spellings of one signature"


@settings(deadline=None)
@given(NUMBERS, NUMBERS, st.data())
def test_a_damaged_signature_is_never_the_same(r: int, s: int, data: st.DataObject) -> None:
    whole = encode_dss_signature(r, s)
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= data.draw(st.integers(1, 255))
    for broken in (bytes(damaged), whole + b"\0", whole[:-1]):
        try:
            assert read_der(broken) != (r, s)
        except IntegrityError:
            continue


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (ORDER, 1), (1, ORDER), (2**256, 1)])
def test_numbers_out_of_range_are_refused(r: int, s: int) -> None:
    with pytest.raises(IntegrityError):
        read_der(encode_dss_signature(r, s))


@settings(deadline=None)
@given(SECRETS, SECRETS, DIGESTS, DIGESTS)
def test_another_keys_signature_or_of_another_digest_is_refused(
    one: int, two: int, digest: bytes, other: bytes
) -> None:
    signature = coincurve.PrivateKey(one.to_bytes(32, "big")).sign(digest, hasher=None)
    if one != two:
        with pytest.raises(IntegrityError):
            ethereum_signature(digest, signature, point(two))
    if digest != other:
        with pytest.raises(IntegrityError):
            ethereum_signature(other, signature, point(one))


def test_only_digests_are_signed() -> None:
    with pytest.raises(InputError, match="32 bytes"):
        ethereum_signature(b"hello", b"", b"")


def test_public_keys_of_this_curve_alone() -> None:
    def spki(curve: ec.EllipticCurve, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
        return ec.derive_private_key(7, curve).public_key().public_bytes(Encoding.DER, form)

    good = spki(ec.SECP256K1())
    assert point_of_spki(good) == point(7)
    off = bytearray(good)
    off[-1] ^= 1
    for wrong in (spki(ec.SECP256R1()), good[:-1], good + b"\0", bytes(off), b"", good[:23] + b"\2" + good[24:]):
        with pytest.raises(IntegrityError):
            point_of_spki(wrong)
