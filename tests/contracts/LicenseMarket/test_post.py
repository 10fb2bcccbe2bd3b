# SPDX-License-Identifier: Apache-2.0
"""post: who may, every field's range, what is stored and logged, and when an offer can be posted again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.structs import ETH, NEVER, PERPETUAL, UNLIMITED, WHOLE_END_MS, ZERO32, ZERO_ADDRESS, Offer
from tests.contracts.support.build import buy, digest, hold, offer_for, post, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System, now, travel


def status_of(offer: Offer, sold: int = 0, live: bool = True, posted: int | None = None) -> tuple[Any, ...]:
    return (
        live,
        sold,
        now() if posted is None else posted,
        offer.usages,
        offer.aspects,
        offer.forbids,
        offer.revenue_share_bps,
        offer.start_ms,
        offer.end_ms,
        offer.after_term,
        offer.flags,
    )


def test_stores_and_logs(system: System) -> None:
    offer = offer_for(register(system), system.creator)
    number = system.market.post(offer, sender=system.creator)
    assert number == ids.offer_id(offer)
    assert [(log.name, log.args) for log in system.market.logs] == [
        (
            "OfferPosted",
            {"offer_id": number, "work": offer.work, "licensor": system.creator, "offer": offer_tuple(offer)},
        )
    ]
    assert system.market.offer_status(number) == status_of(offer)


def offer_tuple(offer: Offer) -> tuple[Any, ...]:
    """As eth-abi decodes it: addresses in lower case."""
    return tuple(value.lower() if isinstance(value, str) else value for value in offer.as_tuple())


# What each field may be at its edges, and what it may not.
ALLOWED: list[dict[str, Any]] = [
    {"usages": 1},
    {"usages": 2**8 - 1},
    {"aspects": 1},
    {"aspects": 2**9 - 1},
    {"forbids": 2**7 - 1},
    {"start_ms": 2**32 - 2},
    {"start_ms": 5, "end_ms": 6},
    {"currency": "0x" + "11" * 20},
    {"price": 0},
    {"price": 2**96 - 1},
    {"term": 1},
    {"term": PERPETUAL},
    {"revenue_share_bps": 10_000, "report_every": 1},
    {"unit": 1, "unit_price": 1, "report_every": 2**32 - 1},
    {"unit": 5, "unit_price": 2**96 - 1, "report_every": 1, "revenue_share_bps": 1},
    {"after_term": 1},
    {"after_term": 3},
    {"supply": 1},
    {"licensee": "0x" + "ff" * 20},
    {"opens_at": 2**40 - 2},
    {"opens_at": 0, "closes_at": 1},
    {"flags": 1},
    {"flags": 4},
    {"flags": 2 | 4 | 8},
    {"flags": 1 | 2 | 8},
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"usages": 0}, "market: usages out of range"),
    ({"usages": 2**8}, "market: usages out of range"),
    ({"usages": 2**16 - 1}, "market: usages out of range"),
    ({"aspects": 0}, "market: aspects out of range"),
    ({"aspects": 2**9}, "market: aspects out of range"),
    ({"forbids": 2**7}, "market: forbids out of range"),
    ({"start_ms": 5, "end_ms": 5}, "market: scene is empty"),
    ({"start_ms": 6, "end_ms": 5}, "market: scene is empty"),
    ({"start_ms": 2**32 - 1}, "market: scene is empty"),
    ({"currency": ZERO_ADDRESS}, "market: currency is zero"),
    ({"term": 0}, "market: term is zero"),
    ({"revenue_share_bps": 10_001, "report_every": 1}, "market: revenue share above 10000"),
    ({"unit": 6, "unit_price": 1, "report_every": 1}, "market: unit out of range"),
    ({"unit": 255, "unit_price": 1, "report_every": 1}, "market: unit out of range"),
    ({"unit": 1, "unit_price": 0, "report_every": 1}, "market: unit and unit price disagree"),
    ({"unit": 0, "unit_price": 1, "report_every": 1}, "market: unit and unit price disagree"),
    ({"report_every": 1}, "market: reporting and what is owed disagree"),
    ({"revenue_share_bps": 1}, "market: reporting and what is owed disagree"),
    ({"unit": 1, "unit_price": 1}, "market: reporting and what is owed disagree"),
    ({"after_term": 0}, "market: after_term out of range"),
    ({"after_term": 4}, "market: after_term out of range"),
    ({"supply": 0}, "market: supply is zero"),
    ({"opens_at": 9, "closes_at": 9}, "market: closes before it opens"),
    ({"opens_at": 2**40 - 1}, "market: closes before it opens"),
    ({"flags": 16}, "market: flags out of range"),
    ({"flags": 1 | 4}, "market: a bundle is never exclusive"),
    ({"terms": ZERO32}, "market: terms are zero"),
]


@pytest.mark.parametrize("change", ALLOWED, ids=str)
def test_allows(system: System, change: dict[str, Any]) -> None:
    offer = post(system, register(system), **change)
    assert system.market.offer_status(ids.offer_id(offer)) == status_of(offer)


@pytest.mark.parametrize(("change", "reason"), REFUSED, ids=str)
def test_refuses(system: System, change: dict[str, Any], reason: str) -> None:
    work = register(system)
    with reverts(reason):
        post(system, work, **change)


def test_by_the_licensor_alone(system: System) -> None:
    offer = offer_for(register(system), system.creator)
    for sender in (system.thief, system.owner, system.steward):
        with reverts("market: not the actor"):
            system.market.post(offer, sender=sender)
    system.market.post(offer, sender=system.signed.address)


def test_an_operator_is_not_the_licensor(system: System) -> None:
    work = register(system)
    system.registry.setApprovalForAll(system.keeper, True, sender=system.creator)
    with reverts("market: not the actor"):
        system.market.post(offer_for(work, system.creator), sender=system.keeper)
    with reverts("market: licensor does not own the work"):
        system.market.post(offer_for(work, system.keeper), sender=system.keeper)


def test_the_licensor_owns_the_work(system: System) -> None:
    work = register(system)
    with reverts("market: licensor does not own the work"):
        post(system, work, system.thief)
    with reverts("erc721: no such token"):
        post(system, work + 1)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    with reverts("market: licensor does not own the work"):
        post(system, work)
    post(system, work, system.heir)


@pytest.mark.parametrize(("cleared", "aspects", "is_fine"), [(3, 1, True), (3, 3, True), (3, 4, False), (3, 7, False)])
def test_only_what_the_claimant_cleared(system: System, cleared: int, aspects: int, is_fine: bool) -> None:
    work = register(system, cleared=cleared)
    if is_fine:
        post(system, work, aspects=aspects)
    else:
        with reverts("market: aspects not cleared"):
            post(system, work, aspects=aspects)


def test_not_twice_while_live(system: System) -> None:
    offer = post(system, register(system))
    with reverts("market: already posted"):
        system.market.post(offer, sender=system.creator)


def test_again_after_withdrawal_and_what_was_sold_counts(system: System) -> None:
    offer = post(system, register(system), supply=2)
    buy(system, offer)
    system.market.withdraw_offer(offer, sender=system.creator)
    travel(5)
    system.market.post(offer, sender=system.creator)
    assert system.market.offer_status(ids.offer_id(offer)) == status_of(offer, sold=1)
    buy(system, offer)
    with reverts("market: sold out"):
        buy(system, offer)


def test_again_after_the_work_went_away_and_came_back(system: System) -> None:
    offer = post(system, register(system))
    travel(5)
    system.registry.transferFrom(system.creator, system.heir, offer.work, sender=system.creator)
    with reverts("market: licensor does not own the work"):
        system.market.post(offer, sender=system.creator)
    system.registry.transferFrom(system.heir, system.creator, offer.work, sender=system.heir)
    with reverts("market: work has another owner"):
        buy(system, offer)
    system.market.post(offer, sender=system.creator)
    buy(system, offer)


def test_a_pause_of_sales_does_not_stop_it(system: System) -> None:
    system.market.set_paused(True, sender=system.owner)
    post(system, register(system))


def test_a_work_on_hold(system: System) -> None:
    work = register(system)
    hold(system, work)
    with reverts("registry: work is on hold"):
        post(system, work)


@effort(30)
@given(st.data())
def test_fields_do_not_touch_their_neighbours(system: System, data: st.DataObject) -> None:
    """Each value at random or at an edge; what is stored is what was posted, in every field."""

    def number(bits: int, low: int = 0, high: int | None = None) -> int:
        top = 2**bits - 1 if high is None else high
        return data.draw(st.one_of(st.integers(low, top), st.sampled_from([low, top])))

    start = number(32, 0, 2**32 - 2)
    owes = data.draw(st.booleans())
    unit = number(8, 0, 5) if owes else 0
    share = number(16, 0 if unit else 1, 10_000) if owes else 0
    opens = number(40, 0, 2**40 - 2)
    offer = Offer(
        work=register(system),
        licensor=str(system.creator),
        usages=number(8, 1),
        aspects=number(9, 1),
        forbids=number(7),
        start_ms=start,
        end_ms=number(32, start + 1),
        currency=data.draw(st.sampled_from([ETH, "0x" + "ff" * 20, "0x" + "00" * 19 + "01"])),
        price=number(96),
        term=number(40, 1),
        revenue_share_bps=share,
        unit=unit,
        unit_price=number(96, 1) if unit else 0,
        report_every=number(32, 1) if owes else 0,
        after_term=number(2, 1),
        supply=number(32, 1),
        licensee=data.draw(st.sampled_from([ZERO_ADDRESS, "0x" + "ff" * 20])),
        opens_at=opens,
        closes_at=number(40, opens + 1),
        flags=data.draw(st.sampled_from([flags for flags in range(16) if flags & 5 != 5])),
        terms=digest(),
    )
    travel(data.draw(st.sampled_from([0, 2**40 - 1 - now()])))
    number_ = system.market.post(offer, sender=system.creator)
    assert number_ == ids.offer_id(offer)
    assert system.market.offer_status(number_) == status_of(offer)
    assert system.market.events("OfferPosted")[0]["offer"] == offer_tuple(offer)


def test_the_whole_work_for_ever_without_limit(system: System) -> None:
    offer = post(system, register(system))
    assert (offer.end_ms, offer.supply, offer.closes_at) == (WHOLE_END_MS, UNLIMITED, NEVER)
