# SPDX-License-Identifier: Apache-2.0
"""register_many: the same as registering one by one, all or none."""

from dataclasses import replace

import pytest

from ipto import ids
from ipto.structs import ZERO32
from tests.contracts.support.build import declare, digest, even_split, work_input, work_of_input
from tests.contracts.support.contract import Reverted, reverts
from tests.contracts.support.system import System, now, travel


def test_each_is_registered_in_order(system: System) -> None:
    payee = declare(system, even_split(system.creator, system.dancer))
    works = [work_input(), work_input(payee=payee, cultural=digest("notice")), work_input(steward=str(system.steward))]
    numbers = system.registry.register_many(system.creator, works, sender=system.creator)
    assert list(numbers) == [ids.work_id(system.creator, work.content) for work in works]
    assert [log["work"] for log in system.registry.events("WorkRegistered")] == list(numbers)
    for number, work, flags in zip(numbers, works, (0, 4 | 32, 8), strict=True):
        assert system.registry.work_of(number) == work_of_input(work, system.creator, now(), flags)
    assert system.registry.balanceOf(system.creator) == 3


def test_rules_hold_inside_a_batch(system: System) -> None:
    work = work_input()
    with reverts("registry: already registered"):
        system.registry.register_many(system.creator, [work, work_input(), work], sender=system.creator)
    with reverts("registry: content is zero"):
        system.registry.register_many(
            system.creator, [work_input(), replace(work, content=ZERO32)], sender=system.creator
        )
    assert system.registry.balanceOf(system.creator) == 0


def test_a_later_claim_is_flagged(system: System) -> None:
    first = work_input()
    system.registry.register(system.thief, first, sender=system.thief)
    travel(2 * 86_400)
    numbers = system.registry.register_many(system.creator, [work_input(), first], sender=system.creator)
    assert [system.registry.work_of(number)[4] for number in numbers] == [0, 2]


def test_none_and_a_hundred(system: System) -> None:
    assert system.registry.register_many(system.creator, [], sender=system.creator) == ()
    works = [work_input() for _ in range(100)]
    assert len(system.registry.register_many(system.creator, works, sender=system.creator)) == 100
    with pytest.raises(Reverted):
        system.registry.register_many(system.creator, [work_input() for _ in range(101)], sender=system.creator)


def test_paused(system: System) -> None:
    system.registry.set_paused(True, sender=system.owner)
    with reverts("registry: paused"):
        system.registry.register_many(system.creator, [work_input()], sender=system.creator)


def test_only_for_oneself(system: System) -> None:
    with reverts("registry: not the actor"):
        system.registry.register_many(system.creator, [work_input()], sender=system.thief)
    assert system.registry.register_many(system.creator, [work_input()], sender=system.signed.address)
