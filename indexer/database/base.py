# SPDX-License-Identifier: Apache-2.0
"""What a database can do for the writer and for readers."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from indexer.ddl import Dialect
from indexer.tables import Key, Row, Table
from ipto.errors import IptoError

Values = Sequence[Any]
Record = Mapping[str, Any]


class WriterBusyError(IptoError, RuntimeError):
    """Another process writes this database."""


class Writer(abc.ABC):
    """The connection of the only process that writes. Used from one thread at a time."""

    dialect: Dialect
    # Whether a question costs a round trip, so that it pays to ask many at once.
    remote: bool

    @abc.abstractmethod
    def all(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""

    def one(self, sql: str, values: Values = ()) -> tuple[Any, ...] | None:
        """The first row of a query."""
        found = self.all(sql, values)
        return found[0] if found else None

    @abc.abstractmethod
    def run(self, sql: str, values: Values = ()) -> int:
        """A statement without result; the number of rows it touched."""

    @abc.abstractmethod
    def insert(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """New rows, each in the order of the table's columns."""

    @abc.abstractmethod
    def update(self, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        """Rows that are there already, whole."""

    @abc.abstractmethod
    def insert_missing(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """New rows; those whose key is there already stay as they are."""

    @abc.abstractmethod
    def load(self, table: Table, keys: Sequence[Key]) -> dict[Key, Row]:
        """The rows with these keys that are there."""

    @abc.abstractmethod
    def has_table(self, name: str) -> bool:
        """Whether a table exists."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Start a transaction."""

    @abc.abstractmethod
    def commit(self) -> None:
        """End it, durably enough for this database to be of some block afterwards."""

    @abc.abstractmethod
    def rollback(self) -> None:
        """Undo it."""

    @abc.abstractmethod
    def announce(self, block: int) -> None:
        """Tell readers that the database now ends with this block; inside the transaction that makes it so."""

    @abc.abstractmethod
    def compact(self) -> None:
        """Give back the room of deleted rows; outside a transaction."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """For as long as another session migrates: nothing is open that could be in its way, the lock is kept."""
        yield

    @abc.abstractmethod
    def close(self) -> None:
        """Give up the database and its lock."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.begin()
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ReadConnection(abc.ABC):
    """A connection that cannot write. Used by one request at a time."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Start looking at one state of the database."""

    @abc.abstractmethod
    def end(self) -> None:
        """Stop looking at it."""

    @abc.abstractmethod
    def all(self, sql: str, values: Values = ()) -> list[Any]:
        """All rows, as mappings by column name."""

    @abc.abstractmethod
    def tuples(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """All rows, as tuples in the order of the columns."""

    def one(self, sql: str, values: Values = ()) -> Any:
        """The first row, or None."""
        found = self.all(sql, values)
        return found[0] if found else None

    @abc.abstractmethod
    def each(self, sql: str) -> Iterator[Any]:
        """All rows of a query of any size, one after another; between `begin` and `end`."""

    @abc.abstractmethod
    def state(self) -> int | str:
        """A word for what the database holds; another one after any commit. Outside of `begin` and `end`."""

    @abc.abstractmethod
    def broken(self) -> bool:
        """Whether the connection is of no use any more."""

    @abc.abstractmethod
    def close(self) -> None:
        """Give it back."""
