# SPDX-License-Identifier: Apache-2.0
"""permits: every reason for a no, and a clear no is an answer."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto.structs import PERPETUAL, ZERO_ADDRESS, Offer
from tests.contracts.support.build import buy, on_sale, put_flag, set_clean_since
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System, now

USAGES, ASPECTS, START, END, TERM = 0b101, 0b1_0000_0011, 1_000, 5_000, 100


def sold(system: System, **changes: Any) -> tuple[Offer, int]:
    base = {"usages": USAGES, "aspects": ASPECTS, "start_ms": START, "end_ms": END, "term": TERM, "flags": 2}
    offer = on_sale(system, **(base | changes))
    return offer, buy(system, offer)


def question(system: System, offer: Offer, number: int, **changes: Any) -> list[Any]:
    asked = {
        "holder": system.licensee,
        "license": number,
        "offer": offer,
        "usage": 1,
        "aspect": 1,
        "start_ms": START,
        "end_ms": END,
        "at": now(),
    }
    return list((asked | changes).values())


def test_yes(system: System) -> None:
    offer, license = sold(system)
    for changes in (
        {},
        {"usage": 4},
        {"aspect": 2},
        {"aspect": 1 << 8},
        {"start_ms": END - 1},
        {"end_ms": START + 1},
        {"at": now() + TERM - 1},
    ):
        assert system.market.permits(*question(system, offer, license, **changes)), changes


@pytest.mark.parametrize(
    "changes",
    [
        {"holder": ZERO_ADDRESS},
        {"holder": "0x" + "11" * 20},
        {"usage": 2},
        {"usage": 0},
        {"usage": 5},
        {"usage": 2**16 - 1},
        {"aspect": 4},
        {"aspect": 0},
        {"aspect": 3},
        {"aspect": 1 << 9},
        {"start_ms": START - 1},
        {"end_ms": END + 1},
        {"start_ms": 2_000, "end_ms": 2_000},
        {"start_ms": 3_000, "end_ms": 2_000},
        {"start_ms": 0, "end_ms": 2**32 - 1},
        {"at": 0},
        {"at": 2**256 - 1},
        {"license": 0},
        {"license": 2**256 - 1},
    ],
    ids=str,
)
def test_no(system: System, changes: dict[str, Any]) -> None:
    offer, license = sold(system)
    assert not system.market.permits(*question(system, offer, license, **changes))


def test_time(system: System) -> None:
    offer, license = sold(system)
    asked = [(now() - 1, False), (now(), True), (now() + TERM - 1, True), (now() + TERM, False)]
    for at, answer in asked:
        assert system.market.permits(*question(system, offer, license, at=at)) is answer


def test_perpetual(system: System) -> None:
    offer, license = sold(system, term=PERPETUAL)
    for at in (now(), 2**40 - 2, 2**40 - 1, 2**40, 2**256 - 1):
        assert system.market.permits(*question(system, offer, license, at=at)), at


def test_of_the_license_after_and_another_offer(system: System) -> None:
    offer, license = sold(system)
    other, _ = sold(system)
    assert not system.market.permits(*question(system, offer, license + 1))
    assert not system.market.permits(*question(system, other, license))


@pytest.mark.parametrize("field", [spec.name for spec in Offer.fields()])
def test_another_offer_by_any_field(system: System, field: str) -> None:
    offer, license = sold(system)
    value = getattr(offer, field)
    other: Any = value ^ 8 if isinstance(value, int) else str(system.thief) if isinstance(value, str) else bytes(32)
    changed = replace(offer, **{field: other})
    assert not system.market.permits(*question(system, changed, license))


def test_follows_a_transfer(system: System) -> None:
    offer, license = sold(system)
    system.market.transferFrom(system.licensee, system.heir, license, sender=system.licensee)
    assert not system.market.permits(*question(system, offer, license))
    assert system.market.permits(*question(system, offer, license, holder=system.heir))


def test_not_for_the_approved(system: System) -> None:
    offer, license = sold(system)
    system.market.approve(system.keeper, license, sender=system.licensee)
    assert not system.market.permits(*question(system, offer, license, holder=system.keeper))


def test_ended_by_a_ruling(system: System) -> None:
    offer, license = sold(system)
    put_flag(system.market, "LicenseMarket", license, 240, 2)
    assert not system.market.permits(*question(system, offer, license))


@pytest.mark.parametrize(("after", "answer"), [(-1, True), (0, True), (1, False)])
def test_licenses_older_than_a_ruling_on_their_work(system: System, after: int, answer: bool) -> None:
    """Whoever claimed the work wrongly could not license it: what it sold before the ruling's date permits nothing."""
    offer, license = sold(system)
    set_clean_since(system, offer.work, now() + after)
    assert system.market.permits(*question(system, offer, license)) is answer


def test_survives_withdrawal_and_transfer_of_the_work(system: System) -> None:
    offer, license = sold(system)
    system.market.withdraw_offer(offer, sender=system.creator)
    system.registry.transferFrom(system.creator, system.heir, offer.work, sender=system.creator)
    assert system.market.permits(*question(system, offer, license))


EDGES = st.one_of(st.integers(0, 2**16 - 1), st.sampled_from([1 << bit for bit in range(16)]))
TIMES = st.one_of(st.integers(-3, TERM + 3), st.integers(-(10**9), 2**60))
MS = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([START - 1, START, START + 1, END - 1, END, END + 1]))


@effort(60)
@given(EDGES, EDGES, MS, MS, TIMES)
def test_equals_the_model(system: System, usage: int, aspect: int, start: int, end: int, after: int) -> None:
    offer, license = sold(system)
    answer = usage in (1, 4) and aspect in (1, 2, 1 << 8) and START <= start < end <= END and 0 <= after < TERM
    asked = question(system, offer, license, usage=usage, aspect=aspect, start_ms=start, end_ms=end, at=now() + after)
    assert system.market.permits(*asked) is answer
