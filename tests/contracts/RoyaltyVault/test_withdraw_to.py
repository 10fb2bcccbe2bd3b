# SPDX-License-Identifier: Apache-2.0
"""withdraw_to: one's own money, to wherever one likes."""

import pytest

from ipto.structs import ETH, ZERO_ADDRESS
from tests.contracts.support.build import account
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.money import pay_in
from tests.contracts.support.system import System, balance


@pytest.mark.parametrize("currency", ["eth", "usd"])
def test_pays_where_the_owner_says(system: System, currency: str) -> None:
    name = ETH if currency == "eth" else system.usd.address
    pay_in(system, ETH if currency == "eth" else system.usd, (account(system.creator), 10))
    before = balance(name, system.heir)
    assert system.vault.withdraw_to(system.heir, name, sender=system.creator) == 10
    assert system.vault.events("Withdrawn") == [
        {"account": account(system.creator), "currency": name, "to": system.heir, "amount": 10}
    ]
    assert balance(name, system.heir) == before + 10


def test_ignores_a_redirection(system: System) -> None:
    pay_in(system, system.usd, (account(system.creator), 10))
    system.vault.redirect(system.thief, sender=system.creator)
    system.vault.withdraw_to(system.heir, system.usd.address, sender=system.creator)
    assert balance(system.usd.address, system.heir) == 10


def test_only_ones_own(system: System) -> None:
    pay_in(system, ETH, (account(system.creator), 10))
    with reverts("vault: nothing sent"):
        system.vault.withdraw_to(system.thief, ETH, sender=system.thief)


def test_not_to_nobody(system: System) -> None:
    pay_in(system, ETH, (account(system.creator), 10))
    with reverts("vault: zero address"):
        system.vault.withdraw_to(ZERO_ADDRESS, ETH, sender=system.creator)


def test_a_refused_push_reverts(system: System) -> None:
    receiver = hostile("Receiver")
    receiver.behave(1)
    pay_in(system, ETH, (account(system.creator), 10))
    with reverts("vault: nothing sent"):
        system.vault.withdraw_to(receiver.address, ETH, sender=system.creator)
    assert system.vault.balance_of(account(system.creator), ETH) == 10


def test_not_to_the_vault(system: System) -> None:
    for currency in (ETH, system.usd):
        name = ETH if currency == ETH else system.usd.address
        pay_in(system, currency, (account(system.creator), 10))
        with reverts("vault: nothing sent"):
            system.vault.withdraw_to(system.vault.address, name, sender=system.creator)
