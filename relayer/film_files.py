# SPDX-License-Identifier: Apache-2.0
"""The bytes of films that are not pinned: a file each, in a folder of their own, named by ids made here.

A file is written by whoever holds its lock, which the kernel lets go of however a process ends. Bytes count once they
are flushed and the row says so; what lies beyond that in the file, after a crash, is cut off before going on.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from relayer.problems import ConfigurationError, RefusedError

_ID = re.compile("[0-9a-f]{32}")
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def locked() -> RefusedError:
    """Two at once on one film: one of them waits."""
    return RefusedError(423, "locked", "this film is being written by another request; try again", retry_after=2)


class FilmFile:
    """A film's file, locked by this request. A thread that is still writing when the request ends keeps the descriptor
    until it is done, and finds the file closed afterwards: it never writes into whatever gets the number next."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._lock = descriptor, threading.Lock()

    @contextmanager
    def _open(self) -> Iterator[int]:
        with self._lock:
            if self._descriptor < 0:
                raise OSError(errno.EBADF, "the film's file is closed")
            yield self._descriptor

    @property
    def size(self) -> int:
        """Bytes in it, counted or not."""
        with self._open() as descriptor:
            return os.fstat(descriptor).st_size

    def cut(self, size: int) -> None:
        """Forget what lies beyond."""
        with self._open() as descriptor:
            os.ftruncate(descriptor, size)

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes at their place. Raises OSError, such as for a full disk."""
        view = memoryview(data)
        with self._open() as descriptor:
            while view:
                written = os.pwrite(descriptor, view, offset)
                offset, view = offset + written, view[written:]

    def flush(self) -> None:
        """Return once everything is on the disk."""
        with self._open() as descriptor:
            os.fsync(descriptor)

    def close(self) -> None:
        """Let the next one write."""
        with self._lock:
            os.close(self._descriptor)
            self._descriptor = -1


class FilmFiles:
    """The folder."""

    def __init__(self, folder: Path, spare: int) -> None:
        """spare: bytes of the disk that stay free. Raises ConfigurationError."""
        self.folder, self._spare = folder, spare
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be used for films ({error})") from error

    def path(self, name: str) -> Path:
        """Where a film is. Raises ValueError for what is no id of ours."""
        if not _ID.fullmatch(name):
            raise ValueError("not the id of a film")
        return self.folder / f"{name}.part"

    def room(self) -> int:
        """Bytes that can still come."""
        return max(0, shutil.disk_usage(self.folder).free - self._spare)

    @contextmanager
    def hold(self, name: str) -> Iterator[FilmFile]:
        """The file, made if it is not there, for one at a time. Raises RefusedError (423) at once, never waits."""
        descriptor = os.open(self.path(name), _FLAGS, 0o600)
        file = FilmFile(descriptor)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise locked() from None
            yield file
        finally:
            file.close()

    def has(self, name: str) -> bool:
        """Whether its bytes are on this machine."""
        return self.path(name).is_file()

    def drop(self, name: str) -> None:
        """Delete it."""
        self.path(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Ids of the films here."""
        found = []
        with suppress(OSError):
            found = [path.stem for path in self.folder.glob("*.part") if _ID.fullmatch(path.stem)]
        return found
