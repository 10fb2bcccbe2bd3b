# SPDX-License-Identifier: Apache-2.0
"""Anyone may write events into the vault's log; none of them may stop the mirror or falsify it."""

from __future__ import annotations

import random

from eth_utils.crypto import keccak

from indexer.rows import _add
from indexer.schema import BALANCES
from ipto.codec import encode
from ipto.ids import address_account
from ipto.structs import ETH, ZERO_ADDRESS, Share
from tests.indexer.conftest import Databases, on_files
from tests.indexer.test_follow import assert_equals_chain
from tests.indexer.world import World, fresh, new_store, sync, tables


def invented(shares: list[Share]) -> bytes:
    """The account of a split that no vault would declare."""
    encoded = encode(["(bytes32,uint32)[]", "address"], [[share.as_tuple() for share in shares], ZERO_ADDRESS])
    return b"\x01" + keccak(encoded)[1:]


@on_files
def test_a_split_nobody_declared_is_paid(world: World, databases: Databases) -> None:
    thief, victim, other = world.people[1:4]
    # Not ascending, one person twice, one who refuses: all sums to the whole.
    parts = [(victim, 300_000), (other, 200_000), (victim, 100_000), (world.refuser, 400_000)]
    shares = [Share(address_account(who), part) for who, part in parts]
    split = invented(shares)
    for function in ("distribute", "pay_out"):
        world.must(thief, "RoyaltyVault", "credit", [split], [1_000_001], ETH, value=1_000_001)
        world.must(thief, "RoyaltyVault", function, shares, ZERO_ADDRESS, ETH)
    for who in (victim, other):
        world.must(thief, "RoyaltyVault", "withdraw", who, ETH)
    world.mint(world.people[5], world.post(world.people[4], world.register(world.people[4])))
    with new_store(world, databases("a")) as store:
        sync(world, store, steps=3)
    assert_equals_chain(world, databases("a"))
    assert tables(databases("a")) == fresh(world, databases("b"))


def test_sums_over_a_lifetime_stop_at_256_bits() -> None:
    amount = random.Random(1).randrange(2**255, 2**256)
    row = {"balance": bytes(32), "credited": bytes(32), "withdrawn": bytes(32)}
    for _ in range(3):
        _add(BALANCES, row, {"balance": amount, "credited": amount})
        _add(BALANCES, row, {"balance": -amount, "withdrawn": amount})
    assert int.from_bytes(row["balance"]) == 0
    assert int.from_bytes(row["credited"]) == int.from_bytes(row["withdrawn"]) == 2**256 - 1
