# SPDX-License-Identifier: Apache-2.0
"""add: by the curator, offers that are live, and whose licensors said yes to exactly this."""

from dataclasses import replace
from typing import Any

import pytest

from ipto import ids
from ipto.datasets import Action, build_dataset, misfits, next_state
from ipto.structs import UNLIMITED, ZERO32
from tests.contracts.support.build import buy as buy_license
from tests.contracts.support.build import digest, hold, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import (
    BUNDLE,
    buy,
    dataset_of,
    filled,
    ids_of,
    joined,
    member,
    opened,
    put_word,
    state_of,
    word,
)
from tests.contracts.support.system import System, now, travel


def test_adds(system: System) -> None:
    dataset, notice = opened(system), digest()
    number = ids.dataset_id(dataset)
    plain = member(system, price=3)
    noted = member(system, work=register(system, cultural=notice), price=4)
    joined(system, dataset, plain, noted)
    first = next_state(number, Action.ADDED, ids.offer_id(plain), 3, ZERO32)
    second = next_state(first, Action.ADDED, ids.offer_id(noted), 4, notice)
    assert system.datasets.dataset_of(number) == (second, 0, 2, 7)
    events = system.datasets.events("MemberAdded")
    assert [event["state"] for event in events] == [first, second]
    assert events[1] == {
        "dataset_id": number,
        "offer_id": ids.offer_id(noted),
        "work": noted.work,
        "spell": 1,
        "joined": 0,
        "price": 4,
        "cultural": notice,
        "state": second,
    }
    assert system.datasets.member_of(number, ids.offer_id(plain)) == (True, 1, 0)
    assert system.datasets.spell_of(number, ids.offer_id(plain), 1) == (0, 2**32 - 1)


def test_by_the_curator_alone(system: System) -> None:
    dataset, offer = opened(system), member(system)
    for stranger in (system.thief, system.creator, system.owner):
        with reverts("market: not the actor"):
            system.datasets.add(dataset, [offer], sender=stranger)
    system.datasets.add(dataset, [offer], sender=system.signed.address)


def test_only_to_an_open_dataset(system: System) -> None:
    with reverts("dataset: not open"):
        joined(system, dataset_of(system.curator), member(system))
    # Another curator's dataset is another dataset.
    dataset = opened(system)
    with reverts("dataset: not open"):
        joined(system, replace(dataset, curator=str(system.thief)), member(system))


def test_once_at_a_time(system: System) -> None:
    dataset, (offer,) = filled(system, 1)
    with reverts("dataset: a member already"):
        joined(system, dataset, offer)
    again = member(system)
    with reverts("dataset: a member already"):
        joined(system, dataset, again, again)


MISFITS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("dataset: other terms", {"currency": "usd"}, {}),
    ("dataset: other terms", {"terms": digest("other")}, {}),
    ("dataset: other terms", {"term": 1}, {}),
    ("dataset: other terms", {"after_term": 2}, {}),
    ("dataset: other terms", {"revenue_share_bps": 1, "report_every": 1}, {}),
    ("dataset: other terms", {}, {"revenue_share_bps": 1}),
    ("dataset: other terms", {}, {"report_every": 1}),
    ("dataset: other terms", {}, {"unit": 1}),
    ("dataset: other terms", {}, {"unit_price": 1}),
    ("dataset: offer permits less", {"aspects": 1}, {"aspects": 3}),
    ("dataset: offer permits less", {}, {"usages": 3}),
    ("dataset: offer permits less", {"usages": 2}, {}),
    ("dataset: offer permits less", {"forbids": 3}, {"forbids": 1}),
    ("dataset: offer is private", {"licensee": "heir"}, {}),
    ("dataset: offer is private", {"licensee": "heir"}, {"licensee": "licensee"}),
    ("dataset: offer's supply is limited", {"supply": 2**32 - 2}, {}),
    ("dataset: offer's supply is limited", {"supply": 1}, {}),
    ("dataset: offer is for one model", {"flags": BUNDLE | 8}, {}),
]


def _named(system: System, changes: dict[str, Any]) -> dict[str, Any]:
    """Actors by role become their addresses."""
    addresses = {"usd": system.usd.address, "heir": str(system.heir), "licensee": str(system.licensee)}
    return {name: addresses.get(value, value) if isinstance(value, str) else value for name, value in changes.items()}


@pytest.mark.parametrize(("reason", "offered", "wanted"), MISFITS)
def test_what_does_not_fit(system: System, reason: str, offered: dict[str, Any], wanted: dict[str, Any]) -> None:
    dataset = opened(system, **_named(system, wanted))
    offer = member(system, **_named(system, offered))
    assert misfits(dataset, offer)
    with reverts(reason):
        joined(system, dataset, offer)


@pytest.mark.parametrize(
    ("offered", "wanted"),
    [
        ({"usages": 255}, {"usages": 1}),
        ({"aspects": 511}, {"aspects": 4}),
        ({"forbids": 0}, {"forbids": 127}),
        ({"licensee": "licensee"}, {"licensee": "licensee"}),
        ({}, {"licensee": "licensee"}),
        ({"flags": BUNDLE | 2}, {}),
        ({"start_ms": 5, "end_ms": 6}, {}),
        ({"price": 0}, {}),
        ({"price": 2**96 - 1}, {}),
    ],
)
def test_what_fits(system: System, offered: dict[str, Any], wanted: dict[str, Any]) -> None:
    dataset = opened(system, **_named(system, wanted))
    offer = member(system, **_named(system, offered))
    assert not misfits(dataset, offer)
    joined(system, dataset, offer)
    assert build_dataset(offer, str(system.curator), licensee=dataset.licensee).terms == dataset.terms


