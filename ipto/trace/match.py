# SPDX-License-Identifier: Apache-2.0
"""Which registered works a film contains: where, and how sure.

Scenes are looked up one by one; works with promising hits are then compared scene by scene, in more positions. A work
is reported when chance alone would put it there less than once in `ALARMS` queries: the probabilities of its hits,
each multiplied by everything it was compared with. Hits must agree: the same mirroring, the same order in time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipto.media import sketch
from ipto.media.fingerprint import Fingerprint, hamming, vector_distance
from ipto.trace.index import SHAPE, WINDOWS, SceneIndex, query_variants, scene_rows
from ipto.trace.score import LEAST, Rows, log_p, log_p_either, log_p_expected, settled, statistic

ALARMS = 0.005  # false alarms a query that are accepted
PROMISING = 4.5  # T of a hit worth a closer look
_CLOSER = 40  # works looked at more closely, at most
_TURNS = (-4.0, -3.0, -2.0, 2.0, 3.0, 4.0)
_LOCAL = 0.02  # chance at which a further scene of a work that was found is believed
_BETWEEN = 0.2  # the same for one between two others, where it is expected
_MOST_COMBINED = 8
_ENOUGH = 12.0  # nats above which one scene is no likelier than another, as all pieces of a still picture
_ALIKE = 0.4  # correlation from which two scenes of a film count as one

_NO_ROWS: Rows = np.zeros((0, sketch.SIZE), np.float32)


@dataclass(frozen=True, slots=True)
class Work:
    """A registered film as trace knows it."""

    name: str  # the work's id, in decimal
    title: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class SceneMatch:
    """A scene of the query and the scene of a work it shows."""

    query: int
    scene: int
    query_ms: tuple[int, int]
    work_ms: tuple[int, int]
    how: str  # `as it is`, `mirrored`, `turned 3°`, `inset …`
    t: float  # settled
    log_p: float  # natural logarithm, of one comparison between strangers
    iscc_distance: int  # bits of 256
    vector_distance: int  # MPEG-7, 0 to 760


@dataclass(frozen=True, slots=True)
class Match:
    """A work found in the query."""

    work: Work
    scenes: tuple[SceneMatch, ...]  # in the query's order
    false_alarms: float  # how many such findings chance would make in a query like this


class Catalog:
    """The registered films, and where their scenes stand in the index."""

    def __init__(self, index: SceneIndex) -> None:
        self.index = index
        self.works: list[Work | None] = []
        self._works_of_rows: list[tuple[int, NDArray[np.int64]]] = []
        self._starts: list[int] = []

    def add(self, work: Work) -> None:
        """Take in a film."""
        numbers, rows = scene_rows(work.fingerprint)
        self._starts.append(len(self.index))
        self._works_of_rows.append((len(self.works), numbers))
        self.works.append(work)
        if len(rows):
            self.index.add(rows)

    def add_strangers(self, rows: Rows) -> None:
        """Rows of scenes nobody will ask about: to measure false alarms in a large catalog."""
        self._starts.append(len(self.index))
        self._works_of_rows.append((len(self.works), np.zeros(0, np.int64)))
        self.works.append(None)
        self.index.add(rows)

    def note_strangers(self, rows: int) -> None:
        """The same for `rows` rows that the index had from the beginning."""
        self._starts.append(len(self.index) - rows)
        self._works_of_rows.append((len(self.works), np.zeros(0, np.int64)))
        self.works.append(None)

    def locate(self, row: int) -> int:
        """The number of the work a row belongs to."""
        place = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._works_of_rows[place][0]


def trace(query: Fingerprint, catalog: Catalog, *, thorough: bool = True, shape: float = SHAPE) -> list[Match]:
    """The works found in a film, the surest first.

    thorough: look for insets, too, where little was found. shape: the query's width by height, inside black bars.
    """
    numbers = [number for number, scene in enumerate(query.scenes) if not scene.is_plain]
    if not numbers or not len(catalog.index):
        return []
    portraits = np.array([query.scenes[number].picture() for number in numbers])
    _, rows = query_variants(portraits, shape=shape)
    closer = query_variants(portraits, _TURNS, shape)
    found = _search(query, numbers, portraits, rows, catalog, closer)
    covered = {scene.query for match in found for scene in match.scenes}
    if thorough and len(covered) < 0.5 * len(numbers):
        left = [place for place, number in enumerate(numbers) if number not in covered]
        rest, shown = [numbers[place] for place in left], portraits[left]
        insets = inset_windows()
        looked = np.concatenate([sketch.sketches(shown, window) for window in insets])
        more = _search(query, rest, shown, looked, catalog, insets=insets)
        known = {match.work.name for match in found}
        found += [match for match in more if match.work.name not in known]
    return sorted(found, key=lambda match: match.false_alarms)


def inset_windows() -> tuple[sketch.Window, ...]:
    """Where a smaller picture may stand in a larger one, bars that were not told from a dark picture included."""
    found: list[sketch.Window] = [(0.0, 0.125, 1.0, 0.75), (0.125, 0.0, 0.75, 1.0)]
    for size in (0.5, 0.6, 0.7, 0.8):
        steps = max(2, round((1 - size) / 0.04) + 1)
        places = [(1 - size) * step / (steps - 1) for step in range(steps)]
        found += [(round(x, 4), round(y, 4), size, size) for x in places for y in places]
    return tuple(found)


def _search(
    query: Fingerprint,
    numbers: Sequence[int],
    portraits: NDArray[np.float32],
    rows: Rows,
    catalog: Catalog,
    closer: tuple[list[str], Rows] = ([], _NO_ROWS),
    insets: Sequence[sketch.Window] = (),
) -> list[Match]:
    count = len(numbers)
    hits = catalog.index.search(rows, PROMISING)
    best: dict[int, float] = defaultdict(lambda: 0.0)
    places: dict[int, set[int]] = defaultdict(set)
    by_query: dict[int, dict[int, float]] = defaultdict(dict)
    chances = log_p_either(
        np.array([hit.t for hit in hits], np.float32),
        np.array([0.0 if insets else hit.whole for hit in hits], np.float32),
    )
    for hit, chance in zip(hits, chances.tolist(), strict=True):
        work = catalog.locate(hit.row)
        scene = hit.query % count
        by_query[work][scene] = min(by_query[work].get(scene, 0.0), chance)
        places[work].add(hit.query // count)
    for work, scenes in by_query.items():
        best[work] = -sum(scenes.values())
    chosen = sorted(best, key=lambda work: -best[work])[:_CLOSER]
    comparisons = len(rows) * len(catalog.index)
    found = []
    for number in chosen:
        work_found = catalog.works[number]
        if work_found is None:
            found_scenes = [_stranger(number, scene, chance) for scene, chance in sorted(by_query[number].items())]
            alarms = min(comparisons * float(np.exp(log_p(scene.t))) for scene in found_scenes)
            if alarms <= ALARMS:
                found.append(Match(_STRANGER, tuple(found_scenes), alarms))
            continue
        if insets:
            windows = [insets[place] for place in sorted(places[number])]
            names = [f"inset {w[2]:.0%} × {w[3]:.0%} at {w[0]:.0%}, {w[1]:.0%}" for w in windows]
            closer = names, np.concatenate([sketch.sketches(portraits, window) for window in windows])
        match = _compare(query, numbers, work_found, closer, comparisons, len(catalog.works), are_parts=bool(insets))
        if match is not None:
            found.append(match)
    return found


def _compare(
    query: Fingerprint,
    numbers: Sequence[int],
    work: Work,
    closer: tuple[list[str], Rows],
    comparisons: int,
    works: int,
    *,
    are_parts: bool,
) -> Match | None:
    scenes, rows = scene_rows(work.fingerprint)
    names, looked = closer
    values = statistic(looked, rows)
    count, tried = len(numbers), len(names)
    distinct = len(scenes) // len(WINDOWS)
    table = values.reshape(tried, count, len(WINDOWS), distinct)
    # One way of copying for the whole: the one that explains most.
    strengths = table.max(axis=(2, 3)).clip(0) ** 2
    how = int(strengths.sum(axis=1).argmax())
    alike = _settle(table[how], looked.reshape(tried, count, -1)[how], rows.reshape(len(WINDOWS), distinct, -1))
    logs = np.asarray(log_p_either(alike, 0.0 if are_parts else table[how].max(axis=1)))
    # What is expected somewhere is judged by T as it is.
    there = np.asarray(log_p_expected(table[how].max(axis=1)))
    # Each pair was one of so many within this work.
    local = logs + np.log(count * distinct * len(WINDOWS) * tried)
    pairs = _consistent(query, numbers, work.fingerprint, scenes[:distinct], local)
    if not pairs:
        return None
    ordered = sorted(pairs, key=lambda pair: logs[pair])
    single = float(logs[ordered[0]]) + np.log(comparisons)
    total, best = float(np.log(works)), single
    for step, pair in enumerate(_independent(ordered, looked.reshape(tried, count, -1)[how])[:_MOST_COMBINED], 1):
        total += min(0.0, float(local[pair]))
        # Choosing how many to combine is a choice, too.
        best = min(best, total + np.log(step + 1))
    alarms = float(np.exp(min(best, 50.0)))
    if alarms > ALARMS:
        return None
    further = _aligned(query, numbers, work.fingerprint, scenes[:distinct], there, pairs)
    found = {pair: float(logs[pair]) for pair in pairs} | {pair: float(there[pair]) for pair in further}
    matches = [
        _scene_match(
            query, numbers[row], work.fingerprint, int(scenes[column]), names[how], float(alike[row, column]), p
        )
        for (row, column), p in sorted(found.items())
    ]
    return Match(work, tuple(matches), alarms)


def _settle(table: NDArray[np.float32], shown: Rows, known: Rows) -> NDArray[np.float32]:
    """Settled T of each scene of the query with each of the work, from T by scene, window, scene: (query, work)."""
    best = table.argmax(axis=1)
    alike = table.max(axis=1)
    rows, columns = np.nonzero(alike >= LEAST)
    found = np.zeros_like(alike)
    found[rows, columns] = settled(shown[rows], known[best[rows, columns], columns])
    return np.asarray(found)


def _consistent(
    query: Fingerprint,
    numbers: Sequence[int],
    work: Fingerprint,
    scenes: NDArray[np.int64],
    local: NDArray[np.float64],
) -> list[tuple[int, int]]:
    """For each query scene the most alike scene of the work, where that is believable; the largest set in one order."""
    found: list[tuple[int, int, float]] = []
    for row in range(len(numbers)):
        for column in np.argsort(local[row])[:3]:
            if local[row, column] <= np.log(_LOCAL):
                found.append((row, int(column), min(_ENOUGH, float(-local[row, column]))))
    found.sort(key=lambda item: (query.scenes[numbers[item[0]]].start_ms, work.scenes[int(scenes[item[1]])].start_ms))
    # The heaviest chain of pairs whose times rise in both films.
    weights = [item[2] for item in found]
    before = [-1] * len(found)
    for index, (row, column, weight) in enumerate(found):
        for other in range(index):
            earlier, from_column, _ = found[other]
            rises = earlier < row and from_column <= column
            # Of equals, the chain that goes on.
            total = weights[other] + weight + (from_column < column)
            if rises and total > weights[index]:
                weights[index], before[index] = total, other
    chain: list[tuple[int, int]] = []
    at = max(range(len(found)), key=weights.__getitem__) if found else -1
    while at >= 0:
        chain.append(found[at][:2])
        at = before[at]
    # What stands elsewhere, as in a compilation, is believed on its own strength.
    taken = {row for row, _ in chain}
    for row, column, weight in sorted(found, key=lambda item: -item[2]):
        if row not in taken and weight >= -np.log(_LOCAL) + 5:
            taken.add(row)
            chain.append((row, column))
    return chain


def _independent(ordered: Sequence[tuple[int, int]], shown: Rows) -> list[tuple[int, int]]:
    """Pairs that may be counted as separate evidence: another scene of the work, and of the query one that looks
    different. The pieces of one long take agree or fail together."""
    kept: list[tuple[int, int]] = []
    for row, column in ordered:
        is_new = all(column != other for _, other in kept)
        if is_new and all(float(shown[row] @ shown[other]) < _ALIKE for other, _ in kept):
            kept.append((row, column))
    return kept


def _aligned(
    query: Fingerprint,
    numbers: Sequence[int],
    work: Fingerprint,
    scenes: NDArray[np.int64],
    logs: NDArray[np.float64],
    pairs: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Scenes that stand where the ones found before put them: each is one comparison, so less likeness is enough."""
    known = np.array([[_middle(query, numbers[row]), _middle(work, int(scenes[column]))] for row, column in pairs])
    spread = known[:, 0] - known[:, 0].mean()
    speed = float(spread @ known[:, 1] / (spread @ spread)) if len(pairs) > 1 and spread.any() else 1.0
    if not 0.4 <= speed <= 2.5:
        speed = 1.0
    taken = {row for row, _ in pairs}
    used = {column for _, column in pairs}
    found = []
    for row in set(range(len(numbers))) - taken:
        middle = _middle(query, numbers[row])
        nearest = known[np.abs(known[:, 0] - middle).argmin()]
        expected = nearest[1] + speed * (middle - nearest[0])
        # Between two scenes that were found, little is needed to believe the one in the middle.
        least = _BETWEEN if {row - 1, row + 1} <= taken else _LOCAL
        for column in range(len(scenes)):
            scene = work.scenes[int(scenes[column])]
            is_there = scene.start_ms <= expected < scene.end_ms
            if is_there and column not in used and logs[row, column] <= np.log(least):
                found.append((row, column))
    return found


