# SPDX-License-Identifier: Apache-2.0
"""Where one scene ends and the next begins: cuts and fades, found while small frames stream by.

A cut is a frame that differs from the one before by far more than its neighbours do (as PySceneDetect's
AdaptiveDetector); a fade passes through black and splits in the middle of it. Nothing here looks ahead by more than a
few frames, so a film of any length needs the same memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WINDOW = 3  # neighbours on each side that a cut must tower over
_LEAST_CHANGE = 7.0  # of 255, mean over luma and chroma
_TOWERS = 3.0  # times the largest neighbour's change, or ...
_CERTAIN = 45.0  # ... a change no movement makes
_BLACK = 24  # luma in limited range; 16 is black
_LEAST_FRAMES = 8  # at 25 frames a second about a third of a second

Frame = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Boundary:
    """A scene begins at this frame."""

    frame: int
    kind: str  # `start`, `cut`, `fade`


class SceneDetector:
    """Takes frames in order, says at which a new scene begins."""

    def __init__(self, least_frames: int = _LEAST_FRAMES) -> None:
        self._least = least_frames
        self._changes: deque[tuple[int, float]] = deque(maxlen=2 * _WINDOW + 1)
        self._before: NDArray[np.int16] | None = None
        self._index = -1
        self._last = 0
        self._black_since: int | None = None
        self._any_light = False
        self.change = 0.0  # of the latest frame, 0 to 255
        self.is_black = False

    def push(self, luma: NDArray[np.int16], chroma: NDArray[np.int16]) -> Iterator[Boundary]:
        """The next frame, as means of blocks. Yields boundaries that have become certain; they lag a few frames."""
        self._index += 1
        both = np.concatenate([luma.ravel(), chroma.ravel()])
        self.change = 0.0 if self._before is None else float(np.abs(both - self._before).mean())
        self._before = both
        self._changes.append((self._index, self.change))
        self.is_black = bool(luma.max() <= _BLACK)
        yield from self._fade()
        if len(self._changes) == 2 * _WINDOW + 1:
            yield from self._cut(_WINDOW)

    def end(self) -> Iterator[Boundary]:
        """No more frames: cuts among the last few."""
        for middle in range(min(_WINDOW + 1, len(self._changes)), len(self._changes)):
            yield from self._cut(middle)

    def _fade(self) -> Iterator[Boundary]:
        if self.is_black:
            if self._black_since is None:
                self._black_since = self._index
            return
        if self._black_since is not None:
            middle = (self._black_since + self._index) // 2
            if self._any_light and self._index - self._black_since >= 2:
                yield from self._begin(middle, "fade")
            self._black_since = None
        self._any_light = True

    def _cut(self, middle: int) -> Iterator[Boundary]:
        frame, change = self._changes[middle]
        others = [other for index, (_, other) in enumerate(self._changes) if index != middle]
        if change < _LEAST_CHANGE or change < max(others, default=0.0):
            return
        # A flash is two changes next to each other of which neither towers over the other.
        if change >= _TOWERS * max(max(others, default=0.0), 1.0) or (
            change >= _CERTAIN and change >= 1.6 * max(others, default=0.0)
        ):
            yield from self._begin(frame, "cut")

    def _begin(self, frame: int, kind: str) -> Iterator[Boundary]:
        if frame - self._last >= self._least:
            self._last = frame
            yield Boundary(frame, kind)
