# SPDX-License-Identifier: Apache-2.0
"""Where scenes are looked up: one interface, exact in this process, or behind faiss or PostgreSQL when there are many.

A row is one window of one scene: the whole picture, or its middle as a crop would leave it.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ipto.media import sketch
from ipto.media.fingerprint import Fingerprint
from ipto.trace.score import Rows, settled, statistic, statistic_pairs

# What of a registered picture a copy may show: all, its middle after a crop, what is above subtitles.
WINDOWS: tuple[sketch.Window, ...] = (
    sketch.WHOLE, (0.05, 0.05, 0.9, 0.9), (0.1, 0.1, 0.8, 0.8), (0.0, 0.0, 1.0, 0.78)
)  # fmt: skip
_INNER, _UPPER = WINDOWS[1], WINDOWS[3]
SHAPE = 16 / 9  # of a film whose shape is not told
_CHUNK = 65_536
QUANTUM = 127.0


@dataclass(frozen=True, slots=True)
class Hit:
    """One row found for one query."""

    query: int
    row: int
    t: float  # settled
    whole: float  # T before it is settled


class SceneIndex(Protocol):
    """Rows of sketches. `search` gives at most some hundred rows a query, those of T at least `least` before it is
    settled."""

    def add(self, rows: Rows) -> None:
        """Append rows (n, 256) of length 1; they are numbered in the order they came."""
        ...

    def search(self, queries: Rows, least: float) -> list[Hit]:
        """The rows most like each query."""
        ...

    def __len__(self) -> int: ...


def hits(
    queries: NDArray[np.int64], rows: NDArray[np.int64], values: NDArray[np.float32], whole: NDArray[np.float32]
) -> list[Hit]:
    """Hits from their parts."""
    columns = (queries.tolist(), rows.tolist(), values.tolist(), whole.tolist())
    return [Hit(*hit) for hit in zip(*columns, strict=True)]


def scene_rows(fingerprint: Fingerprint) -> tuple[NDArray[np.int64], Rows]:
    """The rows of a film: scene numbers (n,) and sketches (n, 256), a window at a time; plain scenes have none."""
    numbers = [number for number, scene in enumerate(fingerprint.scenes) if not scene.is_plain]
    if not numbers:
        return np.zeros(0, np.int64), np.zeros((0, sketch.SIZE), np.float32)
    portraits = np.array([fingerprint.scenes[number].picture() for number in numbers])
    rows = np.concatenate([sketch.sketches(portraits, window) for window in WINDOWS])
    return np.tile(np.array(numbers, np.int64), len(WINDOWS)), rows


def quantised(rows: Rows) -> NDArray[np.int8]:
    """Sketches in a quarter of the space; the largest number of each becomes 127."""
    top = np.abs(rows).max(axis=1, keepdims=True)
    return np.asarray(np.rint(rows / np.maximum(top, 1e-9) * QUANTUM), np.int8)


class ExactIndex:
    """Compares with every row. Right for catalogs of up to some ten thousand scenes."""

    def __init__(self) -> None:
        self._parts: list[Rows] = []
        self._size = 0

    def add(self, rows: Rows) -> None:
        """See SceneIndex."""
        self._parts.append(np.asarray(rows, np.float32))
        self._size += len(rows)
        if len(self._parts) > 256:
            self._parts = [np.concatenate(self._parts)]

    def search(self, queries: Rows, least: float) -> list[Hit]:
        """See SceneIndex."""
        found, first = [], 0
        for part in self._parts:
            for start in range(0, len(part), _CHUNK):
                values = statistic(queries, part[start : start + _CHUNK])
                query, row = np.nonzero(values >= least)
                near = settled(queries[query], part[start + row])
                found += hits(query, first + start + row, near, values[query, row])
            first += len(part)
        return found

    def __len__(self) -> int:
        return self._size


class FaissIndex:
    """Finds candidates by their 256-bit codes, then compares exactly. For a million scenes and more.

    Codes are kept in an inverted file of cells (IndexBinaryIVF) once there are enough rows to place the cells, and
    compared one by one until then. Needs the extra `trace`.
    """

    def __init__(self, *, cells: int = 4096, probes: int = 32, candidates: int = 48) -> None:
        self._faiss: Any = importlib.import_module("faiss")
        self._cells, self._probes, self._candidates = cells, probes, candidates
        self._flat: Any = self._faiss.IndexBinaryFlat(256)
        self._index: Any = self._flat
        self._values: list[NDArray[np.int8]] = []
        self._starts = [0]

    def add(self, rows: Rows) -> None:
        """See SceneIndex."""
        self._values.append(quantised(rows))
        self._starts.append(self._starts[-1] + len(rows))
        self._index.add(sketch.codes(rows))

    def train(self) -> None:
        """Sort the rows into cells; worth it from some hundred thousand on. More can be added afterwards."""
        if self._index is not self._flat:
            return
        codes = self._faiss.vector_to_array(self._flat.xb).reshape(-1, 32)
        quantizer = self._faiss.IndexBinaryFlat(256)
        index = self._faiss.IndexBinaryIVF(quantizer, 256, self._cells)
        index.own_fields = False
        index.cp.niter = 6
        chosen = np.random.default_rng(0).choice(len(codes), min(len(codes), 40 * self._cells), replace=False)
        index.train(np.ascontiguousarray(codes[chosen]))
        index.add(codes)
        index.nprobe = self._probes
        self._quantizer = quantizer  # the index does not keep it alive
        self._index = index
        self._flat.reset()

    def save(self, path: Path) -> None:
        """Keep the sorted cells, which take long to make; the rows themselves are the caller's."""
        self._faiss.write_index_binary(self._index, str(path))

    def restore(self, path: Path, values: Sequence[NDArray[np.int8]]) -> None:
        """Take up what `save` kept, with the rows it was made of, as quantised sketches."""
        self._index = self._faiss.read_index_binary(str(path))
        self._index.nprobe = self._probes
        self._values = list(values)
        self._starts = [0, *(int(total) for total in np.cumsum([len(part) for part in values]))]

    def search(self, queries: Rows, least: float) -> list[Hit]:
        """See SceneIndex."""
        if not len(self) or not len(queries):
            return []
        _, rows = self._index.search(sketch.codes(queries), min(self._candidates, len(self)))
        query, place = np.nonzero(rows >= 0)
        number = rows[query, place].astype(np.int64)
        known = self._rows(number)
        values = statistic_pairs(queries[query], known)
        kept = values >= least
        near = settled(queries[query[kept]], known[kept])
        return hits(query[kept], number[kept], near, values[kept])

    def _rows(self, numbers: NDArray[np.int64]) -> Rows:
        part = np.searchsorted(self._starts, numbers, side="right") - 1
        rows = np.empty((len(numbers), sketch.SIZE), np.float32)
        for chosen in np.unique(part):
            mask = part == chosen
            rows[mask] = self._values[chosen][numbers[mask] - self._starts[chosen]]
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)

    def __len__(self) -> int:
        return self._starts[-1]


def query_variants(
    portraits: NDArray[np.float32], turns: Sequence[float] = (-3.0, 3.0), shape: float = SHAPE
) -> tuple[list[str], Rows]:
    """What is looked for: each picture as it is, in a mirror, without its lower part, and turned a little; names and
    rows, name by name.

    Of what was turned only the inner part is looked at: its corners show black, or nothing of the film.
    """
    whole = sketch.sketches(portraits)
    names = ["as it is", "mirrored", "without its lower part"]
    rows = [whole, sketch.mirrored(whole), sketch.sketches(portraits, _UPPER)]
    for turn in turns:
        names.append(f"turned {turn:g}°")
        rows.append(sketch.sketches(sketch.turned(portraits, turn, shape), _INNER))
    return names, np.concatenate(rows)
