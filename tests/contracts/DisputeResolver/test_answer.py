# SPDX-License-Identifier: Apache-2.0
"""answer: the present owner matches the bond, in time, once."""

import pytest

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import digest, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import (
    ANSWER_TIME,
    Effect,
    Outcome,
    answer,
    case_of,
    chest,
    decided,
    docket,
    on_trial,
    open_case,
    refer,
)
from tests.contracts.support.system import BOND, System, travel


def test_matches_the_bond(system: System) -> None:
    _, case = on_trial(system)
    answer(system, case)
    assert system.disputes.events("CaseAnswered") == [
        {"case": case, "respondent": system.creator, "evidence": digest("answer")}
    ]
    found = case_of(system, case)
    assert (found["respondent"], found["is_answered"]) == (system.creator, True)
    assert chest(system, case) == 2 * BOND


def test_to_the_last_second(system: System) -> None:
    _, case = on_trial(system)
    travel(ANSWER_TIME - 1)
    answer(system, case)
    _, case = on_trial(system)
    travel(ANSWER_TIME)
    with reverts("disputes: too late to answer"):
        answer(system, case)


def test_once(system: System) -> None:
    _, case = on_trial(system)
    answer(system, case)
    with reverts("disputes: answered before"):
        answer(system, case)


@pytest.mark.parametrize("wrong", [-1, 1])
def test_the_same_bond(system: System, wrong: int) -> None:
    _, case = on_trial(system)
    with reverts("disputes: ETH sent differs from the total"):
        system.disputes.answer(case, digest(), sender=system.creator, value=BOND + wrong)


def test_needs_evidence(system: System) -> None:
    _, case = on_trial(system)
    with reverts("disputes: evidence is zero"):
        system.disputes.answer(case, ZERO32, sender=system.creator, value=BOND)


def test_by_the_owner_alone(system: System) -> None:
    _, case = on_trial(system)
    for sender in (system.thief, system.challenger, system.judges[0]):
        with reverts("disputes: not the subject's owner"):
            answer(system, case, sender)


def test_whoever_bought_it_since_answers_and_becomes_the_respondent(system: System) -> None:
    work, case = on_trial(system)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    with reverts("disputes: not the subject's owner"):
        answer(system, case)
    answer(system, case, system.heir)
    assert case_of(system, case)["respondent"] == system.heir


def test_an_opener_that_acquired_it_does_not_answer_itself(system: System) -> None:
    work, case = on_trial(system)
    system.registry.transferFrom(system.creator, system.challenger, work, sender=system.creator)
    with reverts("disputes: not the subject's owner"):
        answer(system, case, system.challenger)


def test_nor_does_the_arbiter(system: System) -> None:
    work, case = on_trial(system)
    system.registry.transferFrom(system.creator, system.panel.address, work, sender=system.creator)
    with reverts("disputes: not the subject's owner"):
        system.disputes.answer(case, digest(), sender=system.panel.address)


def test_for_a_report_whoever_held_its_license(system: System) -> None:
    target, market = docket(system), docket(system, system.licensee, 9)
    case = open_case(system, 9, Effect.VOID_REPORT, target=target.address, market=market.address, number=1)
    with reverts("disputes: not the subject's owner"):
        answer(system, case, system.creator)
    answer(system, case, system.licensee)


def test_not_after_the_referral_nor_the_end(system: System) -> None:
    _, case = on_trial(system)
    refer(system, case)
    with reverts("disputes: case was referred"):
        answer(system, case)
    _, case = on_trial(system)
    decided(system, case, Outcome.NO_FAULT)
    with reverts("disputes: case is over"):
        answer(system, case)


def test_unknown(system: System) -> None:
    with reverts("disputes: no such case"):
        answer(system, 1)


def test_an_answer_decides_nothing(system: System) -> None:
    """Nor does its absence: the ruling alone moves the work."""
    work, case = on_trial(system)
    answer(system, case)
    assert system.registry.ownerOf(work) == system.creator
    other = register(system)
    silent = open_case(system, other, market=ZERO_ADDRESS)
    travel(10 * 365 * 86_400)
    system.disputes.execute(silent)
    assert system.registry.ownerOf(other) == system.creator
