# SPDX-License-Identifier: Apache-2.0
"""credit: books exactly what arrived, to accounts that can be paid, or nothing at all."""

import pytest

from ipto.structs import ETH
from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import Contract, hostile, reverts
from tests.contracts.support.money import call, crediting, market, opening, pay_in, transfer
from tests.contracts.support.system import System, balance


def test_eth_with_every_field_of_the_event(system: System) -> None:
    creator, dancer = account(system.creator), account(system.dancer)
    system.vault.credit([creator, dancer, creator], [1, 2, 4], ETH, sender=system.licensee, value=7)
    assert system.vault.events("Credited") == [
        {"account": who, "currency": ETH, "market": system.licensee, "amount": amount}
        for who, amount in ((creator, 1), (dancer, 2), (creator, 4))
    ]
    assert system.vault.balance_of(creator, ETH) == 5
    assert system.vault.balance_of(dancer, ETH) == 2
    assert balance(ETH, system.vault.address) == 7


def test_a_token_with_every_field_of_the_event(system: System) -> None:
    payer = market()
    pay_in(system, system.usd, (account(system.creator), 3), (account(system.dancer), 4), by=payer)
    logs = [log.args for log in payer.logs if log.name == "Credited"]
    assert logs == [
        {"account": account(who), "currency": system.usd.address, "market": payer.address, "amount": amount}
        for who, amount in ((system.creator, 3), (system.dancer, 4))
    ]
    assert balance(system.usd.address, system.vault.address) == 7


def test_a_token_that_returns_nothing(system: System) -> None:
    token = hostile("NoReturn")
    pay_in(system, token, (account(system.creator), 3))
    assert system.vault.balance_of(account(system.creator), token.address) == 3


def test_nothing_at_all(system: System) -> None:
    system.vault.credit([], [], ETH)
    assert system.vault.logs == []


def test_sixty_four_accounts(system: System) -> None:
    accounts = [number.to_bytes(32, "big") for number in range(1, 65)]
    system.vault.credit(accounts, [1] * 64, ETH, value=64)
    assert all(system.vault.balance_of(item, ETH) == 1 for item in accounts)
    with reverts(""):
        system.vault.credit([*accounts, account(system.creator)], [1] * 65, ETH, value=65)


@pytest.mark.parametrize("value", [0, 9, 11])
def test_eth_must_be_the_sum(system: System, value: int) -> None:
    with reverts("vault: ETH sent differs from the sum"):
        system.vault.credit([account(system.creator)], [10], ETH, value=value)


def test_a_sum_that_overflows(system: System) -> None:
    with reverts(""):
        system.vault.credit([account(system.creator), account(system.dancer)], [2**256 - 1, 2], ETH, value=1)


def test_eth_with_a_token_is_refused(system: System) -> None:
    payer = market()
    system.usd.mint(payer.address, 10)
    parts = [(account(system.creator), 10)]
    with reverts("vault: ETH sent with a token"):
        payer.run(
            [
                opening(system, system.usd),
                transfer(system, system.usd, 10),
                crediting(system, system.usd, parts, value=1),
            ],
            value=1,
        )


def test_must_be_opened(system: System) -> None:
    with reverts("vault: not opened"):
        system.vault.credit([account(system.thief)], [0], system.usd.address, sender=system.thief)


@pytest.mark.parametrize(("arrives", "booked"), [(10, 9), (10, 11), (0, 1), (10, 0)])
def test_a_token_must_bring_the_sum(system: System, arrives: int, booked: int) -> None:
    payer = market()
    system.usd.mint(payer.address, arrives)
    with reverts("vault: received differs from the sum"):
        payer.run(
            [
                opening(system, system.usd),
                transfer(system, system.usd, arrives),
                crediting(system, system.usd, [(account(system.creator), booked)]),
            ]
        )


@pytest.mark.parametrize(("accounts", "amounts"), [(1, 0), (0, 1), (2, 1), (1, 2)])
def test_as_many_amounts_as_accounts(system: System, accounts: int, amounts: int) -> None:
    with reverts("vault: accounts and amounts differ in number"):
        system.vault.credit([account(system.creator)] * accounts, [1] * amounts, ETH, value=amounts)


