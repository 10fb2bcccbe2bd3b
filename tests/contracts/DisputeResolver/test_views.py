# SPDX-License-Identifier: Apache-2.0
"""case_of, rent_of, hold_of, deadlines_of, and the wiring."""

import pytest

from ipto.structs import ETH, ZERO_ADDRESS
from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import ANSWER_TIME, BUDGET, DAY, LIFE, on_trial, resolver_with
from tests.contracts.support.system import ARBITER_FEE, BOND, RENT, System, now, travel


@pytest.mark.parametrize("name", ["case_of", "rent_of", "deadlines_of"])
def test_unknown(system: System, name: str) -> None:
    with reverts("disputes: no such case"):
        getattr(system.disputes, name)(1)


def test_deadlines(system: System) -> None:
    _, case = on_trial(system)
    opened_at = now()
    travel(3 * DAY)
    assert system.disputes.deadlines_of(case) == (opened_at + ANSWER_TIME, opened_at + LIFE, 0)


def test_rent_runs_by_the_second_and_stops(system: System) -> None:
    _, case = on_trial(system, hold_days=2)
    for elapsed, used in ((0, 0), (1, -(-RENT // DAY)), (DAY, RENT), (2 * DAY, 2 * RENT), (3 * DAY, 2 * RENT)):
        with_time = now()
        travel(elapsed)
        assert system.disputes.rent_of(case) == (2 * RENT, used, system.creator)
        travel(with_time - now())


def test_no_hold(system: System) -> None:
    work, case = on_trial(system)
    assert system.disputes.hold_of(system.registry.address, work) == (0, 0, 0, BUDGET)
    assert system.disputes.rent_of(case) == (0, 0, ZERO_ADDRESS)


def test_wiring(system: System) -> None:
    assert system.disputes.ARBITER() == system.panel.address
    assert system.disputes.VAULT() == system.vault.address
    assert system.disputes.SIGNED_ACTIONS() == system.signed.address
    assert system.disputes.BOND_CURRENCY() == ETH
    amounts = (system.disputes.BOND(), system.disputes.FEE(), system.disputes.RENT_PER_DAY())
    assert amounts == (BOND, ARBITER_FEE, RENT)


@pytest.mark.parametrize("name", ["arbiter", "vault", "signed", "currency"])
def test_bad_wiring(system: System, name: str) -> None:
    for address in (ZERO_ADDRESS, str(system.thief)):
        with reverts("disputes: bad wiring"):
            resolver_with(system, **{name: address})


@pytest.mark.parametrize("wrong", [{"bond": 0}, {"bond": 0, "fee": 0}, {"fee": BOND + 1}, {"rent": 0}])
def test_bad_amounts(system: System, wrong: dict[str, int]) -> None:
    with reverts("disputes: bad amounts"):
        resolver_with(system, **wrong)


def test_amounts_at_their_edges(system: System) -> None:
    resolver_with(system, fee=BOND, rent=1)
    resolver_with(system, bond=1, fee=0)
