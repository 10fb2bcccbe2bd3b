# SPDX-License-Identifier: Apache-2.0
"""How alike strangers are: the null distribution that trace's p-values come from.

    python -m bench.media.null

Counts T over all pairs of windows of different pictures (more than a million; pictures of one subject are never paired)
and writes ipto/trace/null-1.json. The tail beyond the counted pairs is exponential; its slope is taken from the last
two counted decades, and made a fifth less steep, so that chance is rather thought too likely than too rare.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.media import footage
from ipto.media import _ffmpeg, sketch
from ipto.trace.score import Rows, statistic

TARGET = Path(__file__).parent.parent.parent / "ipto" / "trace" / "null-1.json"
_PROBABILITIES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5)
_CAUTION = 0.8
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


def strangers(rows: Rows, subjects: NDArray[np.int64]) -> NDArray[np.float32]:
    """T of every pair of different subjects, each once, in falling order."""
    found = []
    for number in range(len(rows)):
        others = subjects[number + 1 :] != subjects[number]
        found.append(statistic(rows[number : number + 1], rows[number + 1 :][others])[0])
    return np.sort(np.concatenate(found))[::-1]


def calibrate() -> dict[str, Any]:
    """The table, from the footage."""
    pictures, subjects = portraits()
    values = strangers(sketch.sketches(pictures), subjects)
    points = [(share, float(values[int(len(values) * share)])) for share in _PROBABILITIES]
    far, near = points[-1][1], next(t for share, t in points if share == 1e-3)
    slope = _CAUTION * np.log(1e-3 / points[-1][0]) / (far - near)
    return {
        "about": "T between strangers, counted by `python -m bench.media.null`",
        "sketch_version": sketch.VERSION,
        "pairs": len(values),
        "pictures": len(pictures),
        "subjects": int(subjects.max()) + 1,
        "largest_thousandths": round(float(values[0]) * 1000),
        "slope_thousandths": round(float(slope) * 1000),
        "quantiles": [{"t_thousandths": round(t * 1000), "pairs_in_1e9": round(share * 1e9)} for share, t in points],
    }


def main() -> None:
    """Count, and write the table."""
    table = calibrate()
    TARGET.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    largest = table["largest_thousandths"] / 1000
    print(f"{table['pairs']} pairs of {table['subjects']} subjects, the most alike at T = {largest}")


if __name__ == "__main__":
    main()
