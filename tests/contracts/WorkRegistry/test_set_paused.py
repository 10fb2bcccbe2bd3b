# SPDX-License-Identifier: Apache-2.0
"""set_paused: new registrations only, by the protocol's owner only."""

from tests.contracts.support.build import register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_logs_and_shows(system: System) -> None:
    for paused in (True, False):
        system.registry.set_paused(paused, sender=system.owner)
        assert system.registry.events("RegistrationsPaused") == [{"paused": paused}]
        assert system.registry.registrations_paused() is paused


def test_by_the_owner_alone(system: System) -> None:
    for sender in (system.thief, system.creator, system.signed.address):
        with reverts("ownable: caller is not the owner"):
            system.registry.set_paused(True, sender=sender)


def test_works_still_move(system: System) -> None:
    work = register(system)
    system.registry.set_paused(True, sender=system.owner)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    system.registry.set_payee(work, bytes(32), sender=system.heir)
