# SPDX-License-Identifier: Apache-2.0
"""execute: after the public delay the enumerated effect and no other; without a ruling in time, nothing."""

import pytest
from eth_abi import encode
from eth_utils import keccak

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import buy, declare, digest, even_split, on_sale, register
from tests.contracts.support.contract import Contract, reverts
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
    decided,
    docket,
    on_trial,
    open_case,
    order_hold,
    purse,
    refer,
    remedy,
    rule,
)
from tests.contracts.support.system import ARBITER_FEE, BOND, RENT, System, now, travel


def execute(system: System, case: int) -> None:
    system.disputes.execute(case, sender=system.keeper)


def calls(target: Contract) -> list[bytes]:
    return [bytes(target.calls(i)) for i in range(target.count())]


def call(signature: str, *args: object) -> bytes:
    kinds = signature[signature.index("(") + 1 : -1].split(",")
    return keccak(text=signature)[:4] + encode(kinds, args)


def test_a_move_is_atomic(system: System) -> None:
    payee = declare(system, even_split(system.creator, system.dancer))
    work = register(system, payee=payee, steward=str(system.steward), cultural=digest("notice"))
    bought = now()
    case = open_case(system, work, hold_days=30)
    decided(system, case, Outcome.FOR_OPENER, remedy=remedy(bought))
    execute(system, case)
    assert system.disputes.events("CaseExecuted") == [{"case": case}]
    assert system.registry.sale_terms(work) == (
        system.challenger,
        now(),
        ZERO32,
        ZERO_ADDRESS,
        ZERO32,
        2**9 - 1,
        0,
    )
    assert (system.registry.clean_since(work), system.registry.held_until(work)) == (bought, 0)
    assert case_of(system, case)["is_executed"]


def test_a_move_that_keeps_the_steward(system: System) -> None:
    work = register(system, steward=str(system.steward))
    case = open_case(system, work)
    decided(system, case, Outcome.FOR_OPENER, remedy=remedy(keeps_steward=True))
    execute(system, case)
    assert system.registry.sale_terms(work)[0::3] == (system.challenger, system.steward, 8)


def test_a_move_kills_old_offers_and_the_new_owner_sells(system: System) -> None:
    offer = on_sale(system)
    case = open_case(system, offer.work)
    decided(system, case, Outcome.FOR_OPENER)
    execute(system, case)
    with reverts("market: work has another owner"):
        buy(system, offer)


def test_a_move_follows_the_work_wherever_it_went(system: System) -> None:
    """Selling a disputed claim does not take it out of the case."""
    work, case = on_trial(system)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    decided(system, case, Outcome.FOR_OPENER)
    system.registry.transferFrom(system.heir, system.thief, work, sender=system.heir)
    execute(system, case)
    assert system.registry.ownerOf(work) == system.challenger


def test_a_steward_is_named_and_accepts(system: System) -> None:
    """A community that the work did not name."""
    offer = on_sale(system)
    case = open_case(system, offer.work, Effect.NAME_STEWARD, by=system.steward)
    decided(system, case, Outcome.FOR_OPENER)
    assert system.registry.held_until(offer.work) == now() + GRACE
    execute(system, case)
    assert system.registry.sale_terms(offer.work)[0::3] == (system.creator, system.steward, 8)
    system.registry.accept_stewardship(system.steward, offer.work, sender=system.steward)
    with reverts("market: steward has not consented"):
        buy(system, offer)


def test_calls_of_each_effect(system: System) -> None:
    """No ruling makes any other call than these."""
    target, market = docket(system), docket(system, system.licensee, 9)
    market.take_rulings_of(system.disputes.address, target.address)
    new_root, until = digest("root"), 0
    for effect, names, remedies, expected in (
        (
            Effect.MOVE_CLAIM,
            {"market": market.address},
            remedy(5, True),
            [call("reassign(uint256,address,uint40,bool)", 7, system.challenger, 5, True)],
        ),
        (Effect.NAME_STEWARD, {}, ZERO32, [call("name_steward(uint256,address)", 7, system.challenger)]),
        (Effect.END_LICENSE, {}, ZERO32, [call("end_license(uint256)", 7)]),
    ):
        case = open_case(system, 7, effect, target=target.address, **names)
        decided(system, case, Outcome.FOR_OPENER, remedy=remedies)
        before = target.count()
        execute(system, case)
        made = calls(target)[before:]
        until = call("hold(uint256,uint40)", 7, 0)
        assert [item for item in made if item != until] == expected
    assert calls(market) == [call("clear_exclusivity(uint256)", 7)]
    case = open_case(system, 9, Effect.VOID_REPORT, target=target.address, market=market.address, number=1)
    report = case_of(system, case)["subject"]
    decided(system, case, Outcome.FOR_OPENER, remedy=new_root)
    before = target.count()
    execute(system, case)
    assert calls(target)[before:] == [call("void_report(bytes32,bytes32)", report.to_bytes(32, "big"), new_root)]
    # It was held for the ruling's delay and is known not to be any more.
    assert calls(target)[before - 1] == call("hold_report(bytes32,bool)", report.to_bytes(32, "big"), True)
    travel(GRACE)
    system.disputes.end_hold(target.address, report)
    assert target.count() == before + 1


