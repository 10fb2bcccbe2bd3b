# SPDX-License-Identifier: Apache-2.0
"""A read-only view of the database: one snapshot for each request, so that an answer is of one block."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from indexer.api.kept import State
from indexer.api.problems import not_ready
from indexer.database import ReadConnection, is_postgres, open_read
from indexer.migrations import HEAD, VERSION_TABLE
from indexer.schema import LOG_BITS
from ipto.errors import IptoError

Row = Mapping[str, Any]

_WAIT_SECONDS = 10.0  # for a connection, when all are busy


class Indexed(NamedTuple):
    """Where the database ends, and the last final block."""

    number: int
    hash: bytes
    timestamp: int
    final: int


class Snapshot:
    """The database as it was when the request began."""

    def __init__(self, db: ReadConnection, at: Indexed) -> None:
        self._db = db
        self.at = at
        # The time what was made of it depends on too, if any.
        self.moment: int | None = None

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row, or None."""
        found: Row | None = self._db.one(sql, values)
        return found

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows; the statement must have a LIMIT or be bounded by its table."""
        return self._db.all(sql, values)

    def tuples(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The same as tuples, in the order of the columns."""
        return self._db.tuples(sql, values)

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
    """Connections to the database, opened when they are first needed.

    url, schema: as of `indexer.database`; size: most connections at once (SQLite, used from one thread, has one).
    """

    def __init__(self, url: str, schema: str, size: int = 1) -> None:
        self._url = url
        self._schema = schema
        self.remote = is_postgres(url)
        # The last one used is used next, so that a quiet server keeps few; where there is one, the faster queue.
        self._idle: queue.LifoQueue[ReadConnection | None] | queue.SimpleQueue[ReadConnection | None]
        self._idle = queue.LifoQueue() if self.remote else queue.SimpleQueue()
        for _ in range(size if self.remote else 1):
            self._idle.put(None)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A view of one block. Raises ProblemError (503) while there is nothing to see."""
        try:
            db = self._idle.get(timeout=_WAIT_SECONDS)
        except queue.Empty:
            raise not_ready("too many questions at once; ask again") from None
        try:
            if db is None or db.broken():
                db = None
                db = self._open()
            db.begin()
            try:
                at = db.one("SELECT number, hash, timestamp, final FROM checkpoint")
                if at is None:
                    raise not_ready("nothing is indexed yet; see /status")
                yield Snapshot(db, Indexed(at["number"], at["hash"], at["timestamp"], at["final"]))
            finally:
                with contextlib.suppress(Exception) if db.broken() else contextlib.nullcontext():
                    db.end()
        finally:
            self._idle.put(db)

    def state(self) -> State | None:
        """A word for what the database holds now: while it is the same, so is every answer. None: it cannot be read."""
        try:
            db = self._idle.get(timeout=_WAIT_SECONDS)
        except queue.Empty:
            return None
        try:
            return None if db is None or db.broken() else db.state()
        except Exception:
            # A connection that broke is noticed when it is used; whoever asks next opens another.
            if db is None or not db.broken():
                raise
            return None
        finally:
            self._idle.put(db)

    def close(self) -> None:
        """Give the connections back."""
        with contextlib.suppress(queue.Empty):
            while True:
                if db := self._idle.get_nowait():
                    db.close()

    def _open(self) -> ReadConnection:
        try:
            db = open_read(self._url, self._schema)
        except IptoError as error:
            raise not_ready(str(error)) from error
        try:
            version = db.one(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608
        except Exception:
            version = None
        if version is None or version["version_num"] != HEAD:
            db.close()
            raise not_ready("the database has not been made by this version yet; start `python -m indexer run`")
        return db
