# SPDX-License-Identifier: Apache-2.0
"""Our short ways to hashes and checksums against eth-utils, which takes longer."""

from __future__ import annotations

import importlib
import sys

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak as expected
from hypothesis import given
from hypothesis import strategies as st

from ipto import _keccak


@given(st.binary(max_size=500))
def test_hashes(data: bytes) -> None:
    assert _keccak.keccak(data) == expected(data)


@given(st.binary(min_size=20, max_size=20))
def test_addresses(data: bytes) -> None:
    assert _keccak.checksummed(data.hex()) == to_checksum_address(data)


def test_without_the_faster_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sha3", None)
    try:
        assert importlib.reload(_keccak).keccak(b"abc") == expected(b"abc")
        assert "eth_hash" in vars(_keccak)["_slowly"].__module__
    finally:
        monkeypatch.undo()
        importlib.reload(_keccak)
