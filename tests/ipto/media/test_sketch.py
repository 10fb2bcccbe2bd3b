# SPDX-License-Identifier: Apache-2.0
"""Portraits of faint scenes, and pictures turned in the shape they have."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ipto.media import sketch
from ipto.trace.index import SHAPE, WINDOWS
from ipto.trace.score import statistic

HIGH, WIDE = 360, 640


def frame(spread: float, seed: int = 1) -> NDArray[np.uint8]:
    """48 × 48 cells of luma around 128."""
    cells = np.random.default_rng(seed).normal(size=(sketch.GRID, sketch.GRID))
    return np.clip(128 + spread * (cells - cells.mean()) / cells.std(), 0, 255).round().astype(np.uint8)


def portrait(*spreads: float) -> sketch.Portrait | None:
    painter = sketch.Painter()
    for spread in spreads:
        painter.add(frame(spread))
    return painter.portrait()


def test_a_faint_scene_has_a_portrait_and_a_blank_one_has_none() -> None:
    assert portrait(*[1.0] * 4) is None
    assert portrait() is None
    faint, clear = portrait(*[4.5] * 4), portrait(*[40.0] * 4)
    assert faint is not None
    assert clear is not None
    # The same picture, brightened until a tenth of its contrast was left.
    alike = np.corrcoef(faint.ravel(), clear.ravel())[0, 1]
    assert alike > 0.99


def test_clear_frames_speak_alone_where_they_are_half() -> None:
    alone = portrait(40.0, 40.0)
    among = portrait(40.0, 40.0, 4.5, 4.5)
    assert alone is not None
    assert among is not None
    assert (alone == among).all()
    assert portrait(40.0, 1.0, 1.0) is None
    assert portrait(40.0, 4.5, 1.0) is not None


def smooth_picture(seed: int) -> NDArray[np.float64]:
    """A wide picture with the spectrum of natural ones."""
    chance = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(chance.normal(size=(HIGH, WIDE)))
    rows, columns = np.fft.fftfreq(HIGH)[:, None], np.fft.rfftfreq(WIDE)[None]
    made: NDArray[np.float64] = np.fft.irfft2(spectrum / np.maximum(np.hypot(rows, columns), 1 / WIDE) ** 1.3)
    return 128 + 40 * (made - made.mean()) / made.std()


def turned_picture(picture: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    """As an editor turns it: true angles in pixels, black corners."""
    angle, y, x = np.deg2rad(degrees), *np.mgrid[0:HIGH, 0:WIDE].astype(float)
    y, x = y - HIGH / 2, x - WIDE / 2
    rows = np.rint(y * np.cos(angle) - x * np.sin(angle) + HIGH / 2).astype(int)
    columns = np.rint(y * np.sin(angle) + x * np.cos(angle) + WIDE / 2).astype(int)
    inside = (rows >= 0) & (rows < HIGH) & (columns >= 0) & (columns < WIDE)
    return np.where(inside, picture[rows.clip(0, HIGH - 1), columns.clip(0, WIDE - 1)], 16)


def painted(picture: NDArray[np.float64]) -> NDArray[np.float32]:
    rows = np.arange(96) * HIGH // 96
    columns = np.arange(96) * WIDE // 96
    painter = sketch.Painter()
    painter.add(picture[rows][:, columns].clip(0, 255).astype(np.uint8))
    found = painter.portrait()
    assert found is not None
    return found[None]


@pytest.mark.parametrize("degrees", [-3.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_picture_is_turned_back_in_its_own_shape(seed: int, degrees: float) -> None:
    picture = smooth_picture(seed)
    known = sketch.sketches(painted(picture), WINDOWS[1])
    copy = painted(turned_picture(picture, degrees))

    def likeness(turn: float, shape: float) -> float:
        return float(statistic(sketch.sketches(sketch.turned(copy, turn, shape), WINDOWS[1]), known)[0, 0])

    back = likeness(-degrees, SHAPE)
    assert back > likeness(-degrees, 1.0) + 2
    assert back > likeness(degrees, SHAPE) + 2
    assert back > likeness(0.0, SHAPE) + 2
