# SPDX-License-Identifier: Apache-2.0
"""The writer: one SQLite database, one chain, one process.

Raw events, projections, the undo journal, headers and the checkpoint (number and hash) of a range of blocks are written
in one transaction: after a crash at any instant the database is that of some block. A second writer is refused by a
lock that dies with its process. Readers (`indexer.api`) see the last committed block and never wait.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from indexer.derive import Decoders, Derived, derive
from indexer.fetch import Header, Log, Segment
from indexer.rows import Before, Rows
from indexer.schema import BY_NAME, LOG_BITS, PROJECTIONS, SCHEMA_VERSION, Key, Row, Table, sqlite_ddl
from ipto.errors import InputError, IptoError

_REPLAY = 20_000  # events held in memory while rebuilding


class WriterBusyError(IptoError, RuntimeError):
    """Another process writes this database."""


class DivergedError(IptoError, RuntimeError):
    """A range does not follow the block the database ends with: the chain was reorganised."""


class Checkpoint(NamedTuple):
    """The last block the database contains, and the last of those that is final."""

    number: int
    hash: bytes
    timestamp: int
    final: int


class Chain(NamedTuple):
    """What a database belongs to. `contracts`: name by 20-byte address; `start`: the first block with their events."""

    chain_id: int
    contracts: dict[bytes, str]
    start: int

    def identity(self) -> dict[str, str]:
        """What must not change between two runs on one database."""
        named = {name: "0x" + address.hex() for address, name in self.contracts.items()}
        return {
            "schema": str(SCHEMA_VERSION),
            "chain_id": str(self.chain_id),
            "contracts": orjson.dumps(named, option=orjson.OPT_SORT_KEYS).decode(),
            "start": str(self.start),
        }


class Store:
    """The only writer of a database. Use as a context manager, or call `close`."""

    def __init__(self, path: Path, chain: Chain, decoders: Decoders) -> None:
        """Open or make the database.

        Raises WriterBusyError when another process holds it, InputError when it belongs to another deployment.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._decoders = decoders
        self._chain = chain
        self._lock = _lock(path)
        try:
            self._db = sqlite3.connect(path, isolation_level=None, cached_statements=512, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA busy_timeout = 5000")
            self._db.execute("PRAGMA cache_size = -65536")
            # Checkpoints of the log cost less in larger steps.
            self._db.execute("PRAGMA wal_autocheckpoint = 4000")
            self._open_schema()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up the database and its lock."""
        if hasattr(self, "_db"):
            self._db.close()
        self._lock.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def db(self) -> sqlite3.Connection:
        """The writer's connection, for what is kept beside the chain (`indexer.resolve`)."""
        return self._db

    # ---- state ------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint | None:
        """Where the database ends; None: it has not begun."""
        found = self._db.execute("SELECT number, hash, timestamp, final FROM checkpoint").fetchone()
        return Checkpoint(*found) if found else None

    def ring(self) -> list[tuple[int, bytes]]:
        """Number and hash of the blocks the database can be rewound to, newest first."""
        return self._db.execute("SELECT number, hash FROM headers ORDER BY number DESC").fetchall()

    def event_block(self, at_most: int) -> tuple[int, bytes] | None:
        """Number and hash of the newest block with events, up to a number."""
        sql = "SELECT number, hash FROM blocks WHERE number <= ? ORDER BY number DESC LIMIT 1"
        found = self._db.execute(sql, (at_most,)).fetchone()
        return None if found is None else (found[0], found[1])

    # ---- forward ----------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Empty everything; the next follower begins anew."""
        with self._transaction():
            self._clear(after=-1)
            self._db.execute("DELETE FROM headers")
            self._db.execute("DELETE FROM checkpoint")

    def begin(self, header: Header) -> None:
        """Empty everything and start after `header`, the block before the first one to be read."""
        with self._transaction():
            self._clear(after=-1)
            self._db.execute("DELETE FROM headers")
            self._place(header, final=-1)

    def commit(self, segment: Segment, final: int) -> int:
        """Write one segment; `final` is the chain's newest final block. Returns the number of events.

        Raises DivergedError, and writes nothing, when the segment does not follow the checkpoint.
        """
        with self._transaction():
            at = self.checkpoint()
            if at is None or segment.first != at.number + 1 or segment.parent != at.hash:
                raise DivergedError(f"block {segment.first} does not follow the database's last block; rewind")
            rows = Rows(self._load, journal=segment.tight)
            derived = derive(segment.logs, self._decoders, rows)
            self._write(derived, rows)
            if not segment.tight:
                # What is final is never undone: the database can be rewound to here and no further.
                self._db.execute("DELETE FROM undo")
                self._db.execute("DELETE FROM headers")
            self._db.executemany("INSERT INTO headers VALUES (?, ?, ?, ?)", [header[:4] for header in segment.headers])
            self._place(segment.headers[-1], final=max(at.final, min(final, segment.last)), ring=False)
        return len(derived.events)

    def finalize(self, final: int, journal_from: int) -> None:
        """Note that blocks up to `final` are final, and forget how to undo blocks up to `journal_from`."""
        at = self.checkpoint()
        if at is None:
            return
        final, base = min(final, at.number), min(journal_from, at.number)
        oldest = self._db.execute("SELECT min(number) FROM headers").fetchone()[0]
        if final <= at.final and (oldest is None or base <= oldest):
            return
        with self._transaction():
            self._db.execute("UPDATE checkpoint SET final = max(final, ?)", (final,))
            self._db.execute("DELETE FROM undo WHERE block <= ?", (base,))
            self._db.execute("DELETE FROM headers WHERE number < ?", (base,))

    def note(self, head: int, error: str = "") -> None:
        """Leave word for the API of what the follower sees: the chain's newest block, and what is wrong."""
        self._db.execute("REPLACE INTO status VALUES (1, ?, ?, ?)", (head, int(time.time()), error))

    # ---- backward ---------------------------------------------------------------------------------------

    def rewind(self, number: int) -> None:
        """Go back to a block of the ring; everything is as it was after that block."""
        with self._transaction():
            found = self._db.execute("SELECT * FROM headers WHERE number = ?", (number,)).fetchone()
            if found is None:
                raise InputError(f"block {number} is not in the journal; rebuild instead")
            undo = self._db.execute(
                "SELECT tbl, key, row FROM undo WHERE block > ? ORDER BY block DESC, step DESC", (number,)
            )
            for name, key, row in undo.fetchall():
                self._restore(BY_NAME[name], orjson.loads(key), None if row is None else orjson.loads(row))
            self._db.execute("DELETE FROM undo WHERE block > ?", (number,))
            self._db.execute("DELETE FROM headers WHERE number > ?", (number,))
            self._drop_events(number)
            self._place(Header(*found), ring=False)

    def rebuild(self, up_to: Header | None = None) -> int:
        """Make all projections anew from the raw events, without the chain; returns the number of events.

        up_to: go back to this block (which must be on the chain) at the same time, however long ago it was.
        """
        with self._transaction():
            at = self.checkpoint()
            if at is None:
                return 0
            if up_to is not None:
                self._drop_events(up_to.number)
                self._db.execute("DELETE FROM headers")
                self._place(up_to)
            for table in PROJECTIONS:
                self._db.execute(f"DELETE FROM {table.name}")  # noqa: S608  # our own names
            self._db.execute("DELETE FROM undo")
            base = self._db.execute("SELECT min(number) FROM headers").fetchone()[0]
            count = 0
            for logs in self._replay():
                for part, journal in ((_until(logs, base), False), (_after(logs, base), True)):
                    rows = Rows(self._load, journal=journal)
                    derived = derive(part, self._decoders, rows)
                    self._flush(rows)
                    count += len(derived.events)
            return count

    # ---- internal ---------------------------------------------------------------------------------------

    def _open_schema(self) -> None:
        with self._transaction():
            made = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
            identity = self._chain.identity()
            if not made:
                for statement in sqlite_ddl().split(";"):
                    self._db.execute(statement)
                self._db.executemany("INSERT INTO meta VALUES (?, ?)", identity.items())
            kept = dict(self._db.execute("SELECT name, value FROM meta").fetchall())
        for name, value in identity.items():
            if kept.get(name) != value:
                raise InputError(
                    f"the database was made for {name} {kept.get(name)}, not {value}; "
                    "name another file in IPTO_INDEXER_DATABASE, or delete this one to index again"
                )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _place(self, header: Header, *, final: int | None = None, ring: bool = True) -> None:
        self._db.execute(
            "INSERT INTO checkpoint VALUES (1, ?1, ?2, ?3, coalesce(?4, ?1)) ON CONFLICT DO UPDATE SET "
            "number = ?1, hash = ?2, timestamp = ?3, final = coalesce(?4, min(final, ?1))",
            (header.number, header.hash, header.timestamp, final),
        )
        if ring:
            self._db.execute("INSERT INTO headers VALUES (?, ?, ?, ?)", header[:4])

    def _clear(self, after: int) -> None:
        for table in PROJECTIONS:
            self._db.execute(f"DELETE FROM {table.name}")  # noqa: S608  # our own names
        self._db.execute("DELETE FROM undo")
        self._drop_events(after)

    def _drop_events(self, after: int) -> None:
        self._db.execute("DELETE FROM events WHERE seq >= ?", ((after + 1) << LOG_BITS,))
        self._db.execute("DELETE FROM blocks WHERE number > ?", (after,))

    def _load(self, table: Table, key: Key) -> Row | None:
        found = self._db.execute(_SELECT[table.name], key).fetchone()
        return None if found is None else dict(zip(table.names, found, strict=True))

    def _write(self, derived: Derived, rows: Rows) -> None:
        db = self._db
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", derived.events)
        db.executemany("INSERT INTO blocks VALUES (?, ?, ?)", derived.blocks.values())
        now = int(time.time())
        db.executemany(
            "INSERT OR IGNORE INTO documents VALUES (?, ?, 'pending', 0, ?, NULL, NULL, '')",
            [(digest, kind, now) for digest, kind in derived.documents],
        )
        db.executemany(
            "INSERT OR IGNORE INTO currencies VALUES (?, NULL, NULL, 0, ?)",
            [(currency, now) for currency in derived.currencies],
        )
        self._flush(rows)

    def _flush(self, rows: Rows) -> None:
        for verb, changed in (("INSERT", rows.new), ("REPLACE", rows.changed)):
            for name, by_key in changed.items():
                self._db.executemany(verb + _INTO[name], map(_VALUES[name], by_key.values()))
        steps: dict[int, int] = {}
        journal = []
        for before in rows.befores:
            step = steps[before.block] = steps.get(before.block, 0) + 1
            journal.append((before.block, step, before.table.name, *_journal_texts(before)))
        self._db.executemany("INSERT INTO undo VALUES (?, ?, ?, ?, ?)", journal)

    def _restore(self, table: Table, key: list[Any], row: Row | None) -> None:
        kinds = dict(table.columns)
        values = [_from_json(kinds[name], value) for name, value in zip(table.key, key, strict=True)]
        self._db.execute(_DELETE[table.name], values)
        if row is not None:
            restored = {name: _from_json(kinds[name], value) for name, value in row.items()}
            self._db.execute("INSERT" + _INTO[table.name], _VALUES[table.name](restored))

    def _replay(self) -> Iterator[list[Log]]:
        last = -1
        while True:
            found = self._db.execute(
                "SELECT e.seq, b.number, b.hash, b.timestamp, e.contract, e.tx, e.topics, e.data FROM events e "
                "JOIN blocks b ON b.number = e.seq >> ? WHERE e.seq > ? ORDER BY e.seq LIMIT ?",
                (LOG_BITS, last, _REPLAY),
            ).fetchall()
            if not found:
                return
            last = found[-1][0]
            yield [Log(*row) for row in found]


def _until(logs: Iterable[Log], base: int) -> list[Log]:
    return [log for log in logs if log.block <= base]


def _after(logs: Iterable[Log], base: int) -> list[Log]:
    return [log for log in logs if log.block > base]


def _lock(path: Path) -> sqlite3.Connection:
    """An exclusive lock beside the database that works wherever SQLite does and ends with the process."""
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


def _journal_texts(before: Before) -> tuple[str, str | None]:
    key = orjson.dumps(before.key, default=bytes.hex).decode()
    return key, None if before.row is None else orjson.dumps(before.row, default=bytes.hex).decode()


def _from_json(kind: str, value: Any) -> Any:
    return value if kind in ("int", "text") else bytes.fromhex(value)


def _key_is(table: Table) -> str:
    return " AND ".join(f"{name} = ?" for name in table.key)


# Names come from the schema alone, never from input.
_SELECT = {t.name: f"SELECT {', '.join(t.names)} FROM {t.name} WHERE {_key_is(t)}" for t in PROJECTIONS}  # noqa: S608
_DELETE = {t.name: f"DELETE FROM {t.name} WHERE {_key_is(t)}" for t in PROJECTIONS}  # noqa: S608
_INTO = {t.name: f" INTO {t.name} ({', '.join(t.names)}) VALUES ({', '.join('?' * len(t.names))})" for t in PROJECTIONS}
_VALUES = {t.name: itemgetter(*t.names) for t in PROJECTIONS}
