# SPDX-License-Identifier: Apache-2.0
"""Which registered choreographies a film moves alike, stretch against stretch, how, and how often chance would.

Windows of the query, at five tempos and in a mirror, are compared with all windows of the catalog; what is alike is
compared again by dynamic time warping within a quarter of a second. Likeness is Fisher's transform of the correlation
along the path. How often strangers reach which likeness was counted (choreography-null-1.json, `python -m
bench.choreography.null`). A match says that two films move alike in these seconds: never that one was copied, nor who
a dance belongs to.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipto.media.choreography import SAMPLES, Choreography, Rows, Windows, movements

ALARMS = 0.005  # false alarms a query that are accepted
TEMPOS = (0.7, 0.84, 1.0, 1.19, 1.41)
NOTE = "moving alike, with how often chance would do it; not who made or owns a dance, nor that one was copied"
LEAST = 0.4  # correlation of two windows below which they are not compared again
_QUERY_STEP = 0.25  # seconds
_BAND = 3  # samples: a quarter of a second
_CHUNK = 4096
_AT_ONCE = 4_000_000  # pairs of windows
_MOST_ALIKE = 16  # windows of a work that are compared again with one of the query
_SLACK_MS = 700  # how far from the line through the first pair a further one may be
_FREEDOM = np.log(40)  # pairs within that, each of which could have been the most alike one
_MOST_COMBINED = 6
_REPEATED = 0.6  # correlation from which a further window counts as the same movement again
_LIMIT = 0.9995

Numbers = NDArray[np.float64]
_NO_PAIRS = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True, slots=True)
class ChoreographyMatch:
    """A stretch of the query and the stretch of a work that move alike."""

    work: str
    title: str
    query_ms: tuple[int, int]
    work_ms: tuple[int, int]
    is_mirrored: bool
    tempo: float  # of the query as a share of the work's: 0.8 is slower
    windows: int
    likeness: float  # of the most alike windows
    false_alarms: float  # how many such findings chance would make in a query like this

    def to_json(self) -> dict[str, Any]:
        """As `POST /trace` answers. Numbers as integers."""
        return {
            "work": self.work,
            "title": self.title,
            "aspect": "CHOREOGRAPHY",
            "query_ms": list(self.query_ms),
            "work_ms": list(self.work_ms),
            "mirrored": self.is_mirrored,
            "tempo_permille": round(self.tempo * 1000),
            "windows": self.windows,
            "likeness_thousandths": round(self.likeness * 1000),
            "false_alarms_log10_hundredths": round(float(np.log10(max(self.false_alarms, 1e-300))) * 100),
        }

    def line(self) -> str:
        """In words."""
        how = f"{', mirrored' if self.is_mirrored else ''}, at {self.tempo:.0%} of its tempo"
        times = [f"{ms // 60_000}:{ms % 60_000 / 1000:04.1f}" for ms in (*self.query_ms, *self.work_ms)]
        once = f"{1 / self.false_alarms:,.0f}" if self.false_alarms > 1e-12 else "more than a million million"
        return (
            f"Moves alike work {self.work}, “{self.title}”: {times[0]}–{times[1]} and {times[2]}–{times[3]} of it"
            f"{how}; by chance once in {once} such queries"
        )


class ChoreographyIndex:
    """Choreographies of registered works, in memory: a kilobyte for each half second of dance."""

    def __init__(self) -> None:
        self._works: list[tuple[str, str, Windows]] = []

    def add(self, work: str, title: str, choreography: Choreography) -> None:
        """Take in a work."""
        windows = choreography.windows()
        if len(windows):
            self._works.append((work, title, windows))

    def __len__(self) -> int:
        """Windows."""
        return sum(len(windows) for _, _, windows in self._works)

    def search(self, query: Choreography) -> list[ChoreographyMatch]:
        """For each work the best stretch that chance would not put there, the surest first."""
        asked = [
            (tempo, is_mirrored, query.windows(1 / tempo, step=_QUERY_STEP, mirrored=is_mirrored))
            for tempo in TEMPOS
            for is_mirrored in (False, True)
        ]
        comparisons = sum(len(windows) for _, _, windows in asked) * len(self)
        if not comparisons:
            return []
        starts = np.cumsum([0, *(len(windows) for _, _, windows in self._works)])
        rows = np.concatenate([windows.rows for _, _, windows in self._works])
        best: dict[int, ChoreographyMatch] = {}
        for tempo, is_mirrored, windows in asked:
            own, columns, likeness = _pairs(windows.rows, rows, starts)
            works = _work_of(columns, starts)
            for number in np.unique(works):
                here = works == number
                pairs = _Pairs(own[here], columns[here] - starts[number], likeness[here])
                match = _judge(self._works[number], windows, pairs, tempo, is_mirrored, comparisons)
                if number not in best or match.false_alarms < best[number].false_alarms:
                    best[number] = match
        found = [match for match in best.values() if match.false_alarms <= ALARMS]
        return sorted(found, key=lambda match: match.false_alarms)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Windows of a query and of a work that are alike."""

    own: NDArray[np.int64]
    others: NDArray[np.int64]
    likeness: Numbers


