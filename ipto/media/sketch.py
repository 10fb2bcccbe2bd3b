# SPDX-License-Identifier: Apache-2.0
"""Portrait and sketch of a scene: what trace looks for when a film was cropped, turned, framed or written over.

A *portrait* is the mean of a scene's frames, each freed of its brightness and contrast, on a grid of 48 × 48. A
*sketch* is a window of it as 255 low frequencies (DCT, 16 × 16 without the mean), flattened, because natural pictures
have most of their energy in the lowest, and scaled to length 1; its signs are the 256-bit *code*. A mirrored picture
only turns the sign of odd frequencies. Version 1; any change of a number here is another version.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

VERSION = 1
GRID = 48  # cells of a portrait on each side
FREQUENCIES = 16
SIZE = FREQUENCIES * FREQUENCIES  # numbers in a sketch; the first is always 0
_CELLS = 32  # a window is brought to this many cells on each side
_FLATTEN = 1.2  # exponent of the frequency each is multiplied with
_CONTRAST = 6.0  # of 255; frames that show this much make the portrait by themselves, where they are at least half
_LEAST_CONTRAST = 3.0  # flatter frames show nothing that could be found again
_SCALE = 24.0  # a cell of one standard deviation, in a stored portrait

Portrait = NDArray[np.float32]
Window = tuple[float, float, float, float]  # left, top, width, height, in parts of the picture
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)


class Painter:
    """Adds up a scene's frames."""

    def __init__(self) -> None:
        self._clear = np.zeros((GRID, GRID), np.float64)
        self._faint = np.zeros((GRID, GRID), np.float64)  # as after somebody brightened the sky
        self.frames = 0
        self.clear = 0
        self.faint = 0

    def add(self, luma: NDArray[np.uint8]) -> None:
        """A frame's luma, its sides a multiple of 48."""
        step = luma.shape[0] // GRID
        cells = luma.reshape(GRID, step, GRID, step).mean((1, 3), dtype=np.float32)
        spread = float(cells.std())
        self.frames += 1
        if spread < _LEAST_CONTRAST:
            return
        freed = (cells - cells.mean()) / spread
        if spread >= _CONTRAST:
            self._clear += freed
            self.clear += 1
        else:
            self._faint += freed
            self.faint += 1

    def portrait(self) -> Portrait | None:
        """The mean so far; None when most of the scene is too plain to be recognised."""
        if self.clear and 2 * self.clear >= self.frames:
            return (self._clear / self.clear).astype(np.float32)
        shown = self.clear + self.faint
        if shown == 0 or 2 * shown < self.frames:
            return None
        return ((self._clear + self._faint) / shown).astype(np.float32)


def pack(portrait: Portrait) -> bytes:
    """A portrait in 2,304 bytes, for storage."""
    return bytes(np.clip(np.rint(portrait * _SCALE), -127, 127).astype(np.int8).tobytes())


def unpack(data: bytes) -> Portrait:
    """A stored portrait. Raises ValueError for another length."""
    if len(data) != GRID * GRID:
        raise ValueError(f"a portrait has {GRID * GRID} bytes, not {len(data)}")
    return np.frombuffer(data, np.int8).reshape(GRID, GRID).astype(np.float32) / _SCALE


def sketches(portraits: NDArray[np.float32], window: Window = WHOLE) -> NDArray[np.float32]:
    """Sketches of a window of portraits (n, 48, 48): (n, 256), each of length 1."""
    left, top, width, height = window
    rows, columns = _transform(top, height), _transform(left, width)
    spectrum = np.einsum("ur,nrc,vc->nuv", rows, portraits, columns, optimize=True)
    flat = (spectrum * _weights()).reshape(len(portraits), SIZE)
    flat[:, 0] = 0.0
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(length, 1e-9), np.float32)


def mirrored(sketch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sketches of the same pictures seen in a mirror."""
    return sketch * _mirror()


def codes(sketch: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The signs of sketches: (n, 32) bytes."""
    return np.packbits(sketch > 0, axis=1)


def seen(sketch: NDArray[np.float32]) -> NDArray[np.float32]:
    """What sketches show, as pictures of 32 × 32 cells, sharpened as sketches are; of the same length: (n, 32, 32)."""
    waves = _waves()
    return np.asarray(
        np.einsum("ur,nuv,vc->nrc", waves, sketch.reshape(-1, FREQUENCIES, FREQUENCIES), waves, optimize=True),
        np.float32,
    )


def turned(portraits: NDArray[np.float32], degrees: float, shape: float) -> NDArray[np.float32]:
    """Portraits turned about their middle (bilinear; what comes in from outside repeats the edge).

    shape: width by height of the picture, which a portrait squeezes into a square.
    """
    angle = np.deg2rad(degrees)
    middle = (GRID - 1) / 2
    y, x = np.mgrid[0:GRID, 0:GRID].astype(np.float64) - middle
    rows = np.clip(y * np.cos(angle) - x * np.sin(angle) * shape + middle, 0, GRID - 1.001)
    columns = np.clip(y * np.sin(angle) / shape + x * np.cos(angle) + middle, 0, GRID - 1.001)
    top, left = rows.astype(int), columns.astype(int)
    down, right = (rows - top).astype(np.float32), (columns - left).astype(np.float32)
    result = (
        portraits[:, top, left] * (1 - down) * (1 - right)
        + portraits[:, top + 1, left] * down * (1 - right)
        + portraits[:, top, left + 1] * (1 - down) * right
        + portraits[:, top + 1, left + 1] * down * right
    )
    return np.asarray(result, np.float32)


@lru_cache(maxsize=1024)
def _transform(start: float, length: float) -> NDArray[np.float32]:
    """Cuts a window out of one axis, brings it to 32 cells by area, and takes its cosine transform: (16, 48)."""
    edges = (start + length * np.arange(_CELLS + 1) / _CELLS) * GRID
    cells = np.arange(GRID)
    overlap = np.clip(np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells), 0, None)
    overlap /= np.maximum(overlap.sum(1, keepdims=True), 1e-9)
    waves = np.cos(np.pi * (np.arange(_CELLS) + 0.5) * np.arange(FREQUENCIES)[:, None] / _CELLS)
    waves[0] *= np.sqrt(0.5)
    return np.asarray(waves @ overlap, np.float32)


@lru_cache(maxsize=1)
def _waves() -> NDArray[np.float32]:
    """The cosine transform of 32 cells, orthonormal: (16, 32)."""
    waves = np.cos(np.pi * (np.arange(_CELLS) + 0.5) * np.arange(FREQUENCIES)[:, None] / _CELLS)
    waves[0] *= np.sqrt(0.5)
    return np.asarray(waves * np.sqrt(2 / _CELLS), np.float32)


@lru_cache(maxsize=1)
def _weights() -> NDArray[np.float32]:
    u, v = np.mgrid[0:FREQUENCIES, 0:FREQUENCIES].astype(np.float32)
    return np.asarray((u * u + v * v) ** (_FLATTEN / 2), np.float32)


@lru_cache(maxsize=1)
def _mirror() -> NDArray[np.float32]:
    signs = np.where(np.arange(FREQUENCIES) % 2, -1.0, 1.0).astype(np.float32)
    return np.tile(signs, FREQUENCIES)
