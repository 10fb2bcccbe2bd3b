# SPDX-License-Identifier: Apache-2.0
"""Where a film's sound occurs in registered films: Chromaprint numbers vote for alignments, then bits are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipto.media.audio import ITEM_SECONDS, bit_error

_LEAST_ITEMS = 40  # five seconds
_MOST_ERROR = 0.20  # of bits; re-encoded sound stays below 0.05, strangers above 0.27
_CANDIDATES = 12
_COMMON = 64  # a number that occurs in more places than this tells nothing
_WINDOW = 8


@dataclass(frozen=True, slots=True)
class SoundMatch:
    """A stretch of sound that two films share."""

    work: int
    query_ms: tuple[int, int]
    work_ms: tuple[int, int]
    bit_error: float  # 0 to 1; strangers differ in about half of all bits


class SoundIndex:
    """The sounds of registered films, in memory: sixteen bytes for an eighth of a second."""

    def __init__(self) -> None:
        self._sounds: dict[int, NDArray[np.uint32]] = {}
        self._table: tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]] | None = None

    def add(self, work: int, items: NDArray[np.uint32]) -> None:
        """Take in a film's sound."""
        if len(items) >= _LEAST_ITEMS:
            self._sounds[work] = items
            self._table = None

    def search(self, items: NDArray[np.uint32]) -> list[SoundMatch]:
        """The longest shared stretch with each film that shares one of five seconds."""
        if len(items) < _LEAST_ITEMS or not self._sounds:
            return []
        values, works, places = self._sorted()
        first, last = np.searchsorted(values, items, "left"), np.searchsorted(values, items, "right")
        votes: dict[tuple[int, int], int] = {}
        for position, (begin, end) in enumerate(zip(first, last, strict=True)):
            if end - begin > _COMMON:
                continue
            for at in range(begin, end):
                key = (int(works[at]), int(places[at]) - position)
                votes[key] = votes.get(key, 0) + 1
        found: dict[int, SoundMatch] = {}
        for work, shift in sorted(votes, key=lambda key: -votes[key])[: 4 * _CANDIDATES]:
            match = self._verify(items, work, shift)
            if match and (work not in found or _length(match) > _length(found[work])):
                found[work] = match
        return sorted(found.values(), key=lambda match: match.bit_error)

    def _verify(self, items: NDArray[np.uint32], work: int, shift: int) -> SoundMatch | None:
        known = self._sounds[work]
        begin, end = max(0, -shift), min(len(items), len(known) - shift)
        if end - begin < _LEAST_ITEMS:
            return None
        a, b = items[begin:end], known[begin + shift : end + shift]
        errors = np.unpackbits((a ^ b).view(np.uint8)).reshape(len(a), 32).mean(axis=1)
        smooth = np.convolve(errors, np.ones(_WINDOW) / _WINDOW, "same")
        good = np.concatenate([[0], (smooth <= 0.25).astype(np.int8), [0]])
        starts, stops = np.nonzero(np.diff(good) == 1)[0], np.nonzero(np.diff(good) == -1)[0]
        if not len(starts):
            return None
        longest = int((stops - starts).argmax())
        start, stop = int(starts[longest]), int(stops[longest])
        if stop - start < _LEAST_ITEMS or (error := bit_error(a[start:stop], b[start:stop])) > _MOST_ERROR:
            return None
        from_ms, to_ms = (round((begin + place) * ITEM_SECONDS * 1000) for place in (start, stop))
        moved = round(shift * ITEM_SECONDS * 1000)
        return SoundMatch(work, (from_ms, to_ms), (from_ms + moved, to_ms + moved), error)

    def _sorted(self) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64]]:
        if self._table is None:
            values = np.concatenate(list(self._sounds.values()))
            works = np.concatenate([np.full(len(items), work) for work, items in self._sounds.items()])
            places = np.concatenate([np.arange(len(items)) for items in self._sounds.values()])
            order = np.argsort(values, kind="stable")
            self._table = values[order], works[order], places[order]
        return self._table


def _length(match: SoundMatch) -> int:
    return match.query_ms[1] - match.query_ms[0]
