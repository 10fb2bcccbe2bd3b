# SPDX-License-Identifier: Apache-2.0
"""pay_out: straight to the recipients; whoever cannot be paid now stops nobody else."""

import pytest

from ipto.structs import ETH, SHARE_TOTAL, ZERO_ADDRESS, Share
from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import Contract, hostile, reverts
from tests.contracts.support.money import call, pay_in
from tests.contracts.support.system import System, balance

REVERT, BURN, BOMB = 1, 2, 3


def kept_bit(shares: list[Share], who: bytes) -> int:
    return 1 << [share.account for share in shares].index(who)


@pytest.mark.parametrize("currency", ["eth", "usd"])
def test_sends_to_everybody(system: System, currency: str) -> None:
    name = ETH if currency == "eth" else system.usd.address
    shares = even_split(system.creator, system.dancer, system.editor)
    split = declare(system, shares, system.controller)
    pay_in(system, ETH if currency == "eth" else system.usd, (split, 1_000_000))
    people = (system.creator, system.dancer, system.editor)
    before = {who: balance(name, who) for who in people}
    assert system.vault.pay_out(shares, system.controller, name, sender=system.thief) == 1_000_000
    amounts = tuple(share.share for share in shares)
    assert system.vault.events("Distributed") == [
        {
            "split": split,
            "currency": name,
            "shares": tuple(share.as_tuple() for share in shares),
            "amounts": amounts,
            "kept": 0,
        }
    ]
    expected = {share.account: share.share for share in shares}
    assert {who: balance(name, who) - before[who] for who in people} == {who: expected[account(who)] for who in people}
    assert balance(name, system.vault.address) == 0


def test_dust_stays(system: System) -> None:
    shares = even_split(system.creator, system.dancer, system.editor)
    split = declare(system, shares)
    pay_in(system, ETH, (split, 5))
    assert system.vault.pay_out(shares, ZERO_ADDRESS, ETH) == 3
    assert system.vault.balance_of(split, ETH) == 2
    pay_in(system, system.usd, (split, 2))
    assert system.vault.pay_out(shares, ZERO_ADDRESS, system.usd.address) == 0
    assert system.vault.logs == []


def test_a_part_of_zero_is_not_sent(system: System) -> None:
    receiver = hostile("Receiver")
    receiver.behave(REVERT)
    shares = sorted(
        [Share(account(receiver.address), 1), Share(account(system.creator), SHARE_TOTAL - 1)], key=lambda s: s.account
    )
    split = declare(system, shares)
    pay_in(system, ETH, (split, 10))
    assert system.vault.pay_out(shares, ZERO_ADDRESS, ETH) == 9
    assert system.vault.events("Refused") == []
    assert system.vault.events("Distributed")[0]["kept"] == 0


@pytest.mark.parametrize("mode", [REVERT, BURN, BOMB])
def test_a_receiver_that_refuses_eth(system: System, mode: int) -> None:
    receiver = hostile("Receiver")
    receiver.behave(mode)
    shares = even_split(system.creator, receiver.address, system.editor)
    split = declare(system, shares)
    pay_in(system, ETH, (split, 3_000_000))
    before = balance(ETH, system.creator), balance(ETH, system.editor)
    system.vault.pay_out(shares, ZERO_ADDRESS, ETH, gas=600_000)
    who = account(receiver.address)
    part = next(share.share for share in shares if share.account == who) * 3
    assert system.vault.events("Refused") == [{"account": who, "currency": ETH, "to": receiver.address, "amount": part}]
    assert system.vault.events("Distributed")[0]["kept"] == kept_bit(shares, who)
    assert system.vault.balance_of(who, ETH) == part
    paid = balance(ETH, system.creator) - before[0] + balance(ETH, system.editor) - before[1]
    assert paid == 3_000_000 - part


def test_sixty_four_hostile_receivers_fit_into_a_block(system: System) -> None:
    receivers = [hostile("Receiver") for _ in range(64)]
    for receiver in receivers:
        receiver.behave(BURN)
    shares = even_split(*[receiver.address for receiver in receivers])
    split = declare(system, shares)
    pay_in(system, ETH, (split, 6_400))
    assert system.vault.pay_out(shares, ZERO_ADDRESS, ETH, gas=16_000_000) == 6_400
    assert system.vault.events("Distributed")[0]["kept"] == 2**64 - 1


def test_a_blocked_recipient(system: System) -> None:
    token = hostile("Blocking")
    shares = even_split(system.creator, system.dancer)
    split = declare(system, shares)
    pay_in(system, token, (split, 10))
    token.block_account(system.dancer, True)
    assert system.vault.pay_out(shares, ZERO_ADDRESS, token.address) == 10
    assert system.vault.events("Refused") == [
        {"account": account(system.dancer), "currency": token.address, "to": system.dancer, "amount": 5}
    ]
    assert system.vault.events("Distributed")[0]["kept"] == kept_bit(shares, account(system.dancer))
    assert balance(token.address, system.creator) == 5
    token.block_account(system.dancer, False)
    assert system.vault.withdraw(system.dancer, token.address) == 5


