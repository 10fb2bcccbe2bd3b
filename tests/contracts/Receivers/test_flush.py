# SPDX-License-Identifier: Apache-2.0
"""flush: what lies at a receiving address goes to its account, all of it, by anyone, and nowhere else."""

import boa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto.structs import ETH
from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import Contract, Reverted, hostile, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System, balance


@pytest.fixture
def split(system: System) -> bytes:
    """A declared split."""
    return declare(system, even_split(system.dancer, system.editor))


def put(system: System, where: str, currency: str, amount: int) -> None:
    """A marketplace pays."""
    if currency == ETH:
        boa.env.set_balance(where, int(boa.env.get_balance(where)) + amount)
    else:
        Contract(currency, system.usd.abi).mint(where, amount)


@pytest.mark.parametrize("is_eth", [True, False])
@pytest.mark.parametrize("stands", [True, False])
def test_all_of_it_to_the_account(system: System, split: bytes, is_eth: bool, stands: bool) -> None:
    currency = ETH if is_eth else system.usd.address
    where = system.receivers.receiver_of(split)
    if stands:
        system.receivers.deploy(split)
    put(system, where, currency, 1_001)
    assert system.receivers.flush(split, currency, sender=system.thief) == 1_001
    logs = [(log.name, log.args) for log in system.receivers.logs if log.name in ("Credited", "Flushed")]
    assert logs == [
        ("Credited", {"account": split, "currency": currency, "market": where, "amount": 1_001}),
        ("Flushed", {"account": split, "currency": currency, "amount": 1_001}),
    ]
    assert balance(currency, where) == 0
    assert system.vault.balance_of(split, currency) == balance(currency, system.vault.address) == 1_001
    assert system.receivers.flush(split, currency) == 0
    put(system, where, currency, 3)
    assert system.receivers.flush(split, currency) == 3


def test_reaches_the_people_of_the_split(system: System) -> None:
    """The whole way of a resale: marketplace, receiving address, vault, two people."""
    shares = even_split(system.dancer, system.editor)
    split = declare(system, shares)
    put(system, system.receivers.receiver_of(split), system.usd.address, 1_000)
    system.receivers.flush(split, system.usd.address)
    system.vault.pay_out(shares, "0x" + "0" * 40, system.usd.address)
    assert [balance(system.usd.address, who) for who in (system.dancer, system.editor)] == [500, 500]


def test_nothing_is_no_failure(system: System, split: bytes) -> None:
    for currency in (ETH, system.usd.address):
        assert system.receivers.flush(split, currency) == 0
    assert system.receivers.events("Flushed") == []


def test_accounts_do_not_mix(system: System) -> None:
    first, second = (declare(system, even_split(who)) for who in (system.dancer, system.editor))
    put(system, system.receivers.receiver_of(first), ETH, 5)
    assert system.receivers.flush(second, ETH) == 0
    assert system.receivers.flush(first, ETH) == 5
    assert system.vault.balance_of(second, ETH) == 0


def test_sub_accounts(system: System) -> None:
    """A market's own pot can be paid at an address too."""
    pot = system.vault.sub_account(system.keeper, bytes(32))
    put(system, system.receivers.receiver_of(pot), ETH, 8)
    system.receivers.flush(pot, ETH)
    assert system.vault.balance_of(pot, ETH) == 8


def test_not_for_addresses_and_nothings(system: System) -> None:
    with reverts("receivers: an address receives itself"):
        system.receivers.flush(account(system.creator), ETH)
    with reverts("receivers: no such account"):
        system.receivers.flush(b"\x7f" + bytes(31), ETH)


@pytest.mark.parametrize("token", ["NoReturn", "FeeTaking", "Lying", "Answering", "Blocking", "Rebasing"])
def test_odd_tokens(system: System, split: bytes, token: str) -> None:
    """What arrives is booked, or nothing is and everything stays where it was."""
    odd = hostile(token)
    where = system.receivers.receiver_of(split)
    odd.mint(where, 1_000)
    lying_there = balance(odd.address, where)
    try:
        system.receivers.flush(split, odd.address)
    except Reverted:
        assert balance(odd.address, where) == lying_there
        assert system.vault.balance_of(split, odd.address) == 0
    else:
        assert system.vault.balance_of(split, odd.address) == balance(odd.address, system.vault.address) == 1_000


def test_a_currency_that_is_none(system: System, split: bytes) -> None:
    """Contracts without a balance refuse; tokens of another kind have none to give."""
    for contract in (system.vault, system.receivers, system.signed):
        with reverts(""):
            system.receivers.flush(split, contract.address)
    for contract in (system.registry, system.market):
        assert system.receivers.flush(split, contract.address) == 0


@pytest.mark.parametrize("is_after", [True, False])
@pytest.mark.parametrize("scheme", ["flush", "flush other", "open", "withdraw", "credit", "pay_out"])
def test_a_scheming_token_books_nothing_twice(system: System, split: bytes, scheme: str, is_after: bool) -> None:
    """In the middle of its transfer it flushes again, opens the vault, withdraws, books."""
    token = hostile("Scheming")
    other = declare(system, even_split(system.thief))
    schemes: dict[str, tuple[Contract, str, tuple[object, ...]]] = {
        "flush": (system.receivers, "flush", (split, token.address)),
        "flush other": (system.receivers, "flush", (other, token.address)),
        "open": (system.vault, "open", (token.address,)),
        "withdraw": (system.vault, "withdraw", (system.thief, token.address)),
        "credit": (system.vault, "credit", ([account(system.thief)], [1_000], token.address)),
        "pay_out": (system.vault, "pay_out", (even_split(system.thief), "0x" + "0" * 40, token.address)),
    }
    target, name, arguments = schemes[scheme]
    token.prepare(target.address, target.data(name, *arguments), is_after)
    where = system.receivers.receiver_of(split)
    for item in (split, other):
        token.mint(system.receivers.receiver_of(item), 1_000)
    try:
        system.receivers.flush(split, token.address)
    except Reverted:
        assert balance(token.address, where) == 1_000
    else:
        assert token.outcome() == (1 if name in ("withdraw", "pay_out") else 2)
    assert system.vault.balance_of(account(system.thief), token.address) == 0
    assert system.vault.balance_of(other, token.address) == 0
    assert system.vault.balance_of(split, token.address) == balance(token.address, system.vault.address)


@effort(20)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 2**100)), max_size=12))
def test_sums_as_a_model_says(system: System, payments: list[tuple[int, bool, int]]) -> None:
    people = (system.dancer, system.editor, system.heir)
    splits = [declare(system, even_split(who)) for who in people]
    start = {
        (split, currency): system.vault.balance_of(split, currency)
        for split in splits
        for currency in (ETH, system.usd.address)
    }
    expected = dict(start)
    for who, is_eth, amount in payments:
        currency = ETH if is_eth else system.usd.address
        put(system, system.receivers.receiver_of(splits[who]), currency, amount)
        expected[splits[who], currency] += amount
        if amount % 2:
            system.receivers.flush(splits[who], currency)
    for split, currency in expected:
        system.receivers.flush(split, currency)
    assert {key: system.vault.balance_of(*key) for key in expected} == expected
