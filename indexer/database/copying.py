# SPDX-License-Identifier: Apache-2.0
"""Rows in PostgreSQL's binary COPY format.

Source: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". Integers are 8 bytes (BIGINT), bytes
and UTF-8 text stand as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from indexer.tables import Table

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_SIZES = {"int": 8, "u256": 32, "blob32": 32, "blob20": 20}
_NULL = struct.pack(">i", -1)
_LENGTH = struct.Struct(">i")
_INT = struct.Struct(">iq")

Pack = Callable[[Sequence[Any]], bytes]


def packer(table: Table) -> Pack:
    """A function that packs one row of a table."""
    nullable = any(kind.endswith("?") for _, kind in table.columns)
    if not nullable and all(kind in _SIZES for kind in table.kinds):
        return _fixed(table.kinds)
    return _mixed(table.kinds)


def packed(pack: Pack, rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as COPY's data, header and trailer included."""
    return b"".join([HEADER, *map(pack, rows), TRAILER])


def _fixed(kinds: Sequence[str]) -> Pack:
    """All columns have one size: a single call of struct packs a row."""
    layout = struct.Struct(">h" + "".join("i" + ("q" if kind == "int" else f"{_SIZES[kind]}s") for kind in kinds))
    count = len(kinds)
    sizes = [_SIZES[kind] for kind in kinds]

    def pack(row: Sequence[Any]) -> bytes:
        flat: list[Any] = [count] + [None] * (2 * count)
        flat[1::2] = sizes
        flat[2::2] = row
        return layout.pack(*flat)

    return pack


def _mixed(kinds: Sequence[str]) -> Pack:
    start = struct.pack(">h", len(kinds))
    ints = [kind == "int" for kind in kinds]
    texts = [kind == "text" for kind in kinds]

    def pack(row: Sequence[Any]) -> bytes:
        parts = [start]
        for value, is_int, is_text in zip(row, ints, texts, strict=True):
            if value is None:
                parts.append(_NULL)
            elif is_int:
                parts.append(_INT.pack(8, value))
            else:
                data = value.encode() if is_text else value
                parts += (_LENGTH.pack(len(data)), data)
        return b"".join(parts)

    return pack