def test_a_blocked_vault_keeps_everything(system: System) -> None:
    token = hostile("Blocking")
    shares = even_split(system.creator, system.dancer)
    split = declare(system, shares)
    pay_in(system, token, (split, 10))
    token.block_account(system.vault.address, True)
    assert system.vault.pay_out(shares, ZERO_ADDRESS, token.address) == 10
    assert system.vault.events("Distributed")[0]["kept"] == 3


def test_the_vault_itself_as_a_recipient(system: System) -> None:
    shares = even_split(system.creator, system.vault.address)
    split = declare(system, shares)
    pay_in(system, system.usd, (split, 10))
    assert system.vault.pay_out(shares, ZERO_ADDRESS, system.usd.address) == 10
    assert balance(system.usd.address, system.creator) == 5


def test_a_split_in_a_split_is_booked(system: System) -> None:
    inner_shares = even_split(system.dancer, system.editor)
    inner = declare(system, inner_shares)
    shares = even_split(account(system.creator), inner)
    split = declare(system, shares)
    pay_in(system, system.usd, (split, 8))
    system.vault.pay_out(shares, ZERO_ADDRESS, system.usd.address)
    assert system.vault.events("Distributed")[0]["kept"] == kept_bit(shares, inner)
    assert system.vault.events("Refused") == []
    system.vault.pay_out(inner_shares, ZERO_ADDRESS, system.usd.address)
    assert [balance(system.usd.address, who) for who in (system.creator, system.dancer, system.editor)] == [4, 2, 2]


def test_a_token_that_returns_nothing(system: System) -> None:
    token = hostile("NoReturn")
    shares = even_split(system.creator, system.dancer)
    split = declare(system, shares)
    pay_in(system, token, (split, 10))
    system.vault.pay_out(shares, ZERO_ADDRESS, token.address)
    assert balance(token.address, system.dancer) == 5


def sends_back(token: Contract, receiver: Contract, system: System) -> None:
    token.hook(receiver.address, True)
    receiver.prepare(*call(token, "transfer", system.vault.address, 1), True)


@pytest.mark.parametrize("kind", ["lies", "fee on top", "sends back"])
def test_where_the_balance_does_not_fall_by_what_was_sent(system: System, kind: str) -> None:
    """Then nobody is pushed to, and the others still reach their parts: distribute, then withdraw."""
    receiver = hostile("Reenterer")
    token = hostile({"lies": "Answering", "fee on top": "FeeTaking", "sends back": "Hooked"}[kind])
    shares = even_split(system.creator, system.dancer, receiver.address)
    split = declare(system, shares)
    pay_in(system, token, (split, 30))
    if kind == "lies":
        token.behave(False, (1).to_bytes(32, "big"))
    elif kind == "fee on top":
        token.set_fees(0, 1)
    else:
        sends_back(token, receiver, system)
    with reverts("vault: token moved another amount"):
        system.vault.pay_out(shares, ZERO_ADDRESS, token.address)
    booked = system.vault.distribute(shares, ZERO_ADDRESS, token.address)
    if kind == "sends back":
        mine = system.vault.balance_of(account(system.creator), token.address)
        assert system.vault.withdraw(system.creator, token.address) == mine
    held = balance(token.address, system.vault.address)
    accounts = [share.account for share in shares] + [split]
    assert booked > 0
    assert held >= sum(system.vault.balance_of(item, token.address) for item in accounts)


def test_the_same_split_twice_pays_once(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    split = declare(system, shares)
    pay_in(system, system.usd, (split, 10))
    assert system.vault.pay_out(shares, ZERO_ADDRESS, system.usd.address) == 10
    assert system.vault.pay_out(shares, ZERO_ADDRESS, system.usd.address) == 0


def test_a_hook_that_burns_all_gas(system: System) -> None:
    """A token's transfer gets a bounded share too, so one recipient's hook does not stop the others."""
    token, receiver = hostile("Hooked"), hostile("Receiver")
    receiver.behave(BURN)
    token.hook(receiver.address, True)
    shares = even_split(system.creator, receiver.address, system.editor)
    split = declare(system, shares)
    pay_in(system, token, (split, 3_000_000))
    assert system.vault.pay_out(shares, ZERO_ADDRESS, token.address, gas=1_000_000) == 3_000_000
    assert system.vault.events("Distributed")[0]["kept"] == kept_bit(shares, account(receiver.address))
    assert balance(token.address, system.creator) > 0
