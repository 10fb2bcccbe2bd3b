# SPDX-License-Identifier: Apache-2.0
"""settle and what execute settles: who gets which bond and rent, against a table written by hand."""

import itertools
from contextlib import nullcontext

import pytest

from ipto.structs import ETH, ZERO_ADDRESS
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.disputes import (
    DAY,
    DELAY,
    Outcome,
    answer,
    case_of,
    chest,
    decided,
    docket,
    fee_chest,
    on_trial,
    purse,
    refer,
    resolver_with,
    rule,
)
from tests.contracts.support.system import ARBITER_FEE, BOND, RENT, System, balance, travel

HALF = ARBITER_FEE // 2
# outcome, answered → what opener and respondent get of the bonds
BONDS = {
    (Outcome.FOR_OPENER, True): (2 * BOND - ARBITER_FEE, 0),
    (Outcome.FOR_OPENER, False): (BOND - ARBITER_FEE, 0),
    (Outcome.FOR_RESPONDENT, True): (0, 2 * BOND - ARBITER_FEE),
    (Outcome.FOR_RESPONDENT, False): (BOND - ARBITER_FEE, 0),
    (Outcome.NO_FAULT, True): (BOND - ARBITER_FEE + HALF, BOND - HALF),
    (Outcome.NO_FAULT, False): (BOND - ARBITER_FEE, 0),
}


@pytest.mark.parametrize(("outcome", "answered"), itertools.product(Outcome, (False, True)))
@pytest.mark.parametrize("way", ["settle", "execute"])
def test_bonds_and_rent(system: System, outcome: Outcome, answered: bool, way: str) -> None:
    _, case = on_trial(system, hold_days=40)
    if answered:
        answer(system, case)
    travel(20 * DAY)
    system.disputes.refer(case)
    rule(system, case, outcome)
    travel(DELAY)
    getattr(system.disputes, way)(case, sender=system.keeper)
    to_opener, to_respondent = BONDS[outcome, answered]
    rent = 0 if outcome == Outcome.FOR_OPENER else 20 * RENT
    assert purse(system, system.challenger) == to_opener + 40 * RENT - rent
    assert purse(system, system.creator) == to_respondent + rent
    assert (chest(system, case), fee_chest(system, case)) == (0, ARBITER_FEE)
    assert case_of(system, case)["is_settled"]
    assert system.disputes.events("CaseSettled") == [
        {
            "case": case,
            "phase": 3,
            "to_opener": to_opener + 40 * RENT - rent,
            "to_respondent": to_respondent,
            "rent": rent,
            "rent_to": system.creator,
        }
    ]


def test_then_anyone_pays_them_out(system: System) -> None:
    _, case = on_trial(system)
    decided(system, case, Outcome.FOR_RESPONDENT, system.creator)
    system.disputes.settle(case)
    before = balance(ETH, system.creator)
    system.vault.withdraw(system.creator, ETH, sender=system.keeper)
    after = balance(ETH, system.creator)
    assert after - before == 2 * BOND - ARBITER_FEE


def test_once_and_not_before_the_delay_is_over(system: System) -> None:
    work, case = on_trial(system)
    with reverts("disputes: no ruling"):
        system.disputes.settle(case)
    refer(system, case, system.creator)
    rule(system, case, Outcome.FOR_OPENER)
    travel(DELAY - 1)
    with reverts("disputes: ruling not executable yet"):
        system.disputes.settle(case)
    travel(1)
    system.disputes.settle(case)
    assert system.registry.ownerOf(work) == system.creator
    with reverts("disputes: settled before"):
        system.disputes.settle(case)
    system.disputes.execute(case)
    assert system.registry.ownerOf(work) == system.challenger
    with reverts("disputes: no such case"):
        system.disputes.settle(case + 1)


def test_the_rent_of_a_buyer(system: System) -> None:
    """Respondent and recipient of the rent need not be the same."""
    work, case = on_trial(system, hold_days=2)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    answer(system, case, system.heir)
    travel(DAY)
    system.disputes.refer(case)
    rule(system, case, Outcome.FOR_RESPONDENT)
    travel(DELAY)
    system.disputes.execute(case)
    assert (purse(system, system.creator), purse(system, system.heir)) == (RENT, 2 * BOND - ARBITER_FEE)
    assert purse(system, system.challenger) == RENT


def test_bonds_in_a_token(system: System) -> None:
    resolver = resolver_with(system, currency=system.usd.address)
    stranger = docket(system)
    stranger.take_rulings_of(resolver.address, stranger.address)
    system.fund(system.usd, system.challenger, BOND + 3 * RENT, resolver.address)
    system.fund(system.usd, system.creator, BOND, resolver.address)
    args = (1, stranger.address, ZERO_ADDRESS, 7, 0, 3, b"\x01" * 32)
    with reverts("disputes: bonds are not in ETH"):
        resolver.open_case(*args, sender=system.challenger, value=1)
    case = resolver.open_case(*args, sender=system.challenger)
    resolver.answer(case, b"\x01" * 32, sender=system.creator)
    resolver.refer(case)
    travel(DAY)
    resolver.rule(case, Outcome.FOR_RESPONDENT, bytes(32), b"\x01" * 32, sender=system.panel.address)
    travel(DELAY)
    resolver.execute(case)
    for party in (system.challenger, system.creator):
        system.vault.withdraw(party, system.usd.address)
    assert balance(system.usd.address, system.challenger) == 2 * RENT
    assert balance(system.usd.address, system.creator) == 2 * BOND - ARBITER_FEE + RENT
    assert balance(system.usd.address, resolver.address) == 0


@pytest.mark.parametrize(
    ("moves", "said", "reason"),
    [
        (True, b"\x00" * 31 + b"\x01", None),
        (True, b"", None),
        (True, bytes(32), "disputes: token refused"),
        (True, b"\x00" * 31 + b"\x02", "disputes: token refused"),
        (False, b"\x00" * 31 + b"\x01", "vault: received differs from the sum"),
    ],
)
def test_tokens_that_answer_oddly(system: System, moves: bool, said: bytes, reason: str | None) -> None:
    token = hostile("Answering")
    resolver = resolver_with(system, currency=token.address)
    stranger = docket(system)
    stranger.take_rulings_of(resolver.address, stranger.address)
    system.fund(token, system.challenger, BOND, resolver.address)
    token.behave(moves, said)
    with nullcontext() if reason is None else reverts(reason):
        resolver.open_case(1, stranger.address, ZERO_ADDRESS, 7, 0, 0, b"\x01" * 32, sender=system.challenger)
