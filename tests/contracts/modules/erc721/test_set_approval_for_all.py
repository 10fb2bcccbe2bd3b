# SPDX-License-Identifier: Apache-2.0
"""setApprovalForAll and isApprovedForAll."""

from tests.contracts.modules.conftest import Tokens
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_logs_and_stores(tokens: Tokens, system: System) -> None:
    assert not tokens.contract.isApprovedForAll(system.creator, system.keeper)
    for approved in (True, True, False):
        tokens.contract.setApprovalForAll(system.keeper, approved, sender=system.creator)
        assert [(log.name, log.args) for log in tokens.contract.logs] == [
            ("ApprovalForAll", {"owner": system.creator, "operator": system.keeper, "approved": approved})
        ]
        assert tokens.contract.isApprovedForAll(system.creator, system.keeper) is approved
    assert not tokens.contract.isApprovedForAll(system.keeper, system.creator)


def test_holds_for_all_of_one_owners_tokens(tokens: Tokens, system: System) -> None:
    tokens.contract.setApprovalForAll(system.keeper, True, sender=system.creator)
    mine, others = tokens.mint(system.creator), tokens.mint(system.dancer)
    tokens.contract.transferFrom(system.creator, system.keeper, mine, sender=system.keeper)
    with reverts("erc721: not owner, approved or operator"):
        tokens.contract.transferFrom(system.dancer, system.keeper, others, sender=system.keeper)
