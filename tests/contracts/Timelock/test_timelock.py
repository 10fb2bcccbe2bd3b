# SPDX-License-Identifier: Apache-2.0
"""The protocol's owner: what it decides waits in the open, and nobody has power over it."""

from typing import Any

import pytest

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.contract import Contract, deploy, reverts
from tests.contracts.support.system import CONTRACTS, System, travel

HOUR = 3_600
DELAY = 2 * HOUR
NONE = bytes(32)


@pytest.fixture
def timelock(system: System) -> Contract:
    """Owner of the registry; the keeper proposes, anybody executes."""
    found = make(system)
    system.registry.transfer_ownership(found.address, sender=system.owner)
    found.accept(system.registry.address, sender=system.thief)
    return found


def make(
    system: System,
    delay: int = DELAY,
    proposers: tuple[str, ...] | None = None,
    executors: tuple[str, ...] = (ZERO_ADDRESS,),
) -> Contract:
    return deploy(CONTRACTS / "Timelock.vy", delay, [system.keeper] if proposers is None else proposers, executors)


def pausing(system: System, paused: bool = True) -> tuple[Any, ...]:
    return system.registry.address, 0, system.registry.data("set_paused", paused), NONE, NONE


def test_accepts_what_is_offered_and_only_that(system: System) -> None:
    timelock = make(system)
    with reverts("ownable_2step: caller is not the new owner"):
        timelock.accept(system.registry.address, sender=system.owner)
    system.registry.transfer_ownership(timelock.address, sender=system.owner)
    timelock.accept(system.registry.address, sender=system.thief)
    assert system.registry.owner() == timelock.address
    with reverts(""):
        timelock.accept(str(system.thief))


def test_decisions_wait(system: System, timelock: Contract) -> None:
    operation = pausing(system)
    timelock.schedule(*operation, DELAY, sender=system.keeper)
    with reverts("timelock_controller: operation already scheduled"):
        timelock.schedule(*operation, DELAY, sender=system.keeper)
    travel(DELAY - 1)
    with reverts("timelock_controller: operation is not ready"):
        timelock.execute(*operation)
    travel(1)
    timelock.execute(*operation, sender=system.relayer)
    assert system.registry.registrations_paused()
    with reverts("timelock_controller: operation is not ready"):
        timelock.execute(*operation)


def test_nobody_else_decides(system: System, timelock: Contract) -> None:
    operation = pausing(system)
    for stranger in (system.owner, system.thief):
        with reverts("ownable: caller is not the owner"):
            system.registry.set_paused(True, sender=stranger)
        with reverts("access_control: account is missing role"):
            timelock.schedule(*operation, DELAY, sender=stranger)
        with reverts("access_control: account is missing role"):
            timelock.grantRole(timelock.PROPOSER_ROLE(), stranger, sender=stranger)
        with reverts("timelock_controller: caller must be timelock"):
            timelock.update_delay(0, sender=stranger)
    with reverts("timelock_controller: insufficient delay"):
        timelock.schedule(*operation, DELAY - 1, sender=system.keeper)
    with reverts("access_control: can only renounce roles for itself"):
        timelock.renounceRole(timelock.PROPOSER_ROLE(), system.keeper, sender=system.thief)


def test_what_is_proposed_can_be_stopped(system: System, timelock: Contract) -> None:
    operation = pausing(system)
    timelock.schedule(*operation, DELAY, sender=system.keeper)
    number = timelock.hash_operation(*operation)
    with reverts("access_control: account is missing role"):
        timelock.cancel(number, sender=system.thief)
    timelock.cancel(number, sender=system.keeper)
    with reverts("timelock_controller: operation cannot be cancelled"):
        timelock.cancel(number, sender=system.keeper)
    travel(DELAY)
    with reverts("timelock_controller: operation is not ready"):
        timelock.execute(*operation)


