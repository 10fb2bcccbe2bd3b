# SPDX-License-Identifier: Apache-2.0
"""hand_over_stewardship: the accepted steward names a successor, who has to accept."""

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.build import digest, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def stewarded(system: System) -> int:
    work = register(system, steward=str(system.steward))
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    return work


def test_names_a_successor_who_has_to_accept(system: System) -> None:
    work = stewarded(system)
    system.registry.hand_over_stewardship(system.steward, work, system.heir, sender=system.steward)
    assert [(log.name, log.args) for log in system.registry.logs] == [
        ("StewardshipHandedOver", {"work": work, "steward": system.steward, "to": system.heir})
    ]
    terms = system.registry.sale_terms(work)
    assert (terms[3], terms[6]) == (system.heir, 8)
    with reverts("registry: not the steward"):
        system.registry.set_cultural(system.steward, work, digest(), sender=system.steward)
    with reverts("registry: stewardship not accepted"):
        system.registry.set_cultural(system.heir, work, digest(), sender=system.heir)
    system.registry.accept_stewardship(system.heir, work, sender=system.heir)
    system.registry.set_cultural(system.heir, work, digest(), sender=system.heir)


def test_to_itself_means_accepting_again(system: System) -> None:
    work = stewarded(system)
    system.registry.hand_over_stewardship(system.steward, work, system.steward, sender=system.steward)
    assert system.registry.sale_terms(work)[6] == 8
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)


def test_refuses(system: System) -> None:
    named = register(system, steward=str(system.steward))
    with reverts("registry: stewardship not accepted"):
        system.registry.hand_over_stewardship(system.steward, named, system.heir, sender=system.steward)
    work = stewarded(system)
    with reverts("registry: zero address"):
        system.registry.hand_over_stewardship(system.steward, work, ZERO_ADDRESS, sender=system.steward)
    with reverts("registry: not the steward"):
        system.registry.hand_over_stewardship(system.creator, work, system.heir, sender=system.creator)
    with reverts("registry: not the actor"):
        system.registry.hand_over_stewardship(system.steward, work, system.heir, sender=system.thief)
    with reverts("erc721: no such token"):
        system.registry.hand_over_stewardship(system.steward, 1, system.heir, sender=system.steward)
