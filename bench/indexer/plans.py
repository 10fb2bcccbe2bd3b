# SPDX-License-Identifier: Apache-2.0
"""How a database means to answer what the API asks: every statement of the hot operations, with its query plan.

A statement is at fault when it walks through a whole table that grows with the protocol, or sorts more than what a page
shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from indexer.api import analytics, balances, catalog, datasets, disputes, events, money, search, usage
from indexer.api.context import Context
from indexer.api.heads import Heads
from indexer.api.reader import Reader, Snapshot
from indexer.database import ReadConnection
from indexer.database.base import Values
from indexer.service import schema_of
from indexer.settings import Settings
from ipto.deployment import Deployment
from ipto.errors import NotFoundError

# Tables that stay small whatever is registered and sold: settings, tokens, heads of the chain.
SMALL = frozenset(("checkpoint", "status", "protocol", "currencies", "meta", "turnover", "headers"))


@dataclass(frozen=True)
class Asked:
    """A statement that was sent to the database."""

    sql: str
    values: tuple[Any, ...]


class _Recorder(ReadConnection):
    """Notes what is asked."""

    def __init__(self, db: ReadConnection, asked: list[Asked]) -> None:
        self._db, self._asked = db, asked

    def begin(self) -> None:
        self._db.begin()

    def end(self) -> None:
        self._db.end()

    def all(self, sql: str, values: Values = ()) -> list[Any]:
        self._asked.append(Asked(sql, tuple(values)))
        return self._db.all(sql, values)

    def tuples(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        self._asked.append(Asked(sql, tuple(values)))
        return self._db.tuples(sql, values)

    def one(self, sql: str, values: Values = ()) -> Any:
        self._asked.append(Asked(sql, tuple(values)))
        return self._db.one(sql, values)

    def each(self, sql: str) -> Iterator[Any]:
        yield from self._db.each(sql)

    def state(self) -> int | str:
        return self._db.state()

    def broken(self) -> bool:
        return self._db.broken()

    def close(self) -> None:
        self._db.close()


class _RecordingReader(Reader):
    def __init__(self, url: str, schema: str) -> None:
        super().__init__(url, schema)
        self.asked: list[Asked] = []

    def _open(self) -> ReadConnection:
        return _Recorder(super()._open(), self.asked)


class Planner:
    """Asks operations and looks at the plans of what they ask."""

    def __init__(self, settings: Settings, deployment: Deployment) -> None:
        self.url = settings.api_database
        self._reader = _RecordingReader(settings.api_database, schema_of(deployment))
        context = Context(settings, deployment, self._reader, Heads(self._reader, settings.api_database))
        parts = (catalog.works, catalog.offers, catalog.licenses, datasets.router, usage.router, disputes.router)
        for part in (*parts, money.router, balances.router, search.router, analytics.router, events.router):
            part(context)
        self._table = context.table

    def close(self) -> None:
        """Give the connection back."""
        self._reader.close()

    @property
    def remote(self) -> bool:
        """Whether it is a server's."""
        return self._reader.remote

    def asked(self, path: str, query: str = "") -> list[Asked]:
        """The statements of one GET."""
        found = self._table.find(path)
        if found is None:
            raise NotFoundError(f"no operation answers {path}")
        self._reader.asked.clear()
        found[0].ask(found[1], query.encode())
        return list(dict.fromkeys(self._reader.asked))

    def faults(self, path: str, query: str = "", *, force: bool = False) -> list[str]:
        """What is wrong with the plans of one GET. force: of a small database on PostgreSQL, whose planner would rather
        read a small table than its index: forbid that, and see whether an index can be used at all."""
        found = []
        for asked in self.asked(path, query):
            with self._reader.snapshot() as snapshot:
                if self._reader.remote:
                    lines = _postgres_faults(snapshot, asked, force=force)
                else:
                    lines = _sqlite_faults(snapshot, asked)
            found += [f"{path}?{query}: {line}\n    {asked.sql}" for line in lines]
        return found


def _asked_for(sql: str) -> set[str]:
    """Columns of which one value is wanted: each list's first condition, which has to come from an index."""
    return set(re.findall(r"WHERE o\.(\w+) = \?", sql))


def _sqlite_faults(snapshot: Snapshot, asked: Asked) -> list[str]:
    # https://www.sqlite.org/eqp.html; an alias stands where the table has one.
    names = dict(re.findall(r"(?:FROM|JOIN) (\w+) (\w)\b", asked.sql))
    small = SMALL | {alias for table, alias in names.items() if table in SMALL}
    lines = [row["detail"] for row in snapshot.all("EXPLAIN QUERY PLAN " + asked.sql, asked.values)]
    # What an inner query with a limit gives may be walked through.
    inner = {match[1] for match in (re.search(r"^(?:CO-ROUTINE|MATERIALIZE) (\w+)", line) for line in lines) if match}
    faults = []
    for line in lines:
        walked = re.match(r"^SCAN (\w+)", line)
        if walked and walked[1] not in small | inner and " VIRTUAL TABLE " not in line:
            faults.append(line)
    searched = [line for line in lines if line.startswith("SEARCH")]
    faults += [f"no index for {name}" for name in _asked_for(asked.sql) if not any(f"{name}=?" in s for s in searched)]
    return faults


def _postgres_faults(snapshot: Snapshot, asked: Asked, *, force: bool) -> list[str]:
    # https://www.postgresql.org/docs/current/using-explain.html
    if force:
        snapshot.all("SELECT set_config('enable_seqscan', 'off', true)")
    (row,) = snapshot.all("EXPLAIN (FORMAT JSON) " + asked.sql, asked.values)
    faults: list[str] = []
    conditions: list[str] = []

    def look(node: dict[str, Any]) -> None:
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in SMALL:
            faults.append(f"Seq Scan on {node['Relation Name']}")
        conditions.append(node.get("Index Cond", ""))
        for child in node.get("Plans", ()):
            look(child)

    look(row["QUERY PLAN"][0]["Plan"])
    faults += [f"no index for {name}" for name in _asked_for(asked.sql) if not any(name in c for c in conditions)]
    return faults
