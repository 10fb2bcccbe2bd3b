# SPDX-License-Identifier: Apache-2.0
"""Studies a film: pictures and sound, part by part, with progress, stopping and going on where it stopped."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ipto.media import analysis, audio, sketch
from ipto.media.analysis import Part, Piece
from ipto.media.errors import CancelledError, MediaError, reason

VERSION = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """A film that was probed: what a study needs to know of it."""

    path: Path
    container: str
    duration_ms: int
    width: int
    height: int
    frame_rate: str
    has_audio: bool
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a study may cost. `seconds_per_second`: of waiting for each of the film, beyond `seconds`."""

    seconds: int = 120
    seconds_per_second: float = 4.0
    memory_bytes: int = 3 * 1024**3  # address space of the decoder


@dataclass(slots=True)
class Study:
    """All that was seen and heard."""

    pieces: list[Piece]
    vectors: NDArray[np.uint8]  # MPEG-7, five a second
    colours: NDArray[np.int64]
    crop: str | None  # the picture inside black bars, `width:height:x:y`
    sound: audio.Sound | None
    rate: Fraction
    seconds: float


def study(
    subject: Subject,
    *,
    bounds: Bounds | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[float], object] | None = None,
    cancelled: Callable[[], bool] | None = None,
    keys_only: bool = False,
) -> Study:
    """Look at a film once, from beginning to end.

    checkpoint: a folder; parts finished there are not looked at again. progress: called with the part done, 0 to 1.
    cancelled: asked several times a second. keys_only: at its key frames alone; nothing of that is kept or published.
    Raises MediaError, CancelledError.
    """
    limits = bounds or Bounds()
    duration = subject.duration_ms / 1000

    def check() -> None:
        if cancelled is not None and cancelled():
            raise CancelledError(
                f"{subject.path.name}: stopped as asked; the parts done are kept when a folder is given"
            )

    with subject.path.open("rb") as file, subject.path.open("rb") as second, ThreadPoolExecutor(1) as pool:
        name = str(subject.path)
        size = (subject.width, subject.height)
        limit = limits.seconds + limits.seconds_per_second * duration
        hearing = subject.has_audio and pool.submit(
            audio.listen, second, name, subject.container,
            duration=duration, time_limit=limit, memory_bytes=limits.memory_bytes, check=check,
        )  # fmt: skip
        crop = analysis.detect_crop(file, name, subject.container, size, duration, limits.memory_bytes)
        rate = Fraction(analysis.VECTORS_PER_SECOND) if keys_only else analysis.analysis_rate(subject.frame_rate)
        length = max(1, -(-subject.duration_ms // 1000))
        parts = []
        for start in range(0, length, length if keys_only else analysis.PART_SECONDS):
            check()
            seconds = duration if keys_only else min(analysis.PART_SECONDS, duration - start)
            kept = _Checkpoint(checkpoint, subject, start) if checkpoint else None
            part = kept.load() if kept else None
            if part is None:
                part = _look(file, subject, limits, start, seconds, rate, crop, keys_only, progress, check)
                if kept:
                    kept.save(part)
            if progress is not None:
                progress(min(1.0, (start + seconds) / duration))
            parts.append(part)
        sound = hearing.result() if hearing else None
    return _join(parts, crop, sound, rate)


def _look(
    file: BinaryIO,
    subject: Subject,
    limits: Bounds,
    start: int,
    seconds: float,
    rate: Fraction,
    crop: str | None,
    keys_only: bool,
    progress: Callable[[float], object] | None,
    check: Callable[[], object],
) -> Part:
    def report(done: float) -> None:
        if progress is not None:
            progress(min(1.0, (start + done) * 1000 / subject.duration_ms))

    part = analysis.analyse_part(
        file, str(subject.path), subject.container,
        start=start, seconds=seconds, rate=rate, crop=crop,
        time_limit=limits.seconds + limits.seconds_per_second * seconds,
        memory_bytes=limits.memory_bytes, keys_only=keys_only, report=report, check=check,
    )  # fmt: skip
    if part.seconds < 0.8 * seconds - 2 and not keys_only:
        raise MediaError(f"{subject.path} {reason('truncated')}")
    return part


def _join(parts: list[Part], crop: str | None, sound: audio.Sound | None, rate: Fraction) -> Study:
    pieces: list[Piece] = []
    for part in parts:
        for piece in part.pieces:
            # A part's first frame is no scene of its own accord.
            piece.kind = "part" if pieces and piece.kind == "start" else piece.kind
            pieces.append(piece)
    return Study(
        pieces=pieces,
        vectors=np.concatenate([part.vectors for part in parts]),
        colours=np.sum([part.colours for part in parts], axis=0, dtype=np.int64),
        crop=crop,
        sound=sound,
        rate=rate,
        seconds=sum(part.seconds for part in parts),
    )


class _Checkpoint:
    """One finished part in a file named after the film's digest, the version and where it begins."""

    def __init__(self, folder: Path, subject: Subject, start: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{subject.sha256.hex()}-{VERSION}-{start}.npz"

    def save(self, part: Part) -> None:
        """Keep it, whole or not at all."""
        thumbs = [piece.thumbnail or b"" for piece in part.pieces]
        blank = np.zeros((sketch.GRID, sketch.GRID), np.float32)
        facts = {
            "start": part.start,
            "seconds": part.seconds,
            "frames": part.frames,
            "rate": str(part.rate),
            "pieces": [
                [piece.start, piece.end, piece.kind, piece.motion, piece.luma, piece.portrait is not None, len(thumb)]
                for piece, thumb in zip(part.pieces, thumbs, strict=True)
            ],
        }
        out = io.BytesIO()
        np.savez(
            out,
            facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
            portraits=np.array([blank if piece.portrait is None else piece.portrait for piece in part.pieces]),
            thumbs=np.frombuffer(b"".join(thumbs), np.uint8),
            vectors=part.vectors,
            colours=part.colours,
        )
        data = out.getvalue()
        temporary = self._file.with_suffix(".tmp")
        temporary.write_bytes(hashlib.sha256(data).digest() + data)
        temporary.replace(self._file)

    def load(self) -> Part | None:
        """The part, when it was finished and its file is undamaged."""
        if not self._file.is_file():
            return None
        data = self._file.read_bytes()
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            return None
        arrays = np.load(io.BytesIO(data[32:]), allow_pickle=False)
        facts: dict[str, Any] = json.loads(arrays["facts"].tobytes())
        part = Part(facts["start"], facts["seconds"], facts["frames"], Fraction(facts["rate"]))
        part.vectors, part.colours = arrays["vectors"], arrays["colours"]
        thumbs, at = arrays["thumbs"].tobytes(), 0
        for row, portrait in zip(facts["pieces"], arrays["portraits"], strict=True):
            start, end, kind, motion, luma, is_drawn, size = row
            thumbnail = thumbs[at : at + size] or None
            at += size
            part.pieces.append(Piece(start, end, kind, motion, luma, portrait if is_drawn else None, thumbnail))
        analysis.share_vectors(part)
        return part
