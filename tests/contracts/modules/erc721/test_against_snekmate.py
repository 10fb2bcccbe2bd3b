# SPDX-License-Identifier: Apache-2.0
"""The same random calls on our module and on snekmate's erc721: the same outcome, the same owners."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ipto.structs import ZERO_ADDRESS
from tests.contracts.modules.conftest import Tokens
from tests.contracts.support.contract import Contract, Reverted, hostile
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System

MINTED = 3
WHO = st.integers(0, 6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("approve"), WHO, WHO, st.integers(0, MINTED), st.none()),
        st.tuples(st.just("setApprovalForAll"), WHO, WHO, st.booleans(), st.none()),
        st.tuples(st.sampled_from(["transferFrom", "safeTransferFrom"]), WHO, WHO, st.integers(0, MINTED), WHO),
    ),
    min_size=10,
    max_size=30,
)


def attempt(contract: Contract, name: str, arguments: tuple[Any, ...], sender: str) -> bool:
    try:
        getattr(contract, name)(*arguments, sender=sender)
    except Reverted:
        return False
    return True


@effort(12)
@given(STEPS)
def test_agree(tokens: Tokens, system: System, steps: list[tuple[Any, ...]]) -> None:
    reference = hostile("Reference721")
    ours = [tokens.mint(system.creator) for _ in range(MINTED)] + [7]
    for number in range(MINTED):
        reference.mint(system.creator, number)
    theirs = [*range(MINTED), 7]
    refusing = hostile("Receiver")
    refusing.behave(4)
    people = [system.creator, system.dancer, system.keeper, system.thief, hostile("Receiver").address]
    people += [refusing.address, ZERO_ADDRESS]
    senders = [who for who in people if who != ZERO_ADDRESS]

    for name, by, to, what, source in steps:
        sender = senders[by % len(senders)]
        if name == "setApprovalForAll":
            if people[to] == sender:
                continue  # snekmate refuses what ERC-721 allows: being one's own operator
            mine = other = (people[to], what)
        elif name == "approve":
            if what < MINTED and reference.ownerOf(theirs[what]) == people[to]:
                continue  # snekmate refuses what ERC-721 allows: approving the owner
            mine, other = (people[to], ours[what]), (people[to], theirs[what])
        else:
            mine, other = (people[source], people[to], ours[what]), (people[source], people[to], theirs[what])
        agreed = attempt(reference, name, other, sender)
        assert attempt(tokens.contract, name, mine, sender) is agreed, (name, mine, sender)
        if agreed:
            names = [log.name for log in tokens.contract.logs]
            assert names == [log.name for log in reference.logs]
            changed = [list(log.args.values())[:2] for log in tokens.contract.logs]
            assert changed == [list(log.args.values())[:2] for log in reference.logs]

    for mine_, other_ in zip(ours[:MINTED], theirs, strict=False):
        assert tokens.contract.ownerOf(mine_) == reference.ownerOf(other_)
        assert tokens.contract.getApproved(mine_) == reference.getApproved(other_)
    for who in senders:
        assert tokens.contract.balanceOf(who) == reference.balanceOf(who)
        for operator in people:
            assert tokens.contract.isApprovedForAll(who, operator) == reference.isApprovedForAll(who, operator)
