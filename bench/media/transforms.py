# SPDX-License-Identifier: Apache-2.0
"""What people do to films they did not make. Each is an FFmpeg filter, and says where its scenes then are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.media.footage import CACHE, ffmpeg

Times = Callable[[float, float], float]  # (time in the film, its length) → time in the copy


@dataclass(frozen=True, slots=True)
class Transform:
    """`graph` turns [0:v] (and [1:v], another film) into [v]. `goal`: recall asked for, None where nothing is asked."""

    name: str
    graph: str
    goal: float | None = None
    speed: float = 1.0
    keeps: tuple[float, float] = (0.0, 1.0)  # the part of the film that survives
    crf: int = 23
    needs_other: bool = False

    def stretch(self, start: float, end: float, length: float) -> tuple[float, float] | None:
        """Where a scene of the film is in the copy; None when less than half of it survives."""
        first, last = (part * length for part in self.keeps)
        begin, stop = max(start, first), min(end, last)
        if stop - begin < 0.5 * (end - start):
            return None
        return (begin - first) / self.speed, (stop - first) / self.speed


_SUBTITLE = ",".join(
    f"drawbox=x=iw*{0.16 + 0.021 * n + 0.05 * (n % 3 == 0):.3f}:y=ih*{line}:w=iw*0.013:h=ih*0.05:c=white:t=fill"
    for line in (0.80, 0.88)
    for n in range(32)
)
_INSET = "[1:v]scale=640:360[o];[0:v]scale=iw*{size}:-2[i];[o][i]overlay=W*{x}:H*{y}:shortest=1[v]"

TRANSFORMS = (
    Transform("re-encode", "[0:v]null[v]", 0.99, crf=36),
    Transform("scale to 180 lines", "[0:v]scale=-2:180[v]", 0.99),
    Transform("squeeze to 4:3", "[0:v]scale=480:360,setsar=1[v]", 0.99),
    Transform("blur", "[0:v]gblur=sigma=4[v]", 0.99),
    Transform("sharpen", "[0:v]unsharp=7:7:2[v]", 0.99),
    Transform("noise", "[0:v]noise=alls=30:allf=t[v]", 0.99),
    Transform("gray", "[0:v]hue=s=0[v]", 0.99),
    Transform("hue and saturation", "[0:v]hue=h=50:s=1.6[v]", 0.99),
    Transform("brightness", "[0:v]eq=brightness=0.18[v]", 0.99),
    Transform("contrast and gamma", "[0:v]eq=contrast=1.5:gamma=0.7[v]", 0.99),
    Transform("vignette", "[0:v]vignette=PI/4[v]", None),
    Transform("12 frames a second", "[0:v]fps=12[v]", 0.99),
    Transform("mirror", "[0:v]hflip[v]", 0.99),
    Transform("letterbox", "[0:v]pad=iw:ih*1.34:0:(oh-ih)/2[v]", 0.99),
    Transform("pillarbox", "[0:v]pad=iw*1.3:ih:(ow-iw)/2:0[v]", 0.99),
    Transform("crop 10 %", "[0:v]crop=iw*0.9:ih*0.9[v]", 0.99),
    Transform("crop 10 %, one corner", "[0:v]crop=iw*0.9:ih*0.9:0:0[v]", None),
    Transform("crop 20 %", "[0:v]crop=iw*0.8:ih*0.8[v]", 0.90),
    Transform("rotate 3°", "[0:v]rotate=3*PI/180[v]", 0.99),
    Transform("watermark", "[0:v]drawbox=x=iw*0.72:y=ih*0.06:w=iw*0.22:h=ih*0.14:c=white@0.8:t=fill[v]", None),
    Transform("subtitles", f"[0:v]{_SUBTITLE}[v]", 0.90),
    Transform("trim to the middle half", "[0:v]null[v]", 0.99, keeps=(0.27, 0.77)),
    Transform("trim to one scene", "[0:v]null[v]", 0.99, keeps=(0.5, 0.625)),
    Transform("speed 1.1", "[0:v]setpts=PTS/1.1[v]", 0.99, speed=1.1),
    Transform("speed 1.5", "[0:v]setpts=PTS/1.5[v]", 0.90, speed=1.5),
    Transform("speed 0.8", "[0:v]setpts=PTS/0.8[v]", None, speed=0.8),
    Transform("compilation", "compilation", 0.99, needs_other=True),
    Transform("picture in picture 70 %", _INSET.format(size=0.7, x=0.06, y=0.22), 0.001, needs_other=True),
    Transform("picture in picture 50 %", _INSET.format(size=0.5, x=0.45, y=0.1), None, needs_other=True),
    Transform("mirror, crop 10 %, re-encode", "[0:v]hflip,crop=iw*0.9:ih*0.9,eq=saturation=1.4[v]", None, crf=32),
)  # fmt: skip


def copy_of(transform: Transform, film: Path, other: Path) -> Path:
    """Where the copy is, or will be."""
    recipe = f"{film.stat().st_size} {other.stat().st_size} {transform}".encode() + film.read_bytes()
    return CACHE / "copies" / f"{film.stem}-{hashlib.sha256(recipe).hexdigest()[:16]}.mp4"


def apply(transform: Transform, film: Path, other: Path, length: float) -> Path:
    """The copy, made once. `other`: a film of its own that a compilation or a frame around it is taken from."""
    copy = copy_of(transform, film, other)
    if copy.exists():
        return copy
    copy.parent.mkdir(parents=True, exist_ok=True)
    partial = copy.with_suffix(".part.mp4")
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", str(transform.crf), "-pix_fmt", "yuv420p", "-an"]
    first, last = (part * length for part in transform.keeps)
    inputs = ["-ss", f"{first:.3f}", "-t", f"{last - first:.3f}", "-i", str(film)]
    graph = transform.graph
    if transform.needs_other:
        inputs += ["-stream_loop", "-1", "-t", f"{length:.3f}", "-i", str(other)]
    if graph == "compilation":
        # The other film before and after.
        size = "scale=640:360,setsar=1,fps=25,format=yuv420p"
        graph = (
            f"[1:v]{size},split[b][a];[0:v]{size}[m];[b]trim=0:4.8[p];[a]trim=4.8:9.6,setpts=PTS-STARTPTS[q];"
            "[p][m][q]concat=n=3[v]"
        )
    ffmpeg(*inputs, "-filter_complex", graph, "-map", "[v]", *encode, str(partial))
    partial.replace(copy)
    return copy


def offset(transform: Transform) -> float:
    """Seconds of something else before the film begins in the copy."""
    return 4.8 if transform.graph == "compilation" else 0.0
