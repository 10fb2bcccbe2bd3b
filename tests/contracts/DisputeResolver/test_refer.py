# SPDX-License-Identifier: Apache-2.0
"""refer: by anyone, once the case was answered or the time to answer has passed."""

from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import ANSWER_TIME, LIFE, Phase, answer, case_of, on_trial
from tests.contracts.support.system import System, travel


def refer(system: System, case: int) -> None:
    system.disputes.refer(case, sender=system.keeper)


def test_at_once_when_answered(system: System) -> None:
    _, case = on_trial(system)
    with reverts("disputes: can still be answered"):
        refer(system, case)
    answer(system, case)
    refer(system, case)
    assert system.disputes.events("CaseReferred") == [{"case": case}]
    assert case_of(system, case)["phase"] == Phase.REFERRED


def test_unanswered_after_the_time_to_answer(system: System) -> None:
    _, case = on_trial(system)
    travel(ANSWER_TIME - 1)
    with reverts("disputes: can still be answered"):
        refer(system, case)
    travel(1)
    refer(system, case)


def test_once(system: System) -> None:
    _, case = on_trial(system)
    answer(system, case)
    refer(system, case)
    with reverts("disputes: case was referred"):
        refer(system, case)


def test_not_a_case_that_lapsed(system: System) -> None:
    _, case = on_trial(system)
    travel(LIFE - 1)
    refer(system, case)
    _, case = on_trial(system)
    travel(LIFE)
    with reverts("disputes: case is over"):
        refer(system, case)
    with reverts("disputes: no such case"):
        refer(system, case + 1)
