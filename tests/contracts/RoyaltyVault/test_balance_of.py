# SPDX-License-Identifier: Apache-2.0
"""balance_of: per account and currency; bare coins are nobody's."""

import boa

from ipto.structs import ETH
from tests.contracts.support.build import account
from tests.contracts.support.contract import reverts, transact
from tests.contracts.support.money import pay_in
from tests.contracts.support.system import System


def test_is_kept_apart_by_account_and_currency(system: System) -> None:
    pay_in(system, ETH, (account(system.creator), 5), (account(system.dancer), 7))
    pay_in(system, system.usd, (account(system.creator), 11))
    assert system.vault.balance_of(account(system.creator), ETH) == 5
    assert system.vault.balance_of(account(system.dancer), ETH) == 7
    assert system.vault.balance_of(account(system.creator), system.usd.address) == 11
    assert system.vault.balance_of(account(system.dancer), system.usd.address) == 0


def test_bare_tokens_are_never_booked(system: System) -> None:
    system.fund(system.usd, system.thief, 100)
    system.usd.transfer(system.vault.address, 100, sender=system.thief)
    pay_in(system, system.usd, (account(system.creator), 10))
    for who in (system.thief, system.vault.address, system.creator):
        expected = 10 if who == system.creator else 0
        assert system.vault.balance_of(account(who), system.usd.address) == expected
    with reverts("vault: nothing sent"):
        system.vault.withdraw_to(system.thief, system.usd.address, sender=system.thief)


def test_bare_eth_is_refused(system: System) -> None:
    for data in (b"", b"\x01\x02\x03\x04"):
        with reverts(""):
            transact(system.vault.address, data, sender=system.thief, value=1)


def test_forced_eth_is_never_booked(system: System) -> None:
    boa.env.set_balance(system.vault.address, 10**18)
    with reverts("vault: ETH sent differs from the sum"):
        system.vault.credit([account(system.thief)], [10**18], ETH, sender=system.thief)
    assert system.vault.balance_of(account(system.thief), ETH) == 0
