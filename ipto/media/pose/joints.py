# SPDX-License-Identifier: Apache-2.0
"""Joints of one person over time, as the pose worker sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 12  # frames a second
JOINTS = (
    "left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist",
    "left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",
)  # fmt: skip
NUMBERS = 6
RECORD_BYTES = 4 * NUMBERS * len(JOINTS)
_MOST_METRES = 10.0
_MOST_PICTURES = 20.0  # how far out of the picture a joint may be thought

Numbers = NDArray[np.float32]


class JointsError(ValueError):
    """Numbers that no person's joints can have."""


@dataclass(frozen=True, slots=True)
class Joints:
    """Joints of the most prominent person, `RATE` frames a second.

    places: (n, 12, 3), metres from the middle of the hips, x to the picture's right, y down, z away. visibility:
    (n, 12), 0 to 1; all zero where nobody was seen. spots: (n, 12, 2), in parts of the picture's width and height.
    """

    places: Numbers
    visibility: Numbers
    spots: Numbers

    @staticmethod
    def parse(data: bytes, frames: int) -> Joints:
        """What the worker wrote of `frames` frames. Raises JointsError for anything that is not that."""
        if len(data) != frames * RECORD_BYTES:
            raise JointsError(f"{len(data)} bytes are not the joints of {frames} frames")
        values = np.frombuffer(data, "<f4").astype(np.float32).reshape(frames, len(JOINTS), NUMBERS)
        if not np.isfinite(values).all():
            raise JointsError("joints with numbers that are none")
        places, visibility, spots = values[..., :3], values[..., 3], values[..., 4:]
        if np.abs(places).max(initial=0) > _MOST_METRES or np.abs(spots).max(initial=0) > _MOST_PICTURES:
            raise JointsError("joints farther away than a person reaches")
        if visibility.min(initial=0) < -0.001 or visibility.max(initial=0) > 1.001:
            raise JointsError("a visibility that is not from 0 to 1")
        return Joints(places, np.clip(visibility, 0, 1), spots)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """In which frames somebody was seen."""
        return np.asarray(self.visibility.any(axis=1))
