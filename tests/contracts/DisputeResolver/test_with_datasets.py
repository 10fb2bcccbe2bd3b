# SPDX-License-Identifier: Apache-2.0
"""Cases on works in datasets: collection waits, the work can be expelled, buyers before that keep cover."""

from ipto import ids
from ipto.structs import ETH
from tests.contracts.support.build import account
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import buy, filled
from tests.contracts.support.disputes import DAY, Outcome, open_case, refer, rule
from tests.contracts.support.system import System, travel

DELAY = 7 * DAY


def test_a_held_works_income_waits_and_follows_the_claim(system: System) -> None:
    dataset, offers = filled(system, 2)
    token = buy(system, dataset)
    case = open_case(system, offers[0].work, hold_days=20, market=system.market.address)
    before = system.vault.balance_of(account(system.creator), ETH)
    system.datasets.collect(ids.dataset_id(dataset), offers[1:])
    with reverts("registry: work is on hold"):
        system.datasets.collect(ids.dataset_id(dataset), offers[:1])
    assert system.vault.balance_of(account(system.creator), ETH) == before + offers[1].price
    refer(system, case, system.creator)
    rule(system, case, Outcome.FOR_OPENER)
    travel(DELAY)
    system.disputes.execute(case)
    bonds = system.vault.balance_of(account(system.challenger), ETH)
    system.datasets.collect(ids.dataset_id(dataset), offers[:1])
    assert system.vault.balance_of(account(system.challenger), ETH) == bonds + offers[0].price
    assert system.datasets.covers(token, ids.offer_id(offers[0]), 1)


def test_a_held_member_is_expelled_by_anyone(system: System) -> None:
    dataset, offers = filled(system, 2)
    token = buy(system, dataset)
    open_case(system, offers[0].work, hold_days=20)
    system.datasets.expel(ids.dataset_id(dataset), offers[0], sender=system.keeper)
    later = buy(system, dataset)
    assert system.datasets.covers(token, ids.offer_id(offers[0]), 1)
    assert not system.datasets.covers(later, ids.offer_id(offers[0]), 1)
