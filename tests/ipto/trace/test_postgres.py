# SPDX-License-Identifier: Apache-2.0
"""Scenes in a real PostgreSQL with pgvector are found as they are in this process, and written once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psycopg
import pytest

from ipto.errors import IptoError
from ipto.trace.index import ExactIndex, Hit
from ipto.trace.postgres import PostgresIndex
from ipto.trace.score import Rows
from tests.support import pgvector
from tests.support import postgres as servers
from tests.support.needs import lacking
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    binaries = pgvector.install()
    if binaries is None:
        # It is built or fetched from Debian's packages, which not every system has.
        lacking("no PostgreSQL with pgvector can be had here")
    running = PostgresServer(binaries=binaries).start()
    yield running
    running.stop()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    made = server.new_database()
    yield made
    server.drop(made)


def rows(count: int, seed: int) -> Rows:
    """Sketches with the spectrum of pictures: low frequencies strongest."""
    made = np.random.default_rng(seed).normal(size=(count, 256)) / np.sqrt(1 + np.arange(256))
    made[:, 0] = 0
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def asked() -> Rows:
    """Twelve of the rows, disturbed."""
    known = np.concatenate([rows(3000, 1)[:6], rows(500, 2)[:6]])
    made = known + 0.3 * rows(12, 3)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def best(hits: list[Hit]) -> list[tuple[int, int]]:
    strongest: dict[int, Hit] = {}
    for hit in sorted(hits, key=lambda hit: hit.t):
        strongest[hit.query] = hit
    return sorted((query, hit.row) for query, hit in strongest.items())


def test_it_finds_what_a_comparison_with_every_row_finds(url: str) -> None:
    exact = ExactIndex()
    with PostgresIndex(url) as index:
        for part in (rows(3000, 1), rows(500, 2)):
            index.add(part)
            exact.add(part)
        expected = best(exact.search(asked(), 4.5))
        assert [row for _, row in expected] == [*range(6), *range(3000, 3006)]
        assert best(index.search(asked(), 4.5)) == expected
        index.train()
        assert best(index.search(asked(), 4.5)) == expected
        assert len(index) == 3500
        plan = "\n".join(row[0] for row in _explain(url))
        assert "trace_codes" in plan  # the index is used, not a walk through the table


def _explain(url: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        connection.execute("SET enable_seqscan = off")
        query = (
            "EXPLAIN SELECT row FROM trace_rows ORDER BY code <~> (SELECT code FROM trace_rows WHERE row = 7) LIMIT 9"
        )
        return connection.execute(query).fetchall()


def test_a_second_start_writes_nothing_and_a_changed_catalog_only_what_follows(url: str) -> None:
    def start(*parts: Rows) -> list[int]:
        with PostgresIndex(url) as index:
            for part in parts:
                index.add(part)
            index.train()
        with psycopg.connect(url) as connection:
            return [row[0] for row in connection.execute("SELECT xmin::text::bigint FROM trace_rows ORDER BY row")]

    first = start(rows(20, 1), rows(20, 2), rows(20, 4))
    assert start(rows(20, 1), rows(20, 2), rows(20, 4)) == first
    changed = start(rows(20, 1), rows(20, 5), rows(20, 4))
    assert changed[:20] == first[:20]
    assert set(changed[20:]).isdisjoint(first)
    assert len(start(rows(20, 1))) == 20
    with PostgresIndex(url) as index:
        index.add(rows(20, 1))
        assert index.search(rows(20, 9), 4.5) == []
        assert index.search(rows(0, 9), 4.5) == []


def test_a_batch_of_another_size_is_another_batch(url: str) -> None:
    with PostgresIndex(url) as index:
        index.add(rows(20, 1))
        index.add(rows(20, 2))
    with PostgresIndex(url) as index:
        index.add(rows(30, 6))
        index.add(rows(20, 2))
        index.train()
        assert best(index.search(rows(30, 6)[29:], 4.5)) == [(0, 29)]
        assert best(index.search(rows(20, 2)[:1], 4.5)) == [(0, 30)]


def test_a_database_without_pgvector_is_named() -> None:
    if not servers.available():
        lacking("PostgreSQL is not installed")
    plain = PostgresServer().start()
    try:
        with pytest.raises(IptoError, match=r"no usable pgvector, 0\.7 or newer"):
            PostgresIndex(plain.new_database())
    finally:
        plain.stop()
