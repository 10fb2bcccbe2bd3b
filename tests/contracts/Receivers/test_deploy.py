# SPDX-License-Identifier: Apache-2.0
"""deploy: the receiving contract in its place; it takes money from all and orders from Receivers alone."""

import boa
import pytest

from ipto.structs import ETH
from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import reverts, transact
from tests.contracts.support.system import System, balance


@pytest.fixture
def split(system: System) -> bytes:
    """A declared split."""
    return declare(system, even_split(system.dancer, system.editor))


def order(to: str, amount: int, data: bytes = b"") -> bytes:
    return bytes(12) + bytes.fromhex(to[2:]) + amount.to_bytes(32, "big") + data


def test_stands_where_it_was_said(system: System, split: bytes) -> None:
    where = system.receivers.receiver_of(split)
    assert boa.env.get_code(where) == b""
    assert system.receivers.deploy(split) == where
    assert system.receivers.events("ReceiverDeployed") == [{"account": split, "receiver": where}]
    code = boa.env.get_code(where)
    assert len(code) == 61
    assert bytes.fromhex(system.receivers.address[2:]) in code


def test_again_changes_nothing(system: System, split: bytes) -> None:
    where = system.receivers.deploy(split)
    assert system.receivers.deploy(split) == where
    assert system.receivers.logs == []


def test_not_for_addresses_and_nothings(system: System) -> None:
    for item in (account(system.creator), bytes(32)):
        with reverts("receivers: an address receives itself"):
            system.receivers.deploy(item)
    with reverts("receivers: no such account"):
        system.receivers.deploy(b"\4" + bytes(31))


@pytest.mark.parametrize("who", ["thief", "dancer", "owner", "creator"])
def test_orders_of_others_are_gifts(system: System, split: bytes, who: str) -> None:
    """Whoever calls it with whatever: it keeps the money and does nothing."""
    where = system.receivers.deploy(split)
    boa.env.set_balance(where, 10**18)
    system.usd.mint(where, 500)
    thief = getattr(system, who)
    for data in (
        order(thief, 10**18),
        order(system.usd.address, 0, system.usd.data("transfer", thief, 500)),
        order(system.usd.address, 0, system.usd.data("approve", thief, 500)),
        b"",
        b"\xff" * 100,
    ):
        output, logs = transact(where, data, sender=thief, value=7)
        assert (output, logs) == (b"", [])
    assert balance(ETH, where) == 10**18 + 35
    assert balance(system.usd.address, where) == 500


def test_takes_eth_from_the_stingiest_sender(system: System, split: bytes) -> None:
    """Marketplaces send with 2,300 gas; it needs a fraction of that."""
    where = system.receivers.deploy(split)
    transact(where, b"", sender=system.keeper, value=1, gas=21_000 + 2_300)
    assert balance(ETH, where) == 1


def test_an_order_refused_is_an_order_reverted(system: System, split: bytes) -> None:
    """Receivers sees the reason; what it called keeps nothing."""
    where = system.receivers.deploy(split)
    with reverts("vault: nothing sent"):
        transact(
            where,
            order(system.vault.address, 0, system.vault.data("withdraw_to", system.thief, ETH)),
            sender=system.receivers.address,
        )
    output, _ = transact(
        where, order(system.vault.address, 0, system.vault.data("redirect_of", where)), sender=system.receivers.address
    )
    assert output == bytes(32)
