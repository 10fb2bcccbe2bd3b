# SPDX-License-Identifier: Apache-2.0
"""A catalog of a million scenes: how often strangers raise an alarm in it, what is still found, how long it takes.

    python -m bench.media.million build      windows of pictures that no film of the benchmark shows, kept on disk
    python -m bench.media.million measure

A scene is a random window (30 to 100 % of a side, of any shape, also mirrored) of a real picture, and in every second
one another picture's window stands in front of a part of it, as people stand before a background. Each is put through
the same portrait, sketches and index as a film's scene. Two windows of one picture may overlap, as shots of one set do;
no picture is one of those that are asked for, nor another part of one.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.media import footage, recall
from bench.media.null import still
from bench.media.transforms import TRANSFORMS
from ipto.media import sketch
from ipto.media.fingerprint import Fingerprint, Scene
from ipto.trace.index import WINDOWS, FaissIndex, quantised, query_variants
from ipto.trace.match import PROMISING, Catalog, inset_windows, trace

SCENES = 1_000_000
QUERIES = 100
_BATCH = 500
_SAME_PLACE = 20  # composed scenes with the one in front at the same place
_FOLDER = footage.CACHE / "million"
_ASKED = ("re-encode", "mirror", "letterbox", "crop 10 %", "crop 20 %", "rotate 3°", "subtitles", "speed 1.5",
          "compilation", "trim to the middle half")  # fmt: skip


def windows(luma: NDArray[np.float32], count: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Portraits of random windows of a picture, all of one size and shape."""
    high, wide = (int(chance.integers(3, luma.shape[0] // sketch.GRID + 1)) for _ in range(2))
    total = np.zeros((luma.shape[0] + 1, luma.shape[1] + 1))
    total[1:, 1:] = luma.cumsum(0, dtype=np.float64).cumsum(1)
    boxes = total[high:, wide:] - total[:-high, wide:] - total[high:, :-wide] + total[:-high, :-wide]
    boxes = (boxes / (high * wide)).astype(np.float32)
    room = [boxes.shape[axis] - step * (sketch.GRID - 1) for axis, step in ((0, high), (1, wide))]
    shape, (down, right) = (*room, sketch.GRID, sketch.GRID), boxes.strides
    view = np.lib.stride_tricks.as_strided(boxes, shape, (down, right, down * high, right * wide), writeable=False)
    cells = view[chance.integers(0, room[0], count), chance.integers(0, room[1], count)]
    mean, spread = cells.mean((1, 2), keepdims=True), cells.std((1, 2), keepdims=True)
    kept = spread[:, 0, 0] >= 3.0
    return np.asarray(((cells - mean) / np.maximum(spread, 1e-6))[kept], np.float32)


def in_front(
    behind: NDArray[np.float32], before: NDArray[np.float32], chance: np.random.Generator
) -> NDArray[np.float32]:
    """The first pictures, each with one of the second, made smaller, before a part of it."""
    made = behind[: len(before)].copy()
    for start in range(0, len(made), _SAME_PLACE):
        high, wide = (int(side) for side in chance.integers(12, 33, 2))
        top, left = (int(chance.integers(0, sketch.GRID - side + 1)) for side in (high, wide))
        rows, columns = (np.arange(side) * sketch.GRID // side for side in (high, wide))
        part = before[start : start + _SAME_PLACE][:, rows][:, :, columns]
        made[start : start + _SAME_PLACE, top : top + high, left : left + wide] = part[: len(made) - start]
    mean, spread = made.mean((1, 2), keepdims=True), made.std((1, 2), keepdims=True)
    return np.asarray((made - mean) / np.maximum(spread, 1e-6), np.float32)


def build(scenes: int = SCENES) -> None:
    """Make the rows and keep them as they are stored in an index; goes on where it was stopped."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    lumas = [still(*one) for one in footage.crowd()]
    rows_file = _FOLDER / "rows.npy"
    done, number = _progress()
    shape = (len(WINDOWS) * SCENES, sketch.SIZE)
    mode = "r+" if done else "w+"
    values = np.lib.format.open_memmap(rows_file, mode=mode, dtype=np.int8, shape=shape)  # type: ignore[no-untyped-call]
    (_FOLDER / "cells").unlink(missing_ok=True)
    while done < scenes:
        chance = np.random.default_rng([2, number])
        made = windows(lumas[number % len(lumas)], _BATCH, chance)[: (scenes - done + 1) // 2]
        number += 1
        if len(made) == 0:
            continue
        if number % 2:
            other = windows(lumas[int(chance.integers(0, len(lumas)))], _BATCH, chance)
            made = in_front(made, other, chance) if len(other) else made
        for place, window in enumerate(WINDOWS):
            rows = sketch.sketches(made, window)
            rows = np.concatenate([rows, sketch.mirrored(rows)])[: scenes - done]
            begin = place * SCENES + done
            values[begin : begin + len(rows)] = quantised(rows)
        done += len(rows)
        if number % 100 == 0 or done >= scenes:
            values.flush()
            (_FOLDER / "progress").write_text(f"{done} {number} {len(lumas)}")
            print(f"{done} scenes of {len(lumas)} pictures", flush=True)


def _progress() -> tuple[int, int]:
    """Scenes and batches made so far."""
    path = _FOLDER / "progress"
    done, number, _ = path.read_text().split() if path.exists() else ("0", "0", "0")
    return int(done), int(number)


def is_built() -> bool:
    """Whether all rows are there."""
    return _progress()[0] >= SCENES


def load() -> FaissIndex:
    """The index with all rows in it, sorted into cells, once made and then kept."""
    values = np.load(_FOLDER / "rows.npy", mmap_mode="r")
    done, _ = _progress()
    kept, index = _FOLDER / "cells", FaissIndex()
    parts = [
        values[place * SCENES + start : place * SCENES + min(start + 250_000, done)]
        for place in range(len(WINDOWS))
        for start in range(0, done, 250_000)
    ]
    if not kept.exists():
        for part in parts:
            index.add(np.asarray(part, np.float32))
        index.train()
        index.save(kept)
    index.restore(kept, parts)
    return index


def read() -> None:
    """Have the rows in the system's memory."""
    with (_FOLDER / "rows.npy").open("rb") as file:
        while file.read(1 << 24):
            pass


def strangers(count: int, part: str = "held_out") -> list[Fingerprint]:
    """Queries of eight scenes, each of another picture that is neither in the catalog nor in the million."""
    lumas = [still(*one) for one in footage.asking(part)]
    chance = np.random.default_rng(3)
    made = []
    for _ in range(count):
        scenes = []
        for number, place in enumerate(chance.choice(len(lumas), footage.SCENES, replace=False)):
            found = windows(lumas[int(place)], 4, chance)
            if len(found):
                packed, start = sketch.pack(found[0]), 2400 * number
                scenes.append(Scene(start, start + 2400, bytes(32), bytes(32), packed, bytes(380)))
        made.append(Fingerprint(bytes(32), tuple(scenes), np.zeros(0, np.uint32)))
    return made


@dataclass(frozen=True, slots=True)
class Reached:
    """How alike strangers are among the million."""

    values: list[float]  # the largest, one of each query, in falling order
    comparisons: int


def largest(part: str, count: int) -> tuple[Reached, Reached]:
    """Settled T that strangers reach among the million, insets included; and T as it is, without insets."""
    index, found = load(), []
    settled = whole = 0
    for query in strangers(QUERIES, part):
        portraits = np.array([scene.picture() for scene in query.scenes])
        near = query_variants(portraits)[1]
        rows = np.concatenate([near, *(sketch.sketches(portraits, window) for window in inset_windows())])
        settled += len(rows) * len(index)
        whole += len(near) * len(index)
        hits = index.search(rows, PROMISING)
        of_whole = [hit.whole for hit in hits if hit.query < len(near)]
        found.append((max((hit.t for hit in hits), default=0.0), max(of_whole, default=0.0)))
    first, second = (sorted(column, reverse=True)[:count] for column in zip(*found, strict=True))
    return Reached(first, settled), Reached(second, whole)


def take_for_strangers(catalog: Catalog) -> None:
    """Everything the index holds so far belongs to nobody who will be asked about."""
    catalog.note_strangers(len(catalog.index))


def measure() -> dict[str, Any]:
    """False alarms of strangers, recall of copies, time of a look-up and of a trace."""
    index = load()
    catalog = Catalog(index)
    take_for_strangers(catalog)
    recall.fill(catalog, recall.works())
    alarms = 0
    for number, query in enumerate(strangers(QUERIES)):
        found = trace(query, catalog)
        alarms += bool(found)
        for match in found:
            print(f"false alarm: query {number}, {match.work.name} {match.false_alarms:.1e}", flush=True)
    works = recall.works()
    asked = [transform for transform in TRANSFORMS if transform.name in _ASKED]
    made = [copy for copy in recall.copies(works, ready=True) if copy[0] in asked]
    tallies = recall.measure(catalog, works, made)
    wrong = sum(tally.false_works for tally in tallies.values())
    return {
        "scenes": _progress()[0],
        "rows": len(index),
        "pictures": int((_FOLDER / "progress").read_text().split()[2]),
        "stranger_queries": QUERIES,
        "stranger_queries_with_alarm": alarms,
        "copy_queries": len(made),
        "copy_queries_with_false_match": wrong,
        "recall": recall.rows(tallies),
    }


def main() -> None:
    """Build, or measure and write `.cache/bench-media/million.json`."""
    if sys.argv[1:] == ["build"]:
        build()
        return
    result = measure()
    Path(footage.CACHE / "million.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(json.dumps({key: value for key, value in result.items() if key != "recall"}, indent=1))


if __name__ == "__main__":
    main()
