# SPDX-License-Identifier: Apache-2.0
"""texts: base64, hexadecimal and dates, against Python's own, for any value."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contracts.support.contract import Contract, hostile
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System
from tests.ipto.strategies import addresses, uints


@pytest.fixture(scope="module")
def texts(system: System) -> Contract:
    """The module behind external functions."""
    return hostile("Texts")


@effort(60)
@given(st.binary(max_size=200))
@example(b"")
@example(bytes(range(256)) * 45)
@example(b"\xff" * 11_520)
def test_base64(texts: Contract, text: bytes) -> None:
    found = texts.base64(text)
    padded = text + b" " * (-len(text) % 24)
    assert found == base64.b64encode(padded).decode()


def test_every_sextet_in_every_place(texts: Contract) -> None:
    for sextet in range(64):
        number = sum(sextet << 6 * place for place in range(32))
        text = number.to_bytes(24, "big")
        assert texts.base64(text) == base64.b64encode(text).decode()


@effort(40)
@given(uints(256), addresses)
def test_hexadecimal(texts: Contract, number: int, address: str) -> None:
    assert texts.hex32(number) == f"{number:064x}"
    assert texts.hex20(address) == address.lower()


LAST = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())


@effort(150)
@given(st.integers(0, LAST))
@example(0)
@example(LAST)
@example(951_782_399)  # the last second before 29 February 2000
@example(951_782_400)
@example(951_868_800)
@example(4_107_542_399)  # 28 February 2100, which has no 29th
@example(4_107_542_400)
def test_dates(texts: Contract, seconds: int) -> None:
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert texts.minute(seconds) == f"{when:%Y-%m-%d %H:%M} UTC"


def test_dates_of_a_license_without_end_in_sight(texts: Contract) -> None:
    """The largest time a token can hold: the calendar repeats every 400 years of 146,097 days."""
    cycle = 146_097 * 86_400
    for seconds in (LAST + 1, 2**40 - 2):
        cycles = -(-(seconds - LAST) // cycle)
        near = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds - cycles * cycle)
        assert texts.minute(seconds) == f"{near.year + 400 * cycles}-{near:%m-%d %H:%M} UTC"
