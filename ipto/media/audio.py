# SPDX-License-Identifier: Apache-2.0
"""What a film sounds like: loudness (EBU R 128) and a Chromaprint fingerprint, from one decoding of its first sound."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ipto.media import _ffmpeg
from ipto.media.errors import MediaError

VERSION = 1
# Chromaprint's algorithm 2 at 11,025 Hz: one number for each third of a frame of 4,096 samples.
ITEM_SECONDS = 4096 / 3 / 11025
_MAX_ITEMS = 12 * 3600 * 9


@dataclass(frozen=True, slots=True)
class Loudness:
    """Hundredths of LUFS, LU and dBTP."""

    integrated: int
    range: int
    true_peak: int


@dataclass(frozen=True, slots=True)
class Sound:
    """None for loudness: silence, or too short to measure."""

    loudness: Loudness | None
    items: NDArray[np.uint32]  # one for each ITEM_SECONDS


def listen(
    file: BinaryIO,
    name: str,
    container: str,
    *,
    duration: float,
    time_limit: float,
    memory_bytes: int,
    check: Callable[[], object] | None = None,
) -> Sound | None:
    """Measure the first sound track; None when it cannot be decoded, which does not spoil the pictures."""
    prints = _ffmpeg.Output("prints", 4 * _MAX_ITEMS)
    graph = "[0:a:0]asplit=2[a][b];[a]ebur128=framelog=quiet:peak=true[loud];[b]aresample=11025[prints]"
    arguments = ["-vn", "-sn", "-dn", "-filter_complex", graph, "-map", "[loud]", "-f", "null", "-"]
    arguments += ["-map", "[prints]", "-ac", "1", "-f", "chromaprint", "-fp_format", "raw", "{prints}"]
    try:
        log = _ffmpeg.run(
            file, name, container, arguments, [prints], seconds=time_limit, memory_bytes=memory_bytes,
            before=["-t", f"{duration + 5:.3f}"], check=check,
        )  # fmt: skip
    except MediaError:
        return None
    data = bytes(prints.data)
    items = np.frombuffer(data[: len(data) // 4 * 4], "<u4").astype(np.uint32)
    return Sound(_loudness(log), items)


def _loudness(log: str) -> Loudness | None:
    summary = log.rpartition("Summary:")[2]
    found = []
    for pattern in (r"\bI:\s+(-?[\d.]+) LUFS", r"\bLRA:\s+(-?[\d.]+) LU\b", r"Peak:\s+(-?[\d.]+) dBFS"):
        match = re.search(pattern, summary)
        if match is None:
            return None
        found.append(round(float(match[1]) * 100))
    # The gate of R 128 lies at -70: nothing louder was heard.
    return None if found[0] <= -7000 else Loudness(*found)


def bit_error(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> float:
    """The part of bits that differ between two stretches of the same length, 0 to 1."""
    both = np.bitwise_xor(first, second)
    return float(np.unpackbits(both.view(np.uint8)).mean()) if both.size else 1.0
