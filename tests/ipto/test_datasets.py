# SPDX-License-Identifier: Apache-2.0
"""Datasets as pure functions: what fits, the state, spells, what is owed, and events that cannot be the contract's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.datasets import (
    MAX_COLLECT,
    NOT_LEFT,
    Action,
    History,
    Member,
    Spell,
    batches,
    build_dataset,
    misfits,
    next_state,
    plan_collect,
    select,
    totals,
)
from ipto.errors import InputError, IntegrityError
from ipto.structs import ETH, NEVER, UNLIMITED, ZERO32, ZERO_ADDRESS, Dataset, Offer, OfferFlag

CURATOR, LICENSOR, BUYER = ("0x" + digit * 40 for digit in "123")
NOTICE = b"\x07" * 32
OFFER = Offer(
    1, LICENSOR, 3, 3, 1, 0, 9, ETH, 5, 100, 0, 0, 0, 0, 1, UNLIMITED, ZERO_ADDRESS, 0, NEVER, OfferFlag.BUNDLE, NOTICE
)
DATASET = build_dataset(OFFER, CURATOR)
NUMBER = ids.dataset_id(DATASET)


def offer(work: int, **changes: Any) -> Offer:
    return replace(OFFER, work=work, **changes)


class Chain:
    """Tells a dataset's events the way the contract does."""

    def __init__(self) -> None:
        self.history = History(NUMBER)
        self.state = NUMBER
        self.sales = 0
        self.prices: dict[bytes, int] = {}
        self.spells: dict[bytes, int] = {}
        self.history.apply("DatasetOpened", {"dataset_id": NUMBER, "dataset": DATASET.to_json()})

    def add(self, item: Offer, notice: bytes = ZERO32, **lies: Any) -> None:
        name = ids.offer_id(item)
        self.state = next_state(self.state, Action.ADDED, name, item.price, notice)
        self.prices[name] = item.price
        self.spells[name] = self.spells.get(name, 0) + 1
        told = {"dataset_id": NUMBER, "offer_id": name, "work": item.work, "spell": self.spells[name],
                "joined": self.sales, "price": item.price, "cultural": notice, "state": self.state}  # fmt: skip
        self.history.apply("MemberAdded", {**told, **lies})

    def leave(self, item: Offer, how: Action = Action.TAKEN_OUT, **lies: Any) -> None:
        name = ids.offer_id(item)
        self.state = next_state(self.state, how, name, item.price)
        del self.prices[name]
        told = {"dataset_id": NUMBER, "offer_id": name, "work": item.work, "spell": self.spells[name],
                "left": self.sales, "price": item.price, "action": int(how), "by": BUYER,
                "state": self.state}  # fmt: skip
        self.history.apply("MemberLeft", {**told, **lies})

    def sell(self, **lies: Any) -> int:
        self.sales += 1
        license = ids.license_id(NUMBER, self.sales)
        told = {"license": license, "dataset_id": NUMBER, "price": sum(self.prices.values()), "state": self.state}
        self.history.apply("DatasetLicenseMinted", {**told, **lies})
        return license

    def collect(self, *items: tuple[Offer, int], **lies: Any) -> None:
        entries = [ids.offer_id(item)[:28] + sales.to_bytes(4, "big") for item, sales in items]
        told = {"dataset_id": NUMBER, "settled": entries}
        self.history.apply("Collected", {**told, **lies})


# ---- building


def test_built_from_an_offer() -> None:
    for name in ("currency", "usages", "aspects", "forbids", "term", "terms", "after_term", "report_every"):
        assert getattr(DATASET, name) == getattr(OFFER, name)
    assert (DATASET.curator, DATASET.licensee, DATASET.salt) == (CURATOR, ZERO_ADDRESS, ZERO32)
    narrow = build_dataset(OFFER, CURATOR, usages=1, aspects=2, forbids=3, curator_fee_bps=1_000, salt=NOTICE)
    assert (narrow.usages, narrow.aspects, narrow.forbids, narrow.curator_fee_bps) == (1, 2, 3, 1_000)
    assert ids.dataset_id(narrow) != NUMBER


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"curator_fee_bps": 1_001}, "cap of 1000"),
        ({"usages": 0}, "permit nothing"),
        ({"aspects": 0}, "permit nothing"),
        ({"usages": 7}, "permits fewer"),
        ({"forbids": 0}, "forbids more"),
        ({"term": 5}, "cannot be set"),
    ],
)
def test_not_built(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        build_dataset(OFFER, CURATOR, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"term": 1}, "term"),
        ({"terms": ZERO32}, "terms"),
        ({"currency": BUYER}, "currency"),
        ({"unit": 1, "unit_price": 1}, "unit"),
        ({"usages": 1}, "usages"),
        ({"aspects": 1}, "aspects"),
        ({"forbids": 3}, "forbids"),
        ({"licensee": BUYER}, "private"),
        ({"supply": 5}, "limited"),
        ({"flags": 0}, "not for bundles"),
        ({"flags": OfferFlag.BUNDLE | OfferFlag.ONE_MODEL}, "one model"),
    ],
)
def test_misfits_are_named(changes: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in misfits(DATASET, replace(OFFER, **changes)))


