# SPDX-License-Identifier: Apache-2.0
"""split_of: the same account as the library computes, for any shares at all."""

from eth_abi import encode
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from ipto.structs import Share
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System


@effort(30)
@given(
    st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1)), max_size=5),
    st.binary(min_size=20, max_size=20),
)
def test_is_the_tagged_hash(system: System, pairs: list[tuple[bytes, int]], controller: bytes) -> None:
    who = "0x" + controller.hex()
    expected = b"\x01" + keccak(encode(["(bytes32,uint32)[]", "address"], [pairs, who]))[1:]
    assert system.vault.split_of([Share(*pair) for pair in pairs], who) == expected
