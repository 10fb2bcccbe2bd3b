# SPDX-License-Identifier: Apache-2.0
"""controller_of: of declared splits only."""

from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_of_a_declared_split(system: System) -> None:
    split = declare(system, even_split(system.creator, system.editor), system.controller)
    assert system.vault.controller_of(split) == system.controller


def test_refuses_what_was_not_declared(system: System) -> None:
    with reverts("vault: split not declared"):
        system.vault.controller_of(account(system.creator))


def test_a_checked_split_has_to_be_declared_first(system: System) -> None:
    """Anyone can do that, at any time."""
    shares = even_split(system.creator, system.editor)
    split = system.vault.check_split(shares, system.controller)
    with reverts("vault: split not declared"):
        system.vault.controller_of(split)
    system.vault.declare_split(shares, system.controller, sender=system.thief)
    assert system.vault.controller_of(split) == system.controller
