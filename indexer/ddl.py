# SPDX-License-Identifier: Apache-2.0
"""The tables as SQL, for both databases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from indexer.tables import ZERO20, Table

Dialect = Literal["sqlite", "postgresql"]
DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")

_TYPES: dict[str, dict[str, str]] = {
    "sqlite": {"int": "INTEGER", "text": "TEXT"},
    "postgresql": {"int": "BIGINT", "text": "TEXT"},
}
_BYTES = {"sqlite": "BLOB", "postgresql": "BYTEA"}
_ZEROS = ZERO20.hex()
_CONDITIONS: dict[str, dict[str, str]] = {
    "?": {"sqlite": "IS NOT NULL", "postgresql": "IS NOT NULL"},
    "!": {"sqlite": f"<> x'{_ZEROS}'", "postgresql": f"<> '\\x{_ZEROS}'::bytea"},
}


def statements(dialect: Dialect, tables: Iterable[Table]) -> list[str]:
    """What makes empty tables and their indexes."""
    made: list[str] = []
    for table in tables:
        made += _create(dialect, table)
    return made


def _create(dialect: Dialect, table: Table) -> list[str]:
    sqlite = dialect == "sqlite"
    key = ", ".join(table.key)
    columns = [f"{name} {_type(dialect, kind)}" for name, kind in table.columns]
    if table.by_seq:
        columns = [f"seq {_TYPES[dialect]['int']} PRIMARY KEY" if c.startswith("seq ") else c for c in columns]
    elif sqlite and len(table.key) == 1 and table.kinds[table.names.index(key)] == "int":
        # SQLite keeps such a table in the order of its only key by itself.
        columns = [f"{key} INTEGER PRIMARY KEY" if c.startswith(f"{key} ") else c for c in columns]
    else:
        columns.append(f"PRIMARY KEY ({key})")
    tail = " WITHOUT ROWID" if sqlite and not any("INTEGER PRIMARY KEY" in c for c in columns) else ""
    made = [f"CREATE TABLE {table.name} ({', '.join(columns)}){tail}"]
    if table.by_seq:
        made.append(f"CREATE UNIQUE INDEX {table.name}_key ON {table.name} ({key})")
    taken: set[str] = set()
    for index in table.indexes:
        parts = [part for part in index if part[0] not in _CONDITIONS]
        where = "".join(f" WHERE {part[1:]} {_CONDITIONS[part[0]][dialect]}" for part in index if part not in parts)
        # The second index that begins with a column has the next one in its name.
        name = f"{table.name}_{parts[0]}"
        if name in taken:
            name = f"{name}_{parts[1]}"
        taken.add(name)
        made.append(f"CREATE INDEX {name} ON {table.name} ({', '.join(parts)}){where}")
    return made


def _type(dialect: Dialect, kind: str) -> str:
    bare = kind.rstrip("?")
    return _TYPES[dialect].get(bare, _BYTES[dialect]) + ("" if kind.endswith("?") else " NOT NULL")