@pytest.mark.parametrize("number", [0, 2**160, 2**248 - 1, 3 << 248, 2**256 - 1])
def test_refuses_accounts_that_cannot_be_paid(system: System, number: int) -> None:
    with reverts("vault: no such account"):
        system.vault.credit([number.to_bytes(32, "big")], [1], ETH, value=1)


def test_every_kind_of_account_that_can(system: System) -> None:
    split = declare(system, even_split(system.creator, system.dancer))
    sub = system.vault.sub_account(system.creator, bytes(32))
    highest = (2**160 - 1).to_bytes(32, "big")
    undeclared = system.vault.split_of(even_split(system.editor), system.controller)
    pay_in(system, ETH, (split, 1), (sub, 2), (highest, 3), (undeclared, 4))
    assert [system.vault.balance_of(item, ETH) for item in (split, sub, highest, undeclared)] == [1, 2, 3, 4]


def test_a_fee_taking_token_books_nothing(system: System) -> None:
    token = hostile("FeeTaking")
    token.set_fees(1, 0)
    with reverts("vault: received differs from the sum"):
        pay_in(system, token, (account(system.creator), 10))


@pytest.mark.parametrize("factor", [999_999, 1_000_001])
def test_a_token_that_rebases_meanwhile_books_nothing(system: System, factor: int) -> None:
    token, payer = hostile("Rebasing"), market()
    pay_in(system, token, (account(system.dancer), 10_000_000))
    token.mint(payer.address, 1_000_000)
    reason = "vault: received differs from the sum"
    with reverts(reason):
        payer.run(
            [
                opening(system, token),
                transfer(system, token, 1_000_000),
                call(token, "rebase", factor),
                crediting(system, token, [(account(system.creator), 1_000_000)]),
            ]
        )


def test_a_balance_that_falls_meanwhile_books_nothing(system: System) -> None:
    token, payer = hostile("Lying"), market()
    token.lie_about(system.vault.address, 100)
    with reverts(""):
        payer.run(
            [
                opening(system, token),
                call(token, "lie_about", system.vault.address, 99),
                crediting(system, token, [(account(system.thief), 0)]),
            ]
        )


def aliased() -> tuple[Contract, Contract]:
    first = hostile("Aliased")
    second = hostile("Alias", first.address)
    first.set_second(second.address)
    return first, second


def test_one_coin_under_two_addresses_is_booked_once(system: System) -> None:
    first, second = aliased()
    payer = market()
    first.mint(payer.address, 10)
    parts = [(account(system.thief), 10)]
    steps = [opening(system, first), transfer(system, first, 10), crediting(system, first, parts)]
    with reverts("vault: not opened"):
        payer.run([*steps, crediting(system, second, parts)])
    with reverts("vault: not opened"):
        payer.run([opening(system, second), *steps, crediting(system, second, parts)])
    with reverts("vault: received differs from the sum"):
        payer.run([*steps, opening(system, second), crediting(system, second, parts)])
    with reverts("vault: not opened"):
        payer.run([opening(system, first), transfer(system, first, 10), crediting(system, second, parts)])
    payer.run([opening(system, second), transfer(system, first, 10), crediting(system, second, parts)])
    assert system.vault.balance_of(account(system.thief), first.address) == 0
    assert system.vault.withdraw(system.thief, second.address) == 10
    assert balance(first.address, system.thief) == 10


def test_a_market_cannot_be_re_entered_through_its_token(system: System) -> None:
    """While the vault is at work nobody else books: a hook in a transfer meets the lock or a closed slot."""
    token, payer = hostile("Hooked"), market()
    token.mint(payer.address, 10)
    token.hook(payer.address, True)
    parts = [(account(system.thief), 10)]
    payer.prepare([crediting(system, token, parts)], False)
    honest = [(account(system.creator), 10)]
    with reverts("vault: not opened"):
        payer.run(
            [
                opening(system, token),
                transfer(system, token, 10),
                call(payer, "on_hook"),
                crediting(system, token, honest),
            ]
        )
    payer.run([opening(system, token), transfer(system, token, 10), crediting(system, token, honest)])
    assert payer.succeeded() == 0
    assert payer.triggered() == 1
    assert system.vault.balance_of(account(system.creator), token.address) == 10
