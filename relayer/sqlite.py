# SPDX-License-Identifier: Apache-2.0
"""SQLite for one relayer on one machine: no set-up, and a committed row survives a power cut (synchronous=FULL)."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relayer.database import ConstraintError, Row, StorageError
from relayer.problems import ConfigurationError


@contextmanager
def only_one(database: Path) -> Iterator[None]:
    """Two relayers on one queue would sign for the same lane. Raises ConfigurationError when one runs already."""
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = database.with_name(database.name + ".lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(f"another relayer uses {database}; stop it first") from None
        yield


def _mapping(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


class _Transaction:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, *values: object) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def change(self, sql: str, *values: object) -> int:
        return self._connection.execute(sql, values).rowcount

    def many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        return self._connection.executemany(sql, rows).rowcount if rows else 0


class SqliteHold:
    """Rows set aside in this process's memory, for no other process uses the file."""

    def __init__(self, database: SqliteDatabase, rows: list[Row]) -> None:
        self._database, self.rows = database, rows

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[_Transaction]:
        with self._database.transaction(durable=durable) as change:
            yield change
        self.release()

    def release(self) -> None:
        self._database.held.difference_update(row["seq"] for row in self.rows)


class SqliteLaneLock:
    """A lane of the only process there is; see `only_one`."""

    def __init__(self, database: SqliteDatabase, address: str) -> None:
        self._database, self._address = database, address

    def is_held(self) -> bool:
        return True

    def release(self) -> None:
        self._database.lanes.discard(self._address)


class SqliteDatabase:
    """One connection behind a lock."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        """Open the file, creating it at first."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self.held: set[int] = set()
        self.lanes: set[str] = set()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
            self._db.row_factory = _mapping
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error as error:
            raise StorageError(f"{path}: {error}") from error

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[_Transaction]:
        with self._lock:
            try:
                if self._db.in_transaction:
                    # A rollback that failed must not keep everybody out for good.
                    self._db.execute("ROLLBACK")
                # In WAL mode a commit that is not durable is atomic all the same; the next durable one carries it to
                # the disk.
                self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield _Transaction(self._db)
                except BaseException:
                    # A full disk may have ended the transaction already.
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
                self._commit()
            except sqlite3.IntegrityError as error:
                raise ConstraintError(str(error)) from error
            except sqlite3.Error as error:
                raise StorageError(str(error)) from error

    def _commit(self) -> None:
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def script(self, sql: str) -> None:
        """Several statements in one transaction."""
        with self._lock:
            self._db.executescript(f"BEGIN IMMEDIATE;{sql}COMMIT;")

    def read(self, sql: str, *values: object) -> list[Row]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise StorageError(str(error)) from error

    def hold(self, sql: str, *values: object, limit: int) -> SqliteHold:
        with self._lock:
            found = self.read(f"{sql} LIMIT ?", *values, limit + len(self.held))
            rows = [row for row in found if row["seq"] not in self.held][:limit]
            self.held.update(row["seq"] for row in rows)
            return SqliteHold(self, rows)

    def lock_lane(self, address: str) -> SqliteLaneLock | None:
        with self._lock:
            if address in self.lanes:
                return None
            self.lanes.add(address)
            return SqliteLaneLock(self, address)

    def close(self) -> None:
        with self._lock:
            self._db.close()
