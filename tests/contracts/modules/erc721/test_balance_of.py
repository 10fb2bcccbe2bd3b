# SPDX-License-Identifier: Apache-2.0
"""balanceOf and ownerOf."""

from ipto.structs import ZERO_ADDRESS
from tests.contracts.modules.conftest import Tokens
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_counts(tokens: Tokens, system: System) -> None:
    assert tokens.contract.balanceOf(system.heir) == 0
    first, second = tokens.mint(system.creator), tokens.mint(system.creator)
    assert tokens.contract.balanceOf(system.creator) == 2
    tokens.contract.transferFrom(system.creator, system.heir, first, sender=system.creator)
    tokens.contract.transferFrom(system.creator, system.creator, second, sender=system.creator)
    assert [tokens.contract.balanceOf(who) for who in (system.creator, system.heir)] == [1, 1]
    assert [tokens.contract.ownerOf(number) for number in (first, second)] == [system.heir, system.creator]


def test_nobody_owns_nothing(tokens: Tokens, system: System) -> None:
    with reverts("erc721: zero address"):
        tokens.contract.balanceOf(ZERO_ADDRESS)
    for number in (0, 1, 2**256 - 1):
        with reverts("erc721: no such token"):
            tokens.contract.ownerOf(number)
