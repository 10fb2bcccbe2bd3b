# SPDX-License-Identifier: Apache-2.0
"""Scenes in PostgreSQL with pgvector (0.7 or newer): codes as `bit(256)` under an HNSW index, sketches beside them.

A catalog is built from the chain at each start; what the database holds already is recognised by its digest and not
written again, so that a start costs a comparison. One writer at a time.
"""

from __future__ import annotations

import hashlib
from types import TracebackType
from typing import Any, Self

import numpy as np
import psycopg
from numpy.typing import NDArray

from ipto.errors import IptoError
from ipto.media import sketch
from ipto.trace.index import QUANTUM, Hit, hits, quantised
from ipto.trace.score import Rows, settled, statistic_pairs

_SCHEMA = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS trace_batches (first bigint PRIMARY KEY, size bigint NOT NULL, digest bytea NOT NULL);
CREATE TABLE IF NOT EXISTS trace_rows (row bigint PRIMARY KEY, code bit(256) NOT NULL, sketch bytea NOT NULL);
"""
_INDEX = "CREATE INDEX IF NOT EXISTS trace_codes ON trace_rows USING hnsw (code bit_hamming_ops)"
# Each query's nearest codes; the operator counts differing bits.
_NEAREST = """
SELECT q.number, n.row, n.sketch FROM unnest(%s::int[], %s::text[]) AS q (number, code)
CROSS JOIN LATERAL (SELECT row, sketch FROM trace_rows ORDER BY code <~> q.code::bit(256) LIMIT %s) AS n
"""


class PostgresIndex:
    """A SceneIndex in a database. Finds candidates by their codes, then compares exactly."""

    def __init__(self, url: str, *, candidates: int = 48) -> None:
        """url: of a database of its own. Raises IptoError where pgvector is missing or too old."""
        self._connection = psycopg.connect(url, autocommit=True)
        self._candidates, self._size = candidates, 0
        try:
            self._connection.execute("SET client_min_messages = warning")
            self._connection.execute(_SCHEMA)
            # An index gives no more than it visits.
            self._connection.execute(f"SET hnsw.ef_search = {2 * candidates}")
        except psycopg.Error as error:
            self._connection.close()
            raise IptoError(
                f"the database has no usable pgvector, 0.7 or newer ({str(error).strip()[:200]})"
            ) from error

    def add(self, rows: Rows) -> None:
        """See SceneIndex."""
        first, values = self._size, quantised(rows)
        codes = sketch.codes(rows)
        digest = hashlib.sha256(codes.tobytes() + values.tobytes()).digest()
        self._size += len(rows)
        found = self._connection.execute("SELECT size, digest FROM trace_batches WHERE first = %s", [first]).fetchone()
        if found == (len(rows), digest):
            return
        with self._connection.transaction():
            self._connection.execute("DELETE FROM trace_batches WHERE first + size > %s", [first])
            self._connection.execute("DELETE FROM trace_rows WHERE row >= %s", [first])
            with self._connection.cursor().copy("COPY trace_rows (row, code, sketch) FROM STDIN") as copy:
                for number, (code, value) in enumerate(zip(codes, values, strict=True), first):
                    copy.write_row((number, _bits(code), value.tobytes()))
            self._connection.execute("INSERT INTO trace_batches VALUES (%s, %s, %s)", [first, len(rows), digest])

    def train(self) -> None:
        """Drop what is beyond the catalog, and build the HNSW index; without it every row is compared."""
        self._connection.execute("DELETE FROM trace_batches WHERE first >= %s", [self._size])
        self._connection.execute("DELETE FROM trace_rows WHERE row >= %s", [self._size])
        self._connection.execute(_INDEX)
        self._connection.execute("ANALYZE trace_rows")

    def search(self, queries: Rows, least: float) -> list[Hit]:
        """See SceneIndex."""
        if not self._size or not len(queries):
            return []
        asked = [_bits(code) for code in sketch.codes(queries)]
        arguments = [list(range(len(asked))), asked, self._candidates]
        found = [row for row in self._connection.execute(_NEAREST, arguments) if row[1] < self._size]
        if not found:
            return []
        numbers = np.array([row[0] for row in found])
        known = _unit(np.array([np.frombuffer(row[2], np.int8) for row in found]))
        values = statistic_pairs(queries[numbers], known)
        kept = values >= least
        rows = np.array([row[1] for row in found])
        return hits(numbers[kept], rows[kept], settled(queries[numbers[kept]], known[kept]), values[kept])

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def __len__(self) -> int:
        return self._size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bits(code: NDArray[np.uint8]) -> str:
    return "".join(f"{byte:08b}" for byte in code.tolist())


def _unit(values: NDArray[Any]) -> Rows:
    rows = values.astype(np.float32) / QUANTUM
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)
