# SPDX-License-Identifier: Apache-2.0
"""Words at their extremes: what is packed comes out again, and a neighbour's bits are never touched."""

from __future__ import annotations

import boa
from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.datasets import NOT_LEFT
from ipto.structs import ETH, Dataset, Offer
from tests.contracts.support.build import account, post, register
from tests.contracts.support.contract import Reverted
from tests.contracts.support.datasets import account_of, buy, filled, joined, opened, put_word, word
from tests.contracts.support.effort import effort
from tests.contracts.support.money import pay_in
from tests.contracts.support.system import System

MAX = 2**32 - 1
COUNT = st.one_of(st.sampled_from([0, 1, 2, 2**31, MAX - 3, MAX - 2, MAX - 1, MAX]), st.integers(0, MAX))
PRICE = st.one_of(st.sampled_from([0, 1, 2**95, 2**96 - 1]), st.integers(0, 2**96 - 1))
SUM = st.one_of(st.sampled_from([0, 1, 2**127, (2**96 - 1) * (MAX - 1)]), st.integers(0, (2**96 - 1) * (MAX - 1)))


def offered(system: System, price: int) -> Offer:
    return post(system, register(system), flags=1, price=price)


def dataset_word(sales: int, members: int, price: int) -> int:
    return price << 64 | members << 32 | sales


def member_word(joined_at: int, left: int, settled: int, owed: int, spells: int, is_in: bool) -> int:
    return is_in << 160 | spells << 128 | owed << 96 | settled << 64 | left << 32 | joined_at


def attempt(call: object, *args: object, **options: object) -> str | None:
    try:
        call(*args, **options)  # type: ignore[operator]
    except Reverted as error:
        return error.reason
    return None


@given(sales=COUNT, members=COUNT, price=SUM, own=PRICE)
@effort(40)
def test_joining_and_leaving(system: System, sales: int, members: int, price: int, own: int) -> None:
    with boa.env.anchor():
        dataset, offer = opened(system), offered(system, own)
        number, name = ids.dataset_id(dataset), ids.offer_id(offer)
        put_word(system, dataset_word(sales, members, price), "datasets", number)
        reason = attempt(joined, system, dataset, offer)
        assert reason == (None if members < MAX else "dataset: too many members")
        if reason is not None:
            return
        assert word(system, "datasets", number) == dataset_word(sales, members + 1, price + own)
        assert word(system, "members", number, name) == member_word(sales, NOT_LEFT, sales, 0, 1, True)
        system.datasets.take_out(system.creator, number, offer, sender=system.creator)
        assert word(system, "datasets", number) == dataset_word(sales, members, price)
        assert word(system, "members", number, name) == member_word(sales, sales, sales, 0, 1, False)


@given(sales=COUNT, price=SUM, own=PRICE)
@effort(30)
def test_selling(system: System, sales: int, price: int, own: int) -> None:
    with boa.env.anchor():
        dataset, offer = opened(system), offered(system, own)
        number, name = ids.dataset_id(dataset), ids.offer_id(offer)
        put_word(system, dataset_word(sales, 1, price), "datasets", number)
        joined(system, dataset, offer)
        boa.env.set_balance(system.licensee, 2**140)
        reason = attempt(buy, system, dataset)
        assert reason == (None if sales < MAX - 1 else "dataset: sold out")
        if reason is not None:
            return
        assert word(system, "datasets", number) == dataset_word(sales + 1, 2, price + own)
        assert system.vault.balance_of(account_of(system, dataset), ETH) == price + own
        license = ids.license_id(number, sales + 1)
        assert system.datasets.covers(license, name, 1)
        assert system.datasets.license_of(license)[4] == number


def seen(system: System, dataset: Dataset, offer: Offer, sales: int, kept: int) -> None:
    number = ids.dataset_id(dataset)
    put_word(system, dataset_word(sales, 1, offer.price), "datasets", number)
    put_word(system, kept, "members", number, ids.offer_id(offer))


@given(times=st.lists(COUNT, min_size=3, max_size=3).map(sorted), owed=COUNT, spells=st.integers(1, MAX), own=PRICE)
@effort(40)
def test_settling(system: System, times: list[int], owed: int, spells: int, own: int) -> None:
    """Whatever a member's word holds: paid is price × (owed + since settled), and nothing but that changes."""
    began, settled, sales = times
    owed = min(owed, settled)  # a member cannot be owed sales there never were
    with boa.env.anchor():
        dataset, (offer,) = filled(system, 1, price=own)
        number = ids.dataset_id(dataset)
        seen(system, dataset, offer, sales, member_word(began, NOT_LEFT, settled, owed, spells, True))
        due = owed + sales - settled
        pay_in(system, ETH, (account_of(system, dataset), 0))
        boa.env.set_balance(boa.env.eoa, 2**140)
        pay_in(system, ETH, (account_of(system, dataset), due * own))
        assert system.datasets.member_of(number, ids.offer_id(offer)) == (True, spells, due)
        system.datasets.collect(number, [offer])
        assert system.vault.balance_of(account(system.creator), ETH) == due * own
        after = member_word(began, NOT_LEFT, settled if not due else sales, 0, spells, True)
        assert word(system, "members", number, ids.offer_id(offer)) == after


@given(times=st.lists(COUNT, min_size=2, max_size=2).map(sorted), owed=COUNT, spells=COUNT, own=PRICE)
@effort(40)
def test_returning(system: System, times: list[int], owed: int, spells: int, own: int) -> None:
    """A return keeps the first spell and what is owed, and begins where the sales are."""
    began, sales = times
    left = (began + sales) // 2
    with boa.env.anchor():
        dataset, (offer,) = filled(system, 1, price=own)
        number, name = ids.dataset_id(dataset), ids.offer_id(offer)
        seen(system, dataset, offer, sales, member_word(began, left, left, owed, max(spells, 1), False))
        reason = attempt(joined, system, dataset, offer)
        assert reason == (None if spells < MAX else "dataset: too many members")
        if reason is not None:
            return
        spell = max(spells, 1) + 1
        assert word(system, "members", number, name) == member_word(began, left, sales, owed, spell, True)
        assert word(system, "later_spells", number, name, spell) == NOT_LEFT << 32 | sales
        assert system.datasets.spell_of(number, name, 1) == (began, left)
        assert system.datasets.spell_of(number, name, spell) == (sales, NOT_LEFT)
        system.datasets.take_out(system.creator, number, offer, sender=system.creator)
        assert word(system, "later_spells", number, name, spell) == sales << 32 | sales
        assert system.datasets.spell_of(number, name, 1) == (began, left)


@given(began=COUNT, left=COUNT, sale=st.integers(1, MAX))
@effort(60)
def test_covering(system: System, began: int, left: int, sale: int) -> None:
    with boa.env.anchor():
        dataset, (offer,) = filled(system, 1)
        number, name = ids.dataset_id(dataset), ids.offer_id(offer)
        put_word(system, member_word(began, left, 0, 0, 2, False), "members", number, name)
        put_word(system, left << 32 | began, "later_spells", number, name, 2)
        license = ids.license_id(number, sale)
        assert not system.datasets.covers(license, name, 1)
        put_word(system, 1, "erc721.words", license)
        for spell in (1, 2):
            assert system.datasets.covers(license, name, spell) is (began < sale <= left)
