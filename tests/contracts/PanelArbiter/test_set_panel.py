# SPDX-License-Identifier: Apache-2.0
"""set_panel: by the owner, for cases to come; request: who sits is settled when a case is opened."""

import pytest

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.contract import Reverted, deploy, reverts
from tests.contracts.support.disputes import Outcome, Phase, case_of, on_trial, refer, rule, vote
from tests.contracts.support.system import CONTRACTS, Actor, System


def others(count: int) -> list[Actor]:
    return sorted((Actor.named(f"other judge {i}") for i in range(count)), key=lambda judge: int(judge, 16))


def set_panel(system: System, members: list[Actor], quorum: int, by: str | None = None) -> None:
    system.panel.set_panel(members, quorum, sender=by or system.owner)


def test_names_the_next_panel(system: System) -> None:
    new = others(3)
    set_panel(system, new, 2)
    assert system.panel.events("PanelSet") == [{"panel": 2, "members": tuple(new), "quorum": 2}]
    assert system.panel.panel() == (2, tuple(new), 2)


def test_open_cases_keep_theirs(system: System) -> None:
    """Not even between opening and referral can the owner choose who decides a case."""
    _, before = on_trial(system)
    new = others(3)
    set_panel(system, new, 2)
    _, after = on_trial(system)
    refer(system, before)
    system.disputes.refer(after)
    with reverts("panel: not on the case's panel"):
        vote(system, before, new[0], Outcome.FOR_OPENER)
    with reverts("panel: not on the case's panel"):
        vote(system, after, system.judges[0], Outcome.FOR_OPENER)
    rule(system, before, Outcome.FOR_RESPONDENT)
    for judge in new[:2]:
        vote(system, after, judge, Outcome.FOR_OPENER)
    assert {case_of(system, case)["phase"] for case in (before, after)} == {Phase.RULED}
    assert system.panel.panel_of(system.disputes.address, before) == (1, tuple(system.judges), 3)
    assert system.panel.panel_of(system.disputes.address, after) == (2, tuple(new), 2)


def test_whoever_sits_again_votes_again(system: System) -> None:
    set_panel(system, others(3), 2)
    set_panel(system, system.judges[:1], 1)
    _, case = on_trial(system)
    refer(system, case)
    vote(system, case, system.judges[0], Outcome.FOR_RESPONDENT)
    assert case_of(system, case)["phase"] == Phase.RULED


def test_by_the_owner_alone(system: System) -> None:
    for sender in (system.judges[0], system.thief, system.disputes.address):
        with reverts("ownable: caller is not the owner"):
            set_panel(system, others(3), 2, by=sender)


@pytest.mark.parametrize(("count", "quorum"), [(0, 0), (1, 0), (1, 2), (2, 1), (3, 1), (3, 4), (4, 2), (15, 7)])
def test_a_quorum_is_more_than_half_and_can_be_reached(system: System, count: int, quorum: int) -> None:
    with reverts("panel: quorum out of range"):
        set_panel(system, others(count), quorum)


@pytest.mark.parametrize(("count", "quorum"), [(1, 1), (2, 2), (3, 2), (3, 3), (15, 8), (15, 15)])
def test_quorums_that_do(system: System, count: int, quorum: int) -> None:
    set_panel(system, others(count), quorum)


def test_members_ascend(system: System) -> None:
    one, two, three = others(3)
    for members in ([two, one, three], [one, one, two], [Actor(ZERO_ADDRESS), one, two]):
        with reverts("panel: members not ascending"):
            set_panel(system, members, 2)


def test_fifteen_at_most(system: System) -> None:
    with pytest.raises(Reverted):
        set_panel(system, others(16), 9)


def test_a_case_is_taken_once(system: System) -> None:
    _, case = on_trial(system)
    with reverts("panel: case taken before"):
        system.panel.request(case, sender=system.disputes.address)
    system.panel.request(case, sender=system.thief)  # a resolver of its own, which decides nothing elsewhere
    assert system.panel.events("CaseTaken") == [{"resolver": system.thief, "case": case, "panel": 1}]
    with reverts("panel: no such case"):
        system.panel.panel_of(system.disputes.address, case + 1)


def test_ownership_in_two_steps(system: System) -> None:
    system.panel.transfer_ownership(system.heir, sender=system.owner)
    assert (system.panel.owner(), system.panel.pending_owner()) == (system.owner, system.heir)
    system.panel.accept_ownership(sender=system.heir)
    assert system.panel.owner() == system.heir


def test_bad_wiring(system: System) -> None:
    with reverts("panel: bad wiring"):
        deploy(CONTRACTS / "PanelArbiter.vy", ZERO_ADDRESS, system.judges, 3)
    with reverts("panel: quorum out of range"):
        deploy(CONTRACTS / "PanelArbiter.vy", system.owner, system.judges, 2)
    assert system.panel.vote_of(system.disputes.address, 1, system.judges[0]) == (0, ZERO32)