def _pairs(
    first: Rows, second: Rows, starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Numbers]:
    """Numbers of the rows that are alike enough, at most `_MOST_ALIKE` of a work for each of the query, and how alike.

    In parts, so that a long film needs no more memory, nor a work that was made to be like everything. starts: the row
    each work begins at.
    """
    step = max(1, _AT_ONCE // max(1, len(second)))
    found = []
    for at in range(0, len(first), step):
        close = first[at : at + step] @ second.T
        own, columns = np.nonzero(close >= LEAST)
        kept = _most_alike(own * len(starts) + _work_of(columns, starts), close[own, columns])
        own, columns = own[kept] + at, columns[kept]
        parts = [slice(begin, begin + _CHUNK) for begin in range(0, len(own), _CHUNK)]
        likeness = [alike(first[own[part]], second[columns[part]]) for part in parts]
        found.append((own, columns, np.concatenate([np.zeros(0), *likeness])))
    own, columns, values = (np.concatenate(parts) for parts in zip(*found, strict=True)) if found else _NO_PAIRS
    return own, columns, values


def _work_of(rows: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.searchsorted(starts, rows, side="right") - 1


def _most_alike(groups: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Places of the `_MOST_ALIKE` largest values of each group, in rising order."""
    order = np.lexsort((-values, groups))
    _, begins, counts = np.unique(groups[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(begins, counts)
    return np.sort(order[rank < _MOST_ALIKE])


def alike(first: Rows, second: Rows) -> Numbers:
    """Likeness of each pair of rows, (n, 256) each: the correlation along the best path, Fisher-transformed."""
    parts = [_warped(first[at : at + _CHUNK], second[at : at + _CHUNK]) for at in range(0, len(first), _CHUNK)]
    return np.concatenate([np.zeros(0), *parts])


def log_p(likeness: Numbers | float) -> Numbers:
    """Natural logarithm of the probability that two windows of strangers are as alike."""
    points, logs, slope = _null()
    flat = np.asarray(likeness, np.float64)
    return np.where(flat > points[-1], logs[-1] - slope * (flat - points[-1]), np.interp(flat, points, logs))


@lru_cache(maxsize=1)
def _null() -> tuple[Numbers, Numbers, float]:
    text = resources.files("ipto").joinpath("trace", "choreography-null-1.json").read_text(encoding="utf-8")
    table = json.loads(text)
    points = np.array([row["likeness_thousandths"] / 1000 for row in table["quantiles"]])
    logs = np.log(np.array([row["pairs_in_1e9"] / 1e9 for row in table["quantiles"]]))
    return points, logs, table["slope_thousandths"] / 1000


def _judge(
    of: tuple[str, str, Windows], asked: Windows, pairs: _Pairs, tempo: float, is_mirrored: bool, comparisons: int
) -> ChoreographyMatch:
    work, title, known = of
    rows, columns, logs = pairs.own, pairs.others, log_p(pairs.likeness)
    # The surest pair pays for all comparisons; further ones have to stand on its line, and pay for what is left.
    first = int(pairs.likeness.argmax())
    line = asked.start_ms[rows] * tempo - known.start_ms[columns]
    near = np.nonzero(np.abs(line - line[first]) <= _SLACK_MS)[0]
    chosen, total = [first], float(logs[first]) + float(np.log(comparisons))
    for pair in near[np.argsort(logs[near])]:
        gain = float(logs[pair]) + _FREEDOM
        if gain >= 0 or len(chosen) >= _MOST_COMBINED:
            break
        if all(_independent(asked, known, pairs, int(pair), other) for other in chosen):
            chosen.append(int(pair))
            total += gain
    # Choosing how many to combine is a choice, too.
    total += float(np.log(len(chosen)))
    shown = np.union1d(near[logs[near] + _FREEDOM < 0], chosen)
    return ChoreographyMatch(
        work=work,
        title=title,
        query_ms=(int(asked.start_ms[rows[shown]].min()), int(asked.end_ms[rows[shown]].max())),
        work_ms=(int(known.start_ms[columns[shown]].min()), int(known.end_ms[columns[shown]].max())),
        is_mirrored=is_mirrored,
        tempo=tempo,
        windows=len(chosen),
        likeness=float(pairs.likeness[first]),
        false_alarms=float(np.exp(min(total, 50.0))),
    )


def _independent(asked: Windows, known: Windows, pairs: _Pairs, pair: int, other: int) -> bool:
    """Share no second of either film, and do not show one movement twice."""
    for windows, places in ((asked, pairs.own), (known, pairs.others)):
        a, b = int(places[pair]), int(places[other])
        if windows.start_ms[a] < windows.end_ms[b] and windows.start_ms[b] < windows.end_ms[a]:
            return False
        if abs(float(windows.rows[a] @ windows.rows[b])) > _REPEATED:
            return False
    return True


def _warped(first: Rows, second: Rows) -> Numbers:
    """Dynamic time warping (Sakoe and Chiba 1978, symmetric form) in a band, ends free within it."""
    a, b = movements(first), movements(second)
    count, width = len(a), 2 * _BAND + 1
    powers_a, powers_b = (a * a).sum(-1), (b * b).sum(-1)
    costs = np.full((SAMPLES, width, count), np.inf, np.float32)
    weights = np.zeros((SAMPLES, width, count), np.float32)
    for shift in range(-_BAND, _BAND + 1):
        own = slice(max(0, -shift), min(SAMPLES, SAMPLES - shift))
        others = slice(own.start + shift, own.stop + shift)
        power = powers_a[:, own] + powers_b[:, others]
        costs[own, shift + _BAND] = (power - 2 * (a[:, own] * b[:, others]).sum(-1)).T
        weights[own, shift + _BAND] = power.T
    total, weight = np.full_like(costs, np.inf), np.zeros_like(weights)
    for i in range(SAMPLES):
        for k in range(width):
            j = i + k - _BAND
            if not 0 <= j < SAMPLES:
                continue
            is_begin = i == 0 or j == 0
            best = 2 * costs[i, k] + (0 if is_begin else total[i - 1, k])
            along = 2 * weights[i, k] + (0 if is_begin else weight[i - 1, k])
            for from_i, from_k in ((i, k - 1), (i - 1, k + 1)):
                if from_i >= 0 and 0 <= from_k < width:
                    other = total[from_i, from_k] + costs[i, k]
                    is_better = other < best
                    best = np.where(is_better, other, best)
                    along = np.where(is_better, weight[from_i, from_k] + weights[i, k], along)
            total[i, k], weight[i, k] = best, along
    ends = [(SAMPLES - 1, k) for k in range(_BAND + 1)] + [
        (SAMPLES - 1 - back, _BAND + back) for back in range(1, _BAND + 1)
    ]
    values = np.max([1 - total[end] / np.maximum(weight[end], 1e-9) for end in ends], axis=0)
    return np.asarray(np.arctanh(np.clip(values, 0, _LIMIT)), np.float64)
