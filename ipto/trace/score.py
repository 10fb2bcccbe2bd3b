# SPDX-License-Identifier: Apache-2.0
"""How alike two sketches are, and how often chance alone makes strangers as alike.

The statistic is Fisher's transform of the correlation, in units of what random signs would give for these two spectra:
`T = atanh(a·b) / √Σ aᵢ²bᵢ²`. So a match of smooth gradients, which agree in three numbers, weighs little, and a match
of a street in a hundred weighs much. Its distribution between strangers was counted on more than a million pairs of
real pictures (`make bench-media`, ipto/trace/null-1.json); beyond what was counted, the tail is continued with the
slope of its last counted decades.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

_LIMIT = 0.9995  # quantised pictures are never more alike

Rows = NDArray[np.float32]


def statistic(queries: Rows, rows: Rows) -> Rows:
    """T of each query with each row: (q, 256) and (n, 256), both of length 1, give (q, n)."""
    alike = np.clip(queries @ rows.T, -_LIMIT, _LIMIT)
    spread = np.sqrt((queries * queries) @ (rows * rows).T)
    return np.asarray(np.arctanh(alike) / np.maximum(spread, 1e-6), np.float32)


def statistic_pairs(first: Rows, second: Rows) -> NDArray[np.float32]:
    """T of each pair of rows: two arrays (n, 256) give (n,)."""
    alike = np.clip(np.einsum("ij,ij->i", first, second), -_LIMIT, _LIMIT)
    spread = np.sqrt(np.einsum("ij,ij->i", first * first, second * second))
    return np.asarray(np.arctanh(alike) / np.maximum(spread, 1e-6), np.float32)


def log_p(values: NDArray[np.float32] | float) -> NDArray[np.float64]:
    """Natural logarithm of the probability that a pair of strangers reaches T = `values`."""
    points, logs, slope = _null()
    flat = np.asarray(values, np.float64)
    inside = np.interp(flat, points, logs)
    beyond = logs[-1] - slope * (flat - points[-1])
    return np.where(flat > points[-1], beyond, inside)


@lru_cache(maxsize=1)
def _null() -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    text = resources.files("ipto").joinpath("trace", "null-1.json").read_text(encoding="utf-8")
    table = json.loads(text)
    points = np.array([row["t_thousandths"] / 1000 for row in table["quantiles"]])
    logs = np.log(np.array([row["pairs_in_1e9"] / 1e9 for row in table["quantiles"]]))
    return points, logs, table["slope_thousandths"] / 1000
