# SPDX-License-Identifier: Apache-2.0
"""SQLite: one file, write-ahead log, readers that never wait.

The writer's lock is an exclusive transaction on a file beside the database: it works wherever SQLite does and ends with
its process.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from indexer.database.base import ReadConnection, Values, Writer, WriterBusyError
from indexer.ddl import Dialect
from indexer.tables import Key, Row, Table
from ipto.errors import NotFoundError

_STATEMENTS = 256  # remembered as prepared, and by the names of their columns


class SqliteWriter(Writer):
    """See Writer."""

    dialect: Dialect = "sqlite"
    remote = False

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path)
        try:
            self._db = sqlite3.connect(path, isolation_level=None, cached_statements=512, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA busy_timeout = 5000")
            self._db.execute("PRAGMA cache_size = -65536")
            # Checkpoints of the log cost less in larger steps.
            self._db.execute("PRAGMA wal_autocheckpoint = 4000")
        except BaseException:
            self.close()
            raise

    def all(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, values).fetchall()

    def run(self, sql: str, values: Values = ()) -> int:
        return self._db.execute(sql, values).rowcount

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
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()
        self._lock.close()


class SqliteReadConnection(ReadConnection):
    """See ReadConnection."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise NotFoundError(f"{path.name} does not exist yet; start `python -m indexer run`")
        uri = f"{path.absolute().as_uri()}?mode=ro"
        self._db = sqlite3.connect(
            uri, uri=True, isolation_level=None, cached_statements=_STATEMENTS, check_same_thread=False
        )
        self._db.execute("PRAGMA query_only = 1")
        self._db.execute("PRAGMA mmap_size = 1073741824")
        self._names: dict[str, tuple[str, ...]] = {}

    def begin(self) -> None:
        self._db.execute("BEGIN")

    def end(self) -> None:
        self._db.execute("COMMIT")

    def all(self, sql: str, values: Values = ()) -> list[Any]:
        cursor = self._db.execute(sql, values)
        names = self._names_of(sql, cursor)
        # Faster to read than sqlite3.Row, which looks through all names for each.
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def tuples(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, values: Values = ()) -> Any:
        cursor = self._db.execute(sql, values)
        row = cursor.fetchone()
        return None if row is None else dict(zip(self._names_of(sql, cursor), row, strict=True))

    def each(self, sql: str) -> Iterator[Any]:
        cursor = self._db.execute(sql)
        names = self._names_of(sql, cursor)
        for row in cursor:
            yield dict(zip(names, row, strict=True))

    def _names_of(self, sql: str, cursor: sqlite3.Cursor) -> tuple[str, ...]:
        names = self._names.get(sql)
        if names is None:
            if len(self._names) >= _STATEMENTS:
                self._names.clear()
            names = self._names[sql] = tuple([column[0] for column in cursor.description])
        return names

    def state(self) -> int | str:
        # Changes with each commit of another connection, and is of this connection alone.
        found: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return found

    def broken(self) -> bool:
        return False

    def close(self) -> None:
        self._db.close()


def _lock(path: Path) -> sqlite3.Connection:
    lock = sqlite3.connect(f"{path}.writer", timeout=0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("PRAGMA locking_mode = EXCLUSIVE")
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
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
