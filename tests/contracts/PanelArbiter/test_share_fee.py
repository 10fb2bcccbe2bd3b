# SPDX-License-Identifier: Apache-2.0
"""share_fee: to those who voted, whichever way, in equal parts; no resolver reaches another's."""

import pytest

from ipto.structs import ETH
from tests.contracts.support.build import account
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.disputes import Outcome, case_key, fee_chest, on_trial, refer, vote
from tests.contracts.support.system import ARBITER_FEE, System


def share(system: System, case: int) -> None:
    system.panel.share_fee(system.disputes.address, case, sender=system.keeper)


def has(system: System, judge: str) -> int:
    found: int = system.vault.balance_of(account(judge), ETH)
    return found


@pytest.mark.parametrize("against", [0, 1, 2])
def test_whichever_way_they_voted(system: System, against: int) -> None:
    _, case = on_trial(system)
    refer(system, case, system.creator)
    for judge in system.judges[:against]:
        vote(system, case, judge, Outcome.NO_FAULT)
    for judge in system.judges[against : against + 3]:
        vote(system, case, judge, Outcome.FOR_OPENER)
    share(system, case)
    assert system.panel.events("FeeShared") == [
        {"resolver": system.disputes.address, "case": case, "amount": ARBITER_FEE}
    ]
    part, rest = divmod(ARBITER_FEE, against + 3)
    assert [has(system, judge) for judge in system.judges] == [
        part + rest * (i == 0) if i < against + 3 else 0 for i in range(5)
    ]
    assert fee_chest(system, case) == 0


def test_changing_ones_vote_earns_nothing_more(system: System) -> None:
    _, case = on_trial(system)
    refer(system, case, system.creator)
    for outcome in (1, 2, 3, 1):
        vote(system, case, system.judges[0], outcome)
    for judge in system.judges[1:3]:
        vote(system, case, judge, Outcome.FOR_OPENER)
    share(system, case)
    assert has(system, system.judges[1]) == ARBITER_FEE // 3


def test_once_and_after_the_ruling(system: System) -> None:
    _, case = on_trial(system)
    refer(system, case, system.creator)
    with reverts("panel: not decided"):
        share(system, case)
    for judge in system.judges[:3]:
        vote(system, case, judge, Outcome.FOR_OPENER)
    share(system, case)
    with reverts("panel: no fee to share"):
        share(system, case)


def test_a_strangers_resolver_reaches_no_other_fee(system: System) -> None:
    """It names the real vault and the same case number, and even gets votes; the money is under another key."""
    _, case = on_trial(system)
    refer(system, case, system.creator)
    for judge in system.judges[:3]:
        vote(system, case, judge, Outcome.FOR_OPENER)
    fake = hostile("FakeResolver", system.vault.address, system.panel.address)
    fake.ask(case)
    for judge in system.judges[2:]:
        system.panel.vote(fake.address, case, 1, bytes(32), b"\x01" * 32, sender=judge)
    with reverts("panel: no fee to share"):
        system.panel.share_fee(fake.address, case)
    assert fee_chest(system, case) == ARBITER_FEE
    assert case_key(system, case) != bytes(32)
