# SPDX-License-Identifier: Apache-2.0
"""What a table is: declared once, read by the writer, the undo journal, both databases, the API and the tests.

Column types: `int` fits 63 bits; `u256` is a 256-bit unsigned number as 32 big-endian bytes, whose byte order is the
numeric order, in both databases; `blob20` is an address, `blob32` a digest or an account; `blob` any bytes; `text` is
text. A type with `?` may be NULL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ZERO20 = bytes(20)
ZERO32 = bytes(32)

Row = dict[str, Any]
Key = tuple[Any, ...]

_DEFAULTS: dict[str, Any] = {"int": 0, "u256": ZERO32, "blob32": ZERO32, "blob20": ZERO20, "blob": b"", "text": ""}


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns as (name, type), the columns of its key, and its further indexes.

    An index is its columns, with a last element `?column` when it leaves out rows where that column is NULL, or
    `!column` when it leaves out rows where that column, a `blob20`, is zero: queries that are to use it say so too.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    # A table of objects keeps its rows in the order of `seq`; others in that of their key.
    by_seq: bool = False

    # Derived, once: they are used for every row.
    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    zeros: Row = field(default_factory=dict)
    stamped: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(name for name, _ in self.columns))
        object.__setattr__(self, "kinds", tuple(kind.rstrip("?") for _, kind in self.columns))
        zeros = {name: None if kind.endswith("?") else _DEFAULTS[kind] for name, kind in self.columns}
        object.__setattr__(self, "zeros", zeros)
        object.__setattr__(self, "stamped", "changed" in self.names)

    def blank(self) -> Row:
        """A row of zeros: what an object is before anything was said of it."""
        return self.zeros.copy()


def table(name: str, columns: str, key: str, *indexes: str, by_seq: bool = False, stamps: bool = True) -> Table:
    """Declare a table. `columns` is `name:type …`; objects get `seq` and `changed` besides."""
    pairs = [tuple(word.split(":")) for word in columns.split()]
    if stamps:
        pairs += [("seq", "int"), ("changed", "int")]
    return Table(
        name, tuple((a, b) for a, b in pairs), tuple(key.split()), tuple(tuple(i.split()) for i in indexes), by_seq
    )
