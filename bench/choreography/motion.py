# SPDX-License-Identifier: Apache-2.0
"""Motion as directions of bones: phrases made from a seed, real motion capture, and how another body dances the same.

Axes: x to the dancer's left, y up, z to where the dancer faces. A motion is sampled `RATE` times a second.

Real motion: the clips of Peng and others' DeepMimic, which the package pybullet carries (zlib license); some seconds
each, two of them dances. They are read from the wheel, which is fetched by its hash.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 30
BONES = (
    "left upper arm", "left forearm", "right upper arm", "right forearm",
    "left thigh", "left shin", "right thigh", "right shin", "torso", "shoulders", "hips",
)  # fmt: skip
_LEFT_ARM, _RIGHT_ARM, _LEFT_LEG, _RIGHT_LEG = (0, 1), (2, 3), (4, 5), (6, 7)
_TORSO, _SHOULDERS, _HIPS = 8, 9, 10
_LOCK = Path(__file__).parent.parent.parent / "requirements" / "bench-motion.lock"

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Motion:
    """Unit directions (n, 11, 3) in the order of `BONES`, lines from right to left; metres on the floor (n, 2)."""

    directions: Array
    floor: Array

    def seconds(self) -> float:
        """How long it takes."""
        return len(self.directions) / RATE

    def cut(self, start: float, seconds: float) -> Motion:
        """A part of it."""
        part = slice(round(start * RATE), round((start + seconds) * RATE))
        return Motion(self.directions[part], self.floor[part])

    def at_tempo(self, tempo: float) -> Motion:
        """The same, `tempo` times as fast."""
        return self.at_times(np.arange(0, len(self.directions) - 1, tempo))

    def at_times(self, places: Array) -> Motion:
        """Sampled anew; `places` are frames, fractions included."""
        low = np.clip(np.floor(places).astype(int), 0, len(self.directions) - 2)
        part = (places - low)[:, None]
        between = self.directions[low] * (1 - part[..., None]) + self.directions[low + 1] * part[..., None]
        return Motion(unit(between), self.floor[low] * (1 - part) + self.floor[low + 1] * part)

    def turned(self, degrees: float) -> Motion:
        """Seen from elsewhere: the dancer turned to the left."""
        turn = around_y(np.radians(degrees))
        across = np.stack([self.floor[:, 0], np.zeros(len(self.floor)), self.floor[:, 1]], 1) @ turn.T
        return Motion(self.directions @ turn.T, across[:, [0, 2]])

    def followed_by(self, other: Motion, blend: float = 0.4) -> Motion:
        """One after the other, with some seconds from pose to pose."""
        steps = round(blend * RATE)
        part = np.linspace(0, 1, steps + 2)[1:-1, None, None]
        over = unit(self.directions[-1] * (1 - part) + other.directions[0] * part)
        moved = other.floor + self.floor[-1] - other.floor[0]
        floor = np.concatenate([self.floor, np.repeat(self.floor[-1:], steps, 0), moved])
        return Motion(np.concatenate([self.directions, over, other.directions]), floor)


def unit(vectors: Array) -> Array:
    """Of length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def around_y(angle: float | Array) -> Array:
    """Rotation matrices about the vertical; radians."""
    c, s, one, nil = np.cos(angle), np.sin(angle), np.ones_like(angle), np.zeros_like(angle)
    return np.moveaxis(np.array([[c, nil, s], [nil, one, nil], [-s, nil, c]]), (0, 1), (-2, -1))


