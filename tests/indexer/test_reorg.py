# SPDX-License-Identifier: Apache-2.0
"""Reorganisations on a real chain: afterwards the database is, byte for byte, that of a fresh sync."""

from __future__ import annotations

import pytest

from indexer.store import Store
from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain
from tests.indexer.conftest import Databases, on_files
from tests.indexer.test_follow import assert_equals_chain, play
from tests.indexer.world import World, fresh, new_store, sync, tables

# How the same reorganisation is met: from the journal, by a rebuild because the journal is too short, by a rebuild
# because everything was called final.
WAYS = {
    "journal": {"finality_blocks": 10_000},
    "short journal": {"finality_blocks": 10_000, "journal_blocks": 1},
    "all final": {"finality_blocks": 0},
}


def settle(world: World, store: Store, **options: int) -> None:
    """A step that meets a reorganisation goes back; the next ones go forward."""
    sync(world, store, steps=3, **options)


@pytest.mark.parametrize(
    ("databases", "way", "depth"),
    [
        *[("sqlite", "journal", depth) for depth in range(1, 6)],
        *[("sqlite", "short journal", 3), ("sqlite", "all final", 1), ("sqlite", "all final", 5)],
        *[("postgresql", "journal", 4), ("postgresql", "short journal", 3), ("postgresql", "all final", 2)],
    ],
    indirect=["databases"],
)
def test_other_blocks_replace_the_newest(world: World, databases: Databases, depth: int, way: str) -> None:
    play(world, 25)
    with new_store(world, databases("a")) as store:
        sync(world, store, **WAYS[way])
        snapshot, memory = world.chain.snapshot(), world.remember()
        for _ in range(depth):
            world.block_of_steps(4)
        sync(world, store, **WAYS[way])
        orphaned = tables(databases("a"))
        world.chain.revert(snapshot)
        world.recall(memory)
        world.chain.rpc.call("anvil_dropAllTransactions")
        for _ in range(depth + 1):
            world.block_of_steps(4)
        settle(world, store, **WAYS[way])
    after = tables(databases("a"))
    assert after["checkpoint"] != orphaned["checkpoint"]
    assert after == fresh(world, databases("b"), finality_blocks=2)
    assert_equals_chain(world, databases("a"))


@on_files
def test_blocks_that_become_empty(world: World, databases: Databases) -> None:
    play(world, 30)
    with new_store(world, databases("a")) as store:
        sync(world, store, finality_blocks=100)
        world.chain.reorg(5)
        world.chain.rpc.call("anvil_dropAllTransactions")
        settle(world, store, finality_blocks=100)
    assert tables(databases("a")) == fresh(world, databases("b"))
    assert_equals_chain(world, databases("a"))


def test_a_restless_chain(world: World, databases: Databases) -> None:
    """Reorganisations of all depths, one after another, some over blocks nobody saw."""
    play(world, 15)
    with new_store(world, databases("a")) as store:
        for _ in range(12):
            snapshot, memory = world.chain.snapshot(), world.remember()
            for _ in range(world.rng.randint(1, 5)):
                world.block_of_steps(world.rng.randint(0, 4))
                if world.rng.random() < 0.5:
                    sync(world, store, finality_blocks=world.rng.choice([3, 100]))
            if world.rng.random() < 0.7:
                world.chain.revert(snapshot)
                world.recall(memory)
                world.chain.rpc.call("anvil_dropAllTransactions")
        world.chain.mine(6)
        settle(world, store, finality_blocks=100)
    assert tables(databases("a")) == fresh(world, databases("b"))
    assert_equals_chain(world, databases("a"))


@on_files
def test_a_chain_started_anew(world: World, databases: Databases) -> None:
    """The same addresses, not one block of before: everything is read again."""
    play(world, 10)
    with new_store(world, databases("a")) as store, DevChain() as chain:
        sync(world, store, finality_blocks=0)
        owner = chain.signers[0]
        install_factory(chain.rpc, owner)
        other = World(chain, deploy(chain.rpc, owner, Parameters(owner.address), test_token=True), world.rng)
        assert other.deployment.contracts == world.deployment.contracts
        play(other, 20)
        settle(other, store, finality_blocks=0)
        assert tables(databases("a")) == fresh(other, databases("b"))
        assert_equals_chain(other, databases("a"))


@on_files
def test_a_node_that_lags_behind_is_waited_for(world: World, databases: Databases) -> None:
    play(world, 10)
    with new_store(world, databases("a")) as store:
        snapshot = world.chain.snapshot()
        world.block_of_steps(3)
        sync(world, store, finality_blocks=100)
        before = tables(databases("a"))
        # The head is a block we know: nothing is known to be wrong.
        world.chain.revert(snapshot)
        sync(world, store, finality_blocks=100)
        assert tables(databases("a")) == before


def test_rewinding_is_the_exact_reverse(world: World, databases: Databases) -> None:
    play(world, 20)
    with new_store(world, databases("a")) as store:
        sync(world, store, finality_blocks=1_000)
        seen = [(world.chain.rpc.block_number(), tables(databases("a")))]
        for _ in range(6):
            world.block_of_steps(5)
            sync(world, store, finality_blocks=1_000)
            seen.append((world.chain.rpc.block_number(), tables(databases("a"))))
        for number, then in reversed(seen):
            store.rewind(number)
            assert tables(databases("a")) == then


def test_rebuilding_changes_nothing(world: World, databases: Databases) -> None:
    play(world, 40)
    with new_store(world, databases("a")) as store:
        sync(world, store, finality_blocks=10)
        before = tables(databases("a"))
        assert store.rebuild() == len(before["events"])
        assert tables(databases("a")) == before
        # The journal was rebuilt too.
        ring = store.ring()
        store.rewind(ring[-1][0])
        sync(world, store, finality_blocks=10)
    assert tables(databases("a")) == before