def test_only_live_offers_for_bundles(system: System) -> None:
    dataset = opened(system)
    with reverts("market: offer is not for datasets"):
        joined(system, dataset, member(system, flags=0))
    withdrawn = member(system)
    system.market.withdraw_offer(withdrawn, sender=system.creator)
    with reverts("market: offer not live"):
        joined(system, dataset, withdrawn)
    with reverts("market: offer not live"):
        joined(system, dataset, replace(member(system), price=1))
    late, closed = member(system, opens_at=now() + 10), member(system, closes_at=now() + 5)
    with reverts("market: offer not open yet"):
        joined(system, dataset, late)
    travel(10)
    with reverts("market: offer closed"):
        joined(system, dataset, closed)
    joined(system, dataset, late)


def test_only_of_works_that_are_the_licensors(system: System) -> None:
    dataset, offer = opened(system), member(system)
    system.registry.transferFrom(system.creator, system.heir, offer.work, sender=system.creator)
    with reverts("market: work has another owner"):
        joined(system, dataset, offer)
    held = member(system)
    hold(system, held.work)
    with reverts("registry: work is on hold"):
        joined(system, dataset, held)


def test_the_steward_consents(system: System) -> None:
    dataset = opened(system)
    offer = member(system, work=register(system, steward=str(system.steward)))
    with reverts("market: steward has not consented"):
        joined(system, dataset, offer)
    system.market.consent(system.steward, ids.offer_id(offer), sender=system.steward)
    joined(system, dataset, offer)


def test_never_beside_an_exclusive_license(system: System) -> None:
    dataset, work = opened(system), register(system)
    offer = member(system, work=work)
    sold = member(system, work=work, flags=4, supply=UNLIMITED, terms=digest())
    joined(system, dataset, offer)
    with reverts("market: work is in a dataset"):
        buy_license(system, sold)
    system.datasets.take_out(system.creator, ids.dataset_id(dataset), offer, sender=system.creator)
    buy_license(system, sold)
    with reverts("market: exclusive license running"):
        joined(system, dataset, offer)


def test_a_return_is_a_new_spell(system: System) -> None:
    dataset, (offer, _) = filled(system)
    number, name = ids.dataset_id(dataset), ids.offer_id(offer)
    buy(system, dataset)
    system.datasets.take_out(system.creator, number, offer, sender=system.creator)
    buy(system, dataset)
    joined(system, dataset, offer)
    (event,) = system.datasets.events("MemberAdded")
    assert (event["spell"], event["joined"]) == (2, 2)
    assert system.datasets.member_of(number, name) == (True, 2, 1)
    buy(system, dataset)
    system.datasets.take_out(system.creator, number, offer, sender=system.creator)
    joined(system, dataset, offer)
    spells = [system.datasets.spell_of(number, name, spell) for spell in range(5)]
    assert spells == [(0, 0), (0, 1), (2, 3), (3, 2**32 - 1), (0, 0)]
    assert system.datasets.member_of(number, name) == (True, 3, 2)


def test_one_that_fails_stops_all(system: System) -> None:
    dataset = opened(system)
    before = state_of(system, dataset)
    with reverts("dataset: other terms"):
        joined(system, dataset, member(system), member(system, term=1))
    assert system.datasets.dataset_of(ids.dataset_id(dataset)) == (before, 0, 0, 0)


def test_fifty_at_once(system: System) -> None:
    dataset = opened(system)
    offers = [member(system, price=number) for number in range(51)]
    with reverts(""):
        joined(system, dataset, *offers)
    joined(system, dataset, *offers[:50])
    assert system.datasets.dataset_of(ids.dataset_id(dataset))[1:] == (0, 50, 25 * 49)


def test_the_same_work_by_two_offers(system: System) -> None:
    """Two scenes of one work are two members, each at its own price."""
    dataset, work = opened(system), register(system)
    scenes = [member(system, work=work, start_ms=n, end_ms=n + 1, price=5) for n in range(2)]
    joined(system, dataset, *scenes)
    system.datasets.take_out(system.creator, ids.dataset_id(dataset), scenes[0], sender=system.creator)
    exclusive = member(system, work=work, flags=4, terms=digest())
    with reverts("market: work is in a dataset"):
        buy_license(system, exclusive)


def test_in_many_datasets(system: System) -> None:
    offer = member(system)
    sets = [opened(system, salt=digest()) for _ in range(3)]
    for dataset in sets:
        joined(system, dataset, offer)
    buy(system, sets[0])
    found = [system.datasets.member_of(ids.dataset_id(dataset), ids.offer_id(offer)) for dataset in sets]
    assert found == [(True, 1, 1), (True, 1, 0), (True, 1, 0)]


def test_more_than_can_be_counted(system: System) -> None:
    """Members and spells end where their 32 bits do."""
    dataset, (offer,) = filled(system, 1)
    number, (name,) = ids.dataset_id(dataset), ids_of([offer])
    full = (2**32 - 1) << 32
    put_word(system, full, "datasets", number)
    with reverts("dataset: too many members"):
        joined(system, dataset, member(system))
    put_word(system, full - (1 << 32), "datasets", number)
    joined(system, dataset, member(system, price=7))
    assert system.datasets.dataset_of(number)[1:] == (0, 2**32 - 1, 7)
    put_word(system, 1 << 32, "datasets", number)
    put_word(
        system, (word(system, "members", number, name) & ~(1 << 160)) | (2**32 - 1) << 128, "members", number, name
    )
    with reverts("dataset: too many members"):
        joined(system, dataset, offer)


def test_nothing_to_add(system: System) -> None:
    dataset = opened(system)
    before = state_of(system, dataset)
    joined(system, dataset)
    assert state_of(system, dataset) == before
