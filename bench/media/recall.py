# SPDX-License-Identifier: Apache-2.0
"""Recall and false matches for each transform, beside iscc-sdk, PDQ and perceptual hashes of whole videos.

A scene counts as surviving when at least half of it is in the copy; as found when trace reports its work with a stretch
of the copy that shows it and a stretch of the work that holds it.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from bench.media import footage
from bench.media.transforms import TRANSFORMS, Transform, apply, copy_of, offset
from ipto import media
from ipto.media import fingerprint
from ipto.media.fingerprint import Fingerprint
from ipto.media.study import VERSION as STUDY_VERSION
from ipto.trace.match import Catalog, Match, Work, trace

_SHORTEST_MS = 600


def described(film: Path) -> Fingerprint:
    """A film's fingerprint, computed once for each version of the code that computes it."""
    cached = _kept(film)
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_bytes(media.analyse(film, with_pictures=False).fingerprint.encode())
    return fingerprint.decode(cached.read_bytes())


def _kept(film: Path) -> Path:
    key = hashlib.sha256(film.read_bytes() + f"{fingerprint.VERSION} {STUDY_VERSION}".encode()).hexdigest()
    return footage.CACHE / "fingerprints" / key


def shape(film: Path) -> float:
    """Width by height, as trace is told."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        return stream.width / stream.height


@dataclass(slots=True)
class Tally:
    """Of one transform."""

    scenes: int = 0
    found: int = 0
    films: int = 0
    films_found: int = 0
    false_works: int = 0
    seconds: float = 0.0
    missed: list[str] = field(default_factory=list)


def works() -> dict[str, tuple[Path, Fingerprint]]:
    """The catalog: name → film and fingerprint."""
    return {film.stem: (film, described(film)) for film in footage.catalog()}


def fill(catalog: Catalog, registered: dict[str, tuple[Path, Fingerprint]]) -> Catalog:
    """Register them."""
    for name, (_, known) in registered.items():
        catalog.add(Work(name, name, known))
    return catalog


Copy = tuple[Transform, str, Path]


def copies(registered: dict[str, tuple[Path, Fingerprint]], *, ready: bool = False) -> list[Copy]:
    """Every transform of every film, made where it is missing. ready: only those that were made and described."""
    other = footage.strangers(1)[0]
    made = []
    for transform in TRANSFORMS:
        for name, (film, known) in registered.items():
            copy = copy_of(transform, film, other)
            if ready and not (copy.exists() and _kept(copy).exists()):
                continue
            made.append((transform, name, apply(transform, film, other, known.scenes[-1].end_ms / 1000)))
    return made


def measure(catalog: Catalog, registered: dict[str, tuple[Path, Fingerprint]], made: list[Copy]) -> dict[str, Tally]:
    """Trace every copy."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for transform, name, copy in made:
        tally, known = tallies[transform.name], registered[name][1]
        query, wide = described(copy), shape(copy)
        started = time.perf_counter()
        matches = trace(query, catalog, shape=wide)
        tally.seconds += time.perf_counter() - started
        tally.films += 1
        mine = [match for match in matches if match.work.name == name]
        tally.films_found += bool(mine)
        tally.false_works += len(matches) - len(mine)
        for number, (start, end) in surviving(transform, known):
            tally.scenes += 1
            if shows(mine, known, number, start, end):
                tally.found += 1
            else:
                tally.missed.append(f"{name} {number}")
    return dict(tallies)


def surviving(transform: Transform, known: Fingerprint) -> list[tuple[int, tuple[float, float]]]:
    """The scenes of a film that are in its copy, and the seconds at which they are."""
    length, before = known.scenes[-1].end_ms / 1000, offset(transform)
    found = []
    for number, scene in enumerate(known.scenes):
        if scene.is_plain or scene.end_ms - scene.start_ms < _SHORTEST_MS:
            continue
        place = transform.stretch(scene.start_ms / 1000, scene.end_ms / 1000, length)
        if place is not None:
            found.append((number, (place[0] + before, place[1] + before)))
    return found


def shows(matches: list[Match], known: Fingerprint, number: int, start: float, end: float) -> bool:
    """Whether a match covers this scene of the work by the stretch of the copy where it is."""
    scene = known.scenes[number]
    return any(
        min(end * 1000, found.query_ms[1]) - max(start * 1000, found.query_ms[0]) > 0
        and min(scene.end_ms, found.work_ms[1]) - max(scene.start_ms, found.work_ms[0]) > 0
        for match in matches
        for found in match.scenes
    )


def rows(tallies: dict[str, Tally]) -> list[dict[str, Any]]:
    """As they are recorded."""
    goals = {transform.name: transform.goal for transform in TRANSFORMS}
    return [
        {
            "transform": name,
            "goal_permille": None if goals[name] is None else round(goals[name] * 1000),
            "films": tally.films,
            "films_found": tally.films_found,
            "scenes": tally.scenes,
            "scenes_found": tally.found,
            "false_matches": tally.false_works,
            "missed": tally.missed[:20],
        }
        for name, tally in tallies.items()
    ]
