# SPDX-License-Identifier: Apache-2.0
"""A film's choreography, version 1: how the most prominent person's limbs point over time.

Twelve times a second the directions of 11 bones are kept (`BONES`), as three numbers of one byte each. From them follow
windows of four seconds on a time base without beats: turned so that the dancer faces the camera on average, the mean
taken away, the eight lowest frequencies of 32 numbers, the higher ones raised and what is told of depth, which the
model sees least well, lowered; their signs are 256 bits. Where nobody is seen well enough, or
little moves, or one short movement only repeats (walking), there is no window.

Codes and times stand in the metadata document; the directions in one binary file, which the document names by CID.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipto.errors import InputError
from ipto.media.pose.joints import RATE, Joints

VERSION = 1
NAME = f"urn:ipto:choreography:{VERSION}"
MAGIC = b"IPTOCH1\x00"
BONES = (
    "left upper arm", "left forearm", "right upper arm", "right forearm",
    "left thigh", "left shin", "right thigh", "right shin", "torso", "shoulders", "hips",
)  # fmt: skip
LIMBS = 8  # the first of them
WINDOW = 4.0  # seconds at the film's own tempo
SAMPLES = 48  # of a window
FREQUENCIES = 8
SIZE = 256
STEP = 0.5  # seconds from window to window
LISTED_STEP = 2.0  # of those a metadata document lists
MAX_LISTED = 2_500
MAX_FRAMES = 24 * 3600 * RATE
_MAX_STRETCHES = 20_000
_HEAD = struct.Struct("<8sII")
_STRETCH = struct.Struct("<II")
_FRAME = 3 * len(BONES) + 2
_SCALE = 127
_VISIBLE = 0.5
_LEAST_BONES = 6  # of 11
_LEAST_HEIGHT = 0.15  # of the picture, that a person takes
_LONGEST_GAP = 5  # frames
_MOVEMENT = 0.16  # root mean square of a limb's way from its mean direction; people standing have 0.05
_REPEATED = 0.85
_LAGS = (5, 24)  # samples after which a movement may repeat itself: 0.4 to 2 seconds

Directions = NDArray[np.float32]  # (n, 11, 3): x to the picture's right, y down, z away
Rows = NDArray[np.float32]  # (n, 256)

_ENDS = ((0, 2), (2, 4), (1, 3), (3, 5), (6, 8), (8, 10), (7, 9), (9, 11))  # joints of the limbs, by number
_USES = (*_ENDS, (0, 1, 6, 7), (0, 1), (6, 7))
_OTHER_SIDE = (2, 3, 0, 1, 6, 7, 4, 5, 8, 9, 10)
_LINES = (9, 10)  # from right to left
_CHANNELS = np.delete(np.arange(3 * len(BONES)), 3 * 10 + 1)  # all but the slope of the hips
_DEPTH = np.where(np.arange(3 * len(BONES)) % 3 == 2, 0.6, 1.0)[_CHANNELS]
_RAISED = np.sqrt(np.arange(1, FREQUENCIES + 1))
_WAVES = np.sqrt(2 / SAMPLES) * np.cos(
    np.pi * np.outer(np.arange(1, FREQUENCIES + 1), (np.arange(SAMPLES) + 0.5) / SAMPLES)
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time through which somebody is seen. valid (n, 11): which bones were; the others' directions are zero."""

    start_ms: int
    directions: Directions
    valid: NDArray[np.bool_]

    @property
    def end_ms(self) -> int:
        """Milliseconds from the beginning of the film."""
        return self.start_ms + round(len(self.directions) * 1000 / RATE)


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows that can be recognised, in order. rows: (n, 256), length 1."""

    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def codes(self) -> NDArray[np.uint8]:
        """Signs of the rows, (n, 32) bytes."""
        return np.packbits(self.rows >= 0, axis=1)


@dataclass(frozen=True, slots=True)
class Choreography:
    """Of one film."""

    stretches: tuple[Stretch, ...]

    def windows(self, tempo: float = 1.0, *, step: float = STEP, mirrored: bool = False) -> Windows:
        """All windows. tempo: how much faster than this film the other is; a window then takes `WINDOW` × tempo seconds
        of this one. step: seconds between them, of a window at tempo 1. mirrored: as in a mirror."""
        found = [_windows(stretch, tempo, step, mirrored) for stretch in self.stretches]
        return Windows(
            *(
                np.concatenate([blank, *(getattr(part, name) for part in found)])
                for name, blank in (
                    ("start_ms", np.zeros(0, np.int64)),
                    ("end_ms", np.zeros(0, np.int64)),
                    ("rows", np.zeros((0, SIZE), np.float32)),
                )
            )
        )

    def encode(self) -> bytes:
        """The binary file."""
        parts = [_HEAD.pack(MAGIC, len(self.stretches), sum(len(stretch.directions) for stretch in self.stretches))]
        weights = 1 << np.arange(len(BONES))
        for stretch in self.stretches:
            numbers = np.rint(stretch.directions * _SCALE).astype(np.int8).reshape(len(stretch.directions), -1)
            masks = (stretch.valid @ weights).astype("<u2")
            parts.append(_STRETCH.pack(stretch.start_ms, len(numbers)))
            parts.append(np.concatenate([numbers.view(np.uint8), masks[:, None].view(np.uint8)], 1).tobytes())
        return b"".join(parts)

    def document(self, uri: str) -> dict[str, Any]:
        """What the metadata document says; `uri`: where the binary file is, `ipfs://…`."""
        windows = self.windows(step=LISTED_STEP)
        codes = windows.codes()
        return {
            "version": NAME,
            "data": uri,
            "window_count": len(windows),
            "windows": [
                {"start_ms": int(start), "end_ms": int(end), "code": code.tobytes().hex()}
                for start, end, code in list(zip(windows.start_ms, windows.end_ms, codes, strict=True))[:MAX_LISTED]
            ],
        }


def decode(data: bytes) -> Choreography:
    """Read the binary file. Raises InputError for anything but a whole one of this version."""
    if len(data) < _HEAD.size or data[:8] != MAGIC:
        raise InputError(f"this is not a choreography of version {VERSION}")
    _, count, total = _HEAD.unpack_from(data)
    if count > _MAX_STRETCHES or total > MAX_FRAMES or len(data) != _HEAD.size + count * _STRETCH.size + total * _FRAME:
        raise InputError("the choreography is cut off or has bytes it does not tell of")
    found: list[Stretch] = []
    at, before = _HEAD.size, 0
    for number in range(count):
        start, frames = _STRETCH.unpack_from(data, at)
        at += _STRETCH.size
        if start < before or frames == 0 or at + frames * _FRAME > len(data) - (count - number - 1) * _STRETCH.size:
            raise InputError(f"stretch {number} of the choreography has impossible times")
        rows = np.frombuffer(data, np.uint8, frames * _FRAME, at).reshape(frames, _FRAME)
        at += frames * _FRAME
        masks = rows[:, -2].astype(np.uint16) + rows[:, -1] * np.uint16(256)
        if masks.max() >= 1 << len(BONES):
            raise InputError(f"stretch {number} of the choreography has bones that nobody has")
        valid = (masks[:, None] >> np.arange(len(BONES)) & 1).astype(bool)
        numbers = rows[:, :-2].copy().view(np.int8).reshape(frames, len(BONES), 3).astype(np.float32) / _SCALE
        found.append(Stretch(start, numbers * valid[..., None], valid))
        before = found[-1].end_ms
    return Choreography(tuple(found))


def compute(joints: Joints) -> Choreography:
    """The choreography of a film whose joints were read, as it is once it was stored."""
    directions, valid = _directions(joints)
    usable = (valid.sum(axis=1) >= _LEAST_BONES) & (_height(joints) >= _LEAST_HEIGHT)
    stretches = []
    for first, last in _runs(usable):
        if last - first < WINDOW * RATE / 2:
            continue
        part, shown = _filled(directions[first:last], valid[first:last])
        stretches.append(Stretch(round(first * 1000 / RATE), part, shown))
    # From the stored numbers, so that whoever has only those computes the same codes.
    return decode(Choreography(tuple(stretches[:_MAX_STRETCHES])).encode())


def mirrored(directions: Directions) -> Directions:
    """As in a mirror: left and right bones change places, and lines their ends. Twice gives the same again."""
    found = directions[:, _OTHER_SIDE] * np.array([-1, 1, 1], np.float32)
    found[:, _LINES] *= -1
    return np.asarray(found)


def movements(rows: Rows) -> NDArray[np.float32]:
    """Rows as movements again: (n, 256) gives (n, 48, 32)."""
    parts = rows.reshape(len(rows), len(_CHANNELS), FREQUENCIES)
    return np.asarray(np.einsum("kt,wck->wtc", _WAVES, parts), np.float32)


def _directions(joints: Joints) -> tuple[Directions, NDArray[np.bool_]]:
    places, visible = joints.places, joints.visibility >= _VISIBLE
    bones = [places[:, end] - places[:, start] for start, end in _ENDS]
    bones.append((places[:, 0] + places[:, 1] - places[:, 6] - places[:, 7]) / 2)
    bones += [places[:, 0] - places[:, 1], places[:, 6] - places[:, 7]]
    vectors = np.stack(bones, axis=1)
    lengths = np.linalg.norm(vectors, axis=-1)
    valid = np.stack([visible[:, list(use)].all(axis=1) for use in _USES], axis=1) & (lengths > 0.01)
    return np.asarray(vectors / np.maximum(lengths, 0.01)[..., None], np.float32) * valid[..., None], valid


def _height(joints: Joints) -> NDArray[np.float32]:
    """Of the visible joints, in parts of the picture's height; 0 where nobody is."""
    visible = joints.visibility >= _VISIBLE
    y = joints.spots[..., 1]
    top, bottom = np.where(visible, y, np.inf).min(1), np.where(visible, y, -np.inf).max(1)
    return np.where(visible.any(axis=1), bottom - top, 0).astype(np.float32)


