# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL: rows arrive by COPY, one leader by advisory lock, readers hear of each commit by NOTIFY.

The leader's lock belongs to the very session that writes. Whoever loses the session loses the lock and can write
nothing more: two leaders cannot exist, whatever the network does.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql as names_of
from psycopg.rows import dict_row, tuple_row

from indexer.database.base import ReadConnection, Values, Writer, WriterBusyError
from indexer.database.copying import Pack, packed, packer
from indexer.database.urls import redacted
from indexer.ddl import Dialect
from indexer.tables import Key, Row, Table
from ipto.errors import InputError, NotFoundError

CHANNEL = "ipto_head"
_BYTES = re.compile(r"x'([0-9a-f]*)'")
_CONNECT_SECONDS = 10
_PG_TYPES = {"int": "bigint", "text": "text"}


class PostgresWriter(Writer):
    """See Writer."""

    dialect: Dialect = "postgresql"
    remote = True

    def __init__(self, url: str, schema: str) -> None:
        self._schema = schema
        self._staged: set[str] = set()
        self._db = connect(url)
        try:
            self._lead(url)
            self._db.execute(names_of.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(names_of.Identifier(schema)))
            self._db.execute("SELECT set_config('search_path', %s, false)", (schema,))
            # After a crash the database is that of some block; which one, the chain tells. Nothing is lost by it.
            self._db.execute("SET synchronous_commit = off")
        except BaseException:
            self._db.close()
            raise

    def all(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(translate(sql), values).fetchall()

    def run(self, sql: str, values: Values = ()) -> int:
        return self._db.execute(translate(sql), values).rowcount

    def insert(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        self._copy(table, table.name, list(rows))

    def update(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        found = list(rows)
        if not found:
            return
        stage = self._stage(table)
        self._copy(table, stage, found)
        sets = ", ".join(f"{name} = s.{name}" for name in table.names if name not in table.key)
        where = " AND ".join(f"t.{name} = s.{name}" for name in table.key)
        self._execute(f"UPDATE {table.name} t SET {sets} FROM {stage} s WHERE {where}")  # noqa: S608
        self._execute(f"TRUNCATE {stage}")

    def insert_missing(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        stage = self._stage(table)
        self._copy(table, stage, rows)
        self._execute(f"INSERT INTO {table.name} SELECT * FROM {stage} ON CONFLICT DO NOTHING")  # noqa: S608
        self._execute(f"TRUNCATE {stage}")

    def load(self, table: Table, keys: Sequence[Key]) -> dict[Key, Row]:
        if not keys:
            return {}
        found: dict[Key, Row] = {}
        places = [table.names.index(name) for name in table.key]
        columns = [list(column) for column in zip(*keys, strict=True)]
        for row in self._db.execute(_load_sql(table.name, table.names, table.key, table.kinds), columns):
            found[tuple([row[place] for place in places])] = dict(zip(table.names, row, strict=True))
        return found

    def has_table(self, name: str) -> bool:
        sql = "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
        return self._db.execute(sql, (self._schema, name)).fetchone() is not None

    def begin(self) -> None:
        self._db.execute("BEGIN")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        self._staged.clear()
        with contextlib.suppress(psycopg.OperationalError):  # the session is gone, and the transaction with it
            self._db.execute("ROLLBACK")

    def announce(self, block: int) -> None:
        self._db.execute("SELECT pg_notify(%s, %s)", (CHANNEL, f"{self._schema}:{block}"))

    def compact(self) -> None:
        self._db.execute("VACUUM ANALYZE")

    def close(self) -> None:
        self._db.close()

    # ---- internal ---------------------------------------------------------------------------------------

    def _lead(self, url: str) -> None:
        key = int.from_bytes(hashlib.sha256(f"ipto-indexer:{self._schema}".encode()).digest()[:8], signed=True)
        found = self._db.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
        if not found or not found[0]:
            raise WriterBusyError(
                f"another indexer writes schema {self._schema} of {redacted(url)}; stop it, or run this one with "
                "IPTO_INDEXER_STANDBY=true to take over when it ends"
            )

    def _execute(self, sql: str) -> None:
        # Names come from the schema alone, never from input.
        self._db.execute(sql.encode())

    def _stage(self, table: Table) -> str:
        stage = f"stage_{table.name}"
        if stage not in self._staged:
            self._execute(f"CREATE TEMP TABLE IF NOT EXISTS {stage} (LIKE {table.name})")
            self._staged.add(stage)
        return stage

    def _copy(self, table: Table, into: str, rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        copy = f"COPY {into} ({', '.join(table.names)}) FROM STDIN (FORMAT BINARY)"
        with self._db.cursor() as cursor, cursor.copy(copy.encode()) as sink:
            sink.write(packed(_packer(table), rows))


class PostgresReadConnection(ReadConnection):
    """See ReadConnection."""

    def __init__(self, url: str, schema: str) -> None:
        self._db = connect(url, rows=dict_row)
        found = self._db.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (schema,))
        if found.fetchone() is None:
            self._db.close()
            raise NotFoundError(f"schema {schema} does not exist yet; start `python -m indexer run`")
        self._db.execute("SELECT set_config('search_path', %s, false)", (schema,))
        self._db.execute("SET default_transaction_read_only = on")
        self._db.execute("SET statement_timeout = '10s'")

    def begin(self) -> None:
        self._db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def end(self) -> None:
        self._db.execute("ROLLBACK")

    def all(self, sql: str, values: Values = ()) -> list[Any]:
        return self._db.execute(translate(sql), values).fetchall()

    def tuples(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        with self._db.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(translate(sql), values).fetchall()

    def each(self, sql: str) -> Iterator[Any]:
        with self._db.cursor(name="each") as cursor:
            cursor.itersize = 2_000
            yield from cursor.execute(translate(sql))

    def state(self) -> int | str:
        # Which transactions are visible: the same words, the same rows, whichever connection asks.
        (found,) = self._db.execute(b"SELECT pg_current_snapshot()::text AS seen")
        return str(found["seen"])

    def broken(self) -> bool:
        return self._db.broken or self._db.closed

    def close(self) -> None:
        self._db.close()


def connect(url: str, rows: Any = tuple_row) -> psycopg.Connection[Any]:
    """A session that commits each statement by itself. Raises InputError when the server cannot be used."""
    try:
        return psycopg.connect(url, autocommit=True, row_factory=rows, connect_timeout=_CONNECT_SECONDS)
    except psycopg.Error as error:
        said = str(error).strip().splitlines()
        raise InputError(
            f"PostgreSQL at {redacted(url)} cannot be used ({said[-1] if said else type(error).__name__}); "
            "check IPTO_INDEXER_DATABASE"
        ) from error


@functools.lru_cache(maxsize=4096)
def translate(sql: str) -> bytes:
    """Our SQL as PostgreSQL's driver wants it."""
    return _BYTES.sub(r"'\\x\1'::bytea", sql.replace("%", "%%")).replace("?", "%s").encode()


_PACKERS: dict[str, tuple[Table, Pack]] = {}


def _packer(table: Table) -> Pack:
    found = _PACKERS.get(table.name)
    if found is None or found[0] is not table:
        found = _PACKERS[table.name] = (table, packer(table))
    return found[1]


@functools.cache
def _load_sql(name: str, names: tuple[str, ...], key: tuple[str, ...], kinds: tuple[str, ...]) -> bytes:
    arrays = ", ".join(f"%s::{_PG_TYPES.get(kinds[names.index(part)], 'bytea')}[]" for part in key)
    columns = ", ".join(f"t.{column}" for column in names)
    on = " AND ".join(f"t.{part} = k.{part}" for part in key)
    return f"SELECT {columns} FROM unnest({arrays}) AS k ({', '.join(key)}) JOIN {name} t ON {on}".encode()  # noqa: S608
