# SPDX-License-Identifier: Apache-2.0
"""The default store: a folder of blocks, named by their digest. No daemon, no set-up.

    FOLDER/format          which layout this is
    FOLDER/blocks/ab/…     one file for each block, named by the 64 hex digits of its SHA-256

A block appears by renaming a finished, flushed file, so a crash leaves either no block or a whole one, and any number
of processes may write the same folder. Names come from digests alone, never from what a caller typed.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from pathlib import Path

from ipto.content.cid import Cid
from ipto.content.store import MAX_BLOCK, BlockStore, MissingContentError
from ipto.content.unixfs import DEFAULT_PROFILE, Described, Profile, Progress, Source
from ipto.errors import InputError, IntegrityError

_FORMAT = "ipto blocks 1\n"
# Never follow a link out of the folder, never wait on a pipe.
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class LocalStore(BlockStore):
    """A content store in a folder, which is made if it is not there."""

    def __init__(self, folder: Path | str, profile: Profile = DEFAULT_PROFILE) -> None:
        self.folder = Path(folder)
        self.profile = profile
        self._blocks = self.folder / "blocks"
        self._lock = threading.Lock()
        self._unsynced: set[Path] = set()
        marker = self.folder / "format"
        try:
            self._blocks.mkdir(parents=True, exist_ok=True)
            if not marker.exists():
                self._write(marker, _FORMAT.encode())
            layout = marker.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = f"{self.folder} cannot be used as a content store ({error})"
            raise InputError(f"{reason}; name another folder") from error
        if layout != _FORMAT:
            raise InputError(f"{self.folder} holds a content store of another version; name another folder")

    def read_block(self, cid: Cid) -> bytes:
        """One block as it is on disk, cut after MAX_BLOCK + 1 bytes. Raises MissingContentError."""
        path = self._path(cid)
        try:
            with os.fdopen(os.open(path, _READ_FLAGS), "rb") as file:
                return file.read(MAX_BLOCK + 1)
        except FileNotFoundError as error:
            raise MissingContentError(f"{cid} is not in the content store {self.folder}; put it there first") from error
        except OSError as error:
            raise IntegrityError(f"the block stored as {cid} cannot be read ({error})") from error

    def write_block(self, cid: Cid, block: bytes) -> None:
        """Keep a block. One that is there already is checked, and replaced if it is damaged."""
        path = self._path(cid)
        try:
            self.get_block(cid)
        except (MissingContentError, IntegrityError):
            path.parent.mkdir(exist_ok=True)
            self._write(path, block)
        with self._lock:  # also for a block another process has just renamed and not flushed yet
            self._unsynced.update((path.parent, self._blocks))

    def has_block(self, cid: Cid) -> bool:
        """Whether a block's file is there."""
        return self._path(cid).is_file()

    def ingest(self, source: Source, progress: Progress | None = None) -> Described:
        """See ContentStore; on return everything is on disk."""
        described = super().ingest(source, progress)
        self._sync_folders()
        return described

    def put_document(self, data: bytes) -> Cid:
        """See ContentStore; on return everything is on disk."""
        cid = super().put_document(data)
        self._sync_folders()
        return cid

    def _path(self, cid: Cid) -> Path:
        name = cid.digest.hex()
        return self._blocks / name[:2] / name

    def _write(self, path: Path, data: bytes) -> None:
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise

    def _sync_folders(self) -> None:
        """Make the renames themselves durable; once for a whole file, since one flush covers many of them."""
        with self._lock:
            while self._unsynced:
                handle = os.open(self._unsynced.pop(), os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
