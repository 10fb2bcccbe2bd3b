# SPDX-License-Identifier: Apache-2.0
"""The writer: one database, one chain, one process.

Raw events, projections, the undo journal, headers and the checkpoint (number and hash) of a range of blocks are written
in one transaction: after a crash at any instant the database is that of some block. A second writer is refused. Readers
(`indexer.api`) see the last committed block and never wait.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from indexer.database import Writer, WriterBusyError
from indexer.derive import Derived, Known, decode, keys_of, project
from indexer.fetch import Header, Log, Segment
from indexer.migrations import open_schema
from indexer.model import Model, Plan
from indexer.rows import Before, Cache, Rows
from indexer.schema import BLOCKS, CURRENCIES, DOCUMENTS, EVENTS, HEADERS, LOG_BITS, UNDO
from indexer.tables import Key, Row, Table
from indexer.webhooks import Outbox
from ipto.errors import InputError, IptoError

__all__ = ["Chain", "Checkpoint", "DivergedError", "Store", "WriterBusyError"]

_REPLAY = 20_000  # events held in memory while rebuilding
_DAY = 86_400  # seconds
_CACHED = 60_000  # rows kept from one commit to the next


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
            "chain_id": str(self.chain_id),
            "contracts": orjson.dumps(named, option=orjson.OPT_SORT_KEYS).decode(),
            "start": str(self.start),
        }


class Store:
    """The only writer of a database. Use as a context manager, or call `close`."""

    def __init__(self, db: Writer, chain: Chain, model: Model, plan: Plan, outbox: Outbox | None = None) -> None:
        """Take over an open writer and make its tables; `plan` is that of `model`; outbox: what webhooks are sent from.

        Raises InputError when the database belongs to another deployment.
        """
        self._db = db
        self._chain = chain
        self._model = model
        self._plan = plan
        self._outbox = outbox
        self._cache: Cache = {}
        self._values = {table.name: itemgetter(*table.names) for table in model.tables}
        try:
            open_schema(db, model)
            self._claim()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up the database and its lock."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def outbox(self) -> Outbox | None:
        """What webhooks are sent from."""
        return self._outbox

    @property
    def db(self) -> Writer:
        """The writer's connection, for what is kept beside the chain (`indexer.resolve`)."""
        return self._db

    # ---- state ------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint | None:
        """Where the database ends; None: it has not begun."""
        found = self._db.one("SELECT number, hash, timestamp, final FROM checkpoint")
        return Checkpoint(*found) if found else None

    def ring(self) -> list[tuple[int, bytes]]:
        """Number and hash of the blocks the database can be rewound to, newest first."""
        return [(number, found) for number, found in self._db.all("SELECT number, hash FROM headers ORDER BY 1 DESC")]

    def event_block(self, at_most: int) -> tuple[int, bytes] | None:
        """Number and hash of the newest block with events, up to a number."""
        sql = "SELECT number, hash FROM blocks WHERE number <= ? ORDER BY number DESC LIMIT 1"
        found = self._db.one(sql, (at_most,))
        return None if found is None else (found[0], found[1])

    # ---- forward ----------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Empty everything; the next follower begins anew."""
        with self._transaction():
            self._clear(after=-1)
            self._db.run("DELETE FROM headers")
            self._db.run("DELETE FROM checkpoint")

    def begin(self, header: Header) -> None:
        """Empty everything and start after `header`, the block before the first one to be read."""
        with self._transaction():
            self._clear(after=-1)
            self._db.run("DELETE FROM headers")
            self._place(header, final=-1)

    def commit(self, segment: Segment, final: int) -> int:
        """Write one segment; `final` is the chain's newest final block. Returns the number of events.

        Raises DivergedError, and writes nothing, when the segment does not follow the checkpoint.
        """
        derived, known = decode(segment.logs, self._plan)
        with self._transaction():
            at = self.checkpoint()
            if at is None or segment.first != at.number + 1 or segment.parent != at.hash:
                raise DivergedError(f"block {segment.first} does not follow the database's last block; rewind")
            rows = self._project(known, journal=segment.tight)
            self._write(derived, rows)
            if not segment.tight:
                # What is final is never undone: the database can be rewound to here and no further.
                self._db.run("DELETE FROM undo")
                self._db.run("DELETE FROM headers")
            self._db.insert(HEADERS, [header[:4] for header in segment.headers])
            self._place(segment.headers[-1], final=max(at.final, min(final, segment.last)), ring=False)
        return len(derived.events)

    def finalize(self, final: int, journal_from: int) -> None:
        """Note that blocks up to `final` are final, and forget how to undo blocks up to `journal_from`."""
        at = self.checkpoint()
        if at is None:
            return
        final, base = min(final, at.number), min(journal_from, at.number)
        oldest = self._oldest()
        if final <= at.final and (oldest is None or base <= oldest):
            return
        with self._transaction():
            self._db.run("UPDATE checkpoint SET final = ?", (max(at.final, final),))
            self._db.run("DELETE FROM undo WHERE block <= ?", (base,))
            self._db.run("DELETE FROM headers WHERE number < ?", (base,))

    def note(self, head: int, error: str = "") -> None:
        """Leave word for the API of what the follower sees: the chain's newest block, and what is wrong."""
        sql = (
            "INSERT INTO status VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET head = excluded.head, seen_at = excluded.seen_at, error = excluded.error"
        )
        self._db.run(sql, (head, int(time.time()), error))

    # ---- backward ---------------------------------------------------------------------------------------

    def rewind(self, number: int) -> None:
        """Go back to a block of the ring; everything is as it was after that block."""
        with self._transaction():
            found = self._db.one("SELECT number, hash, parent, timestamp FROM headers WHERE number = ?", (number,))
            if found is None:
                raise InputError(f"block {number} is not in the journal; rebuild instead")
            self._cache.clear()
            sql = "SELECT tbl, key, row FROM undo WHERE block > ? ORDER BY block DESC, step DESC"
            for name, key, row in self._db.all(sql, (number,)):
                self._restore(self._model.by_name[name], orjson.loads(key), None if row is None else orjson.loads(row))
            self._db.run("DELETE FROM undo WHERE block > ?", (number,))
            self._db.run("DELETE FROM headers WHERE number > ?", (number,))
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
                self._db.run("DELETE FROM headers")
                self._place(up_to)
            self._empty()
            base = self._oldest() or 0
            count = 0
            for logs in self._replay():
                for part, journal in ((_until(logs, base), False), (_after(logs, base), True)):
                    derived, known = decode(part, self._plan)
                    self._beside(derived)
                    self._flush(self._project(known, journal=journal))
                    count += len(derived.events)
            return count

    def prune(self, now: int) -> dict[str, int]:
        """Forget what nobody needs: bodies of documents that nothing names any more, and webhook messages that are done
        with. Then give back the room. Returns how many of each."""
        with self._transaction():
            documents = self._db.run(
                "UPDATE documents SET body = NULL WHERE body IS NOT NULL AND NOT EXISTS "
                "(SELECT 1 FROM works w WHERE w.metadata = documents.digest OR w.cultural = documents.digest) AND "
                "kind <> 'terms'"
            )
            messages = self._db.run(
                "DELETE FROM outbox WHERE sent_at < ? OR (next_at IS NULL AND sent_at IS NULL)", (now - _DAY,)
            )
        self._db.compact()
        return {"documents": documents, "webhook messages": messages}

    # ---- internal ---------------------------------------------------------------------------------------

    def _claim(self) -> None:
        identity = self._chain.identity()
        kept = dict(self._db.all("SELECT name, value FROM meta"))
        if not kept:
            with self._db.transaction():
                for item in identity.items():
                    self._db.run("INSERT INTO meta VALUES (?, ?)", item)
            return
        for name, value in identity.items():
            if kept.get(name) != value:
                raise InputError(
                    f"the database was made for {name} {kept.get(name)}, not {value}; "
                    "name another one in IPTO_INDEXER_DATABASE, or delete this one to index again"
                )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._db.transaction():
                yield
                at = self.checkpoint()
                if at is not None:
                    self._db.announce(at.number)
        except BaseException:
            # What was changed in memory is not what the database has.
            self._cache.clear()
            raise

    def _project(self, known: list[Known], *, journal: bool) -> Rows:
        if sum(map(len, self._cache.values())) > _CACHED:
            self._cache.clear()
        if self._db.remote:
            for table, keys in keys_of(known):
                cache = self._cache.setdefault(table.name, {})
                missing = [key for key in keys if key not in cache]
                found = self._db.load(table, missing)
                cache.update({key: found.get(key) for key in missing})
        rows = Rows(self._load, journal=journal, cache=self._cache)
        project(known, rows)
        return rows

    def _place(self, header: Header, *, final: int | None = None, ring: bool = True) -> None:
        at = self.checkpoint()
        if final is None:
            final = header.number if at is None else min(at.final, header.number)
        values = (header.number, header.hash, header.timestamp, final)
        if at is None:
            self._db.run("INSERT INTO checkpoint VALUES (1, ?, ?, ?, ?)", values)
        else:
            self._db.run("UPDATE checkpoint SET number = ?, hash = ?, timestamp = ?, final = ?", values)
        if ring:
            self._db.insert(HEADERS, [header[:4]])

    def _oldest(self) -> int | None:
        found = self._db.one("SELECT min(number) FROM headers")
        return None if found is None else found[0]

    def _clear(self, after: int) -> None:
        self._empty()
        self._drop_events(after)

    def _empty(self) -> None:
        self._cache.clear()
        for table in (*self._model.tables, UNDO):
            self._db.run(f"DELETE FROM {table.name}")  # noqa: S608  # our own names

    def _drop_events(self, after: int) -> None:
        first = (after + 1) << LOG_BITS
        if self._outbox is not None:
            self._outbox.take_back(self._db, first)
        self._db.run("DELETE FROM events WHERE seq >= ?", (first,))
        self._db.run("DELETE FROM blocks WHERE number > ?", (after,))

    def _load(self, table: Table, key: Key) -> Row | None:
        return self._db.load(table, [key]).get(key)

    def _write(self, derived: Derived, rows: Rows) -> None:
        self._db.insert(EVENTS, derived.events)
        self._db.insert(BLOCKS, derived.blocks.values())
        if self._outbox is not None and self._outbox.hooks:
            self._outbox.note(self._db, derived.events, derived.blocks)
        self._beside(derived)
        self._flush(rows)

    def _beside(self, derived: Derived) -> None:
        now = int(time.time())
        if derived.documents:
            documents = [(digest, kind, "pending", 0, now, None, None, "") for digest, kind in derived.documents]
            self._db.insert_missing(DOCUMENTS, documents)
        if derived.currencies:
            self._db.insert_missing(CURRENCIES, [(currency, None, None, 0, now) for currency in derived.currencies])

    def _flush(self, rows: Rows) -> None:
        tables = self._model.by_name
        for name, by_key in rows.new.items():
            self._db.insert(tables[name], map(self._values[name], by_key.values()))
        for name, by_key in rows.changed.items():
            self._db.update(tables[name], map(self._values[name], by_key.values()))
        steps: dict[int, int] = {}
        journal = []
        for before in rows.befores:
            step = steps[before.block] = steps.get(before.block, 0) + 1
            journal.append((before.block, step, before.table.name, *_journal_texts(before)))
        self._db.insert(UNDO, journal)

    def _restore(self, table: Table, key: list[Any], row: Row | None) -> None:
        kinds = dict(zip(table.names, table.kinds, strict=True))
        where = " AND ".join(f"{name} = ?" for name in table.key)
        values = [_from_json(kinds[name], value) for name, value in zip(table.key, key, strict=True)]
        self._db.run(f"DELETE FROM {table.name} WHERE {where}", values)  # noqa: S608  # our own names
        if row is not None:
            restored = {name: _from_json(kinds[name], value) for name, value in row.items()}
            self._db.insert(table, [self._values[table.name](restored)])

    def _replay(self) -> Iterator[list[Log]]:
        last = -1
        while True:
            found = self._db.all(
                "SELECT e.seq, b.number, b.hash, b.timestamp, e.contract, e.tx, e.topics, e.data FROM events e "
                "JOIN blocks b ON b.number = e.seq >> 20 WHERE e.seq > ? ORDER BY e.seq LIMIT ?",
                (last, _REPLAY),
            )
            if not found:
                return
            last = found[-1][0]
            yield [Log(*row) for row in found]


def _until(logs: Iterable[Log], base: int) -> list[Log]:
    return [log for log in logs if log.block <= base]


def _after(logs: Iterable[Log], base: int) -> list[Log]:
    return [log for log in logs if log.block > base]


def _journal_texts(before: Before) -> tuple[str, str | None]:
    key = orjson.dumps(before.key, default=bytes.hex).decode()
    return key, None if before.row is None else orjson.dumps(before.row, default=bytes.hex).decode()


def _from_json(kind: str, value: Any) -> Any:
    return value if value is None or kind in ("int", "text") else bytes.fromhex(value)