def test_selecting() -> None:
    dear, cheap, other, member = offer(1, price=9), offer(2, price=1), offer(3, term=1), offer(4)
    offers = [dear, cheap, other, member, cheap]
    assert select(DATASET, offers, members=[ids.offer_id(member)]) == [cheap, dear]
    assert select(DATASET, offers, highest_price=5) == [cheap, member]
    assert select(DATASET, []) == []


@given(st.integers(0, 2**128), st.integers(0, 1_000), st.integers(0, 250))
def test_totals(price: int, curator_fee_bps: int, fee_bps: int) -> None:
    total, curator_fee, fee = totals(price, curator_fee_bps, fee_bps)
    assert total - curator_fee - fee == price
    assert 0 <= curator_fee * 10_000 <= price * curator_fee_bps < (curator_fee + 1) * 10_000
    assert 0 <= fee * 10_000 <= price * fee_bps < (fee + 1) * 10_000


# ---- spells and what is owed


def test_a_history() -> None:
    chain, one, two = Chain(), offer(1, price=3), offer(2, price=4)
    chain.add(one, NOTICE)
    first = chain.sell()
    chain.add(two)
    second = chain.sell()
    chain.leave(one)
    third = chain.sell()
    chain.add(one)
    fourth = chain.sell()
    history = chain.history
    names = {license: {member.work for member, _ in history.covered(license)} for license in (first, second, third)}
    assert list(names.values()) == [{1}, {1, 2}, {2}]
    assert {(member.work, spell.number) for member, spell in history.covered(fourth)} == {(1, 2), (2, 1)}
    member = history.members[ids.offer_id(one)]
    assert member.spells == [Spell(1, 0, 2), Spell(2, 3)]
    assert (member.is_in, member.earned(4), member.owed(4), member.cultural) == (True, 3, 3, ZERO32)
    assert member.spell_at(3) is None
    assert (history.sales, history.price, len(history.current)) == (4, 7, 2)
    assert history.sold[1] != history.sold[2]
    chain.collect((one, 3))
    assert [member.owed(4) for member in history.members.values()] == [0, 3]


@given(st.lists(st.sampled_from(["in", "out", "sell", "collect"]), max_size=60))
def test_owed_is_what_the_sales_say(steps: list[str]) -> None:
    chain, item = Chain(), offer(1, price=2)
    was_in: list[bool] = []
    paid = 0
    is_in = False
    for step in steps:
        if step == "in" and not is_in:
            chain.add(item)
            is_in = True
        elif step == "out" and is_in:
            chain.leave(item, Action.EXPELLED)
            is_in = False
        elif step == "sell":
            chain.sell()
            was_in.append(is_in)
        elif step == "collect" and sum(was_in) > paid:
            chain.collect((item, sum(was_in) - paid))
            paid = sum(was_in)
    member = chain.history.members.get(ids.offer_id(item), Member(b"", 1, 2, ZERO32))
    assert member.owed(len(was_in)) == sum(was_in) - paid
    for sale, covered in enumerate(was_in, 1):
        assert (member.spell_at(sale) is not None) is covered
        assert sum(spell.covers(sale) for spell in member.spells) == covered


@given(st.integers(0, NOT_LEFT), st.integers(0, NOT_LEFT), st.integers(0, NOT_LEFT))
def test_a_spell_covers_what_came_after_it_began_until_it_ended(joined: int, left: int, sale: int) -> None:
    assert Spell(1, joined, left).covers(sale) is (sale in range(joined + 1, left + 1))


# ---- the state


def test_the_state_depends_on_everything() -> None:
    base: list[Any] = [NUMBER, Action.ADDED, ids.offer_id(OFFER), 5, NOTICE]
    others: list[Any] = [NOTICE, Action.EXPELLED, NOTICE, 6, ZERO32]
    seen = {next_state(*base)}
    for place, value in enumerate(others):
        seen.add(next_state(*base[:place], value, *base[place + 1 :]))
    assert len(seen) == 6


