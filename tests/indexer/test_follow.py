# SPDX-License-Identifier: Apache-2.0
"""The follower on a real chain: what it stores is what the chain says, also after reorganisations."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.api.reader import open_reader
from indexer.check import check
from tests.indexer.world import World, fresh, new_store, sync, tables


def play(world: World, steps: int) -> None:
    for _ in range(steps):
        world.random_step()


def assert_equals_chain(world: World, path: Path) -> None:
    reader = open_reader(path)
    count, wrong = check(reader, world.deployment, world.chain.rpc)
    reader.close()
    assert not wrong
    assert count > 0


@pytest.mark.parametrize("finality", [0, 5, 10_000])
def test_a_database_equals_the_chain(world: World, tmp_path: Path, finality: int) -> None:
    play(world, 60)
    with new_store(world, tmp_path / "a.db") as store:
        sync(world, store, finality_blocks=finality)
        play(world, 20)
        sync(world, store, finality_blocks=finality)
    assert_equals_chain(world, tmp_path / "a.db")
    # In one go and in bulk, in two and block by block: the same bytes.
    assert tables(tmp_path / "a.db") == fresh(world, tmp_path / "b.db", finality_blocks=3)
