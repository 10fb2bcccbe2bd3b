# SPDX-License-Identifier: Apache-2.0
"""Talks to the pose worker: frames go in, as many records come out, within a time, or it is ended.

The worker sees raw pictures only, never a file; still it is treated as if what it was shown had taken it over: limits
on time and memory, no environment, no file it may write, and no more numbers taken than frames were sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from ipto.errors import IptoError
from ipto.media.pose.joints import RECORD_BYTES, Joints, JointsError

_LAUNCHER = Path(__file__).parent.parent / "_launch.py"
_WORKER = Path(__file__).with_name("_worker.py")
MEMORY_BYTES = 2 * 1024**3  # of address space; 520 MB were seen used
_POLL_SECONDS = 0.2
_CHUNK = 256 * 1024
_MOST_SAID = 4096
_AGAIN = "make the environment again with `make pose`"


class PoseError(IptoError):
    """The pose worker failed; the film may still be fine."""


class Worker:
    """One run of the worker over one film. A context manager: leaving it ends the process.

    python: of the pose environment. seconds: for all of it, and the same of processor time on each of two cores.
    script: the program to run. check: called several times a second; what it raises ends the run.
    """

    def __init__(
        self,
        python: Path,
        width: int,
        height: int,
        *,
        seconds: float,
        memory_bytes: int = MEMORY_BYTES,
        script: Path = _WORKER,
        check: Callable[[], object] | None = None,
    ) -> None:
        self._frame_bytes = width * height * 3
        self._sent = 0
        self._deadline, self._seconds = time.monotonic() + seconds, seconds
        self._check = check
        self._answers, self._said = bytearray(), bytearray()
        limits = json.dumps({"cpu_seconds": int(seconds * 2) + 1, "memory_bytes": memory_bytes})
        command = [
            sys.executable,
            "-I",
            str(_LAUNCHER),
            limits,
            str(python),
            "-I",
            str(script),
            str(width),
            str(height),
        ]
        self._process = subprocess.Popen(  # noqa: S603  # our own launcher, no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._in, self._out, self._err = self._process.stdin, self._process.stdout, self._process.stderr
        os.set_blocking(self._in.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._selector.register(self._err, selectors.EVENT_READ)

    def feed(self, data: bytes) -> None:
        """Bytes of frames, in any cut. Waits while the worker is busy. Raises PoseError and what `check` raises."""
        rest = memoryview(data)
        self._sent += len(data)
        self._selector.register(self._in, selectors.EVENT_WRITE)
        try:
            while rest:
                for key, _ in self._wait():
                    if key.fileobj is self._in:
                        rest = rest[self._write(rest) :]
        finally:
            self._selector.unregister(self._in)

    def finish(self) -> Joints:
        """No more frames: the joints of all that were sent. Raises PoseError and what `check` raises."""
        self._in.close()
        while self._selector.get_map():
            self._wait()
        try:
            code = self._process.wait(max(0.1, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise self._slow() from error
        if code != 0:
            raise self._failed(f"ended with {code}")
        try:
            return Joints.parse(bytes(self._answers), self._sent // self._frame_bytes)
        except JointsError as error:
            raise PoseError(f"the pose worker answered with {error}; {_AGAIN}") from error

    def _wait(self) -> list[tuple[selectors.SelectorKey, int]]:
        if time.monotonic() > self._deadline:
            raise self._slow()
        if self._check is not None:
            self._check()
        ready = self._selector.select(_POLL_SECONDS)
        for key, _ in ready:
            if key.fileobj is self._in:
                continue
            piece = os.read(key.fd, _CHUNK)
            if not piece:
                self._selector.unregister(key.fileobj)
            elif key.fileobj is self._err:
                self._said += piece
                del self._said[:-_MOST_SAID]
            else:
                self._answers += piece
                if len(self._answers) > -(-self._sent // self._frame_bytes) * RECORD_BYTES:
                    raise PoseError(f"the pose worker answered with more than it was asked for; {_AGAIN}")
        return ready

    def _write(self, rest: memoryview) -> int:
        try:
            return os.write(self._in.fileno(), rest[:_CHUNK])
        except BlockingIOError:
            return 0
        except BrokenPipeError as error:
            self._process.wait(max(0.1, self._deadline - time.monotonic()))
            self._said += self._err.read()[-_MOST_SAID:]
            raise self._failed(f"ended with {self._process.returncode} before the film did") from error

    def _slow(self) -> PoseError:
        return PoseError(
            f"reading poses took longer than {round(self._seconds)} seconds; try when less else is running"
        )

    def _failed(self, how: str) -> PoseError:
        said = bytes(self._said).decode("utf-8", "replace").strip().splitlines()
        last = f" ({said[-1][:200]})" if said else ""
        return PoseError(f"the pose worker {how}{last}; {_AGAIN}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._selector.close()
        self._process.kill()
        self._process.wait()
        for pipe in (self._out, self._err):
            pipe.close()
        if not self._in.closed:
            with contextlib.suppress(BrokenPipeError):
                self._in.close()
