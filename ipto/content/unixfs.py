# SPDX-License-Identifier: Apache-2.0
"""Files as trees of blocks (UnixFS over dag-pb), built and read one block at a time.

A file is cut into chunks; nodes link to at most `max_links` children, in order, level by level (the "balanced" layout).
The same bytes under the same profile give the same CID on every machine. Memory stays bounded: one chunk and one list
of links for each level. Sources: the UnixFS and dag-pb specifications; profiles as of IPIP-499.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ipto.content import _dagpb
from ipto.content.cid import DAG_PB, RAW, Cid
from ipto.errors import InputError, IntegrityError

# Far more than any file needs (174 ** 9 chunks), and little for a hostile tree.
MAX_DEPTH = 9


@dataclass(frozen=True, slots=True)
class Profile:
    """The choices that decide a file's CID; recorded by name wherever the CID is."""

    name: str
    cid_version: int
    chunk_size: int  # bytes
    max_links: int

    @property
    def raw_leaves(self) -> bool:
        """Whether chunks are stored as they are; version 0 wraps each into a node."""
        return self.cid_version == 1


KUBO_V1 = Profile("kubo-cid-v1", 1, 262_144, 174)  # `ipfs add --cid-version=1`
KUBO_V0 = Profile("unixfs-v0-2015", 0, 262_144, 174)  # `ipfs add`
UNIXFS_V1_2025 = Profile("unixfs-v1-2025", 1, 1_048_576, 1024)
PROFILES = {profile.name: profile for profile in (KUBO_V1, KUBO_V0, UNIXFS_V1_2025)}
DEFAULT_PROFILE = KUBO_V1

Source = bytes | bytearray | Path | BinaryIO
Sink = Callable[[Cid, bytes], object]
Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Described:
    """What one pass over some bytes tells."""

    cid: Cid
    size: int  # bytes
    sha256: bytes  # of the whole content: what `WorkInput.content` holds
    profile: str


@dataclass(frozen=True, slots=True)
class _Child:
    cid: Cid
    content_size: int  # bytes of the file below it
    tree_size: int  # bytes of all blocks below it, itself included (dag-pb's Tsize)


def read_chunks(source: Source, size: int) -> Iterator[bytes]:
    """Cut bytes, a file's path or an open binary file into chunks of `size`, the last one shorter.

    Raises InputError when a path is not a readable file.
    """
    if isinstance(source, (bytes, bytearray)):
        for start in range(0, len(source), size):
            yield bytes(source[start : start + size])
    elif isinstance(source, Path):
        if not source.is_file():
            reason = "is a folder" if source.is_dir() else "does not exist or is not a regular file"
            raise InputError(f"{source} {reason}; name a file")
        try:
            stream = source.open("rb")
        except OSError as error:
            raise InputError(f"{source} cannot be read ({error.strerror}); check its permissions") from error
        with stream:
            yield from read_chunks(stream, size)
    else:
        while chunk := _read_full(source, size):
            yield chunk


def _read_full(stream: BinaryIO, size: int) -> bytes:
    """Read exactly `size` bytes unless the stream ends: pipes and sockets give less at a time."""
    parts: list[bytes] = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def build(
    source: Source,
    sink: Sink | None = None,
    profile: Profile = DEFAULT_PROFILE,
    progress: Progress | None = None,
) -> Described:
    """Compute a file's CID, size and SHA-256 in one pass.

    `sink(cid, block)` receives every block, children before the nodes that link to them, the root last.
    `progress(bytes so far)` is called after each chunk.
    """
    whole = hashlib.sha256()
    size = 0
    levels: list[list[_Child]] = [[]]

    def store(block: bytes, codec: int, content_size: int, below: int) -> _Child:
        cid = Cid.of_block(block, codec, profile.cid_version)
        if sink is not None:
            sink(cid, block)
        return _Child(cid, content_size, below + len(block))

    def node(children: list[_Child]) -> _Child:
        links = [_dagpb.Link(child.cid, child.tree_size) for child in children]
        sizes = [child.content_size for child in children]
        block = _dagpb.encode_file(links, sizes)
        return store(block, DAG_PB, sum(sizes), sum(child.tree_size for child in children))

    def push(level: int, child: _Child) -> None:
        if level == len(levels):
            levels.append([])
        if len(levels[level]) == profile.max_links:
            full, levels[level] = levels[level], []
            push(level + 1, node(full))
        levels[level].append(child)

    def leaf(chunk: bytes) -> _Child:
        if profile.raw_leaves:
            return store(chunk, RAW, len(chunk), 0)
        return store(_dagpb.encode_leaf(chunk), DAG_PB, len(chunk), 0)

    for chunk in read_chunks(source, profile.chunk_size):
        whole.update(chunk)
        size += len(chunk)
        push(0, leaf(chunk))
        if progress is not None:
            progress(size)
    if size == 0:
        push(0, leaf(b""))
    level = 0
    while level + 1 < len(levels) or len(levels[level]) > 1:
        push(level + 1, node(levels[level]))
        level += 1
    return Described(levels[level][0].cid, size, whole.digest(), profile.name)


