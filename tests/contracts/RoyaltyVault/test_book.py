# SPDX-License-Identifier: Apache-2.0
"""book: only the caller's own sub-accounts move."""

import pytest

from ipto.structs import ETH
from tests.contracts.support.build import account, declare, digest, even_split
from tests.contracts.support.contract import reverts
from tests.contracts.support.money import pay_in
from tests.contracts.support.system import System

SALT = digest("salt")


def test_moves_and_logs(system: System) -> None:
    sub = system.vault.sub_account(system.keeper, SALT)
    split = declare(system, even_split(system.creator, system.dancer))
    other = system.vault.sub_account(system.keeper, digest("other"))
    pay_in(system, ETH, (sub, 10))
    parts = [(account(system.creator), 1), (split, 2), (other, 3), (account(system.creator), 4)]
    accounts, amounts = [item for item, _ in parts], [amount for _, amount in parts]
    system.vault.book(SALT, accounts, amounts, ETH, sender=system.keeper)
    assert system.vault.events("Booked") == [
        {"source": sub, "account": item, "currency": ETH, "amount": amount} for item, amount in parts
    ]
    assert [system.vault.balance_of(item, ETH) for item in (account(system.creator), split, other, sub)] == [5, 2, 3, 0]


def test_to_itself_changes_nothing(system: System) -> None:
    sub = system.vault.sub_account(system.keeper, SALT)
    pay_in(system, ETH, (sub, 10))
    system.vault.book(SALT, [sub], [10], ETH, sender=system.keeper)
    assert system.vault.balance_of(sub, ETH) == 10


def test_not_more_than_there_is(system: System) -> None:
    sub = system.vault.sub_account(system.keeper, SALT)
    pay_in(system, ETH, (sub, 10))
    who = account(system.keeper)
    with reverts("vault: sub-account too low"):
        system.vault.book(SALT, [who, who], [6, 5], ETH, sender=system.keeper)
    with reverts("vault: sub-account too low"):
        system.vault.book(SALT, [who], [1], system.usd.address, sender=system.keeper)


def test_not_another_callers(system: System) -> None:
    pay_in(system, ETH, (system.vault.sub_account(system.keeper, SALT), 10))
    with reverts("vault: sub-account too low"):
        system.vault.book(SALT, [account(system.thief)], [10], ETH, sender=system.thief)


def test_not_an_address_of_ones_own(system: System) -> None:
    pay_in(system, ETH, (account(system.keeper), 10))
    with reverts("vault: sub-account too low"):
        system.vault.book(bytes(32), [account(system.heir)], [10], ETH, sender=system.keeper)


def test_as_many_amounts_as_accounts(system: System) -> None:
    with reverts("vault: accounts and amounts differ in number"):
        system.vault.book(SALT, [account(system.creator)], [], ETH)


@pytest.mark.parametrize("number", [0, 2**160, 3 << 248])
def test_only_to_accounts_that_can_be_paid(system: System, number: int) -> None:
    pay_in(system, ETH, (system.vault.sub_account(system.keeper, SALT), 10))
    with reverts("vault: no such account"):
        system.vault.book(SALT, [number.to_bytes(32, "big")], [10], ETH, sender=system.keeper)
