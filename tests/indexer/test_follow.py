# SPDX-License-Identifier: Apache-2.0
"""The follower on a real chain: what it stores is what the chain says, also after reorganisations."""

from __future__ import annotations

import pytest

from indexer.check import check
from indexer.database import open_read
from tests.indexer.conftest import Databases
from tests.indexer.world import SCHEMA, World, fresh, new_store, sync, tables


def play(world: World, steps: int) -> None:
    for _ in range(steps):
        world.random_step()


def assert_equals_chain(world: World, url: str) -> None:
    reader = open_read(url, SCHEMA)
    report = check(reader, world.deployment, world.chain.rpc)
    reader.close()
    assert report.first == []
    assert report.compared.total() > 0


@pytest.mark.parametrize(
    ("databases", "finality"),
    [("sqlite", 0), ("sqlite", 5), ("sqlite", 10_000), ("postgresql", 5)],
    indirect=["databases"],
)
def test_a_database_equals_the_chain(world: World, databases: Databases, finality: int) -> None:
    play(world, 60)
    with new_store(world, databases("a")) as store:
        sync(world, store, finality_blocks=finality)
        play(world, 20)
        sync(world, store, finality_blocks=finality)
    assert_equals_chain(world, databases("a"))
    # In one go and in bulk, in two and block by block: the same bytes.
    assert tables(databases("a")) == fresh(world, databases("b"), finality_blocks=3)
