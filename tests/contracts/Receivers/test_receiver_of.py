# SPDX-License-Identifier: Apache-2.0
"""receiver_of: one address for each account, known before anything stands there."""

from eth_utils import keccak, to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.support.build import account, digest
from tests.contracts.support.contract import deploy, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import CONTRACTS, System


def tagged(tag: int, body: bytes) -> bytes:
    return bytes([tag]) + body[1:]


@effort(40)
@given(st.integers(1, 3), st.binary(min_size=32, max_size=32))
def test_follows_from_the_account(system: System, tag: int, body: bytes) -> None:
    """EIP-1014, by hand: the code is the one in the source's comment."""
    where = bytes.fromhex(system.receivers.address[2:])
    lines = """
        60 3d 80 60 09 5f 39 5f f3
        33 73 %s 14 60 1b 57 00
        5b 5f 5f 60 40 36 03 80 60 40 5f 37
        5f 60 20 35 5f 35 5a f1
        3d 5f 5f 3e 60 39 57 3d 5f fd
        5b 3d 5f f3
    """
    code = bytes.fromhex("".join((lines % where.hex()).split()))
    item = tagged(tag, body)
    expected = to_checksum_address(keccak(b"\xff" + where + item + keccak(code))[12:])
    assert system.receivers.receiver_of(item) == expected


def test_an_address_receives_itself(system: System) -> None:
    assert system.receivers.receiver_of(account(system.creator)) == system.creator


def test_no_such_account(system: System) -> None:
    for item in (bytes(32), b"\0" * 11 + b"\1" * 21, b"\0\1" + bytes(30), tagged(4, digest()), tagged(255, digest())):
        with reverts("receivers: no such account"):
            system.receivers.receiver_of(item)


def test_wiring(system: System) -> None:
    assert system.receivers.VAULT() == system.vault.address
    with reverts("receivers: bad wiring"):
        deploy(CONTRACTS / "Receivers.vy", str(system.thief))
