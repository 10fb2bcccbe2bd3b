# SPDX-License-Identifier: Apache-2.0
"""approve_payee: an approval names the work, the payee it is left for, and counts for whoever gave it."""

from tests.contracts.support.build import declare, even_split, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_logs(system: System) -> None:
    work, payee = register(system), declare(system, even_split(system.creator))
    system.registry.approve_payee(system.controller, work, payee, sender=system.controller)
    assert [(log.name, log.args) for log in system.registry.logs] == [
        ("PayeeApproved", {"work": work, "approver": system.controller, "payee": payee})
    ]


def test_only_for_oneself(system: System) -> None:
    work, payee = register(system), declare(system, even_split(system.creator))
    with reverts("registry: not the actor"):
        system.registry.approve_payee(system.controller, work, payee, sender=system.thief)
    system.registry.approve_payee(system.controller, work, payee, sender=system.signed.address)


def test_of_a_known_work(system: System) -> None:
    with reverts("erc721: no such token"):
        system.registry.approve_payee(system.controller, 1, bytes(32), sender=system.controller)
