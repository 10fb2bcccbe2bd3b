# SPDX-License-Identifier: Apache-2.0
"""hold: by dispute resolution alone, until a time, and it ends by itself."""

import pytest

from ipto.structs import NEVER, ZERO32
from tests.contracts.support.build import declare, even_split, hold, register, word_of
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now, travel

HELD = 1


def is_held(system: System, work: int) -> bool:
    return bool(system.registry.work_of(work)[4] & HELD)


def test_stops_sales_and_a_change_of_payee(system: System) -> None:
    work = register(system)
    hold(system, work, now() + 10)
    assert system.registry.events("WorkHeld") == [{"work": work, "until": now() + 10}]
    assert is_held(system, work)
    assert system.registry.held_until(work) == now() + 10
    with reverts("registry: work is on hold"):
        system.registry.sale_terms(work)
    with reverts("registry: work is on hold"):
        system.registry.set_payee(work, ZERO32, sender=system.creator)


def test_ends_by_itself_to_the_second(system: System) -> None:
    work = register(system)
    hold(system, work, now() + 10)
    travel(9)
    assert is_held(system, work)
    travel(1)
    assert not is_held(system, work)
    assert system.registry.sale_terms(work)[6] == 0
    system.registry.set_payee(work, declare(system, even_split(system.creator, system.dancer)), sender=system.creator)
    assert system.registry.sale_terms(work)[6] == 4


@pytest.mark.parametrize("until", [0, 1, "now"])
def test_is_ended_by_a_time_that_passed(system: System, until: int | str) -> None:
    work = register(system)
    before = word_of(system.registry, "WorkRegistry", work)
    hold(system, work)
    hold(system, work, now() if until == "now" else int(until))
    assert system.registry.events("WorkHeld") == [{"work": work, "until": 0}]
    assert (is_held(system, work), system.registry.held_until(work)) == (False, 0)
    assert word_of(system.registry, "WorkRegistry", work) == before


def test_a_new_time_replaces_the_old(system: System) -> None:
    work = register(system)
    hold(system, work, NEVER)
    hold(system, work, now() + 5)
    travel(5)
    assert not is_held(system, work)


def test_leaves_everything_else(system: System) -> None:
    work = register(system, duration_ms=2**32 - 1, steward=str(system.steward), cultural=b"\x01" * 32)
    before = system.registry.work_of(work)
    hold(system, work)
    after = system.registry.work_of(work)
    assert (*after[:4], after[4] & ~HELD, *after[5:]) == before


def test_a_claim_on_hold_can_be_given_away_and_stays_on_hold(system: System) -> None:
    work = register(system)
    hold(system, work)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    assert is_held(system, work)


def test_by_dispute_resolution_alone(system: System) -> None:
    work = register(system)
    for sender in (system.creator, system.owner, system.thief, system.signed.address, system.market.address):
        with reverts("registry: not dispute resolution"):
            system.registry.hold(work, NEVER, sender=sender)


def test_unknown(system: System) -> None:
    with reverts("erc721: no such token"):
        hold(system, 1)
