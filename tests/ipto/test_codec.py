# SPDX-License-Identifier: Apache-2.0
"""The fast encoder equals eth_abi, byte for byte and refusal for refusal."""

from __future__ import annotations

from typing import Any

import eth_abi
import pytest
from eth_utils.address import to_checksum_address
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipto import _encode
from ipto.codec import encode

ADDRESSES = st.binary(min_size=20, max_size=20).map(to_checksum_address)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "uint8": st.integers(0, 2**8 - 1),
    "uint40": st.integers(0, 2**40 - 1),
    "uint256": st.integers(0, 2**256 - 1),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes4": st.binary(min_size=4, max_size=4),
    "address": ADDRESSES,
    "bool": st.booleans(),
    "bytes": st.binary(max_size=100),
    "string": st.text(max_size=40),
}


@st.composite
def typed_values(draw: st.DrawFn, depth: int = 2) -> tuple[str, Any]:
    """A type and a value of it."""
    shape = draw(st.sampled_from(["scalar", "array", "fixed", "tuple"] if depth else ["scalar"]))
    if shape == "scalar":
        kind = draw(st.sampled_from(sorted(SCALARS)))
        return kind, draw(SCALARS[kind])
    kind, first = draw(typed_values(depth=depth - 1))
    if shape == "tuple":
        other, second = draw(typed_values(depth=depth - 1))
        return f"({kind},{other})", (first, second)
    count = draw(st.integers(1 if shape == "fixed" else 0, 3))
    return f"{kind}[{count if shape == 'fixed' else ''}]", [first] * count


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(typed_values(), min_size=1, max_size=5))
def test_equals_eth_abi(items: list[tuple[str, Any]]) -> None:
    types, values = [kind for kind, _ in items], [value for _, value in items]
    expected = eth_abi.encode(types, values)
    assert encode(types, values) == expected
    assert _encode.encode(types, values) == expected, "the short way takes it"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", 1.0),
        ("uint256", True),
        ("bytes4", b"12345"),
        ("bytes32", "0x00"),
        ("bytes", "text"),
        ("string", b"\xff"),
        ("address", "0x12"),
        ("bool", 1),
        ("uint8[2]", [1]),
        ("uint8[]", 5),
        ("(uint8,uint8)", (1,)),
        ("(uint8,uint8)", (1, 2, 3)),
        ("uint8[]", "12"),
    ],
)
def test_refuses_what_eth_abi_refuses(kind: str, value: Any) -> None:
    with pytest.raises(Exception) as expected:
        eth_abi.encode([kind], [value])
    with pytest.raises(type(expected.value)):
        encode([kind], [value])
