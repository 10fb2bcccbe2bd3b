# SPDX-License-Identifier: Apache-2.0
"""redirect and what follows it: payments go where the owner of an account said, and to nobody else."""

import pytest

from ipto.structs import ETH, ZERO_ADDRESS
from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import hostile
from tests.contracts.support.money import pay_in
from tests.contracts.support.system import System, balance


def test_logs_and_stores(system: System) -> None:
    system.vault.redirect(system.heir, sender=system.dancer)
    assert system.vault.events("Redirected") == [{"account": system.dancer, "to": system.heir}]
    assert system.vault.redirect_of(system.dancer) == system.heir
    assert system.vault.redirect_of(system.heir) == ZERO_ADDRESS


def test_withdrawals_follow(system: System) -> None:
    pay_in(system, ETH, (account(system.dancer), 9))
    system.vault.redirect(system.heir, sender=system.dancer)
    before = balance(ETH, system.heir)
    assert system.vault.withdraw(system.dancer, ETH, sender=system.keeper) == 9
    assert balance(ETH, system.heir) == before + 9


def test_a_split_pays_the_address_written_in_it(system: System) -> None:
    """And books what that address refuses; the withdrawal then follows the redirection."""
    token = hostile("Blocking")
    shares = even_split(system.dancer, system.editor)
    split = declare(system, shares)
    system.vault.redirect(system.heir, sender=system.dancer)
    pay_in(system, token, (split, 10))
    system.vault.pay_out(shares, ZERO_ADDRESS, token.address)
    assert [balance(token.address, who) for who in (system.dancer, system.heir)] == [5, 0]
    token.block_account(system.dancer, True)
    pay_in(system, token, (split, 10))
    system.vault.pay_out(shares, ZERO_ADDRESS, token.address)
    system.vault.withdraw(system.dancer, token.address)
    assert [balance(token.address, who) for who in (system.dancer, system.heir)] == [5, 5]


def test_zero_undoes_it(system: System) -> None:
    system.vault.redirect(system.heir, sender=system.dancer)
    system.vault.redirect(ZERO_ADDRESS, sender=system.dancer)
    pay_in(system, ETH, (account(system.dancer), 9))
    before = balance(ETH, system.dancer)
    system.vault.withdraw(system.dancer, ETH)
    assert balance(ETH, system.dancer) == before + 9


def test_is_one_step_only(system: System) -> None:
    """A chain of redirections would need a loop; the second link is the second account's own matter."""
    system.vault.redirect(system.editor, sender=system.dancer)
    system.vault.redirect(system.heir, sender=system.editor)
    pay_in(system, system.usd, (account(system.dancer), 9))
    system.vault.withdraw(system.dancer, system.usd.address)
    assert balance(system.usd.address, system.editor) == 9


def test_nobody_redirects_another(system: System) -> None:
    system.vault.redirect(system.thief, sender=system.thief)
    assert system.vault.redirect_of(system.dancer) == ZERO_ADDRESS


@pytest.mark.parametrize("currency", ["eth", "usd"])
def test_to_the_vault_itself_is_a_refused_push(system: System, currency: str) -> None:
    name = ETH if currency == "eth" else system.usd.address
    pay_in(system, ETH if currency == "eth" else system.usd, (account(system.dancer), 8))
    system.vault.redirect(system.vault.address, sender=system.dancer)
    assert system.vault.withdraw(system.dancer, name) == 0
    assert system.vault.balance_of(account(system.dancer), name) == 8
    system.vault.redirect(ZERO_ADDRESS, sender=system.dancer)
    assert system.vault.withdraw(system.dancer, name) == 8
