# SPDX-License-Identifier: Apache-2.0
"""rule: by the arbiter alone, in time, with reasons and within the enumerated remedies."""

import pytest

from ipto.structs import ZERO32
from tests.contracts.support.build import digest, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import (
    DAY,
    DELAY,
    GRACE,
    LIFE,
    Effect,
    Outcome,
    Phase,
    answer,
    case_of,
    chest,
    docket,
    fee_chest,
    on_trial,
    open_case,
    refer,
    remedy,
    resolver_with,
)
from tests.contracts.support.system import ARBITER_FEE, BOND, RENT, System, now, travel


def rule(system: System, case: int, outcome: int, what: bytes = ZERO32, reasons: bytes = b"\x01" * 32) -> None:
    system.disputes.rule(case, outcome, what, reasons, sender=system.panel.address)


def referred(system: System, effect: int = Effect.MOVE_CLAIM) -> int:
    if effect in (Effect.MOVE_CLAIM, Effect.NAME_STEWARD):
        case = open_case(system, register(system), effect)
    else:
        target = docket(system).address
        market = {"market": target, "number": 1} if effect == Effect.VOID_REPORT else {}
        case = open_case(system, 7, effect, target=target, **market)
    refer(system, case, system.creator)
    return case


@pytest.mark.parametrize("outcome", list(Outcome))
def test_is_stored_and_told_with_its_date(system: System, outcome: Outcome) -> None:
    case = referred(system)
    travel(DAY)
    rule(system, case, outcome)
    assert system.disputes.events("CaseRuled") == [
        {
            "case": case,
            "outcome": outcome,
            "remedy": ZERO32,
            "reasons": b"\x01" * 32,
            "executable_at": now() + DELAY,
        }
    ]
    found = case_of(system, case)
    assert (found["phase"], found["outcome"], found["ruled_at"]) == (Phase.RULED, outcome, now())
    assert (found["is_executed"], found["is_settled"]) == (False, False)
    assert system.disputes.deadlines_of(case)[2] == now() + DELAY


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_fee_is_the_same_whatever_the_ruling(system: System, outcome: Outcome) -> None:
    case = referred(system)
    rule(system, case, outcome)
    assert (fee_chest(system, case), chest(system, case)) == (ARBITER_FEE, 2 * BOND - ARBITER_FEE)


def test_nothing_moves_before_the_delay_but_it_is_on_hold(system: System) -> None:
    work = register(system)
    case = open_case(system, work)
    refer(system, case)
    rule(system, case, Outcome.FOR_OPENER)
    assert system.registry.ownerOf(work) == system.creator
    assert system.registry.held_until(work) == now() + DELAY + GRACE


@pytest.mark.parametrize("outcome", [Outcome.FOR_RESPONDENT, Outcome.NO_FAULT])
def test_otherwise_an_asked_hold_ends_at_once(system: System, outcome: Outcome) -> None:
    work, case = on_trial(system, hold_days=30)
    answer(system, case)
    refer_at = now()
    system.disputes.refer(case)
    travel(2 * DAY)
    rule(system, case, outcome)
    assert system.registry.held_until(work) == 0
    assert system.disputes.rent_of(case)[1] == (now() - refer_at) // DAY * RENT


def test_by_the_arbiter_alone(system: System) -> None:
    case = referred(system)
    for sender in (system.owner, system.challenger, system.creator, system.judges[0], system.thief):
        with reverts("disputes: not the arbiter"):
            system.disputes.rule(case, 1, ZERO32, digest(), sender=sender)


def test_once(system: System) -> None:
    case = referred(system)
    rule(system, case, Outcome.FOR_OPENER)
    with reverts("disputes: case is over"):
        rule(system, case, Outcome.FOR_RESPONDENT)


def test_not_before_the_referral(system: System) -> None:
    _, case = on_trial(system)
    with reverts("disputes: case not referred"):
        rule(system, case, Outcome.FOR_OPENER)
    with reverts("disputes: no such case"):
        rule(system, case + 1, Outcome.FOR_OPENER)


def test_in_time(system: System) -> None:
    """An arbiter that is late has not ruled."""
    case = referred(system)
    travel(LIFE - 1)
    rule(system, case, Outcome.FOR_OPENER)
    case = referred(system)
    travel(LIFE)
    with reverts("disputes: case is over"):
        rule(system, case, Outcome.FOR_OPENER)


@pytest.mark.parametrize("outcome", [0, 4, 255])
def test_no_other_outcomes(system: System, outcome: int) -> None:
    with reverts("disputes: outcome out of range"):
        rule(system, referred(system), outcome)


def test_needs_reasons(system: System) -> None:
    with reverts("disputes: reasons are zero"):
        rule(system, referred(system), Outcome.FOR_OPENER, reasons=ZERO32)


def test_remedies_of_a_move(system: System) -> None:
    for what in (remedy(now()), remedy(1, True), remedy(keeps_steward=True)):
        rule(system, referred(system), Outcome.FOR_OPENER, what)
    for what in (remedy(now() + 1), (1 << 41).to_bytes(32, "big"), b"\xff" * 32):
        with reverts("disputes: remedy out of range"):
            rule(system, referred(system), Outcome.FOR_OPENER, what)


def test_any_root_for_a_report(system: System) -> None:
    for what in (ZERO32, digest(), b"\xff" * 32):
        rule(system, referred(system, Effect.VOID_REPORT), Outcome.FOR_OPENER, what)


@pytest.mark.parametrize("effect", [Effect.NAME_STEWARD, Effect.END_LICENSE])
def test_no_remedy_where_there_is_none(system: System, effect: Effect) -> None:
    with reverts("disputes: remedy out of range"):
        rule(system, referred(system, effect), Outcome.FOR_OPENER, b"\x01" * 32)
    rule(system, referred(system, effect), Outcome.FOR_OPENER)


@pytest.mark.parametrize("effect", list(Effect))
@pytest.mark.parametrize("outcome", [Outcome.FOR_RESPONDENT, Outcome.NO_FAULT])
def test_no_remedy_for_the_status_quo(system: System, effect: Effect, outcome: Outcome) -> None:
    with reverts("disputes: remedy out of range"):
        rule(system, referred(system, effect), outcome, remedy(1))
    rule(system, referred(system, effect), outcome)


@pytest.mark.parametrize("way", ["refuses", "burns"])
def test_a_target_cannot_stop_a_ruling(system: System, way: str) -> None:
    stranger = docket(system)
    case = open_case(system, 7, target=stranger.address)
    refer(system, case, system.creator)
    stranger.misbehave(way == "refuses", way == "burns")
    rule(system, case, Outcome.FOR_OPENER)
    assert case_of(system, case)["phase"] == Phase.RULED


def test_an_arbiter_without_fee(system: System) -> None:
    resolver = resolver_with(system, fee=0)
    stranger = docket(system)
    stranger.take_rulings_of(resolver.address, stranger.address)
    args = (1, stranger.address, "0x" + "0" * 40, 7, 0, 0, digest())
    case = resolver.open_case(*args, sender=system.challenger, value=BOND)
    travel(14 * DAY)
    resolver.refer(case)
    resolver.rule(case, 2, ZERO32, digest(), sender=system.panel.address)
    assert not [log for log in resolver.logs if log.name == "Booked"]


def test_the_fee_is_earned_by_a_ruling_only(system: System) -> None:
    case = referred(system)
    travel(LIFE)
    system.disputes.execute(case)
    assert fee_chest(system, case) == 0
