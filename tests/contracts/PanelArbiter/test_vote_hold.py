# SPDX-License-Identifier: Apache-2.0
"""vote_hold: the same quorum puts a subject on hold and ends its hold, as often as it agrees."""

from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import on_trial, order_hold, refer
from tests.contracts.support.system import System, now


def vote(system: System, case: int, judge: str, is_held: bool) -> None:
    system.panel.vote_hold(system.disputes.address, case, is_held, sender=judge)


def is_held(system: System, work: int) -> bool:
    return int(system.registry.held_until(work)) > now()


def referred(system: System) -> tuple[int, int]:
    work, case = on_trial(system)
    refer(system, case, system.creator)
    return work, case


def test_the_quorum_holds_and_lifts_and_holds_again(system: System) -> None:
    work, case = referred(system)
    for wanted in (True, False, True):
        for judge in system.judges[:2]:
            vote(system, case, judge, wanted)
            assert is_held(system, work) != wanted
        vote(system, case, system.judges[2], wanted)
        assert is_held(system, work) == wanted


def test_is_public(system: System) -> None:
    _, case = referred(system)
    vote(system, case, system.judges[0], True)
    assert system.panel.events("HoldVoted") == [
        {"resolver": system.disputes.address, "case": case, "member": system.judges[0], "is_held": True}
    ]


def test_one_member_one_vote_that_it_may_change(system: System) -> None:
    work, case = referred(system)
    for wanted in (True, True, False, True, False):
        vote(system, case, system.judges[0], wanted)
    for judge in system.judges[1:3]:
        vote(system, case, judge, True)
    assert not is_held(system, work)
    vote(system, case, system.judges[0], True)
    assert is_held(system, work)


def test_votes_of_a_decided_round_are_used_up(system: System) -> None:
    work, case = referred(system)
    order_hold(system, case, True)
    vote(system, case, system.judges[3], False)
    vote(system, case, system.judges[4], False)
    assert is_held(system, work)
    vote(system, case, system.judges[0], False)
    assert not is_held(system, work)


def test_by_members_of_the_cases_panel(system: System) -> None:
    _, case = referred(system)
    with reverts("panel: not on the case's panel"):
        vote(system, case, system.thief, True)
    with reverts("panel: no such case"):
        vote(system, case + 1, system.judges[0], True)
    _, other = on_trial(system)
    with reverts("panel: case not referred"):
        vote(system, other, system.judges[0], True)
