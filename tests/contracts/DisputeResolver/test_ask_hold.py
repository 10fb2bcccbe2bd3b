# SPDX-License-Identifier: Apache-2.0
"""ask_hold: paid by the day, within one budget for all cases, and never twice by one."""

import pytest

from tests.contracts.support.build import buy, on_sale
from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import (
    BUDGET,
    DAY,
    LIFE,
    REST,
    Effect,
    Outcome,
    answer,
    chest,
    decided,
    docket,
    on_trial,
    open_case,
    order_hold,
    refer,
    rule,
)
from tests.contracts.support.system import BOND, RENT, System, now, travel


def ask(system: System, case: int, days: int, by: str | None = None, value: int | None = None) -> None:
    paid = RENT * days if value is None else value
    system.disputes.ask_hold(case, days, sender=by or system.challenger, value=paid)


def test_holds_the_work_for_its_rent(system: System) -> None:
    work, case = on_trial(system)
    ask(system, case, 10)
    until = now() + 10 * DAY
    assert system.disputes.events("HoldAsked") == [
        {"case": case, "target": system.registry.address, "subject": work, "until": until, "rent": 10 * RENT}
    ]
    assert system.registry.held_until(work) == until
    assert chest(system, case) == BOND + 10 * RENT
    assert system.disputes.rent_of(case) == (10 * RENT, 0, system.creator)
    assert system.disputes.hold_of(system.registry.address, work) == (case, until, 0, 80 * DAY)


def test_ends_by_itself(system: System) -> None:
    offer = on_sale(system)
    case = open_case(system, offer.work, hold_days=2)
    travel(2 * DAY - 1)
    with reverts("registry: work is on hold"):
        buy(system, offer)
    travel(1)
    buy(system, offer)
    assert system.disputes.hold_of(system.registry.address, offer.work) == (0, 0, 0, 88 * DAY)
    assert system.disputes.rent_of(case) == (2 * RENT, 2 * RENT, system.creator)


def test_the_rent_goes_to_whoever_owns_it_when_it_begins(system: System) -> None:
    work, case = on_trial(system)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    ask(system, case, 1)
    assert system.disputes.rent_of(case)[2] == system.heir


def test_by_the_opener_alone(system: System) -> None:
    _, case = on_trial(system)
    for sender in (system.creator, system.thief, system.panel.address):
        with reverts("disputes: not the opener"):
            ask(system, case, 1, by=sender, value=0)


@pytest.mark.parametrize("days", [0, 91, 2**256 - 1])
def test_days_out_of_range(system: System, days: int) -> None:
    _, case = on_trial(system)
    with reverts("disputes: days out of range"):
        ask(system, case, days, value=0)


@pytest.mark.parametrize("wrong", [-1, 1])
def test_the_exact_rent(system: System, wrong: int) -> None:
    _, case = on_trial(system)
    with reverts("disputes: ETH sent differs from the total"):
        ask(system, case, 2, value=2 * RENT + wrong)


def test_once_a_case_also_when_it_ended(system: System) -> None:
    _, case = on_trial(system, hold_days=1)
    with reverts("disputes: one hold a case"):
        ask(system, case, 1)
    travel(DAY)
    with reverts("disputes: one hold a case"):
        ask(system, case, 1)


def test_not_beyond_the_cases_life(system: System) -> None:
    _, case = on_trial(system)
    travel(1)
    with reverts("disputes: hold outlives the case"):
        ask(system, case, 90)
    ask(system, case, 89)


def test_not_when_the_case_is_over(system: System) -> None:
    _, case = on_trial(system)
    travel(LIFE)
    with reverts("disputes: case is over"):
        ask(system, case, 1)
    _, case = on_trial(system)
    decided(system, case, Outcome.NO_FAULT)
    with reverts("disputes: case is over"):
        ask(system, case, 1)


def test_after_the_referral_too(system: System) -> None:
    work, case = on_trial(system)
    refer(system, case, system.creator)
    ask(system, case, 5)
    assert system.registry.held_until(work) == now() + 5 * DAY


