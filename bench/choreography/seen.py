# SPDX-License-Identifier: Apache-2.0
"""What the real pose model sees of drawn dancers. Kept in `.cache/bench-choreography`: the model is slow."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import numpy as np

from bench.choreography import figure
from bench.choreography.motion import RATE, Motion, Performer
from ipto.media import pose

CACHE = Path(".cache/bench-choreography")
_SECONDS = 3600
DRAWN = 1  # raise when dancers are drawn otherwise


def joints(motion: Motion, body: Performer, size: float = 1.0) -> pose.Joints:
    """Joints of a motion danced by a body, through the pose worker; no film is written between."""
    told = zlib.compress(np.round(motion.directions, 4).tobytes() + np.round(motion.floor, 4).tobytes())
    key = hashlib.sha256(told + f"{body} {size} {DRAWN}".encode()).hexdigest()[:24]
    kept = CACHE / "joints" / f"{key}.npz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        found = _look(motion, body, size)
        temporary = kept.with_name(f"{key}.part.npz")
        np.savez(temporary, places=found.places, visibility=found.visibility, spots=found.spots)
        temporary.replace(kept)
    arrays = np.load(kept)
    return pose.Joints(arrays["places"], arrays["visibility"], arrays["spots"])


def _look(motion: Motion, body: Performer, size: float) -> pose.Joints:
    sampled = motion.at_times(np.arange(0, len(motion.directions) - 1, RATE / pose.RATE))
    with pose.Worker(pose.python(), figure.SIDE, figure.SIDE, seconds=_SECONDS) as worker:
        for frame in figure.draw(sampled, body, size):
            worker.feed(frame.tobytes())
        return worker.finish()
