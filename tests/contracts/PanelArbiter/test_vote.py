# SPDX-License-Identifier: Apache-2.0
"""vote: in public, with reasons, by the members of the case's panel that are no party to it."""

import pytest

from ipto.structs import ZERO32
from tests.contracts.support.build import digest, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import (
    LIFE,
    Outcome,
    Phase,
    answer,
    case_of,
    on_trial,
    open_case,
    refer,
    remedy,
    vote,
)
from tests.contracts.support.system import System, now, travel


def referred(system: System) -> int:
    _, case = on_trial(system)
    refer(system, case, system.creator)
    return case


def votes(system: System, case: int, outcome: int, what: bytes = ZERO32) -> int:
    found: int = system.panel.votes_for(system.disputes.address, case, outcome, what)
    return found


def test_is_public(system: System) -> None:
    case, judge = referred(system), system.judges[0]
    vote(system, case, judge, Outcome.FOR_OPENER, remedy(5))
    assert system.panel.events("Voted") == [
        {
            "resolver": system.disputes.address,
            "case": case,
            "member": judge,
            "outcome": 1,
            "remedy": remedy(5),
            "reasons": digest("reasons"),
        }
    ]
    assert system.panel.vote_of(system.disputes.address, case, judge) == (1, remedy(5))
    assert (votes(system, case, 1, remedy(5)), votes(system, case, 1)) == (1, 0)
    assert system.panel.vote_of(system.disputes.address, case, system.judges[1]) == (0, ZERO32)


def test_the_quorum_decides_at_once(system: System) -> None:
    case = referred(system)
    for judge in system.judges[:2]:
        vote(system, case, judge, Outcome.FOR_OPENER)
    vote(system, case, system.judges[2], Outcome.FOR_RESPONDENT)
    assert case_of(system, case)["phase"] == Phase.REFERRED
    vote(system, case, system.judges[3], Outcome.FOR_OPENER)
    found = case_of(system, case)
    assert (found["phase"], found["outcome"], found["ruled_at"]) == (Phase.RULED, Outcome.FOR_OPENER, now())
    with reverts("panel: decided"):
        vote(system, case, system.judges[4], Outcome.FOR_OPENER)
    with reverts("panel: decided"):
        system.panel.vote_hold(system.disputes.address, case, True, sender=system.judges[4])


def test_only_equal_votes_add_up(system: System) -> None:
    case = referred(system)
    for number, judge in enumerate(system.judges):
        vote(system, case, judge, Outcome.FOR_OPENER, remedy(number + 1))
    assert case_of(system, case)["phase"] == Phase.REFERRED
    for judge in system.judges[:2]:
        vote(system, case, judge, Outcome.FOR_OPENER, remedy(5))
    assert case_of(system, case)["remedy"] == remedy(5)


def test_one_member_one_vote_that_it_may_change(system: System) -> None:
    case, judge = referred(system), system.judges[0]
    for _ in range(5):
        vote(system, case, judge, Outcome.FOR_OPENER)
    assert votes(system, case, Outcome.FOR_OPENER) == 1
    vote(system, case, judge, Outcome.NO_FAULT)
    assert (votes(system, case, Outcome.FOR_OPENER), votes(system, case, Outcome.NO_FAULT)) == (0, 1)


def test_by_members_alone(system: System) -> None:
    case = referred(system)
    for sender in (system.owner, system.challenger, system.creator, system.thief):
        with reverts("panel: not on the case's panel"):
            vote(system, case, sender, Outcome.FOR_OPENER)


def test_a_party_does_not_vote(system: System) -> None:
    """Neither as opener nor as respondent, on the ruling or on a hold."""
    judge = system.judges[0]
    as_opener = open_case(system, register(system), by=judge)
    work = register(system)
    as_respondent = open_case(system, work)
    system.registry.transferFrom(system.creator, judge, work, sender=system.creator)
    answer(system, as_respondent, judge)
    travel(14 * 86_400)
    for case in (as_opener, as_respondent):
        system.disputes.refer(case)
        with reverts("panel: a party does not vote"):
            vote(system, case, judge, Outcome.FOR_OPENER)
        with reverts("panel: a party does not vote"):
            system.panel.vote_hold(system.disputes.address, case, True, sender=judge)
        for other in system.judges[1:4]:
            vote(system, case, other, Outcome.FOR_RESPONDENT)
        assert case_of(system, case)["phase"] == Phase.RULED


def test_not_before_the_referral(system: System) -> None:
    _, case = on_trial(system)
    with reverts("panel: case not referred"):
        vote(system, case, system.judges[0], Outcome.FOR_OPENER)


def test_gives_reasons(system: System) -> None:
    with reverts("panel: reasons are zero"):
        system.panel.vote(system.disputes.address, referred(system), 1, ZERO32, ZERO32, sender=system.judges[0])


@pytest.mark.parametrize("outcome", [0, 4, 255])
def test_no_other_outcomes(system: System, outcome: int) -> None:
    with reverts("panel: outcome out of range"):
        vote(system, referred(system), system.judges[0], outcome)


def test_an_unknown_case_and_anothers(system: System) -> None:
    with reverts("panel: no such case"):
        vote(system, 1, system.judges[0], Outcome.FOR_OPENER)
    case = referred(system)
    with reverts("panel: no such case"):
        system.panel.vote(system.thief, case, 1, ZERO32, digest(), sender=system.judges[0])


def test_a_quorum_for_what_cannot_be_ruled_rules_nothing(system: System) -> None:
    """The last vote is refused, and the panel may still agree on something else."""
    case = referred(system)
    for judge in system.judges[:2]:
        vote(system, case, judge, Outcome.FOR_RESPONDENT, remedy(1))
    with reverts("disputes: remedy out of range"):
        vote(system, case, system.judges[2], Outcome.FOR_RESPONDENT, remedy(1))
    for judge in system.judges[:3]:
        vote(system, case, judge, Outcome.FOR_RESPONDENT)
    assert case_of(system, case)["phase"] == Phase.RULED


def test_too_late(system: System) -> None:
    case = referred(system)
    for judge in system.judges[:2]:
        vote(system, case, judge, Outcome.FOR_OPENER)
    travel(LIFE)
    with reverts("disputes: case is over"):
        vote(system, case, system.judges[2], Outcome.FOR_OPENER)
