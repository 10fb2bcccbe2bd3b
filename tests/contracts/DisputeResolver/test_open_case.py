# SPDX-License-Identifier: Apache-2.0
"""open_case: one effect on one subject, for a bond; what it may name and what it costs."""

import pytest

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import digest, hold, register
from tests.contracts.support.contract import Reverted, hostile, reverts
from tests.contracts.support.disputes import (
    DAY,
    Effect,
    Phase,
    case_of,
    chest,
    docket,
    on_trial,
    open_case,
    resolver_with,
)
from tests.contracts.support.system import BOND, RENT, System, now


def test_stores_logs_and_takes_the_bond(system: System) -> None:
    work = register(system)
    case = open_case(system, work)
    assert case == system.disputes.cases() == 1
    assert case_of(system, case) == {
        "opener": system.challenger,
        "respondent": system.creator,
        "effect": Effect.MOVE_CLAIM,
        "phase": Phase.OPEN,
        "outcome": 0,
        "is_answered": False,
        "is_executed": False,
        "is_settled": False,
        "opened_at": now(),
        "ruled_at": 0,
        "target": system.registry.address,
        "market": ZERO_ADDRESS,
        "subject": work,
        "remedy": ZERO32,
    }
    assert system.disputes.events("CaseOpened") == [
        {
            "case": case,
            "opener": system.challenger,
            "subject": work,
            "effect": Effect.MOVE_CLAIM,
            "target": system.registry.address,
            "market": ZERO_ADDRESS,
            "respondent": system.creator,
            "evidence": digest("evidence"),
        }
    ]
    assert chest(system, case) == BOND
    assert system.registry.held_until(work) == 0


def test_cases_are_numbered_and_any_number_may_run(system: System) -> None:
    work, first = on_trial(system)
    assert [open_case(system, work, by=system.thief), open_case(system, work)] == [first + 1, first + 2]


def test_the_panel_is_told(system: System) -> None:
    _, case = on_trial(system)
    assert system.panel.panel_of(system.disputes.address, case)[0] == 1


def test_with_a_hold_the_rent_comes_along(system: System) -> None:
    work, case = on_trial(system, hold_days=3)
    assert chest(system, case) == BOND + 3 * RENT
    assert system.registry.held_until(work) == now() + 3 * DAY
    assert [log.name for log in system.disputes.logs if log.address == system.disputes.address] == [
        "CaseOpened",
        "HoldAsked",
    ]


@pytest.mark.parametrize("effect", [0, 5, 255])
def test_no_other_effects(system: System, effect: int) -> None:
    with reverts("disputes: effect out of range"):
        open_case(system, register(system), effect)


def test_needs_evidence(system: System) -> None:
    with reverts("disputes: evidence is zero"):
        open_case(system, register(system), evidence=ZERO32)


@pytest.mark.parametrize("wrong", [-1, 1, -BOND])
def test_the_exact_amount(system: System, wrong: int) -> None:
    with reverts("disputes: ETH sent differs from the total"):
        open_case(system, register(system), value=BOND + wrong)
    with reverts("disputes: ETH sent differs from the total"):
        open_case(system, register(system), hold_days=2, value=BOND + 2 * RENT + wrong)


def test_not_against_oneself(system: System) -> None:
    with reverts("disputes: opener is the respondent"):
        open_case(system, register(system), by=system.creator)


def test_not_by_the_arbiter(system: System) -> None:
    work = register(system)
    with reverts("disputes: arbiter is no party"):
        system.disputes.open_case(
            1, system.registry.address, ZERO_ADDRESS, work, 0, 0, digest(), sender=system.panel.address
        )


def test_targets_take_rulings_from_here(system: System) -> None:
    work, stranger = register(system), docket(system)
    stranger.take_rulings_of(system.thief, stranger.address)
    with reverts("disputes: target takes no rulings from here"):
        open_case(system, 7, target=stranger.address)
    stranger.take_rulings_of(system.disputes.address, stranger.address)
    other = docket(system)
    other.take_rulings_of(system.thief, system.registry.address)
    with reverts("disputes: target takes no rulings from here"):
        open_case(system, work, market=other.address)


def test_the_market_sells_the_registrys_works(system: System) -> None:
    """A ruling on a stranger's registry clears nothing on our market, nor the other way round."""
    stranger = docket(system)
    with reverts("disputes: market of another registry"):
        open_case(system, 7, target=stranger.address, market=system.market.address)
    stranger.take_rulings_of(system.disputes.address, stranger.address)
    with reverts("disputes: market of another registry"):
        open_case(system, register(system), market=stranger.address)
    open_case(system, register(system), market=system.market.address)


@pytest.mark.parametrize("effect", [Effect.NAME_STEWARD, Effect.END_LICENSE])
def test_no_market_or_number_without_need(system: System, effect: Effect) -> None:
    stranger = docket(system)
    with reverts("disputes: market without need"):
        open_case(system, 7, effect, target=stranger.address, market=stranger.address)
    with reverts("disputes: number without a report"):
        open_case(system, 7, effect, target=stranger.address, number=1)


def test_a_report_is_named_by_its_license(system: System) -> None:
    stranger, market = docket(system), docket(system, system.licensee, 9)
    case = open_case(system, 9, Effect.VOID_REPORT, target=stranger.address, market=market.address, number=3)
    found = case_of(system, case)
    report = int.from_bytes(stranger.report_id(market.address, 9, 3), "big")
    assert (found["subject"], found["respondent"], found["market"]) == (report, system.licensee, market.address)


@pytest.mark.parametrize("target", ["nobody", "a person", "the vault", "the panel", "itself"])
def test_what_is_no_target(system: System, target: str) -> None:
    address = {
        "nobody": ZERO_ADDRESS,
        "a person": str(system.thief),
        "the vault": system.vault.address,
        "the panel": system.panel.address,
        "itself": system.disputes.address,
    }[target]
    with pytest.raises(Reverted):
        open_case(system, 1, target=address)


def test_unknown_work_and_one_without_owner(system: System) -> None:
    with reverts("erc721: no such token"):
        open_case(system, 1)
    stranger = docket(system)
    with reverts("disputes: nobody to answer"):
        open_case(system, 8, target=stranger.address)


def test_holds_are_for_works_and_reports(system: System) -> None:
    with reverts("disputes: licenses are not held"):
        open_case(system, 7, Effect.END_LICENSE, target=docket(system).address, hold_days=1)


def test_a_target_that_refuses_the_hold_gets_no_case(system: System) -> None:
    stranger = docket(system)
    stranger.misbehave(True, False)
    with reverts("docket: refused"):
        open_case(system, 7, target=stranger.address, hold_days=1)
    open_case(system, 7, target=stranger.address)


def test_an_arbiter_that_takes_no_cases_stops_them(system: System) -> None:
    resolver = resolver_with(system, arbiter=hostile("Stubborn").address)
    stranger = docket(system)
    stranger.take_rulings_of(resolver.address, stranger.address)
    with reverts("stubborn: no"):
        resolver.open_case(1, stranger.address, ZERO_ADDRESS, 7, 0, 0, digest(), sender=system.challenger, value=BOND)
    assert resolver.cases() == 0


def test_a_work_on_hold_can_still_be_disputed(system: System) -> None:
    work = register(system)
    hold(system, work)
    open_case(system, work)