def test_licenses_are_not_held(system: System) -> None:
    case = open_case(system, 7, Effect.END_LICENSE, target=docket(system).address)
    with reverts("disputes: licenses are not held"):
        ask(system, case, 1)


def test_one_at_a_time(system: System) -> None:
    work, _ = on_trial(system, hold_days=5)
    other = open_case(system, work, by=system.thief)
    with reverts("disputes: an asked hold is running"):
        ask(system, other, 1, by=system.thief)
    travel(5 * DAY)
    ask(system, other, 1, by=system.thief)


def test_ninety_days_by_however_many_cases(system: System) -> None:
    """The loop: one case after the other, each with a hold, from as many accounts as one likes."""
    work, _ = on_trial(system, hold_days=60)
    travel(60 * DAY)
    open_case(system, work, by=system.thief, hold_days=29)
    travel(29 * DAY)
    with reverts("disputes: held long enough"):
        open_case(system, work, by=system.keeper, hold_days=2)
    open_case(system, work, by=system.keeper, hold_days=1)
    travel(DAY)
    ended_at = now()
    with reverts("disputes: held long enough"):
        open_case(system, work, hold_days=1)
    travel(REST - 1)
    with reverts("disputes: held long enough"):
        open_case(system, work, hold_days=1)
    assert system.disputes.hold_of(system.registry.address, work)[3] == 0
    travel(1)
    assert now() == ended_at + REST
    assert system.disputes.hold_of(system.registry.address, work)[3] == BUDGET
    case = open_case(system, work, hold_days=90)
    assert system.disputes.hold_of(system.registry.address, work) == (case, now() + 90 * DAY, 0, 0)
    travel(30 * DAY)
    system.disputes.withdraw_case(case, sender=system.challenger)
    assert system.disputes.hold_of(system.registry.address, work)[3] == 60 * DAY, "what was used before is forgotten"


def test_a_short_hold_of_a_friend_makes_nobody_immune(system: System) -> None:
    """A thief has a friend ask for a day and withdraw: the true author still has the rest of the budget."""
    work, sham = on_trial(system, by=system.thief, hold_days=1)
    travel(60)
    system.disputes.withdraw_case(sham, sender=system.thief)
    assert system.registry.held_until(work) == 0
    open_case(system, work, hold_days=89)
    assert system.registry.held_until(work) == now() + 89 * DAY


def test_a_hold_that_ended_early_counts_for_what_it_lasted(system: System) -> None:
    work, case = on_trial(system, hold_days=90)
    travel(10 * DAY)
    system.disputes.withdraw_case(case, sender=system.challenger)
    assert system.disputes.hold_of(system.registry.address, work)[3] == 80 * DAY
    other = open_case(system, work, hold_days=80)
    assert system.disputes.hold_of(system.registry.address, work) == (other, now() + 80 * DAY, 0, 0)


def test_once_lifted_it_is_not_asked_for_again(system: System) -> None:
    work, case = on_trial(system, hold_days=30)
    refer(system, case, system.creator)
    order_hold(system, case, False)
    assert system.registry.held_until(work) == 0
    with reverts("disputes: one hold a case"):
        ask(system, case, 1)


def test_works_do_not_share_a_budget(system: System) -> None:
    on_trial(system, hold_days=90)
    on_trial(system, hold_days=90)


def test_a_settlement_hears_of_a_report_once(system: System) -> None:
    target, market = docket(system), docket(system, system.licensee, 9)
    case = open_case(
        system, 9, Effect.VOID_REPORT, target=target.address, market=market.address, number=1, hold_days=90
    )
    assert target.count() == 1
    assert system.disputes.rent_of(case)[2] == system.licensee
    refer(system, case, system.licensee)
    order_hold(system, case, True)
    assert target.count() == 1
    rule(system, case, Outcome.FOR_RESPONDENT)
    assert target.count() == 2


def test_unknown(system: System) -> None:
    with reverts("disputes: no such case"):
        ask(system, 1, 1)


def test_an_answer_leaves_the_hold(system: System) -> None:
    work, case = on_trial(system, hold_days=5)
    answer(system, case)
    assert system.registry.held_until(work) == now() + 5 * DAY
