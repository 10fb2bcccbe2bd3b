# SPDX-License-Identifier: Apache-2.0
"""Small films made with FFmpeg for tests: patterns whose cuts are known, and changes to a film."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from ipto.media import _ffmpeg

PATTERNS = (
    "testsrc2=s=320x180:r=25",
    "mandelbrot=s=320x180:r=25:maxiter=400",
    "life=s=320x180:r=25:mold=10:ratio=0.3:death_color=#3050ff:life_color=#ffd020:seed=7,gblur=3",
    "smptehdbars=s=320x180:r=25",
    "gradients=s=320x180:r=25:seed=3:c0=0x102030:c1=0xf0a050:c2=0x40ff90:nb_colors=3:speed=0.05",
    "cellauto=s=320x180:r=25:rule=110:seed=5,gblur=4",
)
_ENCODE = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-pix_fmt", "yuv420p", "-fflags", "+bitexact"]


def ffmpeg(*arguments: str) -> None:
    """Run FFmpeg; its errors are the test's."""
    command = [_ffmpeg.executable(), "-v", "error", "-y", "-threads", "1", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def cut_film(path: Path, lengths: Sequence[float], *, first: int = 0, sound: bool = True) -> Path:
    """Patterns one after another, each shown for its length in seconds, with a rising tone."""
    inputs, labels = [], ""
    for number, length in enumerate(lengths):
        inputs += ["-f", "lavfi", "-t", str(length), "-i", PATTERNS[(first + number) % len(PATTERNS)]]
        labels += f"[{number}:v]"
    graph = f"{labels}concat=n={len(lengths)}:v=1:a=0,format=yuv420p[v]"
    tone = ["-f", "lavfi", "-t", str(sum(lengths)), "-i", "aevalsrc='0.3*sin(2*PI*t*(300+60*t))':s=22050"]
    audio = [*tone, "-filter_complex", graph, "-map", f"{len(lengths)}:a", "-c:a", "aac"]
    ffmpeg(*inputs, *(audio if sound else ["-filter_complex", graph]), "-map", "[v]", *_ENCODE, str(path))
    return path


def change(source: Path, path: Path, video: str = "null", *arguments: str) -> Path:
    """The film after a filter."""
    ffmpeg("-i", str(source), "-vf", video, *arguments, *_ENCODE, str(path))
    return path
