# SPDX-License-Identifier: Apache-2.0
"""withdraw_case: the opener gives up before the referral; bonds return, what was held is paid."""

import pytest

from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import (
    DAY,
    Phase,
    answer,
    case_of,
    chest,
    docket,
    on_trial,
    open_case,
    purse,
    refer,
)
from tests.contracts.support.system import BOND, RENT, System, travel


def withdraw(system: System, case: int, by: str | None = None) -> None:
    system.disputes.withdraw_case(case, sender=by or system.challenger)


@pytest.mark.parametrize("is_answered", [False, True])
def test_everybody_gets_its_bond(system: System, is_answered: bool) -> None:
    work, case = on_trial(system)
    if is_answered:
        answer(system, case)
    withdraw(system, case)
    assert (purse(system, system.challenger), purse(system, system.creator)) == (BOND, BOND * is_answered)
    assert chest(system, case) == 0
    found = case_of(system, case)
    assert (found["phase"], found["is_settled"]) == (Phase.WITHDRAWN, True)
    assert system.disputes.events("CaseSettled") == [
        {
            "case": case,
            "phase": Phase.WITHDRAWN,
            "to_opener": BOND,
            "to_respondent": BOND * is_answered,
            "rent": 0,
            "rent_to": "0x" + "0" * 40,
        }
    ]
    assert system.registry.ownerOf(work) == system.creator


def test_the_hold_ends_and_is_paid_for(system: System) -> None:
    work, case = on_trial(system, hold_days=10)
    travel(DAY // 2 + 1)
    withdraw(system, case)
    used = RENT // 2 + -(-RENT // DAY)
    assert system.disputes.events("HoldEnded") == [{"case": case, "rent_used": used}]
    assert purse(system, system.creator) == used
    assert purse(system, system.challenger) == BOND + 10 * RENT - used
    assert system.registry.held_until(work) == 0


def test_by_the_opener_alone_before_the_referral(system: System) -> None:
    _, case = on_trial(system)
    for sender in (system.creator, system.thief, system.panel.address):
        with reverts("disputes: not the opener"):
            withdraw(system, case, sender)
    refer(system, case)
    with reverts("disputes: case was referred"):
        withdraw(system, case)


def test_once(system: System) -> None:
    _, case = on_trial(system)
    withdraw(system, case)
    with reverts("disputes: case is over"):
        withdraw(system, case)
    with reverts("disputes: no ruling"):
        system.disputes.execute(case)
    with reverts("disputes: no ruling"):
        system.disputes.settle(case)


@pytest.mark.parametrize("way", ["refuses", "burns"])
def test_whatever_the_target_does(system: System, way: str) -> None:
    stranger = docket(system)
    case = open_case(system, 7, target=stranger.address, hold_days=1)
    stranger.misbehave(way == "refuses", way == "burns")
    withdraw(system, case)
    assert purse(system, system.challenger) == BOND + RENT