def _runs(usable: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last + 1 of runs; short gaps are bridged."""
    places = np.nonzero(usable)[0]
    if not len(places):
        return []
    breaks = np.nonzero(np.diff(places) > _LONGEST_GAP + 1)[0]
    firsts, lasts = [0, *(breaks + 1)], [*breaks, len(places) - 1]
    return [(int(places[first]), int(places[last]) + 1) for first, last in zip(firsts, lasts, strict=True)]


def _filled(directions: Directions, valid: NDArray[np.bool_]) -> tuple[Directions, NDArray[np.bool_]]:
    """Short gaps of a bone are bridged in a straight line."""
    found, shown = directions.copy(), valid.copy()
    for bone in range(len(BONES)):
        for first, last in _runs(valid[:, bone]):
            there = np.nonzero(valid[first:last, bone])[0] + first
            gap = np.arange(first, last)
            for axis in range(3):
                found[first:last, bone, axis] = np.interp(gap, there, directions[there, bone, axis])
            shown[first:last, bone] = True
    return found, shown


def _windows(stretch: Stretch, tempo: float, step: float, is_mirrored: bool) -> Windows:
    span = WINDOW * RATE * tempo
    starts = np.arange(0, len(stretch.directions) - span + 1e-6, step * RATE * tempo)
    directions, valid = stretch.directions, stretch.valid
    if is_mirrored:
        directions, valid = mirrored(directions), valid[:, _OTHER_SIDE]
    places = starts[:, None] + np.arange(SAMPLES) * span / SAMPLES
    low = np.minimum(places.astype(np.int64), len(directions) - 1)
    high = np.minimum(low + 1, len(directions) - 1)
    part = (places - low).astype(np.float32)[..., None, None]
    shown = valid[low] & valid[high]
    moves = _facing(directions[low] * (1 - part) + directions[high] * part, shown)
    count = np.maximum(shown.sum(axis=1, keepdims=True), 1)[..., None]
    moves -= (moves * shown[..., None]).sum(axis=1, keepdims=True) / count
    # A bone that is missing for more than a quarter of a window tells nothing.
    shown &= shown.mean(axis=1, keepdims=True) >= 0.75
    moves *= shown[..., None]
    seen = shown.any(axis=1)
    movement = np.sqrt((moves[:, :, :LIMBS] ** 2).sum((1, 2, 3)) / np.maximum(shown[:, :, :LIMBS].sum((1, 2)), 1))
    kept = (seen.sum(axis=1) >= _LEAST_BONES) & (movement >= _MOVEMENT)
    flat = moves.reshape(len(moves), SAMPLES, 3 * len(BONES))[kept][:, :, _CHANNELS]
    varied = _repeats(flat) < _REPEATED
    flat = np.asarray(flat[varied] * _DEPTH, np.float32)
    rows = (np.einsum("kt,wtc->wck", _WAVES, flat) * _RAISED).reshape(len(flat), SIZE)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    begin = stretch.start_ms + np.rint(starts[kept][varied] * 1000 / RATE).astype(np.int64)
    return Windows(begin, begin + round(WINDOW * tempo * 1000), rows.astype(np.float32))


def _facing(moves: NDArray[np.float32], shown: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Each window turned about the vertical so that shoulders and hips lie across the picture on average."""
    across = (moves[:, :, _LINES] * shown[:, :, _LINES, None]).sum((1, 2))
    length = np.maximum(np.hypot(across[:, 0], across[:, 2]), 1e-6)
    c, s = ((across[:, axis] / length)[:, None, None] for axis in (0, 2))
    c, s = np.where(length[:, None, None] > 1e-3, c, 1), np.where(length[:, None, None] > 1e-3, s, 0)
    x, y, z = moves[..., 0], moves[..., 1], moves[..., 2]
    return np.stack([x * c + z * s, y, z * c - x * s], axis=-1)


def _repeats(moves: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each window is like itself a little later, at the lag where most; 1 for a movement that only repeats."""
    found = np.zeros(len(moves), np.float32)
    for lag in range(_LAGS[0], _LAGS[1] + 1):
        first, second = moves[:, :-lag], moves[:, lag:]
        energy = np.sqrt((first**2).sum((1, 2)) * (second**2).sum((1, 2)))
        alike = (first * second).sum((1, 2)) / np.maximum(energy, 1e-9)
        # Right after a moment everything is still like itself: only what came back counts.
        if lag == _LAGS[0]:
            least = alike
        least = np.minimum(least, alike)
        found = np.where(least < 0.5, np.maximum(found, alike), found)
    return found