def test_several_at_once_and_in_order(system: System, timelock: Contract) -> None:
    first = ([system.registry.address] * 2, [0, 0], [pausing(system)[2], pausing(system, False)[2]], NONE, NONE)
    with reverts("timelock_controller: length mismatch"):
        timelock.schedule_batch(first[0], [0], first[2], NONE, NONE, DELAY, sender=system.keeper)
    timelock.schedule_batch(*first, DELAY, sender=system.keeper)
    before = timelock.hash_operation_batch(*first)
    second = (*pausing(system)[:3], before, NONE)
    timelock.schedule(*second, DELAY, sender=system.keeper)
    travel(DELAY)
    with reverts("timelock_controller: missing dependency"):
        timelock.execute(*second)
    timelock.execute_batch(*first)
    assert not system.registry.registrations_paused()
    timelock.execute(*second)
    assert system.registry.registrations_paused()


def test_what_fails_says_so_and_can_be_tried_again(system: System, timelock: Contract) -> None:
    refused = (system.registry.address, 0, system.registry.data("set_metadata", system.owner, 1, NONE), NONE, NONE)
    silent = (system.usd.address, 0, b"\x12\x34\x56\x78", NONE, NONE)
    for operation, reason in (
        (refused, "registry: not the actor"),
        (silent, "timelock_controller: underlying transaction reverted"),
    ):
        timelock.schedule(*operation, DELAY, sender=system.keeper)
        travel(DELAY)
        with reverts(reason):
            timelock.execute(*operation)
        assert timelock.is_operation_ready(timelock.hash_operation(*operation))


def test_roles_and_delay_change_through_the_delay_alone(system: System, timelock: Contract) -> None:
    role = timelock.PROPOSER_ROLE()
    calls = [timelock.data("update_delay", HOUR), timelock.data("grantRole", role, system.heir)]
    operation = ([timelock.address] * 2, [0, 0], calls, NONE, NONE)
    timelock.schedule_batch(*operation, DELAY, sender=system.keeper)
    travel(DELAY)
    timelock.execute_batch(*operation)
    assert timelock.get_minimum_delay() == HOUR
    timelock.schedule(*pausing(system), HOUR, sender=system.heir)


def test_named_executors_alone(system: System) -> None:
    timelock = make(system, executors=(str(system.heir),))
    operation = (system.usd.address, 0, system.usd.data("balanceOf", system.heir), NONE, NONE)
    timelock.schedule(*operation, DELAY, sender=system.keeper)
    travel(DELAY)
    with reverts("access_control: account is missing role"):
        timelock.execute(*operation, sender=system.keeper)
    timelock.execute(*operation, sender=system.heir)


def test_nobody_is_its_administrator(system: System) -> None:
    """Whoever deployed it included."""
    timelock = make(system)
    admin = timelock.DEFAULT_ADMIN_ROLE()
    assert timelock.hasRole(admin, timelock.address)
    for account in (system.owner, system.keeper, ZERO_ADDRESS, "0x4e59b44847b379578588920cA78FbF26c0B4956C"):
        assert not timelock.hasRole(admin, account)
    granted = {log.args["account"] for log in timelock.logs if log.name == "RoleGranted" and log.args["role"] == admin}
    taken = {log.args["account"] for log in timelock.logs if log.name == "RoleRevoked" and log.args["role"] == admin}
    assert granted - taken == {timelock.address}


def test_deployments_that_make_no_sense(system: System) -> None:
    with reverts("timelock: delay too short"):
        make(system, delay=HOUR - 1)
    for nobody in ({"proposers": ()}, {"executors": ()}):
        with reverts("timelock: nobody to act"):
            make(system, **nobody)  # type: ignore[arg-type]
    with reverts("timelock: anybody could propose"):
        make(system, proposers=(str(system.keeper), ZERO_ADDRESS))


def test_the_shortest_delay_and_the_most_people(system: System) -> None:
    people = tuple(f"0x{i:040x}" for i in range(1, 18))
    timelock = make(system, delay=HOUR, proposers=people[:16], executors=people[1:17])
    assert timelock.get_minimum_delay() == HOUR
    for role, members in (("PROPOSER_ROLE", people[:16]), ("EXECUTOR_ROLE", people[1:17])):
        assert [timelock.hasRole(getattr(timelock, role)(), one) for one in people] == [
            one in members for one in people
        ]
    for too_many in ({"proposers": people}, {"executors": people}):
        with reverts(""):
            make(system, **too_many)
