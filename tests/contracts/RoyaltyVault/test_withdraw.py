# SPDX-License-Identifier: Apache-2.0
"""withdraw: anyone may push, only the payee is paid, and a refusal costs nothing but the push."""

import boa
import pytest

from ipto.structs import ETH
from tests.contracts.support.build import account
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.money import call, pay_in
from tests.contracts.support.system import System, balance

ACCEPT, REVERT, BURN, BOMB = range(4)


@pytest.mark.parametrize("currency", ["eth", "usd"])
def test_pays_the_payee_whoever_calls(system: System, currency: str) -> None:
    name = ETH if currency == "eth" else system.usd.address
    pay_in(system, ETH if currency == "eth" else system.usd, (account(system.creator), 10))
    before = balance(name, system.creator)
    assert system.vault.withdraw(system.creator, name, sender=system.thief) == 10
    assert system.vault.events("Withdrawn") == [
        {"account": account(system.creator), "currency": name, "to": system.creator, "amount": 10}
    ]
    assert balance(name, system.creator) == before + 10
    assert system.vault.balance_of(account(system.creator), name) == 0
    assert balance(name, system.vault.address) == 0


def test_nothing_is_nothing(system: System) -> None:
    assert system.vault.withdraw(system.creator, ETH) == 0
    assert system.vault.logs == []


@pytest.mark.parametrize("mode", [REVERT, BURN, BOMB])
def test_a_receiver_that_refuses_keeps_its_balance(system: System, mode: int) -> None:
    receiver = hostile("Receiver")
    receiver.behave(mode)
    pay_in(system, ETH, (account(receiver.address), 10))
    assert system.vault.withdraw(receiver.address, ETH, gas=400_000) == 0
    assert system.vault.events("Refused") == [
        {"account": account(receiver.address), "currency": ETH, "to": receiver.address, "amount": 10}
    ]
    assert system.vault.balance_of(account(receiver.address), ETH) == 10
    receiver.behave(ACCEPT)
    assert system.vault.withdraw(receiver.address, ETH) == 10


def test_a_blocked_payee_keeps_its_balance(system: System) -> None:
    token = hostile("Blocking")
    pay_in(system, token, (account(system.creator), 10), (account(system.dancer), 10))
    token.block_account(system.creator, True)
    assert system.vault.withdraw(system.creator, token.address) == 0
    assert system.vault.events("Refused")[0]["amount"] == 10
    assert system.vault.withdraw(system.dancer, token.address) == 10
    token.block_account(system.creator, False)
    assert system.vault.withdraw(system.creator, token.address) == 10


def test_a_paused_token_waits(system: System) -> None:
    token = hostile("Blocking")
    pay_in(system, token, (account(system.creator), 10))
    token.pause(True)
    assert system.vault.withdraw(system.creator, token.address) == 0
    token.pause(False)
    assert system.vault.withdraw(system.creator, token.address) == 10


def test_a_token_that_returns_nothing(system: System) -> None:
    token = hostile("NoReturn")
    pay_in(system, token, (account(system.creator), 10))
    assert system.vault.withdraw(system.creator, token.address) == 10
    assert balance(token.address, system.creator) == 10


TRUE, FALSE, TWO = ((number).to_bytes(32, "big") for number in (1, 0, 2))


@pytest.mark.parametrize(
    ("moves", "answer", "outcome"),
    [
        (True, TRUE, "paid"),
        (True, TRUE + TRUE, "paid"),  # only one word is read
        (True, b"", "paid"),
        (False, FALSE, "refused"),
        (False, TWO, "refused"),
        (False, b"\x01", "refused"),
        (False, b"\xff" * 96, "refused"),
        (False, TRUE, "reverts"),  # says it paid and did not
        (False, b"", "reverts"),
        (True, FALSE, "reverts"),  # says it did not and paid
        (True, b"\x01", "reverts"),
    ],
)
def test_a_token_that_answers_anything(system: System, moves: bool, answer: bytes, outcome: str) -> None:
    token = hostile("Answering")
    pay_in(system, token, (account(system.creator), 10))
    token.behave(moves, answer)
    if outcome == "reverts":
        with reverts("vault: token moved another amount"):
            system.vault.withdraw(system.creator, token.address)
    else:
        assert system.vault.withdraw(system.creator, token.address) == (10 if outcome == "paid" else 0)
    left = system.vault.balance_of(account(system.creator), token.address)
    assert left == (0 if outcome == "paid" else 10)
    assert balance(token.address, system.vault.address) >= left


def test_a_fee_on_top_is_not_paid_by_others(system: System) -> None:
    token = hostile("FeeTaking")
    pay_in(system, token, (account(system.creator), 10), (account(system.dancer), 10))
    token.set_fees(0, 1)
    with reverts("vault: token moved another amount"):
        system.vault.withdraw(system.creator, token.address)
    token.set_fees(1, 0)  # what the payee loses of its own is the token's business
    assert system.vault.withdraw(system.creator, token.address) == 10
    assert balance(token.address, system.creator) == 9


def test_a_token_that_lost_its_money(system: System) -> None:
    """After a fall in all balances there is not enough for everybody; other currencies do not notice."""
    token = hostile("Rebasing")
    pay_in(system, token, (account(system.creator), 10_000_000), (account(system.dancer), 10_000_000))
    pay_in(system, ETH, (account(system.creator), 5))
    token.rebase(500_000)
    assert system.vault.withdraw(system.creator, token.address) == 10_000_000
    assert system.vault.withdraw(system.dancer, token.address) == 0
    assert system.vault.withdraw(system.creator, ETH) == 5
    token.mint(system.vault.address, 20_000_000)
    assert system.vault.withdraw(system.dancer, token.address) == 10_000_000


def test_a_token_without_an_answer(system: System) -> None:
    token = hostile("Lying")
    pay_in(system, token, (account(system.creator), 10))
    token.fail(True)
    with reverts("token: no answer"):
        system.vault.withdraw(system.creator, token.address)
    token.fail(False)
    assert system.vault.withdraw(system.creator, token.address) == 10


def test_a_hook_that_sends_money_back_hurts_only_itself(system: System) -> None:
    token, receiver = hostile("Hooked"), hostile("Reenterer")
    pay_in(system, token, (account(receiver.address), 10), (account(system.creator), 10))
    token.hook(receiver.address, True)
    receiver.prepare(*call(token, "transfer", system.vault.address, 1), True)
    with reverts("vault: token moved another amount"):
        system.vault.withdraw(receiver.address, token.address)
    assert system.vault.withdraw(system.creator, token.address) == 10


def test_forced_eth_is_not_paid_out(system: System) -> None:
    pay_in(system, ETH, (account(system.creator), 10))
    boa.env.set_balance(system.vault.address, 1_000)
    assert system.vault.withdraw(system.creator, ETH) == 10
    assert balance(ETH, system.vault.address) == 990


def test_too_little_gas_leaves_the_balance(system: System) -> None:
    """Whoever pushes with too little gas gets a refusal or a revert, never a lost balance."""
    receiver = hostile("Puppet")
    receiver.prepare([], False)
    pay_in(system, ETH, (account(receiver.address), 10))
    outcomes = set()
    for gas in range(20_000, 200_000, 9_000):
        with boa.env.anchor():
            try:
                sent = system.vault.withdraw(receiver.address, ETH, gas=gas)
            except Exception:
                sent = -1
            left = system.vault.balance_of(account(receiver.address), ETH)
            assert left == (0 if sent == 10 else 10)
            outcomes.add(sent)
    assert 10 in outcomes
