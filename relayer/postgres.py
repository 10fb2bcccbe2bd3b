# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL for many relayers on one queue: rows are claimed with SKIP LOCKED, lanes with session advisory locks.

A claim is an open transaction and a lane is a session: whatever dies, process, machine or network, the server lets go
of both. Connections are made again after the server was away.
"""

from __future__ import annotations

import functools
import hashlib
import re
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.rows import dict_row

from relayer.database import ConstraintError, Row, StorageError

# A claim is held while the node simulates, never longer; a worker that hangs must not keep its rows for ever.
_OPTIONS = (
    "-c synchronous_commit=on -c statement_timeout=30000 -c lock_timeout=20000"
    " -c idle_in_transaction_session_timeout=60000"
)
_CONNECT_SECONDS = 5
_LANE_LOCKS = 0x4950544F  # "IPTO": the first of the two numbers of a lane's advisory lock

Connection = psycopg.Connection[dict[str, Any]]


# As many values as one statement may have, with room to spare (the protocol counts them in 16 bits).
_MOST_VALUES = 20_000
_ONE_ROW = re.compile(r"VALUES (\((?:[^()]|\([^()]*\))*\))(?= ON CONFLICT|$)")


@functools.lru_cache(maxsize=512)
def _sql(text: str) -> str:
    return text.replace("%", "%%").replace("?", "%s")


@functools.lru_cache(maxsize=512)
def _of_rows(text: str, rows: int) -> str:
    """An INSERT of one row as one of many; "" for another statement."""
    found = _ONE_ROW.search(text)
    if found is None or not text.startswith("INSERT "):
        return ""
    return _sql(text[: found.start(1)] + ", ".join([found[1]] * rows) + text[found.end(1) :])


class _Transaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _execute(self, sql: str, values: Sequence[object]) -> psycopg.Cursor[dict[str, Any]]:
        return self._connection.execute(_sql(sql), values)

    def run(self, sql: str, *values: object) -> list[Row]:
        cursor = self._execute(sql, values)
        return list(cursor.fetchall()) if cursor.description else []

    def change(self, sql: str, *values: object) -> int:
        return self._execute(sql, values).rowcount

    def many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        if not rows:
            return 0
        if not _of_rows(sql, 1):
            cursor = self._connection.cursor()
            cursor.executemany(_sql(sql), rows)
            return cursor.rowcount
        # One statement instead of one for each row: that is where much of the time went.
        changed, step = 0, _MOST_VALUES // len(rows[0])
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            values = [value for row in part for value in row]
            changed += self._connection.execute(_of_rows(sql, len(part)), values).rowcount
        return changed


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except psycopg.IntegrityError as error:
        raise ConstraintError(str(error).splitlines()[0]) from error
    except psycopg.Error as error:
        raise StorageError(str(error).splitlines()[0] if str(error) else type(error).__name__) from error


class PostgresHold:
    """Rows locked by an open transaction of a connection of their own."""

    def __init__(self, database: PostgresDatabase, connection: Connection, rows: list[Row]) -> None:
        self._database, self._connection, self.rows = database, connection, rows
        self._open = True

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[_Transaction]:
        with _errors():
            try:
                if not durable:
                    self._connection.execute("SET LOCAL synchronous_commit = off")
                yield _Transaction(self._connection)
                self._connection.execute("COMMIT")
            finally:
                self.release()

    def release(self) -> None:
        if self._open:
            self._open = False
            self._database.give_back(self._connection)


class PostgresLaneLock:
    """A session advisory lock on a connection of its own: gone with the session, however that ends."""

    def __init__(self, database: PostgresDatabase, connection: Connection) -> None:
        self._database, self._connection = database, connection
        self._open = True

    def is_held(self) -> bool:
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def release(self) -> None:
        if self._open:
            self._open = False
            # Closing the session frees the lock even where the connection is past asking.
            with suppress(psycopg.Error):
                self._connection.close()


class PostgresDatabase:
    """A few connections, opened when they are needed."""

    dialect = "postgresql"

    def __init__(self, url: str, *, connections: int = 8) -> None:
        """url: `postgresql://…`; it may hold a password and is never logged. connections: beside those of lanes."""
        self._url = url
        # A deque's ends are safe among threads: there is no lock that somebody interrupted could keep.
        self._idle: deque[Connection] = deque()
        self._turns = threading.BoundedSemaphore(connections)

    def _connect(self) -> Connection:
        with _errors():
            return psycopg.connect(
                self._url,
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=_CONNECT_SECONDS,
                options=_OPTIONS,
                application_name="ipto-relayer",
            )

    def _kept(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _take(self) -> Connection:
        if not self._turns.acquire(timeout=20):
            raise StorageError("all connections to the database are in use")
        try:
            return self._kept() or self._connect()
        except BaseException:
            self._turns.release()
            raise

    def _begin(self) -> Connection:
        """A connection with an open transaction; made again when the server closed it while it was idle."""
        connection = self._take()
        try:
            connection.execute("BEGIN")
        except psycopg.Error:
            self.give_back(connection)
            connection = self._take()
            try:
                with _errors():
                    connection.execute("BEGIN")
            except BaseException:
                self.give_back(connection)
                raise
        return connection

    def give_back(self, connection: Connection) -> None:
        """Roll back what is open and keep the connection for the next one, unless it is broken."""
        try:
            if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
        if connection.closed:
            # The others are of the same server: better made again than found broken one by one.
            self.close()
        else:
            self._idle.append(connection)
        self._turns.release()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[_Transaction]:
        connection = self._begin()
        with _errors():
            try:
                if not durable:
                    connection.execute("SET LOCAL synchronous_commit = off")
                yield _Transaction(connection)
                connection.execute("COMMIT")
            finally:
                self.give_back(connection)

    def script(self, sql: str) -> None:
        """Several statements in one transaction, by one process at a time."""
        with self.transaction() as change:
            change.run(f"SELECT pg_advisory_xact_lock({_LANE_LOCKS})")
            change._connection.execute(sql)  # without values: several statements

    def read(self, sql: str, *values: object) -> list[Row]:
        for last in (False, True):
            connection = self._take()
            try:
                with _errors():
                    return _Transaction(connection).run(sql, *values)
            except StorageError:
                if last or not connection.closed:
                    raise
            finally:
                self.give_back(connection)
        raise AssertionError("unreachable")

    def hold(self, sql: str, *values: object, limit: int) -> PostgresHold:
        connection = self._begin()
        try:
            with _errors():
                # Not FOR UPDATE: whoever only names a held row in a foreign key, such as an idempotency key sent again,
                # does not wait for it.
                locked = f"{sql} LIMIT ? FOR NO KEY UPDATE OF a SKIP LOCKED"
                found = _Transaction(connection).run(locked, *values, limit)
        except BaseException:
            self.give_back(connection)
            raise
        return PostgresHold(self, connection, found)

    def lock_lane(self, address: str) -> PostgresLaneLock | None:
        number = int.from_bytes(hashlib.sha256(address.encode()).digest()[:4], "big", signed=True)
        connection = self._connect()
        with _errors():
            row = connection.execute("SELECT pg_try_advisory_lock(%s, %s) AS ours", (_LANE_LOCKS, number)).fetchone()
        if row is None or not row["ours"]:
            connection.close()
            return None
        return PostgresLaneLock(self, connection)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while connection := self._kept():
            connection.close()
