# SPDX-License-Identifier: Apache-2.0
"""How people in a film move: joints of the most prominent one, twelve times a second. Optional.

The model (mediapipe 0.10.21) lives in an environment of its own, made by `make pose`; without it nothing else changes.
The film is decoded by FFmpeg in its sandbox; the model sees small raw pictures only, in a second sandbox.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ipto.media import _ffmpeg
from ipto.media.errors import CancelledError, MediaError, reason
from ipto.media.pose.environment import NoPoseError, folder, python
from ipto.media.pose.joints import JOINTS, RATE, Joints
from ipto.media.pose.worker import PoseError, Worker

__all__ = ["JOINTS", "RATE", "Joints", "NoPoseError", "PoseError", "Worker", "folder", "python", "read_joints"]

_LONG_SIDE = 384  # pixels the model sees
_SECONDS = 60  # whatever the film's length
_SECONDS_PER_SECOND = 6.0
_DECODER_BYTES = 3 * 1024**3


def read_joints(
    file: BinaryIO,
    name: str,
    container: str,
    *,
    size: tuple[int, int],
    duration: float,
    environment: Path | None = None,
    progress: Callable[[float], object] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Joints:
    """The joints of a film that was probed: `container`, `size` as shown and `duration` (seconds) as the probe says.

    environment: the Python of the pose environment, if it is not where `make pose` puts it. progress: called with the
    part that is done, 0 to 1. cancelled: asked several times a second. Needs the same memory for any length but for 288
    bytes a frame. Raises MediaError, PoseError, NoPoseError, CancelledError.
    """
    interpreter = python(environment)
    scale = _LONG_SIDE / max(size)
    width, height = (max(16, round(side * scale / 2) * 2) for side in size)
    limit = _SECONDS + _SECONDS_PER_SECOND * duration
    frame_bytes = width * height * 3
    sent = 0

    def check() -> None:
        if cancelled is not None and cancelled():
            raise CancelledError(f"{Path(name).name}: stopped as asked")

    with Worker(interpreter, width, height, seconds=limit, check=check) as worker:

        def take(piece: bytes) -> None:
            nonlocal sent
            worker.feed(piece)
            sent += len(piece)
            if progress is not None:
                progress(min(1.0, sent / frame_bytes / RATE / max(duration, 0.1)))

        frames = _ffmpeg.Output("frames", int((duration + 5) * RATE + 12) * frame_bytes, take)
        graph = f"[0:V:0]setpts=PTS-STARTPTS,fps={RATE},scale={width}:{height}:flags=area,format=rgb24[frames]"
        arguments = ["-an", "-sn", "-dn", "-filter_complex", graph, "-map", "[frames]", "-f", "rawvideo", "{frames}"]
        _ffmpeg.run(
            file, name, container, arguments, [frames],
            seconds=limit, memory_bytes=_DECODER_BYTES, before=["-t", f"{duration + 1:.3f}"], check=check,
        )  # fmt: skip
        if sent == 0:
            raise MediaError(f"{name} {reason('truncated')}")
        return worker.finish()