def _middle(film: Fingerprint, scene: int) -> float:
    return (film.scenes[scene].start_ms + film.scenes[scene].end_ms) / 2


def _scene_match(
    query: Fingerprint,
    number: int,
    work: Fingerprint,
    scene: int,
    how: str,
    t: float,
    log_p: float,
) -> SceneMatch:
    asked, known = query.scenes[number], work.scenes[scene]
    return SceneMatch(
        query=number,
        scene=scene,
        query_ms=(asked.start_ms, asked.end_ms),
        work_ms=(known.start_ms, known.end_ms),
        how=how,
        t=float(t),
        log_p=log_p,
        iscc_distance=hamming(asked.iscc, known.iscc),
        vector_distance=vector_distance(asked.vector, known.vector),
    )


_EMPTY = Fingerprint(bytes(32), (), np.zeros(0, np.uint32))
_STRANGER = Work("0", "a scene nobody asked about", _EMPTY)


def _stranger(work: int, query: int, chance: float) -> SceneMatch:
    return SceneMatch(query, work, (0, 0), (0, 0), "as it is", 0.0, chance, 256, 760)


def false_works(matches: Iterable[Match], truth: set[str]) -> list[Match]:
    """The matches that name a work the film does not contain."""
    return [match for match in matches if match.work.name not in truth]
