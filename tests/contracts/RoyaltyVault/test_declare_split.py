# SPDX-License-Identifier: Apache-2.0
"""declare_split: what a split must be, and that declaring costs nobody anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.structs import SHARE_TOTAL, ZERO32, ZERO_ADDRESS, Share
from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import Reverted, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System


def test_declares_and_logs_the_preimage(system: System) -> None:
    shares = even_split(system.creator, system.dancer, system.editor)
    split = system.vault.declare_split(shares, system.controller, sender=system.keeper)
    assert split == ids.split_account(shares, system.controller)
    assert system.vault.events("SplitDeclared") == [
        {"split": split, "controller": system.controller, "shares": tuple(share.as_tuple() for share in shares)}
    ]
    assert system.vault.is_declared(split)
    assert system.vault.controller_of(split) == system.controller


def test_again_changes_and_logs_nothing(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    split = declare(system, shares, system.controller)
    assert system.vault.declare_split(shares, system.controller, sender=system.thief) == split
    assert system.vault.logs == []


def test_another_controller_is_another_split(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    assert declare(system, shares, system.controller) != declare(system, shares, system.thief)


def test_without_controller(system: System) -> None:
    split = declare(system, even_split(system.creator))
    assert system.vault.controller_of(split) == ZERO_ADDRESS


def test_one_recipient_and_sixty_four(system: System) -> None:
    declare(system, [Share(account(system.creator), SHARE_TOTAL)])
    many = [Share(number.to_bytes(32, "big"), 15_625) for number in range(1, 65)]
    assert system.vault.is_declared(declare(system, many))


def test_sixty_five_recipients_do_not_decode(system: System) -> None:
    many = [Share(number.to_bytes(32, "big"), 15_384) for number in range(1, 66)]
    with reverts(""):
        declare(system, many)


def test_a_recipient_may_be_a_declared_split(system: System) -> None:
    inner = declare(system, even_split(system.dancer, system.editor))
    outer = declare(system, even_split(account(system.creator), inner))
    assert system.vault.is_declared(outer)


def test_refuses_none(system: System) -> None:
    with reverts("vault: split is empty"):
        declare(system, [])


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1), (0, 1), (1, 3, 3), (1, 3, 2)])
def test_refuses_duplicates_descending_and_zero(system: System, numbers: tuple[int, ...]) -> None:
    shares = [Share(number.to_bytes(32, "big"), SHARE_TOTAL // len(numbers)) for number in numbers]
    with reverts("vault: recipients not ascending"):
        declare(system, shares)


@pytest.mark.parametrize("tag", [1, 2, 4, 255])
def test_refuses_accounts_that_cannot_be_paid(system: System, tag: int) -> None:
    stranger = bytes([tag]) + bytes(30) + b"\x01"
    with reverts("vault: recipient cannot be paid"):
        declare(system, [Share(account(system.creator), 1), Share(stranger, SHARE_TOTAL - 1)])


def test_refuses_a_number_above_an_address(system: System) -> None:
    with reverts("vault: recipient cannot be paid"):
        declare(system, [Share((2**160).to_bytes(32, "big"), SHARE_TOTAL)])


def test_refuses_a_sub_account(system: System) -> None:
    sub = system.vault.sub_account(system.creator, ZERO32)
    with reverts("vault: recipient cannot be paid"):
        declare(system, [Share(sub, SHARE_TOTAL)])


def test_refuses_a_share_of_zero(system: System) -> None:
    with reverts("vault: share is zero"):
        declare(system, [Share(b"\x00" * 31 + b"\x01", 0), Share(account(system.creator), SHARE_TOTAL)])


@pytest.mark.parametrize("parts", [(999_999,), (1_000_001,), (1, 999_998), (2**32 - 1,), (2**32 - 1, 1_000_001)])
def test_refuses_another_sum(system: System, parts: tuple[int, ...]) -> None:
    shares = [Share(number.to_bytes(32, "big"), part) for number, part in enumerate(parts, start=1)]
    with reverts("vault: shares do not sum to 1000000"):
        declare(system, shares)


@effort(30)
@given(
    st.lists(st.tuples(st.integers(0, 2**160 + 5), st.integers(0, SHARE_TOTAL)), max_size=6),
    st.booleans(),
    st.booleans(),
)
def test_accepts_exactly_what_the_library_accepts(
    system: System, raw: list[tuple[int, int]], is_sorted: bool, is_filled: bool
) -> None:
    """ids.split_account is the reference; it does not know which accounts can be paid, so that is asked here."""
    pairs = sorted(raw) if is_sorted else raw
    if is_filled and pairs and sum(part for _, part in pairs[1:]) < SHARE_TOTAL:
        pairs = [(pairs[0][0], SHARE_TOTAL - sum(part for _, part in pairs[1:])), *pairs[1:]]
    shares = [Share(number.to_bytes(32, "big"), part) for number, part in pairs]
    try:
        expected = ids.split_account(shares, system.controller)
    except ValueError:
        expected = None
    if any(number == 0 or number >> 160 for number, _ in pairs):
        expected = None
    try:
        declared = declare(system, shares, system.controller)
    except Reverted:
        declared = None
    assert declared == expected
