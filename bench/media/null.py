# SPDX-License-Identifier: Apache-2.0
"""How alike strangers are: the null distribution that trace's p-values come from.

    python -m bench.media.null      five minutes; builds the catalog of a million scenes first where there is none

Counts settled T over all pairs of windows of different pictures (more than a million; pictures of one subject are never
paired) and writes ipto/trace/null-1.json. The tail beyond the counted pairs is exponential. How steep, photographs of a
third source say, asked for in the catalog of a million scenes: not half as steep as the largest they reach there allow.
Chance is rather thought too likely than too rare.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.media import footage
from ipto.media import _ffmpeg, sketch
from ipto.trace.score import LEAST, Rows, settled, statistic

if TYPE_CHECKING:
    from bench.media.million import Reached

TARGET = Path(__file__).parent.parent.parent / "ipto" / "trace" / "null-1.json"
_PROBABILITIES = (0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5)
_UNSETTLED = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3)
_CAUTION = 0.45  # photographs are few, and one bulb before a wall is alike to many
_LARGEST = 10  # of those asked for among a million
_SIDE = 480


def still(picture: Path, part: str) -> NDArray[np.float32]:
    """A picture's luma on 480 × 480."""
    cut = f"{part},scale={_SIDE}:{_SIDE}:flags=area,format=gray"
    command = [_ffmpeg.executable(), "-v", "error", "-i", str(picture), "-vf", cut, "-frames:v", "1"]
    command += ["-f", "rawvideo", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(_SIDE, _SIDE).astype(np.float32)


def portraits(per_picture: int = 6, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Portraits of random windows, and the number of the subject each is of."""
    chance = np.random.default_rng(seed)
    subjects: dict[Path, int] = {}
    found, names = [], []
    for picture, part in footage.pictures():
        luma = still(picture, part)
        for number in range(per_picture):
            side = _SIDE if number == 0 else int(chance.uniform(0.4, 1) * _SIDE) // sketch.GRID * sketch.GRID
            y, x = (int(chance.integers(0, _SIDE - side + 1)) for _ in range(2))
            painter = sketch.Painter()
            painter.add(luma[y : y + side, x : x + side])
            if (portrait := painter.portrait()) is not None:
                found.append(portrait)
                names.append(subjects.setdefault(picture, len(subjects)))
    return np.array(found), np.array(names)


def strangers(rows: Rows, subjects: NDArray[np.int64]) -> tuple[Rows, Rows]:
    """T of every pair of different subjects, each once, and T settled; both in falling order."""
    plain, found = [], []
    for number in range(len(rows)):
        others = rows[number + 1 :][subjects[number + 1 :] != subjects[number]]
        values = statistic(rows[number : number + 1], others)[0]
        plain.append(values.copy())
        alike = np.nonzero(values >= LEAST)[0]
        values[:] = 0
        values[alike] = settled(np.repeat(rows[number : number + 1], len(alike), 0), others[alike])
        found.append(values)
    return np.sort(np.concatenate(plain))[::-1], np.sort(np.concatenate(found))[::-1]


def calibrate(among_million: Reached, as_it_is: Reached) -> dict[str, Any]:
    """The table, from the footage. among_million: settled T among a million scenes. as_it_is: T before."""
    pictures, subjects = portraits()
    plain, values = strangers(sketch.sketches(pictures), subjects)
    points = [(1.0, 0.0), *(point for point in _reached(values, _PROBABILITIES) if point[1] > 0)]
    unsettled = _reached(plain, _UNSETTLED)
    return {
        "about": "settled T between strangers, counted by `python -m bench.media.null`",
        "sketch_version": sketch.VERSION,
        "pairs": len(values),
        "pictures": len(pictures),
        "subjects": int(subjects.max()) + 1,
        "largest_thousandths": round(float(values[0]) * 1000),
        "comparisons_in_million": among_million.comparisons,
        "largest_in_million_thousandths": [round(t * 1000) for t in among_million.values],
        "slope_thousandths": _slope(points[-1], among_million),
        "quantiles": _table(points),
        "unsettled_comparisons_in_million": as_it_is.comparisons,
        "unsettled_largest_in_million_thousandths": [round(t * 1000) for t in as_it_is.values],
        "unsettled_slope_thousandths": _slope(unsettled[-1], as_it_is),
        "unsettled_quantiles": _table(unsettled),
    }


def _slope(last: tuple[float, float], reached: Reached) -> int:
    """How steep the tail is taken to be beyond the last counted point, in thousandths of a nat for each of T."""
    least, far = last
    slopes = [
        np.log(least * reached.comparisons / place) / (t - far) for place, t in enumerate(reached.values, 1) if t > far
    ]
    return round(_CAUTION * float(min(slopes)) * 1000)


def _reached(falling: Rows, shares: Sequence[float]) -> list[tuple[float, float]]:
    return [(share, float(falling[int(len(falling) * share)])) for share in shares]


def _table(points: Sequence[tuple[float, float]]) -> list[dict[str, int]]:
    return [{"t_thousandths": round(t * 1000), "pairs_in_1e9": round(share * 1e9)} for share, t in points]


def main() -> None:
    """Count, and write the table."""
    # Here, because the million is made of stills that this module cuts.
    from bench.media import million

    if not million.is_built():
        million.build()
    table = calibrate(*million.largest("tuning", _LARGEST))
    TARGET.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    largest = table["largest_thousandths"] / 1000
    print(f"{table['pairs']} pairs of {table['subjects']} subjects, the most alike at T = {largest}")


if __name__ == "__main__":
    main()
