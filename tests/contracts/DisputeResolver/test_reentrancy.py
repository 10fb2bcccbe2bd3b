# SPDX-License-Identifier: Apache-2.0
"""Whoever is called by the resolver reaches none of its functions, views included, against compiled bytecode."""

import pytest

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.disputes import DELAY, Outcome, docket, open_case, refer, rule
from tests.contracts.support.system import System, travel

ONE = b"\x01" * 32
CALLS: dict[str, tuple[object, ...]] = {
    "answer": (1, ONE),
    "ask_hold": (1, 1),
    "case_of": (1,),
    "cases": (),
    "deadlines_of": (1,),
    "end_hold": (ZERO_ADDRESS, 7),
    "execute": (1,),
    "hold_of": (ZERO_ADDRESS, 7),
    "order_hold": (1, True),
    "refer": (1,),
    "rent_of": (1,),
    "rule": (1, 1, ZERO32, ONE),
    "settle": (1,),
    "withdraw_case": (1,),
    "submit_evidence": None,  # type: ignore[dict-item]  # its actor is the caller
    "open_case": None,  # type: ignore[dict-item]  # its target is the caller
}
CONSTANTS = {"ARBITER", "VAULT", "SIGNED_ACTIONS", "BOND_CURRENCY", "BOND", "FEE", "RENT_PER_DAY"}


def test_knows_every_function(system: System) -> None:
    assert {name for name, _ in system.disputes.functions} - CONSTANTS == set(CALLS)


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize("door", ["open_case", "execute", "rule"])
def test_nothing_can_be_re_entered(system: System, name: str, door: str) -> None:
    target = docket(system)
    own = {
        "submit_evidence": (target.address, 1, ONE),
        "open_case": (1, target.address, ZERO_ADDRESS, 7, 0, 0, ONE),
    }
    arguments = own.get(name) or CALLS[name]
    if door == "open_case":
        target.prepare(system.disputes.address, system.disputes.data(name, *arguments))
        open_case(system, 7, target=target.address, hold_days=1)
    else:
        case = open_case(system, 7, target=target.address)
        refer(system, case, system.creator)
        if door == "execute":
            rule(system, case, Outcome.FOR_OPENER)
            travel(DELAY)
        target.prepare(system.disputes.address, system.disputes.data(name, *arguments))
        if door == "rule":
            rule(system, case, Outcome.FOR_OPENER)
        else:
            system.disputes.execute(case)
    assert target.count() > 0
    assert not target.succeeded()


@pytest.mark.parametrize("name", ["case_of", "cases", "deadlines_of", "end_hold", "hold_of", "rent_of"])
def test_the_same_call_succeeds_outside(system: System, name: str) -> None:
    target = docket(system)
    open_case(system, 7, target=target.address)
    target.prepare(system.disputes.address, system.disputes.data(name, *CALLS[name]))
    target.hold(7, 0)
    assert target.succeeded()
