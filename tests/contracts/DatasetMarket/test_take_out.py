# SPDX-License-Identifier: Apache-2.0
"""take_out: by the work's present owner, at any time; what was sold before stays sold and owed."""

from ipto import ids
from ipto.datasets import Action, next_state
from tests.contracts.support.build import account, digest, hold
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import buy, dataset_of, filled, joined, member, opened, state_of
from tests.contracts.support.system import System


def test_takes_out(system: System) -> None:
    dataset, (offer, other) = filled(system)
    number, name = ids.dataset_id(dataset), ids.offer_id(offer)
    license, before = buy(system, dataset), state_of(system, dataset)
    system.datasets.take_out(system.creator, number, offer, sender=system.creator)
    (event,) = system.datasets.events("MemberLeft")
    after = next_state(before, Action.TAKEN_OUT, name, 10_000)
    assert event == {
        "dataset_id": number,
        "offer_id": name,
        "work": offer.work,
        "spell": 1,
        "left": 1,
        "price": 10_000,
        "action": 2,
        "by": system.creator,
        "state": after,
    }
    assert system.datasets.dataset_of(number) == (after, 1, 1, other.price)
    assert system.datasets.member_of(number, name) == (False, 1, 1)
    assert system.datasets.covers(license, name, 1)
    assert not system.datasets.covers(buy(system, dataset), name, 1)
    system.datasets.collect(number, [offer])
    assert system.vault.balance_of(account(system.creator), dataset.currency) == 10_000


def test_before_anything_was_sold(system: System) -> None:
    dataset, (offer, _) = filled(system)
    number, name = ids.dataset_id(dataset), ids.offer_id(offer)
    system.datasets.take_out(system.creator, number, offer, sender=system.creator)
    assert system.datasets.member_of(number, name) == (False, 1, 0)
    assert system.datasets.spell_of(number, name, 1) == (0, 0)
    assert not system.datasets.covers(buy(system, dataset), name, 1)


def test_by_the_owner_alone(system: System) -> None:
    dataset, (offer, _) = filled(system)
    number = ids.dataset_id(dataset)
    with reverts("market: not the actor"):
        system.datasets.take_out(system.creator, number, offer, sender=system.thief)
    for stranger in (system.thief, system.curator, system.owner):
        with reverts("dataset: not the work's owner"):
            system.datasets.take_out(stranger, number, offer, sender=stranger)
    system.datasets.take_out(system.creator, number, offer, sender=system.signed.address)


def test_by_the_present_owner(system: System) -> None:
    dataset, (offer, _) = filled(system)
    number = ids.dataset_id(dataset)
    system.registry.transferFrom(system.creator, system.heir, offer.work, sender=system.creator)
    with reverts("dataset: not the work's owner"):
        system.datasets.take_out(system.creator, number, offer, sender=system.creator)
    system.datasets.take_out(system.heir, number, offer, sender=system.heir)


def test_on_hold_withdrawn_and_paused(system: System) -> None:
    dataset, (offer, _) = filled(system)
    system.datasets.set_paused(True, sender=system.owner)
    system.market.withdraw_offer(offer, sender=system.creator)
    hold(system, offer.work)
    system.datasets.take_out(system.creator, ids.dataset_id(dataset), offer, sender=system.creator)


def test_only_members(system: System) -> None:
    dataset, (offer, _) = filled(system)
    number, stranger = ids.dataset_id(dataset), member(system)
    for where, what in ((number, stranger), (digest(), offer), (ids.dataset_id(dataset_of(system.curator)), stranger)):
        with reverts("dataset: not a member"):
            system.datasets.take_out(system.creator, where, what, sender=system.creator)
    system.datasets.take_out(system.creator, number, offer, sender=system.creator)
    with reverts("dataset: not a member"):
        system.datasets.take_out(system.creator, number, offer, sender=system.creator)


def test_frees_the_work(system: System) -> None:
    """A work may be sold exclusively again when the last dataset let it go."""
    offer = member(system)
    sets = [opened(system, salt=digest()) for _ in range(2)]
    for dataset in sets:
        joined(system, dataset, offer)
    for dataset in sets:
        system.datasets.take_out(system.creator, ids.dataset_id(dataset), offer, sender=system.creator)
    with reverts("market: work is in no dataset"):
        system.market.unbundle(offer.work, sender=system.datasets.address)
