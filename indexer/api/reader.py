# SPDX-License-Identifier: Apache-2.0
"""A read-only view of the database: one snapshot for each request, so that an answer is of one block."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from indexer.api.problems import not_ready
from indexer.schema import LOG_BITS, SCHEMA_VERSION

Row = sqlite3.Row


class Indexed(NamedTuple):
    """Where the database ends, and the last final block."""

    number: int
    hash: bytes
    timestamp: int
    final: int


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises ProblemError (503) when there is no database yet."""
    if not path.exists():
        raise not_ready(f"{path.name} does not exist yet; start `python -m indexer run`")
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, cached_statements=256)
    db.execute("PRAGMA query_only = 1")
    return db


class Snapshot:
    """The database as it was when the request began."""

    def __init__(self, db: sqlite3.Connection, at: Indexed) -> None:
        self._db = db
        self.at = at

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row, or None."""
        found: Row | None = self._db.execute(sql, values).fetchone()
        return found

    def all(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """All rows; the statement must have a LIMIT or be bounded by its table."""
        return self._db.execute(sql, values).fetchall()

    def finality(self, seq: int, block_hash: bytes) -> dict[str, Any]:
        """How settled the event `seq` is."""
        block = seq >> LOG_BITS
        return {
            "block": block,
            "hash": "0x" + block_hash.hex(),
            "confirmations": self.at.number - block + 1,
            "final": block <= self.at.final,
        }


class Reader:
    """Opens the database when it is first needed. Used from one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A view of one block. Raises ProblemError (503) while there is nothing to see."""
        db = self._open()
        db.execute("BEGIN")
        try:
            at = db.execute("SELECT number, hash, timestamp, final FROM checkpoint").fetchone()
            if at is None:
                raise not_ready("nothing is indexed yet; see /status")
            yield Snapshot(db, Indexed(*at))
        finally:
            db.execute("COMMIT")

    def close(self) -> None:
        """Give the connection back."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            db = open_reader(self._path)
            try:
                version = db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
            except sqlite3.OperationalError:
                version = None
            if version is None or version[0] != str(SCHEMA_VERSION):
                db.close()
                raise not_ready("the database has not been made by this version yet; start `python -m indexer run`")
            db.row_factory = sqlite3.Row
            self._db = db
        return self._db
