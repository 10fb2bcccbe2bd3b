# SPDX-License-Identifier: Apache-2.0
"""How alike two sketches are, and how often chance alone makes strangers as alike.

The statistic is Fisher's transform of the correlation, in units of what random signs would give for these two spectra:
`T = atanh(a·b) / √Σ aᵢ²bᵢ²`. So a match of smooth gradients, which agree in three numbers, weighs little, and a match
of a street in a hundred weighs much.

What a hit is judged by is T once *settled*: lessened to what remains when the half of the picture that agrees best is
left out, and once more where the other half shows little. Before a plain ground one edge, a corner or a spot is enough
for two pictures to agree in all frequencies; among millions of scenes there is always one with the same edge. A copy
agrees all over.

There is a second way to be believed: T as it is, where it is beyond anything that strangers reach when whole pictures
are compared, and not their parts. A copy that shows one thing before a plain ground comes that way. It is a second
chance at being wrong, so a fiftieth of what is accepted is set aside for it.

The distribution of settled T between strangers was counted on more than a million pairs of real pictures (`make
bench-media`, ipto/trace/null-1.json); beyond what was counted, the tail is continued no steeper than thousands of
millions of comparisons in a catalog of a million scenes allow.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from ipto.media import sketch

_LIMIT = 0.9995  # quantised pictures are never more alike
LEAST = 1.5  # T below which a pair counts as not alike at all, and need not be settled
_CELLS = 8  # a picture's parts on each side, when it is settled
_LEFT_OUT = 32  # of its 64 parts, those that agree best
_SHOWS = 0.05  # of all there is to see, what is left should hold at least
_CHUNK = 2_048
_SECOND_WAY = 0.02  # part of the accepted errors that are for T as it is

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


def settled(first: Rows, second: Rows) -> NDArray[np.float32]:
    """T of each pair of rows when the half of the picture that agrees best is left out, at most T itself; lessened in
    proportion where the other half shows less than a twentieth of either picture."""
    return np.concatenate(
        [np.zeros(0, np.float32)]
        + [_settled(first[at : at + _CHUNK], second[at : at + _CHUNK]) for at in range(0, len(first), _CHUNK)]
    )


def _settled(first: Rows, second: Rows) -> NDArray[np.float32]:
    values = statistic_pairs(first, second)
    shown, other = sketch.seen(first), sketch.seen(second)
    agree, own, others = (_by_part(product) for product in (shown * other, shown * shown, other * other))
    rest = np.argpartition(-agree, _LEFT_OUT - 1, axis=1)[:, _LEFT_OUT:]
    agree, own, others = (np.take_along_axis(part, rest, 1).sum(1) for part in (agree, own, others))
    shows = np.minimum(1.0, np.minimum(own, others) / _SHOWS)
    remains = np.clip(agree / np.maximum(np.sqrt(own * others), 1e-9), 0.0, _LIMIT)
    whole = np.clip(np.einsum("ij,ij->i", first, second), 1e-3, _LIMIT)
    return np.asarray(values * shows * np.minimum(1.0, np.arctanh(remains) / np.arctanh(whole)), np.float32)


def _by_part(picture: Rows) -> Rows:
    step = picture.shape[1] // _CELLS
    return np.asarray(picture.reshape(-1, _CELLS, step, _CELLS, step).sum((2, 4)).reshape(-1, _CELLS**2), np.float32)


def log_p(values: NDArray[np.float32] | float) -> NDArray[np.float64]:
    """Natural logarithm of the probability that a pair of strangers reaches a settled T of `values`."""
    return _log_p("quantiles", values)


def log_p_either(values: NDArray[np.float32] | float, whole: NDArray[np.float32] | float) -> NDArray[np.float64]:
    """The same for a pair that may be believed for its settled T or, where whole pictures or nearly whole ones were
    compared, for T as it is. whole: T before it is settled; 0 for parts of pictures, which have no second way."""
    first = log_p(values) - np.log(1 - _SECOND_WAY)
    second = _log_p("unsettled_quantiles", whole) - np.log(_SECOND_WAY)
    return np.asarray(np.minimum(np.minimum(first, second), 0.0), np.float64)


def _log_p(name: str, values: NDArray[np.float32] | float) -> NDArray[np.float64]:
    points, logs, slope = _null(name)
    flat = np.asarray(values, np.float64)
    inside = np.interp(flat, points, logs)
    beyond = logs[-1] - slope * (flat - points[-1])
    return np.where(flat > points[-1], beyond, inside)


def log_p_expected(values: NDArray[np.float32] | float) -> NDArray[np.float64]:
    """The same for T before it is settled, not below 1 in 1,000: enough for a scene of which it is known where it
    would be, and which need not be told from millions."""
    points, logs, _ = _null("unsettled_quantiles")
    return np.asarray(np.interp(np.asarray(values, np.float64), points, logs), np.float64)


@lru_cache(maxsize=2)
def _null(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    text = resources.files("ipto").joinpath("trace", "null-1.json").read_text(encoding="utf-8")
    table = json.loads(text)
    points = np.array([row["t_thousandths"] / 1000 for row in table[name]])
    logs = np.log(np.array([row["pairs_in_1e9"] / 1e9 for row in table[name]]))
    slope = table["slope_thousandths" if name == "quantiles" else "unsettled_slope_thousandths"]
    return points, logs, slope / 1000
