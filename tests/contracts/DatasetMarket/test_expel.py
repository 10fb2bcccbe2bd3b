# SPDX-License-Identifier: Apache-2.0
"""expel: anyone, exactly when a member's offer is no longer good."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ipto import ids
from ipto.datasets import Action, next_state
from ipto.structs import Dataset, Offer
from tests.contracts.support.build import hold, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import buy, joined, member, opened, state_of
from tests.contracts.support.system import System, now, travel


@dataclass
class Case:
    """A stewarded member that closes in an hour, and its dataset."""

    system: System
    dataset: Dataset
    offer: Offer

    def withdraw(self) -> None:
        self.system.market.withdraw_offer(self.offer, sender=self.system.creator)

    def move(self) -> None:
        self.system.registry.transferFrom(
            self.system.creator, self.system.heir, self.offer.work, sender=self.system.creator
        )

    def move_and_return(self) -> None:
        self.move()
        travel(1)
        self.system.registry.transferFrom(
            self.system.heir, self.system.creator, self.offer.work, sender=self.system.heir
        )

    def hold(self) -> None:
        hold(self.system, self.offer.work)

    def close(self) -> None:
        travel(3_600)

    def revoke(self) -> None:
        self.system.market.revoke_consent(self.system.steward, ids.offer_id(self.offer), sender=self.system.steward)


@pytest.fixture
def case(system: System) -> Case:
    dataset = opened(system)
    offer = member(system, work=register(system, steward=str(system.steward)), price=5, closes_at=now() + 3_600)
    system.market.consent(system.steward, ids.offer_id(offer), sender=system.steward)
    joined(system, dataset, offer, member(system))
    return Case(system, dataset, offer)


WAYS: list[Callable[[Case], None]] = [
    Case.withdraw, Case.move, Case.move_and_return, Case.hold, Case.close, Case.revoke
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_ends_a_membership(system: System, case: Case, way: Callable[[Case], None]) -> None:
    number, name = ids.dataset_id(case.dataset), ids.offer_id(case.offer)
    with reverts("dataset: offer is good"):
        system.datasets.expel(number, case.offer, sender=system.keeper)
    license, before = buy(system, case.dataset), state_of(system, case.dataset)
    way(case)
    system.datasets.expel(number, case.offer, sender=system.keeper)
    (event,) = system.datasets.events("MemberLeft")
    after = next_state(before, Action.EXPELLED, name, 5)
    assert (event["action"], event["by"], event["left"], event["state"]) == (3, system.keeper, 1, after)
    assert system.datasets.dataset_of(number)[:3] == (after, 1, 1)
    assert system.datasets.covers(license, name, 1)
    assert system.datasets.member_of(number, name) == (False, 1, 1)
    with reverts("dataset: not a member"):
        system.datasets.expel(number, case.offer)


def test_only_members(system: System, case: Case) -> None:
    stranger = member(system)
    system.market.withdraw_offer(stranger, sender=system.creator)
    with reverts("dataset: not a member"):
        system.datasets.expel(ids.dataset_id(case.dataset), stranger)


def test_an_offer_that_never_was(system: System, case: Case) -> None:
    with reverts("dataset: not a member"):
        system.datasets.expel(ids.dataset_id(case.dataset), Offer.from_tuple((0,) * 1 + case.offer.as_tuple()[1:]))


def test_paused(system: System, case: Case) -> None:
    system.datasets.set_paused(True, sender=system.owner)
    case.withdraw()
    system.datasets.expel(ids.dataset_id(case.dataset), case.offer, sender=system.thief)


def test_back_when_it_is_good_again(system: System, case: Case) -> None:
    number = ids.dataset_id(case.dataset)
    case.revoke()
    system.datasets.expel(number, case.offer)
    with reverts("market: steward has not consented"):
        joined(system, case.dataset, case.offer)
    system.market.consent(system.steward, ids.offer_id(case.offer), sender=system.steward)
    joined(system, case.dataset, case.offer)
    assert system.datasets.member_of(number, ids.offer_id(case.offer)) == (True, 2, 0)
