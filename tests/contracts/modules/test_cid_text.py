# SPDX-License-Identifier: Apache-2.0
"""cid_text: base16 and base32 texts of CIDs, against Python's own encodings, for any digest."""

import base64
import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contracts.support.contract import Contract, hostile
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System


@pytest.fixture(scope="module")
def texts(system: System) -> Contract:
    """The module behind external functions."""
    return hostile("CidTexts")


@effort(60)
@given(st.binary(min_size=32, max_size=32))
@example(bytes(32))
@example(b"\xff" * 32)
@example(bytes(range(32)))
@example(bytes(range(224, 256)))
@example(hashlib.sha256(b"").digest())
def test_as_python_writes_it(texts: Contract, digest: bytes) -> None:
    packed = b"\x01\x55\x12\x20" + digest  # CIDv1, raw, sha2-256, 32 bytes
    assert texts.base16(digest) == "f" + packed.hex()
    assert texts.base32(digest) == "b" + base64.b32encode(packed).decode().lower().rstrip("=")


def test_every_digit_in_every_place(texts: Contract) -> None:
    for nibble in range(16):
        digest = bytes([nibble * 17]) * 32
        assert texts.base16(digest) == "f01551220" + digest.hex()
