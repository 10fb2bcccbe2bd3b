# SPDX-License-Identifier: Apache-2.0
"""What drills do to a relayer's database: a disk that fills up, commits whose answer is lost, connections that are cut,
and a process that is gone between two lines.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg

from relayer.database import Database, StorageError, Transaction
from relayer.postgres import PostgresDatabase


class Killed(BaseException):
    """kill -9."""


@dataclass
class Fate:
    """What is in store for one life of one relayer."""

    dice: Random
    counts: Counter[str]
    dead: bool = False
    quiet: bool = False
    full: int = 0  # so many transactions find the disk full
    lines_left: int = -1  # until it is killed; below zero: it is not

    def alive(self) -> None:
        """Raises Killed when this process is gone: nothing of it arrives anywhere any more."""
        if self.dead:
            raise Killed


@dataclass
class Faulty:
    """A queue's database as one relayer has it."""

    real: Database
    fate: Fate
    abandon: Callable[[], None]  # what kernel and server do when the process is gone
    dialect: str = field(init=False)

    def __post_init__(self) -> None:
        self.dialect = self.real.dialect

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        fate = self.fate
        fate.alive()
        if fate.full > 0:
            fate.full -= 1
            raise StorageError("database or disk is full")
        with self.real.transaction(durable=durable) as change:
            yield change
            fate.alive()
        self._answered()

    def _answered(self) -> None:
        if not self.fate.quiet and self.fate.dice.random() < 0.01:
            self.fate.counts["commit without an answer"] += 1
            raise StorageError("the connection was lost while the server committed")

    def read(self, sql: str, *values: object) -> Any:
        self.fate.alive()
        return self.real.read(sql, *values)

    def hold(self, sql: str, *values: object, limit: int) -> Any:
        self.fate.alive()
        return _FaultyHold(self, self.real.hold(sql, *values, limit=limit))

    def lock_lane(self, address: str) -> Any:
        self.fate.alive()
        return self.real.lock_lane(address)

    def close(self) -> None:
        self.real.close()


class _FaultyHold:
    """A hold whose transaction has the same faults."""

    def __init__(self, database: Faulty, hold: Any) -> None:
        self._database, self._hold, self.rows = database, hold, hold.rows

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        fate = self._database.fate
        fate.alive()
        if fate.full > 0:
            fate.full -= 1
            raise StorageError("database or disk is full")
        with self._hold.transaction(durable=durable) as change:
            yield change
            fate.alive()
        self._database._answered()

    def release(self) -> None:
        self._hold.release()


class TrackedPostgres(PostgresDatabase):
    """Remembers its sessions, so that all of them end with the process."""

    def __init__(self, url: str) -> None:
        super().__init__(url, connections=4)
        self.sessions: list[psycopg.Connection[Any]] = []

    def _connect(self) -> Any:
        connection = super()._connect()
        self.sessions = [known for known in self.sessions if not known.closed] + [connection]
        return connection

    def abandon(self) -> None:
        """Close every session and wait until the server has noticed, for a drill follows from its seed."""
        pids = [known.info.backend_pid for known in self.sessions if not known.closed]
        for known in self.sessions:
            with suppress(psycopg.Error):
                known.close()
        end = time.monotonic() + 60
        with psycopg.connect(self._url, autocommit=True) as watcher:
            sql = "SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)"
            while pids and watcher.execute(sql, [pids]).fetchone():
                assert time.monotonic() < end, "the server keeps dead sessions"
                time.sleep(0.001)
        watcher.close()

    def cut(self, *, lanes_only: bool = False) -> None:
        """The network between is gone for a moment: the server ends every session, or those that hold lanes."""
        sql = (
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE application_name = 'ipto-relayer' AND datname = current_database()"
        )
        if lanes_only:
            sql += " AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
        with psycopg.connect(self._url, autocommit=True) as enemy:
            enemy.execute(sql)  # type: ignore[arg-type]
        enemy.close()


@contextmanager
def inline() -> Iterator[None]:
    """Threads would make a drill depend on the machine: what belongs in one runs in place."""
    before = asyncio.to_thread

    async def run(function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    asyncio.to_thread = run  # type: ignore[assignment]
    try:
        yield
    finally:
        asyncio.to_thread = before
