# SPDX-License-Identifier: Apache-2.0
"""Runs FFmpeg on one hostile file: limits set first, the file handed over as an open descriptor, results through pipes.

Neither the file's name nor anything read from it reaches a command line. FFmpeg may open nothing but the descriptors
it was given: no playlist, reference or address in a file is followed, no file is written.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path
from typing import BinaryIO

from ipto.errors import IptoError
from ipto.media.errors import MediaError, reason

_LAUNCHER = Path(__file__).with_name("_launch.py")
_MAX_STDERR = 256 * 1024
_CHUNK = 1024 * 1024
_POLL_SECONDS = 0.2
_QUIET = ["-hide_banner", "-nostdin", "-nostats", "-y", "-threads", "2", "-filter_threads", "1"]


@dataclass(slots=True)
class Output:
    """One pipe FFmpeg writes to. Named `{key}` in the arguments. More than `limit` bytes ends the run."""

    key: str
    limit: int
    take: Callable[[bytes], object] | None = None  # called with each piece; kept in `data` otherwise
    data: bytearray = field(default_factory=bytearray)
    size: int = 0


def executable() -> str:
    """The FFmpeg of the package imageio-ffmpeg. Raises IptoError when that is not installed."""
    if util.find_spec("imageio_ffmpeg") is None:
        raise IptoError("analysing videos needs FFmpeg; install ipto[media]")
    return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())


def run(
    file: BinaryIO,
    name: str,
    container: str,
    arguments: Sequence[str],
    outputs: Sequence[Output],
    *,
    seconds: float,
    memory_bytes: int,
    before: Sequence[str] = (),
    check: Callable[[], object] | None = None,
    extra: Sequence[BinaryIO] = (),
) -> str:
    """Run FFmpeg with `file` as its input; gives what it wrote to standard error.

    name: of the file, for errors only. container: the demuxer to use, whatever the file says. before: options of the
    input. check: called now and then; what it raises ends the run and goes to the caller.
    extra: further files the arguments name by descriptor. Raises MediaError.
    """
    pipes = {output.key: os.pipe() for output in outputs}
    writers = [writer for _, writer in pipes.values()]
    names = {key: f"/dev/fd/{writer}" for key, (_, writer) in pipes.items()}
    filled = [part.format(**names) if "{" in part else part for part in arguments]
    file.seek(0)
    # A copy of a descriptor shares its position, which no other run of this library touches meanwhile.
    given = ["-f", container, "-fd", str(file.fileno()), "-protocol_whitelist", "fd", *before, "-i", "fd:"]
    limits = json.dumps({"cpu_seconds": int(seconds * 2) + 1, "memory_bytes": memory_bytes})
    command = [sys.executable, "-I", str(_LAUNCHER), limits, executable(), "-v", "info", *_QUIET, *given, *filled]
    process = None
    try:
        process = subprocess.Popen(  # noqa: S603  # our own launcher, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(file.fileno(), *writers, *(other.fileno() for other in extra)),
            env={},
        )
        for writer in writers:
            os.close(writer)
        writers.clear()
        assert process.stderr is not None
        log = Output("stderr", sys.maxsize)
        sources = {process.stderr.fileno(): log, **{pipes[output.key][0]: output for output in outputs}}
        _pump(sources, name, time.monotonic() + seconds, check)
        code = process.wait(timeout=max(1.0, seconds))
    except subprocess.TimeoutExpired as error:
        raise MediaError(f"{name} {reason('slow')}") from error
    finally:
        if process is not None:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stderr is not None:
                process.stderr.close()
        for descriptor in [*writers, *(reader for reader, _ in pipes.values())]:
            os.close(descriptor)
    text = bytes(log.data).decode("utf-8", "replace")
    if code != 0:
        is_memory = "Cannot allocate memory" in text or code in (-9, 137)
        raise MediaError(f"{name} {reason('memory' if is_memory else 'broken')}")
    return text


def _pump(sources: dict[int, Output], name: str, deadline: float, check: Callable[[], object] | None) -> None:
    with selectors.DefaultSelector() as selector:
        for descriptor, sink in sources.items():
            selector.register(descriptor, selectors.EVENT_READ, sink)
        while selector.get_map():
            if time.monotonic() > deadline:
                raise MediaError(f"{name} {reason('slow')}")
            if check is not None:
                check()
            for key, _ in selector.select(_POLL_SECONDS):
                piece = os.read(key.fd, _CHUNK)
                if not piece:
                    selector.unregister(key.fd)
                    continue
                output = key.data
                output.size += len(piece)
                if output.size > output.limit:
                    raise MediaError(f"{name} {reason('output')}")
                if output.key == "stderr":  # the end says what went wrong, and carries the loudness
                    output.data += piece
                    del output.data[:-_MAX_STDERR]
                elif output.take is not None:
                    output.take(piece)
                else:
                    output.data += piece
