# SPDX-License-Identifier: Apache-2.0
"""distribute: a split's balance becomes its recipients', by the floor of each share; dust stays."""

import contextlib
import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipto.structs import ETH, SHARE_TOTAL, ZERO_ADDRESS, Share
from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import Reverted, hostile, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.money import pay_in
from tests.contracts.support.system import System, balance


def test_books_to_everybody_and_sends_nothing(system: System) -> None:
    shares = [
        Share(item.account, part)
        for item, part in zip(even_split(system.creator, system.dancer), (1, 999_999), strict=True)
    ]
    split = declare(system, shares, system.controller)
    pay_in(system, ETH, (split, 2_000_000))
    assert system.vault.distribute(shares, system.controller, ETH, sender=system.keeper) == 2_000_000
    assert system.vault.events("Distributed") == [
        {
            "split": split,
            "currency": ETH,
            "shares": tuple(share.as_tuple() for share in shares),
            "amounts": (2, 1_999_998),
            "kept": 3,
        }
    ]
    assert [system.vault.balance_of(share.account, ETH) for share in shares] == [2, 1_999_998]
    assert balance(ETH, system.vault.address) == 2_000_000


def test_dust_stays_and_counts_next_time(system: System) -> None:
    shares = even_split(system.creator, system.dancer, system.editor)
    split = declare(system, shares)
    pay_in(system, ETH, (split, 2))
    assert system.vault.distribute(shares, ZERO_ADDRESS, ETH) == 0
    assert system.vault.logs == []
    pay_in(system, ETH, (split, 2))
    assert system.vault.distribute(shares, ZERO_ADDRESS, ETH) == 3
    assert system.vault.balance_of(split, ETH) == 1


def test_empty(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    declare(system, shares)
    assert system.vault.distribute(shares, ZERO_ADDRESS, ETH) == 0


def test_needs_no_declaration(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    split = system.vault.split_of(shares, system.controller)
    pay_in(system, ETH, (split, 10))
    assert system.vault.distribute(shares, system.controller, ETH) == 10


def test_other_shares_or_another_controller_are_another_split(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    split = declare(system, shares, system.controller)
    pay_in(system, ETH, (split, 10))
    assert system.vault.distribute(shares, system.thief, ETH) == 0
    assert system.vault.distribute(even_split(system.creator, system.thief), system.controller, ETH) == 0
    assert system.vault.balance_of(split, ETH) == 10


@pytest.mark.parametrize("parts", [(), (999_999,), (1_000_001,), (2**32 - 1,), (2**32 - 1, 1_000_001), (0, 0)])
def test_shares_that_are_not_the_whole_pay_nobody(system: System, parts: tuple[int, ...]) -> None:
    """Such a split can be credited, by whoever invents it; it takes nothing from anybody else."""
    shares = [Share(account(system.thief), part) for part in parts]
    split = system.vault.split_of(shares, system.controller)
    pay_in(system, ETH, (split, 10), (account(system.creator), 10**9))
    for name in ("distribute", "pay_out"):
        with reverts("vault: shares do not sum to 1000000"):
            getattr(system.vault, name)(shares, system.controller, ETH)
    assert system.vault.balance_of(split, ETH) == 10


ODD = st.sampled_from(
    [bytes(31) + b"\x01", bytes(31) + b"\x02", b"\x01" + bytes(31), b"\x02" + bytes(31), b"\x03" + bytes(31), bytes(32)]
)


@effort(25)
@given(st.lists(st.tuples(ODD, st.integers(0, SHARE_TOTAL)), max_size=5), st.integers(0, 10**20), st.booleans())
def test_an_invented_split_never_takes_more_than_it_has(
    system: System, raw: list[tuple[bytes, int]], amount: int, is_pushed: bool
) -> None:
    """Duplicates, unsorted, accounts that do not exist: the rest of the vault keeps what it has."""
    parts = [part for _, part in raw]
    if parts and sum(parts[1:]) <= SHARE_TOTAL:
        parts[0] = SHARE_TOTAL - sum(parts[1:])
    shares = [Share(item, part) for (item, _), part in zip(raw, parts, strict=True)]
    split = system.vault.split_of(shares, ZERO_ADDRESS)
    token = hostile("Honest")
    pay_in(system, token, (split, amount), (account(system.creator), 777))
    name = "pay_out" if is_pushed else "distribute"
    with contextlib.suppress(Reverted):
        getattr(system.vault, name)(shares, ZERO_ADDRESS, token.address)
    booked = {split, *(share.account for share in shares), account(system.creator)}
    held = balance(token.address, system.vault.address)
    assert held == sum(system.vault.balance_of(item, token.address) for item in booked)
    assert system.vault.balance_of(account(system.creator), token.address) == 777


def test_nested(system: System) -> None:
    inner_shares = even_split(system.dancer, system.editor)
    inner = declare(system, inner_shares)
    shares = even_split(account(system.creator), inner)
    split = declare(system, shares)
    pay_in(system, ETH, (split, 8))
    system.vault.distribute(shares, ZERO_ADDRESS, ETH)
    assert system.vault.balance_of(inner, ETH) == 4
    system.vault.distribute(inner_shares, ZERO_ADDRESS, ETH)
    assert system.vault.balance_of(account(system.dancer), ETH) == 2


def test_a_lying_token_hurts_only_itself(system: System) -> None:
    """A balance near 2**256 cannot be multiplied by a share; only a token without scarcity gets there."""
    shares = even_split(system.creator, system.dancer)
    split = declare(system, shares)
    token = hostile("Honest")
    pay_in(system, token, (split, 2**256 - 1))
    with reverts(""):
        system.vault.distribute(shares, ZERO_ADDRESS, token.address)
    pay_in(system, ETH, (split, 2))
    assert system.vault.distribute(shares, ZERO_ADDRESS, ETH) == 2


@effort(40)
@given(
    st.lists(st.integers(1, SHARE_TOTAL), min_size=0, max_size=8),
    st.one_of(st.integers(0, 10), st.integers(0, 10**30), st.integers(2**236, 2**256 // SHARE_TOTAL)),
)
@example([], 2**256 // SHARE_TOTAL)
def test_every_part_is_the_floor_of_its_share(system: System, raw: list[int], amount: int) -> None:
    cuts = sorted({cut for cut in raw if cut < SHARE_TOTAL} | {0, SHARE_TOTAL})
    parts = [high - low for low, high in itertools.pairwise(cuts)]
    shares = [Share(number.to_bytes(32, "big"), part) for number, part in enumerate(parts, start=1)]
    split = declare(system, shares)
    token = system.usd
    token.burn(token.address, balance(token.address, token.address))
    pay_in(system, token, (split, amount))
    expected = [amount * part // SHARE_TOTAL for part in parts]
    assert system.vault.distribute(shares, ZERO_ADDRESS, token.address) == sum(expected)
    assert [system.vault.balance_of(share.account, token.address) for share in shares] == expected
    assert system.vault.balance_of(split, token.address) == amount - sum(expected) < max(len(parts), 1)


@pytest.mark.parametrize("count", [1, 64])
def test_the_number_of_recipients_is_bounded(system: System, count: int) -> None:
    shares = [Share(n.to_bytes(32, "big"), SHARE_TOTAL // count) for n in range(1, count + 1)]
    split = declare(system, shares)
    pay_in(system, ETH, (split, 64))
    assert system.vault.distribute(shares, ZERO_ADDRESS, ETH) == 64
    assert system.vault.events("Distributed")[0]["kept"] == 2**count - 1
