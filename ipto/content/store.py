# SPDX-License-Identifier: Apache-2.0
"""What every content store can do, whatever is behind it; and the part of it that is the same everywhere.

A store is asked by CID and answers with bytes that were checked against it, block by block, on every read. Nothing a
disk or a daemon says is believed.
"""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from ipto.content import unixfs
from ipto.content.cid import RAW, Cid
from ipto.content.unixfs import DEFAULT_PROFILE, Described, Profile, Progress, Source
from ipto.errors import InputError, IntegrityError, IptoError, NotFoundError

# No node stores or sends larger blocks.
MAX_BLOCK = 2 * 1024 * 1024
# A document is one block, so that its digest on chain is its address; Kubo takes at most 1 MiB.
MAX_DOCUMENT = 1024 * 1024


class MissingContentError(NotFoundError):
    """A store does not have a block it was asked for."""


class StoreUnavailableError(IptoError, ConnectionError):
    """The store behind a client does not answer, or answers with an error."""


@runtime_checkable
class ContentStore(Protocol):
    """Content by CID. Each method raises StoreUnavailableError when what is behind the store does not answer."""

    def put(self, source: Source) -> Cid:
        """Store bytes, a file's path or an open binary file; give the CID, computed here."""
        ...

    def ingest(self, source: Source, progress: Progress | None = None) -> Described:
        """`put` that also gives size, SHA-256 of the whole and the profile's name, from one pass."""
        ...

    def put_document(self, data: bytes) -> Cid:
        """Store a document (at most 1 MiB) as one raw block: its SHA-256, as it stands on chain, is its address."""
        ...

    def get(self, cid: Cid, max_bytes: int = MAX_DOCUMENT) -> bytes:
        """Everything under a CID. Raises InputError beyond `max_bytes`, MissingContentError, IntegrityError."""
        ...

    def get_document(self, digest: bytes) -> bytes:
        """The document with this SHA-256."""
        ...

    def stream(self, cid: Cid, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """A file's bytes, or a range of them, a chunk at a time. Raises like `get`."""
        ...

    def size(self, cid: Cid) -> int:
        """A file's length in bytes. Reads its root block."""
        ...

    def has(self, cid: Cid) -> bool:
        """Whether every block under a CID is there."""
        ...


class BlockStore(abc.ABC):
    """A content store made of three operations on blocks."""

    profile: Profile = DEFAULT_PROFILE

    @abc.abstractmethod
    def read_block(self, cid: Cid) -> bytes:
        """One block, unchecked; at most MAX_BLOCK + 1 bytes. Raises MissingContentError."""

    @abc.abstractmethod
    def write_block(self, cid: Cid, block: bytes) -> None:
        """Keep a block whose CID was computed here."""

    @abc.abstractmethod
    def has_block(self, cid: Cid) -> bool:
        """Whether a block is there, without reading it."""

    def get_block(self, cid: Cid) -> bytes:
        """One block, checked. Raises IntegrityError, naming the CID, when it is not what the CID stands for."""
        block = self.read_block(cid)
        if len(block) > MAX_BLOCK or hashlib.sha256(block).digest() != cid.digest:
            raise IntegrityError(
                f"the block stored as {cid} is damaged, its bytes do not match; put the original again to repair it"
            )
        return block

    def put(self, source: Source) -> Cid:
        """See ContentStore."""
        return self.ingest(source).cid

    def ingest(self, source: Source, progress: Progress | None = None) -> Described:
        """See ContentStore."""
        return unixfs.build(source, self.write_block, self.profile, progress)

    def put_document(self, data: bytes) -> Cid:
        """See ContentStore."""
        check_document_size(data)
        cid = Cid.of_block(data)
        self.write_block(cid, data)
        return cid

    def get(self, cid: Cid, max_bytes: int = MAX_DOCUMENT) -> bytes:
        """See ContentStore."""
        return unixfs.join(self.stream(cid), max_bytes, str(cid))

    def get_document(self, digest: bytes) -> bytes:
        """See ContentStore."""
        return self.get(Cid(1, RAW, digest))

    def stream(self, cid: Cid, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See ContentStore."""
        return unixfs.stream(self.get_block, cid, start, length)

    def size(self, cid: Cid) -> int:
        """See ContentStore."""
        return unixfs.file_size(self.get_block, cid)

    def has(self, cid: Cid) -> bool:
        """See ContentStore."""
        if not self.has_block(cid):
            return False
        try:
            return all(self.has_block(child) for child in unixfs.walk(self.get_block, cid))
        except MissingContentError:  # an inner node is gone
            return False


def check_document_size(data: bytes) -> None:
    """Raises InputError for an empty document and for one that does not fit one block."""
    if not data:
        raise InputError("an empty document cannot be stored; write it first")
    if len(data) > MAX_DOCUMENT:
        raise InputError(f"the document has {len(data)} bytes; at most {MAX_DOCUMENT} fit one block")


def save(store: ContentStore, cid: Cid, path: Path) -> int:
    """Write a file from a store to `path`, replacing it only when all of it arrived. Gives its size in bytes."""
    part = path.with_name(path.name + ".part")
    size = 0
    try:
        with part.open("wb") as out:
            for chunk in store.stream(cid):
                size += out.write(chunk)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return size
