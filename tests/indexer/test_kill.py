# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random instants of the real process, with people at work and the chain reorganising meanwhile."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from indexer.__main__ import main
from indexer.database import open_read
from ipto.errors import NotFoundError
from tests.indexer.conftest import Databases, on_files
from tests.indexer.test_follow import assert_equals_chain, play
from tests.indexer.world import SCHEMA, World, fresh, new_store, tables

ROOT = Path(__file__).parents[2]


def settings(world: World, folder: Path, url: str) -> dict[str, str]:
    world.deployment.save(folder)
    return {
        "IPTO_INDEXER_RPC_URL": world.chain.url,
        "IPTO_INDEXER_DATABASE": url,
        "IPTO_INDEXER_DEPLOYMENT": str(folder / f"{world.deployment.chain_id}.json"),
        "IPTO_INDEXER_FINALITY_BLOCKS": "5",
        "IPTO_INDEXER_FIRST_RANGE_BLOCKS": "2",
        "IPTO_INDEXER_MAX_RANGE_BLOCKS": "4",
        "IPTO_INDEXER_POLL_SECONDS": "0.01",
    }


@contextmanager
def follower(world: World, folder: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "indexer", "run", "--no-api"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env=os.environ | settings(world, folder, url), cwd=ROOT, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def indexed(url: str) -> int:
    try:
        reader = open_read(url, SCHEMA)
    except NotFoundError:
        return -1
    try:
        found = reader.one("SELECT number FROM checkpoint")
    except Exception:  # no table yet
        return -1
    finally:
        reader.close()
    return int(found["number"]) if found else -1


def wait_for(folder: Path, url: str, block: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while indexed(url) < block:
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.02)


def test_killed_again_and_again(world: World, tmp_path: Path, databases: Databases) -> None:
    rng, url = random.Random(9), databases("a")
    play(world, 100)
    for _ in range(3):
        with follower(world, tmp_path, url) as process:
            goal = indexed(url) + rng.randint(1, 60)
            wait_for(tmp_path, url, min(goal, world.chain.rpc.block_number()), process)
            snapshot, memory = world.chain.snapshot(), world.remember()
            play(world, rng.randint(1, 6))
            time.sleep(rng.random() * 0.05)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        world.chain.revert(snapshot)
        world.recall(memory)
        play(world, rng.randint(3, 9))
    world.chain.mine(7)
    with follower(world, tmp_path, url) as process:
        wait_for(tmp_path, url, world.chain.rpc.block_number(), process)
        # Asked to stop, it stops in order.
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert tables(databases("a")) == fresh(world, databases("b"))
    assert_equals_chain(world, databases("a"))


def test_a_wrong_chain_ends_the_process(world: World, tmp_path: Path) -> None:
    env = os.environ | settings(world, tmp_path, f"sqlite:///{tmp_path}/a.db")
    path = Path(env["IPTO_INDEXER_DEPLOYMENT"])
    path.write_text(path.read_text().replace(f'"chain_id": {world.deployment.chain_id}', '"chain_id": 1'))
    run = [sys.executable, "-m", "indexer", "run", "--no-api"]
    done = subprocess.run(run, env=env, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "the node is on chain" in done.stderr


def command(world: World, folder: Path, url: str, name: str) -> tuple[int, str]:
    done = CliRunner(env=settings(world, folder, url)).invoke(main, [name])
    return done.exit_code, done.output


def test_the_other_commands(world: World, tmp_path: Path, databases: Databases) -> None:
    play(world, 20)
    before = fresh(world, databases("a"), finality_blocks=0)
    code, said = command(world, tmp_path, databases("a"), "check")
    assert code == 0
    assert "0 differences" in said
    assert command(world, tmp_path, databases("a"), "rebuild") == (0, f"{len(before['events'])} events projected\n")
    assert tables(databases("a")) == before


@on_files
def test_check_finds_what_is_wrong(world: World, tmp_path: Path, databases: Databases) -> None:
    play(world, 20)
    fresh(world, databases("a"), finality_blocks=0)
    with new_store(world, databases("a")) as store:
        store.db.run("UPDATE works SET owned_since = owned_since + 1 WHERE seq = (SELECT min(seq) FROM works)")
    code, said = command(world, tmp_path, databases("a"), "check")
    assert code == 1
    assert "1 differences" in said


@on_files
def test_forgetting_reads_the_chain_again(world: World, tmp_path: Path, databases: Databases) -> None:
    play(world, 10)
    before = fresh(world, databases("a"), finality_blocks=0)
    done = CliRunner(env=settings(world, tmp_path, databases("a"))).invoke(main, ["rebuild", "--from-chain"])
    assert done.exit_code == 0
    assert not tables(databases("a"))["events"]
    assert fresh(world, databases("a"), finality_blocks=0) == before
