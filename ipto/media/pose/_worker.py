# SPDX-License-Identifier: Apache-2.0
"""Finds one person in each frame: raw RGB in, joints out. Runs in the pose environment, in a process of its own.

    python -I _worker.py WIDTH HEIGHT

Reads frames of WIDTH × HEIGHT × 3 bytes from standard input until it ends. Writes for each a record of 12 × 6 numbers
(float32, little-endian): of shoulders, elbows, wrists, hips, knees and ankles, left before right, the place in metres
from the middle of the hips (x to the right of the picture, y down, z away), the visibility (0 to 1), and the place in
the picture (0 to 1). All zeros: nobody was seen. Imports nothing of this library; what started it set its limits.
"""

from __future__ import annotations

import os
import sys
import types
from array import array
from pathlib import Path
from typing import Any

JOINTS = (11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)  # of mediapipe's 33 landmarks
NUMBERS = 6


def _pose() -> Any:
    """mediapipe's pose model, without what the package imports beside it: drawing, other models, training."""
    for name in ("mediapipe", "mediapipe.python", "mediapipe.python.solutions"):
        places = (Path(folder, *name.split(".")) for folder in sys.path)
        module = types.ModuleType(name)
        module.__path__ = [str(place) for place in places if place.is_dir()]
        sys.modules[name] = module
    from mediapipe.python.solutions.pose import Pose

    return Pose(model_complexity=1)


def main(arguments: list[str]) -> None:
    """Answer frame by frame until there are no more."""
    width, height = map(int, arguments)
    # Whatever a library prints must not get among the numbers.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    pose = _pose()
    import numpy

    size = width * height * 3
    while frame := sys.stdin.buffer.read(size):
        if len(frame) < size:
            raise EOFError("the last frame is not whole")
        found = pose.process(numpy.frombuffer(frame, numpy.uint8).reshape(height, width, 3))
        record = array("f", bytes(4 * NUMBERS * len(JOINTS)))
        if found.pose_landmarks and found.pose_world_landmarks:
            for at, joint in enumerate(JOINTS):
                place, spot = found.pose_world_landmarks.landmark[joint], found.pose_landmarks.landmark[joint]
                numbers = (place.x, place.y, place.z, spot.visibility, spot.x, spot.y)
                record[at * NUMBERS : (at + 1) * NUMBERS] = array("f", numbers)
        if sys.byteorder == "big":
            record.byteswap()
        out.write(record.tobytes())


if __name__ == "__main__":
    main(sys.argv[1:])
