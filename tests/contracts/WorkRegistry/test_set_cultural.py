# SPDX-License-Identifier: Apache-2.0
"""set_cultural: versions of the notice, by the accepted steward alone."""

from ipto.structs import ZERO32
from tests.contracts.support.build import digest, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_appends_a_version(system: System) -> None:
    work = register(system, steward=str(system.steward))
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    for notice in (digest(), digest()):
        system.registry.set_cultural(system.steward, work, notice, sender=system.steward)
        assert [(log.name, log.args) for log in system.registry.logs] == [
            ("CulturalNoticeSet", {"work": work, "steward": system.steward, "cultural": notice})
        ]
        terms = system.registry.sale_terms(work)
        assert (terms[4], terms[6]) == (notice, 8 | 16 | 32)


def test_refuses(system: System) -> None:
    work = register(system, steward=str(system.steward))
    with reverts("registry: stewardship not accepted"):
        system.registry.set_cultural(system.steward, work, digest(), sender=system.steward)
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    with reverts("registry: cultural notice is zero"):
        system.registry.set_cultural(system.steward, work, ZERO32, sender=system.steward)
    with reverts("registry: not the steward"):
        system.registry.set_cultural(system.creator, work, digest(), sender=system.creator)
    with reverts("registry: not the actor"):
        system.registry.set_cultural(system.steward, work, digest(), sender=system.creator)
    with reverts("erc721: no such token"):
        system.registry.set_cultural(system.steward, 1, digest(), sender=system.steward)
    with reverts("registry: not the steward"):
        system.registry.set_cultural(system.steward, register(system), digest(), sender=system.steward)
