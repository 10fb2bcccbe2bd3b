# SPDX-License-Identifier: Apache-2.0
"""accept_stewardship: the named steward, once."""

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.build import register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_accepts_and_logs(system: System) -> None:
    work = register(system, steward=str(system.steward))
    assert system.registry.sale_terms(work)[6] == 8
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    assert [(log.name, log.args) for log in system.registry.logs] == [
        ("StewardshipAccepted", {"work": work, "steward": system.steward})
    ]
    assert system.registry.sale_terms(work)[6] == 8 | 16
    with reverts("registry: stewardship already accepted"):
        system.registry.accept_stewardship(system.steward, work, sender=system.steward)


def test_through_signed_actions(system: System) -> None:
    work = register(system, steward=str(system.steward))
    system.registry.accept_stewardship(system.steward, work, sender=system.signed.address)


def test_by_the_named_one_alone(system: System) -> None:
    work = register(system, steward=str(system.steward))
    with reverts("registry: not the actor"):
        system.registry.accept_stewardship(system.steward, work, sender=system.creator)
    with reverts("registry: not the named steward"):
        system.registry.accept_stewardship(system.thief, work, sender=system.thief)


def test_nobody_is_steward_of_a_work_without_one(system: System) -> None:
    with reverts("registry: not the named steward"):
        system.registry.accept_stewardship(system.steward, register(system), sender=system.steward)
    with reverts("erc721: no such token"):
        system.registry.accept_stewardship(system.steward, 1, sender=system.steward)


def test_the_zero_address_is_never_an_actor(system: System) -> None:
    """SignedActions refuses it; nothing else can send as it."""
    with reverts("registry: not the actor"):
        system.registry.accept_stewardship(ZERO_ADDRESS, register(system), sender=system.thief)
