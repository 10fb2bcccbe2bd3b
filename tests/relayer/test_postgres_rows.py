# SPDX-License-Identifier: Apache-2.0
"""Many rows go into PostgreSQL in one statement, and other statements as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relayer.database import ConstraintError
from relayer.postgres import _MOST_VALUES, PostgresDatabase, _of_rows
from tests.support.postgres import PostgresServer


@pytest.mark.parametrize(
    ("sql", "as_two"),
    [
        ("INSERT INTO a VALUES (?, ?)", "INSERT INTO a VALUES (%s, %s), (%s, %s)"),
        ("INSERT INTO a (b) VALUES (?) ON CONFLICT DO NOTHING",
         "INSERT INTO a (b) VALUES (%s), (%s) ON CONFLICT DO NOTHING"),
        ("INSERT INTO a VALUES (lower(?), 'x')", "INSERT INTO a VALUES (lower(%s), 'x'), (lower(%s), 'x')"),
        ("INSERT INTO a SELECT ?", ""),
        ("UPDATE a SET b = ? WHERE (c, d) IN (VALUES (?, ?))", ""),
        ("DELETE FROM a WHERE b = ?", ""),
    ],
)  # fmt: skip
def test_statements(sql: str, as_two: str) -> None:
    assert _of_rows(sql, 2) == as_two


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[PostgresDatabase]:
    url = postgres.new_database()
    database = PostgresDatabase(url, connections=1)
    with database.transaction() as change:
        change.run("CREATE TABLE pairs (a BIGINT PRIMARY KEY, b TEXT)")
    yield database
    database.close()
    postgres.drop(url)


def test_more_rows_than_one_statement_holds(database: PostgresDatabase) -> None:
    rows = [(number, f"row {number}") for number in range(_MOST_VALUES)]
    with database.transaction() as change:
        assert change.many("INSERT INTO pairs VALUES (?, ?)", rows) == len(rows)
        assert change.many("UPDATE pairs SET b = ? WHERE a = ?", [("x", 1), ("y", -1)]) == 1
        assert change.many("INSERT INTO pairs VALUES (?, ?)", []) == 0
    assert database.read("SELECT count(*) AS n FROM pairs")[0]["n"] == len(rows)


def test_one_row_too_many_undoes_all(database: PostgresDatabase) -> None:
    with pytest.raises(ConstraintError), database.transaction() as change:
        change.many("INSERT INTO pairs VALUES (?, ?)", [(1, "a"), (2, "b"), (1, "c")])
    assert database.read("SELECT count(*) AS n FROM pairs")[0]["n"] == 0
