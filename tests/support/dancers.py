# SPDX-License-Identifier: Apache-2.0
"""Joints of dancers: recorded from the real pose model, and made from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ipto.media.choreography import compute
from ipto.media.pose import JOINTS, RATE, Joints
from ipto.trace.choreography import ChoreographyIndex

RECORDED = Path(__file__).parent.parent / "vectors" / "joints.npz"  # made by `python -m bench.choreography.record`


def recorded(name: str) -> Joints:
    """One dance, danced by `first` and by `second`, as the pose model saw them."""
    values = np.load(RECORDED)[name].astype(np.float32)
    return Joints(values[..., :3], values[..., 3], values[..., 4:])


def dancer(seed: int, seconds: float = 10.0, tempo: float = 1.0, noise: float = 0.0, noise_seed: int = 0) -> Joints:
    """Limbs that swing between random poses; the same seed is the same dance."""
    chance = np.random.default_rng(seed)
    keys = chance.normal(0, 0.25, (60, len(JOINTS), 3))
    rest = np.array(
        [[.18, -.5], [-.18, -.5], [.3, -.3], [-.3, -.3], [.35, -.05], [-.35, -.05],
         [.1, 0], [-.1, 0], [.12, .4], [-.12, .4], [.12, .8], [-.12, .8]]
    )  # fmt: skip
    keys[:, [0, 1, 6, 7]] *= 0.1
    keys[..., :2] += rest
    beats = np.cumsum(chance.uniform(0.4, 1.2, 60))
    times = np.arange(round(seconds / tempo * RATE)) / RATE * tempo
    places = np.array([np.interp(times, beats, column) for column in keys.reshape(60, -1).T]).T.reshape(-1, 12, 3)
    places = places + np.random.default_rng((1, noise_seed)).normal(0, noise, places.shape)
    return Joints(
        places.astype(np.float32),
        np.ones(places.shape[:2], np.float32),
        np.clip(places[..., :2] * 0.4 + 0.5, 0, 1).astype(np.float32),
    )


def registered(count: int) -> ChoreographyIndex:
    """An index of so many dances made from seeds, and of the recorded one by its first dancer."""
    made = ChoreographyIndex()
    for seed in range(count):
        made.add(str(seed), f"Dance {seed}", compute(dancer(seed, 12)))
    made.add("recorded", "Recorded", compute(recorded("first")))
    return made


def mirror(joints: Joints) -> Joints:
    """The same dancer in a mirror."""
    swap = [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]
    places = joints.places[:, swap] * np.array([-1, 1, 1], np.float32)
    return Joints(places, joints.visibility[:, swap], joints.spots[:, swap] * np.array([-1, 1], np.float32) + [1, 0])
