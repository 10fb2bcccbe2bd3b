# SPDX-License-Identifier: Apache-2.0
"""Cases on works and licenses of the real registry and market: sales stop, exclusivity goes, money stays."""

from ipto.structs import ETH, PERPETUAL
from tests.contracts.support.build import account, buy, declare, even_split, on_sale, post, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import DAY, Effect, Outcome, answer, decided, open_case, remedy
from tests.contracts.support.system import System, now, travel

EXCLUSIVE = 4


def permits(system: System, offer: object, license: int) -> bool:
    found: bool = system.market.permits(system.licensee, license, offer, 1, 1, 0, 1, now())
    return found


def test_a_hold_stops_sales_and_the_money_earned_before_waits_untouched(system: System) -> None:
    payee = declare(system, even_split(system.creator, system.dancer))
    offer = post(system, register(system, payee=payee), currency=ETH)
    license = buy(system, offer)
    case = open_case(system, offer.work, hold_days=10)
    with reverts("registry: work is on hold"):
        buy(system, offer)
    with reverts("registry: work is on hold"):
        system.registry.set_payee(offer.work, payee, sender=system.creator)
    # A hold is no verdict: what was bought permits, what was earned is owed.
    assert permits(system, offer, license)
    assert system.vault.balance_of(payee, ETH) == offer.price
    travel(10 * DAY)
    buy(system, offer)
    assert system.vault.balance_of(payee, ETH) == 2 * offer.price
    system.disputes.withdraw_case(case, sender=system.challenger)


def test_a_move_clears_the_exclusive_license_a_thief_sold_for_ever(system: System) -> None:
    """Else the thief would leave a work that its author cannot sell."""
    work = register(system, system.thief)
    exclusive = post(system, work, system.thief, flags=EXCLUSIVE, term=PERPETUAL)
    license = buy(system, exclusive)
    assert system.market.exclusive_until(work, 1) == 2**256 - 1
    case = open_case(system, work, market=system.market.address, by=system.creator)
    travel(14 * DAY)
    system.disputes.refer(case)
    for judge in system.judges[:3]:
        system.panel.vote(system.disputes.address, case, 1, remedy(now()), b"\x01" * 32, sender=judge)
    travel(7 * DAY)
    system.disputes.execute(case)
    assert system.market.exclusive_until(work, 1) == 0
    assert not permits(system, exclusive, license)
    mine = post(system, work, system.creator)
    assert permits(system, mine, buy(system, mine))
    assert system.vault.balance_of(account(system.creator), ETH) >= mine.price


def test_without_clean_since_honest_buyers_keep_what_they_bought(system: System) -> None:
    offer = on_sale(system)
    license = buy(system, offer)
    case = open_case(system, offer.work, market=system.market.address)
    decided(system, case, Outcome.FOR_OPENER)
    system.disputes.execute(case)
    assert permits(system, offer, license)


def test_what_the_former_owner_earned_stays_its_own(system: System) -> None:
    """A ruling moves a claim; it takes nothing out of anybody's account."""
    offer = on_sale(system)
    buy(system, offer)
    case = open_case(system, offer.work)
    decided(system, case, Outcome.FOR_OPENER, system.creator)
    system.disputes.execute(case)
    assert system.vault.balance_of(account(system.creator), ETH) == offer.price


def test_a_license_is_ended_and_its_holder_answers(system: System) -> None:
    offer = on_sale(system)
    license = buy(system, offer)
    case = open_case(system, license, Effect.END_LICENSE, by=system.creator, target=system.market.address)
    answer(system, case, system.licensee)
    system.disputes.refer(case)
    for judge in system.judges[:3]:
        system.panel.vote(system.disputes.address, case, 1, bytes(32), b"\x01" * 32, sender=judge)
    assert permits(system, offer, license)
    travel(7 * DAY)
    assert permits(system, offer, license)
    system.disputes.execute(case)
    assert not permits(system, offer, license)
    assert system.market.license_of(license)[3] & 2


def test_a_license_that_was_not_ended_goes_on(system: System) -> None:
    offer = on_sale(system)
    license = buy(system, offer)
    case = open_case(system, license, Effect.END_LICENSE, by=system.creator, target=system.market.address)
    decided(system, case, Outcome.FOR_RESPONDENT, system.licensee)
    system.disputes.execute(case)
    assert permits(system, offer, license)


def test_effects_of_one_kind_do_not_reach_contracts_of_another(system: System) -> None:
    """A case may name the market as if it were a registry: its ruling finds no such function, the money moves."""
    offer = on_sale(system)
    license = buy(system, offer)
    case = open_case(system, license, Effect.MOVE_CLAIM, target=system.market.address)
    decided(system, case, Outcome.FOR_OPENER)
    with reverts(""):
        system.disputes.execute(case)
    system.disputes.settle(case)
    assert system.market.ownerOf(license) == system.licensee
    case = open_case(system, offer.work, Effect.END_LICENSE)
    decided(system, case, Outcome.FOR_OPENER)
    with reverts(""):
        system.disputes.execute(case)
    assert system.registry.ownerOf(offer.work) == system.creator
