# SPDX-License-Identifier: Apache-2.0
"""Draws a dancer: a shaded, clothed figure of rounded cones before a wall, as raw RGB frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.choreography.motion import Array, Motion, Performer

SIDE = 288  # pixels
_AWAY = 4.2  # metres from the camera to the middle of the stage
_FOCUS = 1.55  # focal length in sides of the picture
_EYE = 0.95  # metres above the floor
_LIGHT = np.array([0.35, 0.65, 0.67])

Frame = NDArray[np.uint8]


def draw(motion: Motion, body: Performer, size: float = 1.0) -> Iterator[Frame]:
    """Frames (side, side, 3), `motion.RATE` a second. size: 1 fills most of the picture."""
    chance = np.random.default_rng((13, body.seed))
    looks = _Looks(chance)
    wall = _background(chance)
    for directions, floor in zip(motion.directions, motion.floor, strict=True):
        yield _render(wall, _parts(directions, floor, body, looks), size)


@dataclass(slots=True)
class _Part:
    """A rounded cone; metres."""

    start: Array
    end: Array
    thick: float
    thin: float
    colour: Array


class _Looks:
    """Colours of skin, hair and clothes, 0 to 1."""

    def __init__(self, chance: np.random.Generator) -> None:
        self.skin = np.array([0.95, 0.76, 0.62]) * chance.uniform(0.45, 1.0)
        self.hair = np.array([0.35, 0.22, 0.12]) * chance.uniform(0.2, 1.2)
        self.shirt, self.trousers, self.shoes = (chance.uniform(0.08, 0.9, 3) for _ in range(3))
        self.has_sleeves = chance.random() < 0.5
        self.has_long_legs = chance.random() < 0.6


def _background(chance: np.random.Generator) -> tuple[Array, Array]:
    wall, floor = chance.uniform(0.3, 0.9, 3), chance.uniform(0.2, 0.7, 3)
    rows = np.linspace(0, 1, SIDE)[:, None, None]
    picture = np.where(rows < 0.72, wall * (0.8 + 0.25 * rows), floor * (1.1 - 0.3 * rows)) * np.ones((1, SIDE, 1))
    for _ in range(6):  # things on the wall
        x, y, w, h = (int(chance.uniform(0, part) * SIDE) for part in (0.9, 0.5, 0.25, 0.25))
        picture[y : y + h + 4, x : x + w + 4] *= chance.uniform(0.75, 1.2, 3)
    picture += chance.normal(0, 0.015, picture.shape)
    return np.clip(picture, 0, 1), np.full((SIDE, SIDE), -1e9)


def _parts(directions: Array, floor: Array, body: Performer, looks: _Looks) -> list[_Part]:
    la, lf, ra, rf, lt, ls, rt, rs, torso, shoulders, hips = directions
    pelvis = np.zeros(3)
    left_hip, right_hip = hips * body.hips / 2, -hips * body.hips / 2
    top = pelvis + torso * body.torso
    left_shoulder, right_shoulder = top + shoulders * body.shoulders / 2, top - shoulders * body.shoulders / 2
    ahead = np.cross(shoulders, torso)
    ahead = ahead / np.linalg.norm(ahead)
    step = np.cross(hips, [0.0, 1, 0])
    step = step / max(np.linalg.norm(step), 1e-6)
    side = np.cross(torso, ahead)
    parts: list[_Part] = []

    def part(start: Array, end: Array, thick: float, thin: float, colour: Array, girth: float = body.girth) -> None:
        parts.append(_Part(start, end, thick * girth, thin * girth, colour))

    sleeves = looks.shirt if looks.has_sleeves else looks.skin
    legs = looks.trousers if looks.has_long_legs else looks.skin
    for shoulder, upper, lower in ((left_shoulder, la, lf), (right_shoulder, ra, rf)):
        elbow = shoulder + upper * body.arm
        wrist = elbow + lower * body.forearm
        part(shoulder, shoulder + upper * body.arm * 0.45, 0.055, 0.048, looks.shirt)
        part(shoulder + upper * body.arm * 0.4, elbow, 0.046, 0.042, sleeves)
        part(elbow, wrist, 0.041, 0.028, looks.skin)
        part(wrist, wrist + lower * 0.13, 0.034, 0.026, looks.skin)
    for hip, upper, lower in ((left_hip, lt, ls), (right_hip, rt, rs)):
        knee = hip + upper * body.thigh
        ankle = knee + lower * body.shin
        part(hip, knee, 0.088, 0.06, looks.trousers)
        part(knee, ankle, 0.058, 0.038, legs)
        part(ankle - [0, 0.03, 0], ankle - [0, 0.05, 0] + step * 0.17, 0.045, 0.035, looks.shoes)
    for share in np.linspace(0, 1, 7):
        middle = pelvis + (top - pelvis) * share
        across = (left_hip * (1 - share) + (left_shoulder - top) * share) * (0.62 if 0.2 < share < 0.6 else 0.8)
        part(middle - across, middle + across, 0.092, 0.092, looks.trousers if share < 0.15 else looks.shirt)
    neck = top + torso * 0.06
    part(top, neck + torso * 0.05, 0.05, 0.045, looks.skin)
    head = neck + torso * 0.15
    part(head, head - torso * 0.05 + ahead * 0.015, 0.098, 0.08, looks.skin, 1.0)
    crown = head + torso * 0.035 - ahead * 0.03
    part(crown - side * 0.02, crown + side * 0.02, 0.1, 0.1, looks.hair, 1.0)
    eyes, mouth = head + ahead * 0.09 + torso * 0.01, head + ahead * 0.088 - torso * 0.055
    nose = head + ahead * 0.1 - torso * 0.02
    for eye in (eyes - side * 0.036, eyes + side * 0.036):
        part(eye, eye, 0.012, 0.012, np.array([0.05, 0.05, 0.08]), 1.0)
    part(nose, nose, 0.017, 0.017, looks.skin * 0.93, 1.0)
    part(mouth - side * 0.015, mouth + side * 0.015, 0.009, 0.009, np.array([0.6, 0.2, 0.2]), 1.0)
    lowest = min(min(item.start[1] - item.thick, item.end[1] - item.thin) for item in parts)
    shift = np.array([floor[0], -lowest, floor[1]])
    for item in parts:
        item.start, item.end = item.start + shift, item.end + shift
    return parts


def _render(wall: tuple[Array, Array], parts: list[_Part], size: float) -> Frame:
    picture, depth = wall[0].copy(), wall[1].copy()
    for part in parts:
        near, far = part.start[2], part.end[2]
        scale, scale_end = (size * _FOCUS * SIDE / (_AWAY - z) for z in (near, far))
        # The dancer's left is on the right of the picture.
        x, y = SIDE / 2 + part.start[0] * scale, SIDE / 2 - (part.start[1] - _EYE) * scale
        x_end, y_end = SIDE / 2 + part.end[0] * scale_end, SIDE / 2 - (part.end[1] - _EYE) * scale_end
        thick, thin = max(part.thick * scale, 0.8), max(part.thin * scale_end, 0.8)
        left, right = max(0, int(min(x - thick, x_end - thin))), min(SIDE, int(max(x + thick, x_end + thin)) + 2)
        upper, lower = max(0, int(min(y - thick, y_end - thin))), min(SIDE, int(max(y + thick, y_end + thin)) + 2)
        if left >= right or upper >= lower:
            continue
        dx, dy = x_end - x, y_end - y
        across, down = np.arange(left, right) - x, (np.arange(upper, lower) - y)[:, None]
        along = np.clip((across * dx + down * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
        radius = thick + (thin - thick) * along
        u, v = (across - along * dx) / radius, (down - along * dy) / radius
        square = u * u + v * v
        height = np.sqrt(np.maximum(0, 1 - square))
        there = near + (far - near) * along + radius * height / scale
        window = depth[upper:lower, left:right]
        shown = (square <= 1) & (there > window)
        shade = 0.42 + 0.58 * np.maximum(0, _LIGHT[0] * u - _LIGHT[1] * v + _LIGHT[2] * height)
        window[shown] = there[shown]
        picture[upper:lower, left:right][shown] = shade[shown, None] * part.colour
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)
