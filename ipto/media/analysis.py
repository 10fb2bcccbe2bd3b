# SPDX-License-Identifier: Apache-2.0
"""One pass over a film: small frames, MPEG-7 vectors and thumbnails stream out of one decoder and become scenes.

A film is read in parts of ten minutes, so that a long one can be stopped and resumed; each part needs the same memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ipto.media import _ffmpeg, signature, sketch
from ipto.media.errors import MediaError, reason
from ipto.media.scenes import SceneDetector

PART_SECONDS = 600
VECTORS_PER_SECOND = 5  # as iscc-sdk
_SIDE = 96
_FRAME_BYTES = _SIDE * _SIDE * 3 // 2
_THUMBS_PER_SECOND = 2
_MAX_THUMB_BYTES = 256 * 1024
_LONGEST = 12.0  # seconds; longer scenes are described in equal pieces of at most this
_MAX_RATE = 30
_COLOURS = 6  # levels of each of red, green and blue that a palette tells apart

Report = Callable[[float], object]


@dataclass(slots=True)
class Piece:
    """A scene, or an equal part of a long one."""

    start: float  # seconds
    end: float
    kind: str  # how it begins: `start`, `cut`, `fade`, or `part` of a scene that goes on
    motion: float  # mean change from frame to frame, 0 to 255
    luma: float  # mean, 0 to 255
    portrait: sketch.Portrait | None  # None: too plain to be recognised
    thumbnail: bytes | None = None  # JPEG, 320 pixels wide
    vectors: NDArray[np.int64] | None = None  # sum of the distinct MPEG-7 vectors
    vector_count: int = 0


@dataclass(slots=True)
class Part:
    """What one pass over a part of a film gives."""

    start: float
    seconds: float
    frames: int
    rate: Fraction
    pieces: list[Piece] = field(default_factory=list)
    vectors: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, signature.SIZE), np.uint8))
    colours: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_COLOURS**3, np.int64))


def analysis_rate(frame_rate: str) -> Fraction:
    """The rate frames are looked at: the film's own up to 30 a second, at least 5."""
    rate = Fraction(frame_rate)
    return max(Fraction(VECTORS_PER_SECOND), rate if rate <= _MAX_RATE else Fraction(_MAX_RATE))


def analyse_part(
    file: BinaryIO,
    name: str,
    container: str,
    *,
    start: float,
    seconds: float,
    rate: Fraction,
    crop: str | None,
    time_limit: float,
    memory_bytes: int,
    keys_only: bool = False,
    report: Report | None = None,
    check: Callable[[], object] | None = None,
) -> Part:
    """Decode `seconds` from `start` once and describe them. keys_only: key frames alone, each standing for what follows
    until the next; without thumbnails. report: called with seconds done. Raises MediaError."""
    builder = _Builder(start, rate, report)
    thumbs = _Thumbnails(builder.thumbs)
    frames_limit = int((seconds + 5) * float(rate) + 60) * _FRAME_BYTES
    vectors = _ffmpeg.Output("signature", 1024 * 1024 + int((seconds + 5) * VECTORS_PER_SECOND) * 200)
    outputs = [_ffmpeg.Output("frames", frames_limit, builder.feed), vectors]
    cut = f"crop={crop}," if crop else ""
    small = f"{cut}scale={_SIDE}:{_SIDE}:flags=area,format=yuv420p"
    sign = "signature=format=binary:filename={signature}[vectors]"
    maps = ["-map", "[frames]", "-f", "rawvideo", "{frames}", "-map", "[vectors]", "-f", "null", "-"]
    # What smooths the edges of blocks is not seen on so few cells, and costs a sixth of the decoding.
    before = ["-skip_loop_filter", "all", *(["-ss", f"{start:.3f}"] if start else []), "-t", f"{seconds:.3f}"]
    if keys_only:
        before = ["-skip_frame", "nokey", *before]
        smaller = f"{cut}scale='min(iw,640)':-2:flags=area"
        # The last one, too, stands for what follows it; repeated at our rate, not at the one the film claims.
        hold = f"fps={rate}:eof_action=pass,tpad=stop=-1:stop_mode=clone,trim=end={seconds:.3f}"
        graph = f"[0:V:0]setpts=PTS-STARTPTS,split[a][b];[a]{small},{hold}[frames];[b]{smaller},{hold},{sign}"
    else:
        outputs.append(
            _ffmpeg.Output("thumbs", int((seconds + 5) * _THUMBS_PER_SECOND) * _MAX_THUMB_BYTES, thumbs.feed)
        )
        graph = (
            f"[0:V:0]setpts=PTS-STARTPTS,split=3[a][b][c];[a]fps={rate},{small}[frames];"
            f"[b]fps={VECTORS_PER_SECOND},{cut}{sign};"
            f"[c]fps={_THUMBS_PER_SECOND},scale=320:-2:flags=area,format=yuvj420p[thumbs]"
        )
        maps += ["-map", "[thumbs]", "-c:v", "mjpeg", "-q:v", "5", "-f", "mjpeg", "{thumbs}"]
    arguments = ["-an", "-sn", "-dn", "-filter_complex", graph, *maps]
    _ffmpeg.run(
        file, name, container, arguments, outputs,
        seconds=time_limit, memory_bytes=memory_bytes, before=before, check=check,
    )  # fmt: skip
    thumbs.end()
    part = builder.finish()
    if part.frames == 0:
        raise MediaError(f"{name} {reason('truncated')}")
    try:
        part.vectors = signature.parse(bytes(vectors.data))
    except signature.SignatureError as error:
        raise MediaError(f"{name} {reason('broken')}") from error
    share_vectors(part)
    return part


