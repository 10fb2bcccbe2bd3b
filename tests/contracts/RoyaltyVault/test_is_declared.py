# SPDX-License-Identifier: Apache-2.0
"""is_declared: only declared splits are."""

from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.system import System


def test_before_and_after(system: System) -> None:
    shares = even_split(system.creator, system.editor)
    split = system.vault.split_of(shares, system.controller)
    assert not system.vault.is_declared(split)
    declare(system, shares, system.controller)
    assert system.vault.is_declared(split)


def test_addresses_and_sub_accounts_are_not(system: System) -> None:
    assert not system.vault.is_declared(account(system.creator))
    assert not system.vault.is_declared(system.vault.sub_account(system.creator, bytes(32)))
    assert not system.vault.is_declared(bytes(32))
