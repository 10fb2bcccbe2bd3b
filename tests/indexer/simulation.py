# SPDX-License-Identifier: Apache-2.0
"""One seed, one life of an index: a chain that reorganises under a node that misbehaves, and a process that dies at
any statement. Afterwards the database is, byte for byte, that of a fresh sync, and its money that of the chain.

    python -m tests.indexer.simulation --seeds 500 [--first 1] [--postgres] [--write bench/results/simulation.json]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from indexer.database import Writer, WriterBusyError, open_read, open_writer
from indexer.fetch import Fetcher
from indexer.follow import Follower
from indexer.model import PROTOCOL_MODEL, plan
from indexer.schema import BLOCKS, EVENTS
from indexer.store import Chain, DivergedError, Store
from ipto.chain import artifact
from ipto.errors import IptoError
from tests.indexer.fakechain import ADDRESSES, FINALITY, BadNode, FakeChain

SCHEMA = "sim"
_CONTRACTS = {address: name for name, address in ADDRESSES.items()}
_PLAN = plan(PROTOCOL_MODEL, {name: artifact(name)["abi"] for name in ADDRESSES})
# Nothing waits for real: a second of patience with the node is none.
_NO_WAIT = 0.0


class KilledError(BaseException):
    """The process ended here."""


class Mortal:
    """A writer that dies at its n-th statement: the connection is dropped as it is, in the middle of a transaction."""

    def __init__(self, db: Writer, statements: int) -> None:
        self._db = db
        self.left = statements

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._db, name)
        if name not in ("run", "insert", "update", "insert_missing", "begin", "commit"):
            return found

        def counted(*args: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise KilledError
            return found(*args)

        return counted

    @contextlib.contextmanager
    def transaction(self) -> Any:
        self.begin()
        try:
            yield
        except KilledError:
            raise
        except BaseException:
            self._db.rollback()
            raise
        self.commit()


@dataclass
class Life:
    """What happened under one seed."""

    blocks: int = 0
    reorgs: int = 0
    deepest: int = 0
    deaths: int = 0
    troubles: int = 0
    rebuilds: int = 0


def _open(url: str) -> Writer:
    """PostgreSQL frees a dead session's lock when it has noticed."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return open_writer(url, SCHEMA)
        except WriterBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _store(url: str, statements: int = 0) -> Store:
    db: Any = _open(url)
    if statements:
        db = Mortal(db, statements)
    return Store(db, Chain(31337, _CONTRACTS, 1), PROTOCOL_MODEL, _PLAN)


def _follower(node: BadNode, store: Store, rng: random.Random | None) -> Follower:
    fetcher = Fetcher(
        node,
        _CONTRACTS,
        width=rng.randint(1, 9) if rng else 50,
        concurrency=rng.randint(1, 3) if rng else 1,
        check_headers=True,
        attempts=2,
        patience=_NO_WAIT,
    )
    journal = rng.choice([2, 5, 10_000]) if rng else 10_000
    return Follower(
        fetcher, store, 1, finality_blocks=rng.choice([0, 3, FINALITY]) if rng else 0, journal_blocks=journal
    )


def live(seed: int, new_url: Callable[[], str]) -> Life:
    """Live one seed; raises AssertionError when the database is not what it should be."""
    rng, life = random.Random(seed), Life()
    chain = FakeChain(rng)
    node = BadNode(chain, rng)
    url = new_url()
    chain.extend(rng.randint(1, 30))
    seen = 0

    def move() -> None:
        if rng.random() < 0.03:
            depth = rng.randint(1, 4)
            chain.reorganise(depth, depth + rng.randint(0, 2))
            life.reorgs += 1

    for _ in range(rng.randint(4, 10)):
        seen = max(seen, len(chain.blocks))
        if rng.random() < 0.5:
            chain.extend(rng.randint(1, 12))
        else:
            depth = rng.choice([1, 1, 2, 3, 5, 8, 15, len(chain.blocks)])
            chain.reorganise(depth, rng.randint(max(1, depth - 2), depth + 4))
            life.reorgs += 1
            life.deepest = max(life.deepest, min(depth, len(chain.blocks)))
        node.trouble = rng.choice([0.0, 0.0, 0.05, 0.2])
        node.between = move if rng.random() < 0.4 else lambda: None
        _run(url, node, rng, life)
        seen = max(seen, len(chain.blocks))
    node.trouble, node.between = 0.0, lambda: None
    # A chain that only got shorter looks like a node that lags; it has to grow past what was seen.
    chain.extend(max(2, seen - len(chain.blocks) + 2))
    with _store(url) as store:
        _catch_up(store, node, None)
    life.blocks = len(chain.blocks)
    fresh = new_url()
    with _store(fresh) as store:
        _catch_up(store, node, None)
    mine, theirs = _tables(url), _tables(fresh)
    for name in theirs:
        assert mine[name] == theirs[name], f"seed {seed}: {name} differs from a fresh sync"
    _same_money(url, chain, seed)
    return life