def detect_crop(
    file: BinaryIO, name: str, container: str, size: tuple[int, int], duration: float, memory_bytes: int
) -> str | None:
    """The picture inside black bars, as `width:height:x:y`; None when there are no bars worth removing."""
    is_long = duration > 30
    before = ["-ss", f"{duration / 10:.3f}", "-t", "240", "-skip_frame", "nokey"] if is_long else ["-t", "30"]
    graph = "[0:V:0]" + ("" if is_long else "fps=2,") + "cropdetect=limit=24:round=2:reset=0:skip=0[o]"
    arguments = ["-an", "-sn", "-dn", "-filter_complex", graph, "-map", "[o]", "-f", "null", "-"]
    try:
        log = _ffmpeg.run(file, name, container, arguments, [], seconds=60, memory_bytes=memory_bytes, before=before)
    except MediaError:
        return None
    found = [line.rpartition("crop=")[2].split()[0] for line in log.splitlines() if "crop=" in line]
    numbers = found[-1].split(":") if found else []
    if len(numbers) != 4 or not all(part.isdigit() for part in numbers):
        return None
    width, height, left, top = map(int, numbers)
    if width < 64 or height < 64 or width * height < 0.25 * size[0] * size[1]:
        return None
    # Bars come in pairs; what is dark on one side only is part of the picture.
    pairs = ((size[0], width, left), (size[1], height, top))
    if any(abs(whole - inner - 2 * before) > 0.02 * whole for whole, inner, before in pairs):
        return None
    bars = max(1 - width / size[0], 1 - height / size[1])
    return f"{width}:{height}:{left}:{top}" if bars >= 0.02 else None


