# SPDX-License-Identifier: Apache-2.0
"""end_hold: a settlement, which knows no clock of ours, is told that a hold is over."""

from eth_abi import encode

from tests.contracts.support.contract import Contract, reverts
from tests.contracts.support.disputes import DAY, Effect, Outcome, case_of, decided, docket, on_trial, open_case
from tests.contracts.support.system import System, travel


def on_report(system: System, days: int) -> tuple[Contract, int, int]:
    target, market = docket(system), docket(system, system.licensee, 9)
    names = {"target": target.address, "market": market.address, "number": 1}
    case = open_case(system, 9, Effect.VOID_REPORT, hold_days=days, **names)
    return target, case, case_of(system, case)["subject"]


def told(target: Contract, report: int) -> bool | None:
    """What the settlement heard last of a report."""
    head = target.last()
    for is_held in (True, False):
        if head[4:] == encode(["uint256", "bool"], [report, is_held]):
            return is_held
    return None


def test_by_anyone_when_it_is_over(system: System) -> None:
    target, _, report = on_report(system, 2)
    assert told(target, report) is True
    travel(2 * DAY - 1)
    system.disputes.end_hold(target.address, report, sender=system.keeper)
    assert target.count() == 1
    travel(1)
    system.disputes.end_hold(target.address, report, sender=system.keeper)
    assert (target.count(), told(target, report)) == (2, False)
    system.disputes.end_hold(target.address, report, sender=system.keeper)
    assert target.count() == 2


def test_does_nothing_for_others(system: System) -> None:
    target, _, report = on_report(system, 0)
    system.disputes.end_hold(target.address, report)
    assert target.count() == 0
    work, _ = on_trial(system, hold_days=1)
    before = system.registry.held_until(work)
    system.disputes.end_hold(system.registry.address, work)
    assert system.registry.held_until(work) == before


def test_a_settlement_that_refused_is_told_again(system: System) -> None:
    target, case, report = on_report(system, 30)
    target.misbehave(True, False)
    decided(system, case, Outcome.FOR_RESPONDENT)
    system.disputes.execute(case)
    assert target.count() == 1
    with reverts("docket: refused"):
        system.disputes.end_hold(target.address, report)
    target.misbehave(False, False)
    system.disputes.end_hold(target.address, report)
    assert told(target, report) is False
