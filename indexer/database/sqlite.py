# SPDX-License-Identifier: Apache-2.0
"""SQLite: one file, write-ahead log, readers that never wait.

Through APSW, which brings its own SQLite and reads a row of many columns in a third of the time `sqlite3` takes
(docs/decisions/0061). Everything that opens the file in one process has to be the same library: two copies do not see
each other's locks.

The writer's lock is an exclusive transaction on a file beside the database: it works wherever SQLite does and ends with
its process.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from indexer.database.base import ReadConnection, Values, Writer, WriterBusyError
from indexer.ddl import Dialect
from indexer.tables import Key, Row, Table
from ipto.errors import NotFoundError

_STATEMENTS = 256  # remembered as prepared, and by the names of their columns
_WRITE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
# A connection is one request's at a time: without SQLite's own mutex around each column.
_READ = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOMUTEX


class SqliteWriter(Writer):
    """See Writer."""

    dialect: Dialect = "sqlite"
    remote = False

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = _lock(path)
        try:
            self._db = _writing(path)
        except BaseException:
            self.close()
            raise

    def all(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, values).fetchall()

    def run(self, sql: str, values: Values = ()) -> int:
        self._db.execute(sql, values)
        return self._db.changes()

    def insert(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany("INSERT" + _into(table), rows)

    def update(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany("REPLACE" + _into(table), rows)

    def insert_missing(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        self._db.executemany("INSERT OR IGNORE" + _into(table), rows)

    def load(self, table: Table, keys: Sequence[Key]) -> dict[Key, Row]:
        sql, names, found = _select(table), table.names, {}
        for key in keys:
            row = self._db.execute(sql, key).fetchone()
            if row is not None:
                found[key] = dict(zip(names, row, strict=True))
        return found

    def has_table(self, name: str) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None

    def begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        self._db.execute("ROLLBACK")

    def announce(self, block: int) -> None:
        # Readers of a file look at its change counter.
        del block

    def compact(self) -> None:
        self._db.execute("VACUUM")
        self._db.pragma("wal_checkpoint", "TRUNCATE")

    @contextmanager
    def aside(self) -> Iterator[None]:
        self._db.close()
        try:
            yield
        finally:
            self._db = _writing(self._path)

    def close(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()
        self._lock.close()


def _writing(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path), flags=_WRITE, statementcachesize=512)
    _steady(db)
    db.set_busy_timeout(5_000)
    db.pragma("journal_mode", "WAL")
    db.pragma("synchronous", "NORMAL")
    db.pragma("cache_size", -65_536)
    # Checkpoints of the log cost less in larger steps.
    db.pragma("wal_autocheckpoint", 4_000)
    return db


class SqliteReadConnection(ReadConnection):
    """See ReadConnection."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise NotFoundError(f"{path.name} does not exist yet; start `python -m indexer run`")
        self._db = apsw.Connection(str(path), flags=_READ, statementcachesize=_STATEMENTS)
        _steady(self._db)
        self._db.pragma("query_only", 1)
        self._db.pragma("mmap_size", 1 << 30)
        self._names: dict[str, tuple[str, ...]] = {}

    def begin(self) -> None:
        self._db.execute("BEGIN")

    def end(self) -> None:
        self._db.execute("COMMIT")

    def all(self, sql: str, values: Values = ()) -> list[Any]:
        return list(self._mappings(sql, values))

    def tuples(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, values: Values = ()) -> Any:
        return next(self._mappings(sql, values), None)

    def each(self, sql: str) -> Iterator[Any]:
        return self._mappings(sql, ())

    def _mappings(self, sql: str, values: Values) -> Iterator[dict[str, Any]]:
        cursor = self._db.execute(sql, values)
        names = self._names.get(sql)
        for row in cursor:
            if names is None:
                # Known only while there are rows.
                names = self._names_of(sql, cursor)
            yield dict(zip(names, row, strict=True))

    def _names_of(self, sql: str, cursor: apsw.Cursor) -> tuple[str, ...]:
        if len(self._names) >= _STATEMENTS:
            self._names.clear()
        names = self._names[sql] = tuple([column[0] for column in cursor.description])
        return names

    def state(self) -> int | str:
        # Changes with each commit of another connection, and is of this connection alone.
        return int(self._db.pragma("data_version"))

    def broken(self) -> bool:
        return False

    def close(self) -> None:
        self._db.close()


def _steady(db: apsw.Connection) -> None:
    """Plans that do not depend on values: otherwise a statement is prepared again for each new one."""
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def _lock(path: Path) -> apsw.Connection:
    lock = apsw.Connection(f"{path}.writer", flags=_WRITE)
    try:
        lock.pragma("locking_mode", "EXCLUSIVE")
        lock.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError as error:
        lock.close()
        raise WriterBusyError(
            f"another indexer writes {path}; stop it, or name another file in IPTO_INDEXER_DATABASE"
        ) from error
    return lock


# Names come from the schema alone, never from input.


@functools.cache
def _into_of(name: str, names: tuple[str, ...]) -> str:
    return f" INTO {name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


def _into(table: Table) -> str:
    return _into_of(table.name, table.names)


@functools.cache
def _select_of(name: str, names: tuple[str, ...], key: tuple[str, ...]) -> str:
    where = " AND ".join(f"{part} = ?" for part in key)
    return f"SELECT {', '.join(names)} FROM {name} WHERE {where}"  # noqa: S608


def _select(table: Table) -> str:
    return _select_of(table.name, table.names, table.key)
