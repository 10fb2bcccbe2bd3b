# SPDX-License-Identifier: Apache-2.0
"""safeTransferFrom: a contract has to agree, after everything is written."""

import pytest

from ipto.structs import ZERO_ADDRESS
from tests.contracts.modules.conftest import Tokens
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.money import call
from tests.contracts.support.system import System

ACCEPT, REVERT, BURN, BOMB, WRONG = range(5)


@pytest.mark.parametrize("data", [None, b"", b"x" * 1024])
def test_to_a_person_and_to_a_contract_that_agrees(tokens: Tokens, system: System, data: bytes | None) -> None:
    more = () if data is None else (data,)
    for receiver in (str(system.heir), hostile("Receiver").address):
        number = tokens.mint(system.creator)
        tokens.contract.safeTransferFrom(system.creator, receiver, number, *more, sender=system.creator)
        assert tokens.contract.ownerOf(number) == receiver
        assert tokens.contract.events("Transfer")[0]["receiver"] == receiver


@pytest.mark.parametrize(
    ("mode", "reason"), [(REVERT, "receiver: no"), (WRONG, "erc721: receiver refused"), (BURN, "")]
)
def test_a_contract_that_does_not(tokens: Tokens, system: System, mode: int, reason: str) -> None:
    receiver, number = hostile("Receiver"), tokens.mint(system.creator)
    receiver.behave(mode)
    with reverts(reason):
        tokens.contract.safeTransferFrom(system.creator, receiver.address, number, sender=system.creator)
    assert tokens.contract.ownerOf(number) == system.creator


def test_a_contract_that_knows_no_tokens(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    with reverts(""):
        tokens.contract.safeTransferFrom(system.creator, system.vault.address, number, sender=system.creator)


def test_every_rule_of_transfer_from_holds(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    with reverts("erc721: not owner, approved or operator"):
        tokens.contract.safeTransferFrom(system.creator, system.thief, number, sender=system.thief)
    with reverts("erc721: zero address"):
        tokens.contract.safeTransferFrom(system.creator, ZERO_ADDRESS, number, sender=system.creator)
    with reverts("erc721: sender is not the owner"):
        tokens.contract.safeTransferFrom(system.heir, system.thief, number, sender=system.creator)


def test_a_receiver_may_ask_and_pass_it_on(tokens: Tokens, system: System) -> None:
    """What it sees is written: it owns the token, and its onward transfer is the last word."""
    number, receiver = tokens.mint(system.creator), hostile("Reenterer")
    onward = call(tokens.contract, "transferFrom", receiver.address, system.heir, number)
    receiver.prepare(*onward, True)
    tokens.contract.safeTransferFrom(system.creator, receiver.address, number, sender=system.creator)
    assert tokens.contract.ownerOf(number) == system.heir
    assert [tokens.contract.balanceOf(who) for who in (receiver.address, system.heir)] == [0, 1]


@pytest.mark.parametrize("name", ["approve", "ownerOf", "tokenURI"])
def test_a_receiver_may_use_its_token(tokens: Tokens, system: System, name: str) -> None:
    number, receiver = tokens.mint(system.creator), hostile("Reenterer")
    arguments = {"approve": (system.heir, number), "ownerOf": (number,), "tokenURI": (number,)}[name]
    receiver.prepare(*call(tokens.contract, name, *arguments), True)
    tokens.contract.safeTransferFrom(system.creator, receiver.address, number, sender=system.creator)
    assert receiver.outcome() == 1


def test_a_receiver_cannot_take_it_back_to_the_sender_twice(tokens: Tokens, system: System) -> None:
    number, receiver = tokens.mint(system.creator), hostile("Reenterer")
    theft = call(tokens.contract, "transferFrom", system.creator, receiver.address, number)
    receiver.prepare(*theft, False)
    tokens.contract.safeTransferFrom(system.creator, receiver.address, number, sender=system.creator)
    assert receiver.outcome() == 2
    assert tokens.contract.balanceOf(receiver.address) == 1
