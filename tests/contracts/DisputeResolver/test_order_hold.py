# SPDX-License-Identifier: Apache-2.0
"""order_hold: the arbiter's own word on holds, beyond the budget of asked ones, to the end of the case."""

from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import (
    DAY,
    LIFE,
    Effect,
    Outcome,
    decided,
    docket,
    on_trial,
    open_case,
    order_hold,
    refer,
    rule,
)
from tests.contracts.support.system import RENT, System, now, travel


def held_until(system: System, work: int) -> int:
    found: int = system.registry.held_until(work)
    return found


def test_until_the_case_ends_and_free(system: System) -> None:
    work, case = on_trial(system)
    opened_at = now()
    refer(system, case, system.creator)
    travel(DAY)
    order_hold(system, case, True)
    logs = system.panel.logs
    assert [log.args for log in logs if log.name == "HoldOrdered"] == [
        {"case": case, "target": system.registry.address, "subject": work, "until": opened_at + LIFE}
    ]
    assert held_until(system, work) == opened_at + LIFE
    assert system.disputes.hold_of(system.registry.address, work) == (0, 0, opened_at + LIFE, 90 * DAY)
    assert system.disputes.rent_of(case)[0] == 0


def test_on_a_work_that_was_held_for_its_ninety_days(system: System) -> None:
    work, _ = on_trial(system, hold_days=90)
    travel(90 * DAY)
    case = open_case(system, work)
    refer(system, case, system.creator)
    with reverts("disputes: held long enough"):
        system.disputes.ask_hold(case, 1, sender=system.challenger, value=RENT)
    order_hold(system, case, True)
    assert held_until(system, work) > now()


def test_ends_both_kinds_of_its_case(system: System) -> None:
    work, case = on_trial(system, hold_days=30)
    refer(system, case, system.creator)
    order_hold(system, case, True)
    travel(DAY)
    order_hold(system, case, False)
    assert held_until(system, work) == 0
    assert system.disputes.rent_of(case) == (30 * RENT, RENT, system.creator)
    assert system.disputes.hold_of(system.registry.address, work) == (0, 0, 0, 89 * DAY)


def test_leaves_what_another_case_asked_for(system: System) -> None:
    work, _ = on_trial(system, hold_days=30, by=system.thief)
    until = now() + 30 * DAY
    case = open_case(system, work)
    refer(system, case, system.creator)
    order_hold(system, case, True)
    order_hold(system, case, False)
    assert held_until(system, work) == until


def test_of_two_orders_the_last_one_counts(system: System) -> None:
    work, first = on_trial(system)
    refer(system, first, system.creator)
    travel(DAY)
    second = open_case(system, work, by=system.thief)
    refer(system, second, system.creator)
    order_hold(system, first, True)
    order_hold(system, second, True)
    assert held_until(system, work) == now() + LIFE
    rule(system, first, Outcome.FOR_RESPONDENT)
    assert held_until(system, work) == now() + LIFE
    rule(system, second, Outcome.FOR_RESPONDENT)
    assert held_until(system, work) == 0


def test_by_the_arbiter_alone(system: System) -> None:
    _, case = on_trial(system)
    refer(system, case, system.creator)
    for sender in (system.owner, system.challenger, system.creator, system.judges[0], system.thief):
        with reverts("disputes: not the arbiter"):
            system.disputes.order_hold(case, True, sender=sender)


def test_in_a_referred_case_on_something_that_can_be_held(system: System) -> None:
    _, case = on_trial(system)
    with reverts("disputes: case not referred"):
        system.disputes.order_hold(case, True, sender=system.panel.address)
    travel(LIFE)
    with reverts("disputes: case is over"):
        system.disputes.order_hold(case, True, sender=system.panel.address)
    case = open_case(system, 7, Effect.END_LICENSE, target=docket(system).address)
    refer(system, case, system.creator)
    with reverts("disputes: licenses are not held"):
        system.disputes.order_hold(case, True, sender=system.panel.address)


def test_not_after_the_ruling(system: System) -> None:
    _, case = on_trial(system)
    decided(system, case, Outcome.NO_FAULT)
    with reverts("disputes: case is over"):
        system.disputes.order_hold(case, True, sender=system.panel.address)
