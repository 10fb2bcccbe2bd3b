# SPDX-License-Identifier: Apache-2.0
"""sub_account: tagged, and another for each caller and salt."""

from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.structs import checksum_address
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System


@effort(20)
@given(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32))
def test_is_what_the_library_computes(system: System, caller: bytes, salt: bytes) -> None:
    who = checksum_address("0x" + caller.hex())
    assert system.vault.sub_account(who, salt) == ids.sub_account(who, salt)
