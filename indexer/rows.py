# SPDX-License-Identifier: Apache-2.0
"""Row changes, and the rows they are applied to before anything is written.

Projections say what changes; `Rows` holds the affected rows in memory, so that a block with a thousand events on one
balance reads it once and writes it once, and remembers what each row was before the block, for the undo journal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from indexer.tables import Key, Row, Table
from ipto.errors import IntegrityError


class Put(NamedTuple):
    """A row with a key that was never used before; columns not named are zero."""

    table: Table
    row: Row


class Set(NamedTuple):
    """New values for some columns; the row is made when it is not there."""

    table: Table
    key: Key
    values: Row


class Add(NamedTuple):
    """Numbers to add to some columns (`int` or `u256`); the row is made when it is not there."""

    table: Table
    key: Key
    values: dict[str, int]


Change = Put | Set | Add
_MAX_U256 = 2**256 - 1
Read = Callable[[Table, Key], Row | None]


class Before(NamedTuple):
    """What a row was before a block touched it; None: it was not there."""

    block: int
    table: Table
    key: Key
    row: Row | None


Cache = dict[str, dict[Key, Row | None]]


class Rows:
    """The rows touched by the events of one commit.

    `load` reads a row from the database. With `journal`, the state of each row before each block is kept. `cache`:
    rows as the database has them, by table name; kept up to date, so that it can be handed on once all is committed.
    """

    def __init__(self, load: Read, *, journal: bool, cache: Cache | None = None) -> None:
        self._load = load
        self._journal = journal
        self._cache: Cache = {} if cache is None else cache
        self._touched: set[tuple[str, Key]] = set()
        self._block = -1
        self.befores: list[Before] = []
        # By table name: rows that are new, and rows that were there and changed.
        self.new: dict[str, dict[Key, Row]] = {}
        self.changed: dict[str, dict[Key, Row]] = {}

    def read(self, table: Table, key: Key) -> Row | None:
        """The row as it is now. Not to be changed by the caller."""
        cache = self._cache.get(table.name)
        if cache is None:
            cache = self._cache[table.name] = {}
        if key not in cache:
            cache[key] = self._load(table, key)
        return cache[key]

    def apply(self, block: int, seq: int, change: Change) -> None:
        """Apply one change made by the event `seq` in `block`. Blocks come in order.

        Raises IntegrityError when a sum would fall below zero: then events are missing.
        """
        if block != self._block:
            self._block = block
            self._touched.clear()
        table = change.table
        name = table.name
        if isinstance(change, Put):
            row = change.row if len(change.row) == len(table.names) else {**table.zeros, **change.row}
            key = tuple([row[part] for part in table.key])
            if self._journal:
                self._remember(table, key, None)
            if table.stamped:
                self._cache.setdefault(name, {})[key] = row
                self._stamp(row, seq)
            # Without a stamp it is a line of a journal, that nobody reads again here.
            self.new.setdefault(name, {})[key] = row
            return
        key = change.key
        old = self.read(table, key)
        if self._journal:
            self._remember(table, key, old)
        if old is None:
            row = table.blank()
            row.update(zip(table.key, key, strict=True))
            self._cache[name][key] = row
            self.new.setdefault(name, {})[key] = row
        else:
            row = old
            if key not in self.new.get(name, ()):
                self.changed.setdefault(name, {})[key] = row
        if isinstance(change, Set):
            row.update(change.values)
        else:
            _add(table, row, change.values)
        if table.stamped:
            self._stamp(row, seq)

    def _remember(self, table: Table, key: Key, row: Row | None) -> None:
        if (table.name, key) not in self._touched:
            self._touched.add((table.name, key))
            self.befores.append(Before(self._block, table, key, None if row is None else dict(row)))

    @staticmethod
    def _stamp(row: Row, seq: int) -> None:
        row["changed"] = seq
        # A row's place is that of its first event, which is never number zero of block zero.
        row["seq"] = row["seq"] or seq


def _add(table: Table, row: Row, values: dict[str, int]) -> None:
    for name, amount in values.items():
        held = row[name]
        try:
            if isinstance(held, bytes):
                # Sums over a lifetime can be driven past 256 bits with a worthless token; they stop there. A balance
                # cannot: the vault itself would refuse.
                row[name] = min(int.from_bytes(held) + amount, _MAX_U256).to_bytes(32)
            else:
                row[name] = held + amount
        except OverflowError:
            raise IntegrityError(
                f"{table.name}.{name} would fall below zero at {[_text(part) for part in row.values()][:2]}: "
                "events are missing; run `python -m indexer rebuild --from-chain`"
            ) from None


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