def _run(url: str, node: BadNode, rng: random.Random, life: Life) -> None:
    """One process: it may die."""
    statements = rng.randint(3, 120) if rng.random() < 0.4 else 0
    try:
        store = _store(url, statements)
    except KilledError:
        life.deaths += 1
        return
    try:
        for _ in range(rng.randint(1, 4)):
            try:
                asyncio.run(_follower(node, store, rng).step())
            except (IptoError, DivergedError):
                life.troubles += 1
    except KilledError:
        life.deaths += 1
    finally:
        store.close()


def _catch_up(store: Store, node: BadNode, rng: random.Random | None) -> None:
    for _ in range(8):
        with contextlib.suppress(IptoError):
            at = asyncio.run(_follower(node, store, rng).step())
            if at.hash == node.chain.head.hash:
                return
    raise AssertionError("the index did not reach the head")


def _tables(url: str) -> dict[str, list[tuple[Any, ...]]]:
    reader = open_read(url, SCHEMA)
    try:
        reader.begin()
        found = {}
        for table in (*PROTOCOL_MODEL.tables, EVENTS, BLOCKS):
            rows = reader.all(f"SELECT {', '.join(table.names)} FROM {table.name} ORDER BY {', '.join(table.key)}")
            found[table.name] = [tuple(dict(row).values()) for row in rows]
        at = reader.all("SELECT number, hash, timestamp FROM checkpoint")
        found["checkpoint"] = [tuple(dict(row).values()) for row in at]
        reader.end()
        return found
    finally:
        reader.close()


def _same_money(url: str, chain: FakeChain, seed: int) -> None:
    reader = open_read(url, SCHEMA)
    try:
        rows = reader.all("SELECT account, currency, balance FROM balances")
    finally:
        reader.close()
    kept = {(row["account"], row["currency"]): int.from_bytes(row["balance"]) for row in rows}
    assert kept == chain.head.state.money, f"seed {seed}: the money is not the chain's"


def run(seeds: Iterable[int], new_url: Callable[[], str], say: Callable[[str], None]) -> dict[str, Any]:
    """Live many seeds; what happened in all."""
    total, count, start = Life(), 0, time.monotonic()
    for seed in seeds:
        life = live(seed, new_url)
        count += 1
        for name in ("blocks", "reorgs", "deaths", "troubles"):
            setattr(total, name, getattr(total, name) + getattr(life, name))
        total.deepest = max(total.deepest, life.deepest)
        if count % 50 == 0:
            say(f"{count} seeds in {time.monotonic() - start:.0f} s")
    return {
        "seeds": count, "blocks": total.blocks, "reorganisations": total.reorgs, "deepest": total.deepest,
        "deaths": total.deaths, "steps_that_failed": total.troubles, "seconds": round(time.monotonic() - start),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    seeds = range(options.first, options.first + options.seeds)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        number = iter(range(10**9))
        new_url: Callable[[], str] = lambda: f"sqlite:///{folder}/{next(number)}.db"  # noqa: E731
        if options.postgres:
            from tests.support.postgres import PostgresServer

            new_url = stack.enter_context(PostgresServer()).new_database
        done = run(seeds, new_url, say)
    done = {"first": options.first, **done}
    print(orjson.dumps(done).decode())
    if options.write:
        kept = orjson.loads(options.write.read_bytes()) if options.write.exists() else {}
        kept["postgresql" if options.postgres else "sqlite"] = done
        options.write.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
