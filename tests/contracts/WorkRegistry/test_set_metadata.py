# SPDX-License-Identifier: Apache-2.0
"""set_metadata: the owner points to a newer document; history stays in events."""

from ipto.structs import ZERO32
from tests.contracts.support.build import digest, hold, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_changes_and_logs(system: System) -> None:
    work, newer = register(system), digest()
    system.registry.set_metadata(system.creator, work, newer, sender=system.creator)
    assert [(log.name, log.args) for log in system.registry.logs] == [
        ("MetadataSet", {"work": work, "metadata": newer}),
        ("MetadataUpdate", {"_tokenId": work}),
    ]
    assert system.registry.work_of(work)[5] == newer


def test_by_the_owner_alone(system: System) -> None:
    work = register(system)
    with reverts("registry: not the owner"):
        system.registry.set_metadata(system.thief, work, digest(), sender=system.thief)
    with reverts("registry: not the actor"):
        system.registry.set_metadata(system.creator, work, digest(), sender=system.thief)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    with reverts("registry: not the owner"):
        system.registry.set_metadata(system.creator, work, digest(), sender=system.creator)
    system.registry.set_metadata(system.heir, work, digest(), sender=system.heir)


def test_an_operator_is_not_the_owner(system: System) -> None:
    work = register(system)
    system.registry.setApprovalForAll(system.keeper, True, sender=system.creator)
    with reverts("registry: not the actor"):
        system.registry.set_metadata(system.creator, work, digest(), sender=system.keeper)


def test_through_signed_actions(system: System) -> None:
    system.registry.set_metadata(system.creator, register(system), digest(), sender=system.signed.address)


def test_refuses_zero_and_unknown(system: System) -> None:
    work = register(system)
    with reverts("registry: metadata is zero"):
        system.registry.set_metadata(system.creator, work, ZERO32, sender=system.creator)
    with reverts("erc721: no such token"):
        system.registry.set_metadata(system.creator, work + 1, digest(), sender=system.creator)


def test_neither_pause_nor_hold_stops_it(system: System) -> None:
    work = register(system)
    system.registry.set_paused(True, sender=system.owner)
    hold(system, work)
    system.registry.set_metadata(system.creator, work, digest(), sender=system.creator)