@pytest.mark.parametrize("effect", list(Effect))
@pytest.mark.parametrize("outcome", [Outcome.FOR_RESPONDENT, Outcome.NO_FAULT])
def test_the_status_quo_otherwise(system: System, effect: Effect, outcome: Outcome) -> None:
    target = docket(system)
    names = {"market": target.address, "number": 1} if effect == Effect.VOID_REPORT else {}
    case = open_case(system, 7, effect, target=target.address, **names)
    decided(system, case, outcome, system.creator)
    execute(system, case)
    assert all(item[:4] == call("hold(uint256,uint40)", 7, 0)[:4] for item in calls(target))


def test_not_before_the_delay_is_over(system: System) -> None:
    work, case = on_trial(system)
    refer(system, case, system.creator)
    rule(system, case, Outcome.FOR_OPENER)
    travel(DELAY - 1)
    with reverts("disputes: ruling not executable yet"):
        execute(system, case)
    travel(1)
    execute(system, case)
    assert system.registry.ownerOf(work) == system.challenger


def test_once(system: System) -> None:
    _, case = on_trial(system)
    decided(system, case, Outcome.FOR_OPENER)
    execute(system, case)
    with reverts("disputes: executed before"):
        execute(system, case)


def test_however_late(system: System) -> None:
    """The hold for the delay ends by itself; the ruling does not."""
    work, case = on_trial(system)
    decided(system, case, Outcome.FOR_OPENER)
    travel(5 * 365 * DAY)
    assert system.registry.sale_terms(work)[0] == system.creator
    execute(system, case)
    assert system.registry.ownerOf(work) == system.challenger


def test_not_while_it_runs(system: System) -> None:
    _, case = on_trial(system)
    travel(LIFE - 1)
    with reverts("disputes: case is running"):
        execute(system, case)
    with reverts("disputes: no such case"):
        execute(system, case + 1)


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("is_referred", [False, True])
def test_silence_of_the_arbiter_changes_nothing(system: System, answered: bool, is_referred: bool) -> None:
    work, case = on_trial(system, hold_days=20)
    if answered:
        answer(system, case)
    if is_referred:
        travel(14 * DAY)
        system.disputes.refer(case)
        order_hold(system, case, True)
    travel(LIFE)
    execute(system, case)
    assert case_of(system, case)["phase"] == Phase.LAPSED
    assert system.registry.ownerOf(work) == system.creator
    assert system.registry.held_until(work) == 0
    assert purse(system, system.challenger) == BOND
    assert purse(system, system.creator) == BOND * answered + 20 * RENT
    assert chest(system, case) == 0
    with reverts("disputes: no ruling"):
        execute(system, case)


def test_a_move_ends_holds_that_others_asked_for(system: System) -> None:
    """They were asked for against the former owner; an order in another case goes on."""
    work, case = on_trial(system)
    other = open_case(system, work, by=system.thief, hold_days=60)
    asked_at = now()
    decided(system, case, Outcome.FOR_OPENER)
    execute(system, case)
    assert system.disputes.events("HoldEnded") == [{"case": other, "rent_used": (now() - asked_at) // DAY * RENT}]
    assert system.registry.held_until(work) == 0
    third = open_case(system, work, by=system.keeper)
    refer(system, third, system.challenger)
    fourth = open_case(system, work, by=system.heir)
    refer(system, fourth, None)
    rule(system, fourth, Outcome.FOR_OPENER)
    order_hold(system, third, True)
    travel(DELAY)
    execute(system, fourth)
    assert system.registry.ownerOf(work) == system.heir
    assert system.registry.held_until(work) > now()


def test_a_target_that_refuses_keeps_the_money_from_nobody(system: System) -> None:
    stranger = docket(system)
    case = open_case(system, 7, target=stranger.address)
    decided(system, case, Outcome.FOR_OPENER, system.creator)
    stranger.misbehave(True, False)
    with reverts("docket: refused"):
        execute(system, case)
    system.disputes.settle(case)
    assert purse(system, system.challenger) == 2 * BOND - ARBITER_FEE
    stranger.misbehave(False, False)
    execute(system, case)
    assert purse(system, system.challenger) == 2 * BOND - ARBITER_FEE
    assert case_of(system, case)["is_executed"]
