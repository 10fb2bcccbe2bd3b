# SPDX-License-Identifier: Apache-2.0
"""covers: the license is its own certificate, by the number of its sale."""

from ipto import ids
from tests.contracts.support.build import digest
from tests.contracts.support.datasets import buy, filled, joined, member
from tests.contracts.support.system import System


def test_exactly_the_spell(system: System) -> None:
    dataset, (offer, _) = filled(system)
    number, name = ids.dataset_id(dataset), ids.offer_id(offer)
    before = [buy(system, dataset) for _ in range(2)]
    system.datasets.take_out(system.creator, number, offer, sender=system.creator)
    without = [buy(system, dataset)]
    joined(system, dataset, offer)
    after = [buy(system, dataset) for _ in range(2)]
    licenses = before + without + after
    assert [system.datasets.covers(license, name, 1) for license in licenses] == [True, True, False, False, False]
    assert [system.datasets.covers(license, name, 2) for license in licenses] == [False, False, False, True, True]
    for spell in (0, 3, 2**32 - 1):
        assert not any(system.datasets.covers(license, name, spell) for license in licenses)


def test_joining_later_covers_nothing_sold(system: System) -> None:
    dataset, _ = filled(system)
    license, late = buy(system, dataset), member(system)
    joined(system, dataset, late)
    assert not system.datasets.covers(license, ids.offer_id(late), 1)
    assert system.datasets.covers(buy(system, dataset), ids.offer_id(late), 1)


def test_nothing_that_was_not_sold(system: System) -> None:
    """A member's open spell reaches over all later numbers; only those of licenses count."""
    dataset, (offer, _) = filled(system)
    number, name = ids.dataset_id(dataset), ids.offer_id(offer)
    license = buy(system, dataset)
    for unsold in (license + 1, ids.license_id(number, 2**32 - 1), license - 1, 0, 2**256 - 1):
        assert not system.datasets.covers(unsold, name, 1)


def test_nothing_of_another_dataset(system: System) -> None:
    dataset, (offer, _) = filled(system)
    other, (foreign, _) = filled(system, salt=digest())
    license, theirs = buy(system, dataset), buy(system, other)
    assert not system.datasets.covers(license, ids.offer_id(foreign), 1)
    assert not system.datasets.covers(theirs, ids.offer_id(offer), 1)
    assert not system.datasets.covers(license, digest(), 1)


def test_whoever_holds_it_whatever_became_of_the_work(system: System) -> None:
    dataset, (offer, _) = filled(system)
    license = buy(system, dataset)
    system.market.withdraw_offer(offer, sender=system.creator)
    system.registry.transferFrom(system.creator, system.heir, offer.work, sender=system.creator)
    system.datasets.expel(ids.dataset_id(dataset), offer)
    assert system.datasets.covers(license, ids.offer_id(offer), 1)


def test_unknown_members(system: System) -> None:
    dataset, _ = filled(system)
    number = ids.dataset_id(dataset)
    assert system.datasets.member_of(number, digest()) == (False, 0, 0)
    assert system.datasets.member_of(digest(), digest()) == (False, 0, 0)
    assert system.datasets.spell_of(number, digest(), 1) == (0, 0)