def around_x(angle: float) -> Array:
    """Rotation about the line from left to right; radians."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def phrase(seed: int, seconds: float = 20.0) -> Motion:
    """A dance of its own: key poses at beats of its own tempo, some held, some repeated, some on the other side."""
    chance = np.random.default_rng((12, seed))
    beat = 60 / chance.uniform(70, 140)
    poses: list[tuple[Array, float]] = [_pose(chance)]
    times, now, yaw = [0.0], 0.0, 0.0
    while now < seconds + 2:
        now += beat * chance.choice([0.5, 1, 1, 1, 2], p=[0.2, 0.25, 0.25, 0.2, 0.1])
        if len(poses) > 4 and chance.random() < 0.2:  # a motif comes back, perhaps on the other side
            pose = poses[-int(chance.integers(2, 5))][0]
            pose = mirrored_pose(pose) if chance.random() < 0.4 else pose
        else:
            pose = _mixed(chance, poses[-1][0], _pose(chance))
        yaw += chance.normal(0, 0.35) - 0.3 * yaw
        poses.append((pose, yaw) if isinstance(pose, np.ndarray) else pose)
        times.append(now)
    grid = np.arange(0, seconds, 1 / RATE)
    at = np.searchsorted(times, grid, side="right") - 1
    begin, end = np.array(times)[at], np.array(times)[at + 1]
    part = (grid - begin) / (end - begin)
    sharp = chance.uniform(0.6, 1.0)  # how soon a pose is reached, and then held
    part = np.clip(part / sharp, 0, 1)
    part = part * part * (3 - 2 * part)
    keys = np.array([pose for pose, _ in poses])
    yaws = np.array([turn for _, turn in poses])
    body = unit(keys[at] * (1 - part[:, None, None]) + keys[at + 1] * part[:, None, None])
    facing = yaws[at] * (1 - part) + yaws[at + 1] * part
    directions = np.einsum("nij,nbj->nbi", around_y(facing), body)
    walk = np.cumsum(chance.normal(0, 0.35, (len(times), 2)) * [1, 0.4], 0)
    walk -= walk.mean(0)
    floor = np.clip(walk, -0.6, 0.6)
    return Motion(directions, floor[at] * (1 - part[:, None]) + floor[at + 1] * part[:, None])


def _pose(chance: np.random.Generator) -> tuple[Array, float]:
    return _directions(chance), 0.0


def _directions(chance: np.random.Generator) -> Array:
    found = np.zeros((len(BONES), 3))
    for (upper, lower), side in ((_LEFT_ARM, 1), (_RIGHT_ARM, -1)):
        height = chance.uniform(-1.4, 1.4)
        out = chance.uniform(-0.4, 1.5)  # 0: ahead, π/2: to the side
        arm = np.array([side * np.cos(height) * np.sin(out), np.sin(height), np.cos(height) * np.cos(out)])
        bend = chance.choice([0.1, 0.6, 1.3, 2.0])
        towards = unit(np.array([side * chance.uniform(-1, 0.4), chance.uniform(-0.6, 1.0), chance.uniform(0.2, 1)]))
        across = unit(towards - arm * (towards @ arm))
        found[upper], found[lower] = arm, arm * np.cos(bend) + across * np.sin(bend)
    for (upper, lower), side in ((_LEFT_LEG, 1), (_RIGHT_LEG, -1)):
        is_lifted = chance.random() < 0.3
        lift = chance.uniform(0.5, 1.5) if is_lifted else chance.uniform(-0.15, 0.35)
        spread = chance.uniform(0.0, 0.6)
        leg = np.array([side * np.sin(spread) * np.cos(lift), -np.cos(lift) * np.cos(spread), np.sin(lift)])
        bend = chance.uniform(0.1, 1.8) if is_lifted else max(0.0, lift + chance.uniform(0, 0.2))
        back = unit(np.array([0.0, -0.2, -1.0]) - leg * (np.array([0.0, -0.2, -1.0]) @ leg))
        found[upper], found[lower] = unit(leg), unit(leg * np.cos(bend) + back * np.sin(bend))
    lean, side_lean, twist = chance.normal(0, 0.15), chance.normal(0, 0.18), chance.normal(0, 0.3)
    found[_TORSO] = unit(np.array([side_lean, 1.0, lean]))
    found[_SHOULDERS] = unit(np.array([np.cos(twist), chance.normal(0, 0.08) - side_lean, -np.sin(twist)]))
    found[_HIPS] = unit(np.array([1.0, chance.normal(0, 0.06), chance.normal(0, 0.1)]))
    return found


def _mixed(chance: np.random.Generator, before: Array, new: tuple[Array, float]) -> Array:
    """Seldom does everything move at once."""
    found = before.copy()
    groups = (_LEFT_ARM, _RIGHT_ARM, (*_LEFT_LEG, *_RIGHT_LEG), (_TORSO, _SHOULDERS, _HIPS))
    for group, likely in zip(groups, (0.75, 0.75, 0.6, 0.6), strict=True):
        if chance.random() < likely:
            found[list(group)] = new[0][list(group)]
    return found


def mirrored_pose(pose: Array) -> Array:
    """On the other side."""
    swapped = pose[..., [2, 3, 0, 1, 6, 7, 4, 5, 8, 9, 10], :] * [-1, 1, 1]
    swapped[..., [_SHOULDERS, _HIPS], :] *= -1
    return np.asarray(swapped)


@dataclass(frozen=True, slots=True)
class Performer:
    """A body and a way of dancing. The lengths of bones are in metres."""

    arm: float
    forearm: float
    thigh: float
    shin: float
    torso: float
    shoulders: float
    hips: float
    girth: float  # 1: slim
    seed: int

    @staticmethod
    def of(seed: int) -> Performer:
        """One of many."""
        chance = np.random.default_rng((7, seed))
        tall = chance.uniform(0.9, 1.08)
        means = (0.29, 0.26, 0.43, 0.42, 0.52, 0.36, 0.20)
        lengths = [tall * mean * chance.uniform(0.93, 1.07) for mean in means]
        return Performer(*lengths, girth=chance.uniform(0.9, 1.35), seed=seed)

    def dances(self, motion: Motion, care: float = 1.0) -> Motion:
        """The same dance as this body does it: early here and late there (a tenth of a second), each limb some degrees
        off for good and some more from moment to moment, larger or smaller. care: 0 is exact."""
        chance = np.random.default_rng((11, self.seed))
        count = len(motion.directions)
        knots = np.arange(0, count + RATE, RATE)
        late = np.interp(np.arange(count), knots, chance.normal(0, 0.1 * care * RATE, len(knots)))
        danced = motion.at_times(np.clip(np.arange(count) + late, 0, count - 1.001))
        mean = danced.directions.mean(0)
        size = 1 + care * chance.normal(0, 0.15, (1, len(BONES), 1))
        off = care * chance.normal(0, 0.1, (1, len(BONES), 3))
        knots = np.arange(0, count + RATE // 2, RATE // 2)
        sway = care * chance.normal(0, 0.08, (len(knots), len(BONES) * 3))
        moving = np.array([np.interp(np.arange(count), knots, column) for column in sway.T]).T
        shaped = mean + (danced.directions - mean) * size + off + moving.reshape(count, len(BONES), 3)
        return Motion(unit(shaped), danced.floor)


# What DeepMimic's figure looks like: where a joint is from the one before, in metres; it faces +x, its right is +z.
_FRAMES = {"chest": 8, "neck": 12, "right hip": 16, "right knee": 20, "right shoulder": 25, "right elbow": 29,
           "left hip": 30, "left knee": 34, "left shoulder": 39, "left elbow": 43}  # fmt: skip


def real_clips(cache: Path) -> dict[str, Motion]:
    """Motion capture by name, from pybullet's wheel, which is fetched by its hash once."""
    folder = cache / "motions"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run(
            [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(_LOCK), "-d", str(folder)], check=True
        )
        for wheel in folder.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if "/data/motions/humanoid3d_" in name:
                        (folder / Path(name).name).write_bytes(archive.read(name))
            wheel.unlink()
        (folder / "done").touch()
    return {path.stem.removeprefix("humanoid3d_"): read_clip(path) for path in sorted(folder.glob("humanoid3d_*.txt"))}