def describe(source: Source, profile: Profile = DEFAULT_PROFILE, progress: Progress | None = None) -> Described:
    """Compute a file's CID, size and SHA-256 without storing anything."""
    return build(source, None, profile, progress)


BlockReader = Callable[[Cid], bytes]


def file_size(read_block: BlockReader, cid: Cid) -> int:
    """The length of a file in bytes, from its root block."""
    return len(read_block(cid)) if cid.is_raw else _node(read_block, cid).size


def stream(read_block: BlockReader, cid: Cid, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Yield a file's bytes in order, or `length` bytes from `start`, one chunk at a time.

    `read_block` must check each block against its CID. The tree is not trusted beyond that: sizes must add up, empty
    children and deep trees are refused, so reading costs no more than what it yields. Raises IntegrityError.
    """
    if start < 0 or (length is not None and length < 0):
        raise InputError("a range starts at 0 or later and is not negative")
    end = None if length is None else start + length
    # What is left to visit, last first: CID, its offset in the file, its size as its parent states it, its depth.
    pending: list[tuple[Cid, int, int | None, int]] = [(cid, 0, None, 0)]
    while pending:
        child, offset, stated, depth = pending.pop()
        if end is not None and offset >= end:
            return
        if stated is not None and offset + stated <= start:
            continue
        if depth > MAX_DEPTH:
            raise IntegrityError(f"{cid}: its tree is deeper than {MAX_DEPTH} levels; no file needs that")
        if child.is_raw:
            chunk = read_block(child)
        else:
            node = _node(read_block, child)
            chunk = node.data
            if node.links and node.size != stated and stated is not None:
                raise IntegrityError(f"{cid}: node {child} holds {node.size} bytes where {stated} are stated")
            if node.links:
                position = offset
                below = []
                for link, size in zip(node.links, node.sizes, strict=True):
                    below.append((link.cid, position, size, depth + 1))
                    position += size
                pending.extend(reversed(below))
                continue
        if stated is not None and len(chunk) != stated:
            raise IntegrityError(f"{cid}: block {child} holds {len(chunk)} bytes where {stated} are stated")
        lower = max(0, start - offset)
        upper = len(chunk) if end is None else min(len(chunk), end - offset)
        if lower < upper:
            yield chunk[lower:upper]


def walk(read_block: BlockReader, cid: Cid) -> Iterator[Cid]:
    """Yield the CIDs of all blocks of a file, the root first; leaves are named, not read. Repeats are left out."""
    seen: set[Cid] = set()
    pending = [(cid, 0)]
    while pending:
        child, depth = pending.pop()
        if child in seen:
            continue
        if depth > MAX_DEPTH:
            raise IntegrityError(f"{cid}: its tree is deeper than {MAX_DEPTH} levels; no file needs that")
        seen.add(child)
        yield child
        if not child.is_raw:
            pending.extend((link.cid, depth + 1) for link in reversed(_node(read_block, child).links))


def _node(read_block: BlockReader, cid: Cid) -> _dagpb.FileNode:
    try:
        return _dagpb.decode_file(read_block(cid))
    except _dagpb.FormatError as error:
        raise IntegrityError(f"{cid} is not a file this library can read: {error}") from error


def join(chunks: Iterable[bytes], max_bytes: int, what: str) -> bytes:
    """Collect chunks; raises InputError as soon as they exceed `max_bytes`."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise InputError(f"{what} is larger than the {max_bytes} bytes allowed here")
        parts.append(chunk)
    return b"".join(parts)