class _Builder:
    """Turns small frames into pieces."""

    def __init__(self, start: float, rate: Fraction, report: Report | None) -> None:
        self._start, self._rate, self._report = start, rate, report
        self._rest = bytearray()
        self._detector = SceneDetector(max(2, math.ceil(rate / 3)))
        self._step = max(1, round(float(rate) / VECTORS_PER_SECOND))
        self._pending: list[tuple[float, float, NDArray[np.uint8] | None]] = []
        self._first = 0  # frame the pending ones begin at
        self._kind = "start"
        self.thumbs: list[bytes] = []
        self.part = Part(start, 0.0, 0, rate)

    def feed(self, piece: bytes) -> None:
        """Bytes of frames, in any cut."""
        self._rest += piece
        whole = len(self._rest) // _FRAME_BYTES * _FRAME_BYTES
        data = bytes(self._rest[:whole])
        del self._rest[:whole]
        for at in range(0, whole, _FRAME_BYTES):
            self._frame(np.frombuffer(data, np.uint8, _FRAME_BYTES, at))

    def finish(self) -> Part:
        """No more frames."""
        for boundary in self._detector.end():
            self._close(boundary.frame, boundary.kind)
        self._close(self.part.frames, "end")
        self.part.seconds = float(self.part.frames / self._rate)
        for piece in self.part.pieces if self.thumbs else ():
            middle = (piece.start + piece.end) / 2 - self._start
            piece.thumbnail = self.thumbs[min(round(middle * _THUMBS_PER_SECOND), len(self.thumbs) - 1)]
        return self.part

    def _frame(self, data: NDArray[np.uint8]) -> None:
        luma = data[: _SIDE * _SIDE].reshape(_SIDE, _SIDE)
        chroma = data[_SIDE * _SIDE :].reshape(2, _SIDE // 2, _SIDE // 2)
        blocks = luma.reshape(32, 3, 32, 3).mean((1, 3), dtype=np.float32).astype(np.int16)
        colours = chroma.reshape(2, 16, 3, 16, 3).mean((2, 4), dtype=np.float32).astype(np.int16)
        found = list(self._detector.push(blocks, colours))
        index = self.part.frames
        self.part.frames += 1
        is_sample = index % self._step == 0
        self._pending.append((self._detector.change, float(blocks.mean()), luma.copy() if is_sample else None))
        if is_sample:
            self._paint(blocks, colours)
        for boundary in found:
            self._close(boundary.frame, boundary.kind)
        if self._report is not None and index % 25 == 0:
            self._report(float(index / self._rate))
        self._release()

    def _release(self) -> None:
        """A piece that has become long is reduced to what will be needed of it."""
        longest = int(_LONGEST * float(self._rate))
        while len(self._pending) >= 2 * longest:
            self._emit(self._first + longest, self._kind)
            self._kind = "part"

    def _close(self, frame: int, kind: str) -> None:
        """The scene ends before `frame`; what is left of it is divided into equal pieces."""
        seconds = (frame - self._first) / float(self._rate)
        count = max(1, math.ceil(seconds / _LONGEST))
        begin, first = self._kind, self._first
        for number in range(1, count + 1):
            self._emit(first + (frame - first) * number // count, begin)
            begin = "part"
        self._kind = kind

    def _emit(self, frame: int, kind: str) -> None:
        count = frame - self._first
        if count <= 0:
            return
        taken, self._pending = self._pending[:count], self._pending[count:]
        painter = sketch.Painter()
        for _, _, luma in taken:
            if luma is not None:
                painter.add(luma)
        begin, end = self._first / float(self._rate), frame / float(self._rate)
        changes = [change for change, _, _ in taken[1:]]
        self.part.pieces.append(
            Piece(
                start=self._start + begin,
                end=self._start + end,
                kind=kind,
                motion=float(np.mean(changes)) if changes else 0.0,
                luma=float(np.mean([luma for _, luma, _ in taken])),
                portrait=painter.portrait(),
            )
        )
        self._first = frame

    def _paint(self, luma: NDArray[np.int16], chroma: NDArray[np.int16]) -> None:
        """Count colours (BT.601, limited range)."""
        y = (luma.reshape(16, 2, 16, 2).mean((1, 3)) - 16) * 1.164
        cb, cr = chroma[0] - 128.0, chroma[1] - 128.0
        rgb = np.stack([y + 1.596 * cr, y - 0.392 * cb - 0.813 * cr, y + 2.017 * cb])
        levels = np.clip(rgb * _COLOURS / 256, 0, _COLOURS - 1).astype(np.int64)
        index = (levels[0] * _COLOURS + levels[1]) * _COLOURS + levels[2]
        self.part.colours += np.bincount(index.ravel(), minlength=_COLOURS**3)


class _Thumbnails:
    """Cuts a stream of JPEG pictures into pictures."""

    def __init__(self, pictures: list[bytes]) -> None:
        self._pictures, self._rest = pictures, bytearray()

    def feed(self, piece: bytes) -> None:
        """Bytes of the stream, in any cut."""
        self._rest += piece
        while (at := self._rest.find(b"\xff\xd9\xff\xd8")) >= 0:
            self._pictures.append(bytes(self._rest[: at + 2]))
            del self._rest[: at + 2]

    def end(self) -> None:
        """What is left is the last picture."""
        if self._rest.startswith(b"\xff\xd8"):
            self._pictures.append(bytes(self._rest))


def share_vectors(part: Part) -> None:
    """Give each piece the sum of its distinct vectors."""
    times = np.arange(len(part.vectors)) / VECTORS_PER_SECOND + part.start
    for piece in part.pieces:
        inside = part.vectors[(times >= piece.start - 1e-6) & (times < piece.end - 1e-6)]
        if len(inside) == 0 and len(part.vectors):  # shorter than the pause between two
            inside = part.vectors[np.abs(times - piece.start).argmin()][None]
        distinct = np.unique(inside, axis=0)
        piece.vectors, piece.vector_count = distinct.sum(0, dtype=np.int64), len(distinct)


def colour_name(index: int) -> str:
    """The middle of a palette's colour, `#rrggbb`."""
    levels = (index // _COLOURS**2, index // _COLOURS % _COLOURS, index % _COLOURS)
    return "#" + "".join(f"{round((level + 0.5) * 255 / _COLOURS):02x}" for level in levels)