def read_clip(path: Path) -> Motion:
    """One clip: quaternions (w, x, y, z) of joints, angles of knees and elbows, at a rate of its own."""
    frames = np.array(json.loads(path.read_text(encoding="utf-8"))["Frames"])
    root = _matrices(frames[:, 4:8])
    chest = root @ _matrices(frames[:, 8:12])
    found = np.zeros((len(frames), len(BONES), 3))
    down, up, right = np.array([0.0, -1, 0]), np.array([0.0, 1, 0]), np.array([0.0, 0, 1])
    for (upper, lower), name, base in (
        (_LEFT_ARM, "left", chest), (_RIGHT_ARM, "right", chest),
        (_LEFT_LEG, "left", root), (_RIGHT_LEG, "right", root),
    ):  # fmt: skip
        first, second = ("shoulder", "elbow") if base is chest else ("hip", "knee")
        at, bend = _FRAMES[f"{name} {first}"], frames[:, _FRAMES[f"{name} {second}"]]
        limb = base @ _matrices(frames[:, at : at + 4])
        found[:, upper] = limb @ down
        found[:, lower] = np.einsum("nij,nj->ni", limb, np.stack([np.sin(bend), -np.cos(bend), 0 * bend], 1))
    found[:, _TORSO] = (root @ up) * 0.5 + (chest @ up) * 0.5
    found[:, _SHOULDERS], found[:, _HIPS] = -(chest @ right), -(root @ right)
    # To axes of this module: what is ahead is z, what is left is x.
    found = found[..., [2, 1, 0]] * [-1, 1, 1]
    floor = frames[:, [3, 1]] * [-1, 1]
    times = np.concatenate([[0], np.cumsum(frames[:-1, 0])])
    places = np.interp(np.arange(0, times[-1], 1 / RATE), times, np.arange(len(times)))
    clip = Motion(unit(found), floor - floor[0]).at_times(places)
    # Towards the camera at first.
    ahead = np.cross(clip.directions[0, _HIPS], [0.0, 1, 0])
    return clip.turned(-float(np.degrees(np.arctan2(ahead[0], ahead[2]))))


def _matrices(quaternions: Array) -> Array:
    w, x, y, z = unit(quaternions).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))
