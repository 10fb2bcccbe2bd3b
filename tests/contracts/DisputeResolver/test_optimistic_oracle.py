# SPDX-License-Identifier: Apache-2.0
"""An optimistic oracle behind the same interface, with no change to it: tests/contracts/hostile/OracleArbiter.vy."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ipto.structs import ETH, ZERO_ADDRESS
from tests.contracts.support.build import account, digest
from tests.contracts.support.contract import Contract, hostile, reverts
from tests.contracts.support.disputes import DELAY, LIFE, Outcome, Phase, docket, resolver_with
from tests.contracts.support.system import ARBITER_FEE, BOND, System, travel

REASONS = digest("reasons")


@dataclass
class Court:
    """A resolver whose arbiter asks an oracle, and a case before it."""

    system: System

    def __post_init__(self) -> None:
        system = self.system
        self.oracle = hostile("OptimisticOracle")
        self.arbiter = hostile("OracleArbiter", self.oracle.address)
        self.disputes: Contract = resolver_with(system, arbiter=self.arbiter.address)
        self.target = docket(system)
        self.target.take_rulings_of(self.disputes.address, self.target.address)
        args = (1, self.target.address, ZERO_ADDRESS, 7, 0, 0, digest())
        self.case: int = self.disputes.open_case(*args, sender=system.challenger, value=BOND)
        self.disputes.answer(self.case, digest(), sender=system.creator, value=BOND)

    def assert_ruling(self, outcome: int, by: str | None = None) -> bytes:
        by = by or self.system.keeper
        args = (self.disputes.address, self.case, outcome, bytes(32), REASONS)
        found: bytes = self.arbiter.assert_ruling(*args, sender=by)
        return found

    def phase(self) -> int:
        found: int = self.disputes.case_of(self.case)[3]
        return found


@pytest.fixture
def court(system: System) -> Court:
    return Court(system)


def test_a_disputed_and_upheld_assertion_rules(court: Court) -> None:
    court.disputes.refer(court.case)
    assertion = court.assert_ruling(Outcome.FOR_OPENER)
    court.oracle.disputeAssertion(assertion, sender=court.system.creator)
    court.oracle.resolve_by_vote(assertion, True)
    assert court.phase() == Phase.RULED
    travel(DELAY)
    court.disputes.execute(court.case)
    assert court.target.count() == 2  # a hold for the delay, the move, and nothing more


def test_silence_decides_nothing_here_either(court: Court) -> None:
    court.disputes.refer(court.case)
    assertion = court.assert_ruling(Outcome.FOR_OPENER)
    travel(7_200)
    court.oracle.settleAssertion(assertion)
    assert court.phase() == Phase.REFERRED
    travel(LIFE)
    court.disputes.execute(court.case)
    assert court.phase() == Phase.LAPSED


def test_an_assertion_that_was_voted_down_rules_nothing_and_another_may_follow(court: Court) -> None:
    court.disputes.refer(court.case)
    wrong = court.assert_ruling(Outcome.FOR_OPENER)
    court.oracle.disputeAssertion(wrong)
    court.oracle.resolve_by_vote(wrong, False)
    assert court.phase() == Phase.REFERRED
    right = court.assert_ruling(Outcome.FOR_RESPONDENT)
    court.oracle.disputeAssertion(right)
    court.oracle.resolve_by_vote(right, True)
    assert court.disputes.case_of(court.case)[4] == Outcome.FOR_RESPONDENT


def test_the_fee_reaches_whoever_did_the_work(court: Court) -> None:
    court.disputes.refer(court.case)
    assertion = court.assert_ruling(Outcome.NO_FAULT)
    court.oracle.disputeAssertion(assertion)
    court.oracle.resolve_by_vote(assertion, True)
    system = court.system
    court.arbiter.pay_asserter(court.disputes.address, court.case, system.vault.address, ETH)
    assert system.vault.balance_of(account(system.keeper), ETH) == ARBITER_FEE


def test_no_party_asserts_and_nobody_before_the_referral(court: Court) -> None:
    with reverts("oracle arbiter: case not referred"):
        court.assert_ruling(Outcome.FOR_OPENER)
    court.disputes.refer(court.case)
    for party in (court.system.challenger, court.system.creator):
        with reverts("oracle arbiter: a party does not assert"):
            court.assert_ruling(Outcome.FOR_OPENER, by=party)
