# SPDX-License-Identifier: Apache-2.0
"""What a market shows of a film before it is licensed: a watermarked preview and a storyboard."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ipto.media import _ffmpeg

PREVIEW_SECONDS = 10
PREVIEW_HEIGHT = 360
_MAX_PREVIEW = 16 * 1024 * 1024
_MAX_BOARD = 4 * 1024 * 1024
_COLUMNS = 6
MAX_TILES = 48
# A 5 × 7 letter for each needed, row by row: FFmpeg's own text needs a font that a machine may not have.
_LETTERS = {
    "P": "11110 10001 10001 11110 10000 10000 10000",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "V": "10001 10001 10001 10001 10001 01010 00100",
    "I": "01110 00100 00100 00100 00100 00100 01110",
    "W": "10001 10001 10001 10101 10101 11011 10001",
}


def preview(
    path: Path,
    container: str,
    *,
    duration_ms: int,
    size: tuple[int, int],
    seconds: float = 60,
    memory_bytes: int,
    check: Callable[[], object] | None = None,
) -> bytes:
    """Ten seconds from a third into the film, 360 lines, marked all over, H.264 and AAC in a fragmented MP4.

    check: called now and then; what it raises ends the work. Raises MediaError.
    """
    height = min(PREVIEW_HEIGHT, size[1] // 2 * 2)
    width = max(2, round(size[0] * height / size[1] / 2) * 2)
    out = _ffmpeg.Output("preview", _MAX_PREVIEW)
    start = 0.0 if duration_ms < 3 * PREVIEW_SECONDS * 1000 else duration_ms / 3000
    with path.open("rb") as file, _watermark(width, height) as mark:
        graph = (
            f"[0:V:0]setpts=PTS-STARTPTS,fps=25,scale={width}:{height}:flags=bilinear,setsar=1,format=yuv420p[film];"
            f"[film][1:v]overlay=format=auto,format=yuv420p[marked]"
        )
        arguments = [
            "-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{width}x{height}", "-r", "1",
            "-fd", str(mark.fileno()), "-protocol_whitelist", "fd", "-i", "fd:",
            "-filter_complex", graph, "-map", "[marked]", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1",
            "-map_chapters", "-1", "-c:v", "libx264", "-preset", "superfast", "-crf", "30", "-c:a", "aac",
            "-b:a", "64k", "-ac", "2", "-movflags", "frag_keyframe+empty_moov+default_base_moof",
            "-fflags", "+bitexact", "-f", "mp4", "{preview}",
        ]  # fmt: skip
        _ffmpeg.run(
            file, str(path), container, arguments, [out], seconds=seconds, memory_bytes=memory_bytes,
            before=["-ss", f"{start:.3f}", "-t", str(PREVIEW_SECONDS)], extra=[mark], check=check,
        )  # fmt: skip
    return bytes(out.data)


def storyboard(thumbnails: Sequence[bytes], *, memory_bytes: int) -> bytes | None:
    """Up to 48 scenes in one JPEG, six in a row, in order of time; None without any picture."""
    chosen = [thumbnails[index * len(thumbnails) // MAX_TILES] for index in range(MAX_TILES)]
    chosen = list(thumbnails) if len(thumbnails) <= MAX_TILES else chosen
    if not chosen:
        return None
    columns = min(_COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    out = _ffmpeg.Output("board", _MAX_BOARD)
    with tempfile.TemporaryFile() as file:
        file.write(b"".join(chosen))
        graph = f"scale=240:-2:out_range=pc,tile={columns}x{rows}:padding=4:margin=4,format=yuvj420p"
        arguments = ["-vf", graph, "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "5", "-f", "mjpeg", "{board}"]
        _ffmpeg.run(file, "storyboard", "mjpeg", arguments, [out], seconds=60, memory_bytes=memory_bytes)
    return bytes(out.data)


def _watermark(width: int, height: int) -> BinaryIO:
    """An RGBA picture with the word PREVIEW in rows, half see-through."""
    word = np.concatenate([np.pad(_letter(name), ((0, 0), (0, 1))) for name in "PREVIEW"], axis=1)
    step = max(1, height // 120)
    word = np.kron(word, np.ones((step, step), np.uint8))
    tile = np.pad(word, ((2 * step, 12 * step), (2 * step, 14 * step)))
    down, right = -(-height // tile.shape[0]), -(-width // tile.shape[1]) + 1
    rows = [np.roll(np.tile(tile, (1, right)), row * tile.shape[1] // 2, axis=1) for row in range(down)]
    alpha = np.concatenate(rows)[:height, :width] * 110
    picture = np.full((height, width, 4), 255, np.uint8)
    picture[..., 3] = alpha
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    file.write(picture.tobytes())
    file.seek(0)
    return file


def _letter(name: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.array([[int(bit) for bit in row] for row in _LETTERS[name].split()], np.uint8)