@pytest.mark.parametrize(
    "lie",
    [
        {"state": NOTICE}, {"price": 6}, {"joined": 1}, {"spell": 2}, {"cultural": NOTICE}, {"offer_id": NOTICE},
    ],
    ids=str,
)  # fmt: skip
def test_a_joining_that_cannot_be(lie: dict[str, Any]) -> None:
    chain = Chain()
    with pytest.raises(IntegrityError):
        chain.add(OFFER, **lie)


@pytest.mark.parametrize(
    "lie", [{"state": NOTICE}, {"price": 6}, {"left": 3}, {"action": 3}, {"offer_id": NOTICE}], ids=str
)
def test_a_leaving_that_cannot_be(lie: dict[str, Any]) -> None:
    chain = Chain()
    chain.add(OFFER)
    with pytest.raises(IntegrityError):
        chain.leave(OFFER, **lie)


@pytest.mark.parametrize("lie", [{"price": 4}, {"state": NUMBER}, {"license": ids.license_id(NUMBER, 2)}], ids=str)
def test_a_sale_that_cannot_be(lie: dict[str, Any]) -> None:
    chain = Chain()
    chain.add(OFFER)
    with pytest.raises(IntegrityError):
        chain.sell(**lie)


@pytest.mark.parametrize(
    "lie",
    [{"settled": [ids.offer_id(OFFER)[:31] + b"\2"]}, {"settled": [ids.offer_id(OFFER)]}, {"settled": [NOTICE]}],
    ids=str,
)
def test_a_collection_that_cannot_be(lie: dict[str, Any]) -> None:
    chain = Chain()
    chain.add(OFFER)
    chain.sell()
    with pytest.raises(IntegrityError):
        chain.collect((OFFER, 1), **lie)


def test_a_missing_event_shows() -> None:
    whole, gap = Chain(), Chain()
    for chain in (whole, gap):
        chain.add(OFFER)
    whole.add(offer(2))
    gap.state = whole.state  # the second joining was kept back
    gap.prices = whole.prices
    with pytest.raises(IntegrityError):
        gap.sell()


def test_another_datasets_events_are_left_alone() -> None:
    chain = Chain()
    before = chain.state
    other = ids.dataset_id(replace(DATASET, salt=NOTICE))
    chain.history.apply("MemberAdded", {"dataset_id": other})
    chain.history.apply("DatasetLicenseMinted", {"dataset_id": other})
    chain.history.apply("FeeSet", {"bps": 1})
    assert chain.history.state == before
    with pytest.raises(IntegrityError, match="id"):
        chain.history.apply("DatasetOpened", {"dataset_id": NUMBER, "dataset": replace(DATASET, salt=NOTICE).to_json()})


def test_a_tuple_is_a_dataset_too() -> None:
    history = History(NUMBER)
    history.apply("DatasetOpened", {"dataset_id": NUMBER, "dataset": DATASET.as_tuple()})
    assert history.dataset == DATASET
    assert isinstance(history.dataset, Dataset)


# ---- paying


def test_covered_by_what_was_sold_alone() -> None:
    chain = Chain()
    chain.add(OFFER)
    license = chain.sell()
    assert [member.work for member, _ in chain.history.covered(license)] == [1]
    with pytest.raises(InputError, match="not sold"):
        list(chain.history.covered(license + 1))
    with pytest.raises(InputError, match="not one of this dataset"):
        list(chain.history.covered(1))


def test_plans_skip_what_is_held_free_or_settled() -> None:
    chain = Chain()
    items = [offer(work, price=work) for work in range(5)]
    for item in items:
        chain.add(item)
    chain.sell()
    chain.collect((items[1], 1))
    names = {work: ids.offer_id(item) for work, item in enumerate(items)}
    assert plan_collect(chain.history) == [[names[2], names[3], names[4]]]
    assert plan_collect(chain.history, held={3}, batch=1) == [[names[2]], [names[4]]]
    chain.leave(items[2])
    chain.sell()
    assert plan_collect(chain.history) == [[names[1], names[2], names[3], names[4]]]


def test_batches() -> None:
    assert batches(list(range(5)), 2, 64) == [[0, 1], [2, 3], [4]]
    assert batches([], 2, 64) == []
    for size in (0, MAX_COLLECT + 1, -1):
        with pytest.raises(InputError, match="batch"):
            batches([1], size, MAX_COLLECT)
