# SPDX-License-Identifier: Apache-2.0
"""approve and getApproved: by the owner or an operator, one at a time, gone with the transfer."""

from ipto.structs import ZERO_ADDRESS
from tests.contracts.modules.conftest import Tokens
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_logs_and_stores(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    assert tokens.contract.getApproved(number) == ZERO_ADDRESS
    for approved in (system.keeper, system.heir, system.creator, ZERO_ADDRESS):
        tokens.contract.approve(approved, number, sender=system.creator)
        assert [(log.name, log.args) for log in tokens.contract.logs] == [
            ("Approval", {"owner": system.creator, "approved": approved, "token_id": number})
        ]
        assert tokens.contract.getApproved(number) == approved


def test_by_an_operator(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    tokens.contract.setApprovalForAll(system.keeper, True, sender=system.creator)
    tokens.contract.approve(system.heir, number, sender=system.keeper)
    assert tokens.contract.events("Approval")[0]["owner"] == system.creator


def test_not_by_the_approved_or_anybody(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    tokens.contract.approve(system.keeper, number, sender=system.creator)
    for sender in (system.keeper, system.thief, system.owner):
        with reverts("erc721: not owner or operator"):
            tokens.contract.approve(system.thief, number, sender=sender)


def test_of_a_known_token(tokens: Tokens, system: System) -> None:
    with reverts("erc721: no such token"):
        tokens.contract.approve(system.keeper, 7, sender=system.creator)
    with reverts("erc721: no such token"):
        tokens.contract.getApproved(7)


def test_ends_with_a_transfer(tokens: Tokens, system: System) -> None:
    number = tokens.mint(system.creator)
    tokens.contract.approve(system.keeper, number, sender=system.creator)
    tokens.contract.transferFrom(system.creator, system.heir, number, sender=system.keeper)
    assert tokens.contract.getApproved(number) == ZERO_ADDRESS
    with reverts("erc721: not owner, approved or operator"):
        tokens.contract.transferFrom(system.heir, system.keeper, number, sender=system.keeper)
