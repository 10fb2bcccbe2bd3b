# SPDX-License-Identifier: Apache-2.0
"""transferFrom: who may, and what changes."""

import pytest

from ipto.structs import ZERO_ADDRESS
from tests.contracts.modules.conftest import Tokens
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


@pytest.mark.parametrize("role", ["owner", "approved", "operator"])
def test_moves_and_logs(tokens: Tokens, system: System, role: str) -> None:
    number = tokens.mint(system.creator)
    sender = system.creator if role == "owner" else system.keeper
    if role == "approved":
        tokens.contract.approve(system.keeper, number, sender=system.creator)
    if role == "operator":
        tokens.contract.setApprovalForAll(system.keeper, True, sender=system.creator)
    tokens.contract.transferFrom(system.creator, system.heir, number, sender=sender)
    assert [(log.name, log.args) for log in tokens.contract.logs] == [
        ("Transfer", {"sender": system.creator, "receiver": system.heir, "token_id": number})
    ]
    assert tokens.contract.ownerOf(number) == system.heir


def test_to_oneself(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    tokens.contract.transferFrom(system.creator, system.creator, number, sender=system.creator)
    assert (tokens.contract.ownerOf(number), tokens.contract.balanceOf(system.creator)) == (system.creator, 1)


def test_asks_no_receiver(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    tokens.contract.transferFrom(system.creator, system.vault.address, number, sender=system.creator)
    assert tokens.contract.ownerOf(number) == system.vault.address


def test_refuses(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    with reverts("erc721: no such token"):
        tokens.contract.transferFrom(system.creator, system.heir, 7, sender=system.creator)
    with reverts("erc721: sender is not the owner"):
        tokens.contract.transferFrom(system.heir, system.thief, number, sender=system.creator)
    with reverts("erc721: sender is not the owner"):
        tokens.contract.transferFrom(system.thief, system.thief, number, sender=system.thief)
    with reverts("erc721: zero address"):
        tokens.contract.transferFrom(system.creator, ZERO_ADDRESS, number, sender=system.creator)
    for sender in (system.thief, system.heir, system.owner, tokens.contract.address):
        with reverts("erc721: not owner, approved or operator"):
            tokens.contract.transferFrom(system.creator, system.thief, number, sender=sender)


def test_the_former_owner_has_nothing_left(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    tokens.contract.setApprovalForAll(system.keeper, True, sender=system.creator)
    tokens.contract.transferFrom(system.creator, system.heir, number, sender=system.creator)
    for sender in (system.creator, system.keeper):
        with reverts("erc721: not owner, approved or operator"):
            tokens.contract.transferFrom(system.heir, system.creator, number, sender=sender)
