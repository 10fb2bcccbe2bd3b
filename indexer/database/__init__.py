# SPDX-License-Identifier: Apache-2.0
"""The two databases behind one interface: SQLite in a file, or PostgreSQL.

    with open_writer("sqlite:////var/ipto.db", schema="ipto_1") as db: ...

SQL is written once: `?` stands for a value, `x'00ff'` for bytes, and only what both databases understand is used.
"""

from __future__ import annotations

from indexer.database.base import ReadConnection, Writer, WriterBusyError
from indexer.database.urls import POSTGRES, SQLITE, is_postgres, redacted, sqlite_path

__all__ = [
    "POSTGRES",
    "SQLITE",
    "ReadConnection",
    "Writer",
    "WriterBusyError",
    "is_postgres",
    "open_read",
    "open_writer",
    "redacted",
]


def open_writer(url: str, schema: str) -> Writer:
    """The only writer of a database. schema: of PostgreSQL, one for each chain.

    Raises WriterBusyError when another process holds it, InputError when it cannot be reached.
    """
    # Each driver is imported when it is used: SQLite needs none.
    if is_postgres(url):
        from indexer.database.postgres import PostgresWriter

        return PostgresWriter(url, schema)
    from indexer.database.sqlite import SqliteWriter

    return SqliteWriter(sqlite_path(url))


def open_read(url: str, schema: str) -> ReadConnection:
    """A connection that cannot write. Raises NotFoundError when there is no database yet."""
    if is_postgres(url):
        from indexer.database.postgres import PostgresReadConnection

        return PostgresReadConnection(url, schema)
    from indexer.database.sqlite import SqliteReadConnection

    return SqliteReadConnection(sqlite_path(url))
