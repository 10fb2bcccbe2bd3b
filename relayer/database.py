# SPDX-License-Identifier: Apache-2.0
"""What the queue asks of a database, whichever it is: atomic durable changes, and rows nobody else works on.

`relayer.sqlite` serves one process, `relayer.postgres` many. SQL is written once, with `?` for values, in what both
understand; rows are mappings from column names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from ipto.errors import IptoError

Row: TypeAlias = Mapping[str, Any]


class StorageError(IptoError, RuntimeError):
    """The database cannot be used now: full, busy, or away. A change under way may or may not have been kept."""


class ConstraintError(IptoError, RuntimeError):
    """A change that the schema forbids, such as rewriting the audit log. Nothing was kept."""


class Transaction(Protocol):
    """One atomic change under way."""

    def run(self, sql: str, *values: object) -> list[Row]:
        """Execute one statement; its rows, if it returns any."""

    def change(self, sql: str, *values: object) -> int:
        """Execute one statement; how many rows it changed."""

    def many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        """Execute one statement for each row of values; how many rows all of them changed."""


class Hold(Protocol):
    """Rows that no other worker is given until `release`."""

    @property
    def rows(self) -> list[Row]:
        """What was found."""

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Transaction]:
        """The one change of these rows; they are released after it."""

    def release(self) -> None:
        """Let others have the rows. Safe to call twice."""


class LaneLock(Protocol):
    """The right to send from an address, held until `release` or until this process or its connection is gone."""

    def is_held(self) -> bool:
        """Whether it is still ours, as far as one can know: only the epoch in a transaction is proof."""

    def release(self) -> None:
        """Let another worker have it. Safe to call twice."""


class Database(Protocol):
    """Safe to share between threads."""

    dialect: str  # sqlite, postgresql

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Transaction]:
        """One atomic change, rolled back on any exception. Not `durable`: a power cut may undo it.

        Raises StorageError, ConstraintError.
        """

    def read(self, sql: str, *values: object) -> list[Row]:
        """Rows of a query. Raises StorageError."""

    def hold(self, sql: str, *values: object, limit: int) -> Hold:
        """Up to `limit` rows of a query over `actions` (which must yield `seq`) that nobody else holds."""

    def lock_lane(self, address: str) -> LaneLock | None:
        """Become the only worker for an address; None when another one is."""

    def close(self) -> None:
        """Give connections back."""


def places(rows: Iterable[Sequence[object]]) -> tuple[str, list[object]]:
    """`VALUES (?, ?), …` and its values, for `(a, b) IN (…)`; works in both databases."""
    listed = [tuple(row) for row in rows]
    width = "(" + ", ".join("?" * len(listed[0])) + ")"
    return "VALUES " + ", ".join([width] * len(listed)), [value for row in listed for value in row]


def marks(values: Sequence[object]) -> str:
    """`?, ?, …` for `IN (…)`."""
    return ", ".join("?" * len(values))
