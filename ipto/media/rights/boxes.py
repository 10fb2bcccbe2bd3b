# SPDX-License-Identifier: Apache-2.0
"""The XMP packet of an MP4 or MOV: a `uuid` box at the top of the file (ISO 14496-12, XMP part 3)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ipto.errors import InputError
from ipto.media.rights.xml import MAX_BYTES
from ipto.media.rights.xmp import UUID

_MAX_BOXES = 10_000


def xmp_packet(path: Path) -> bytes | None:
    """The packet inside a file; None when it has none that can be found."""
    with path.open("rb") as file:
        for kind, start, size in _boxes(file):
            if kind == b"uuid" and 16 <= size <= MAX_BYTES + 16:
                file.seek(start)
                data = file.read(size)
                if data[:16] == UUID:
                    return data[16:]
    return None


def write_xmp(path: Path, target: Path, packet: bytes) -> None:
    """Copy an MP4 or MOV with this packet as its only one. Raises InputError for another kind of file."""
    with path.open("rb") as file:
        if file.read(12)[4:8] not in (b"ftyp", b"moov", b"wide", b"free", b"mdat"):
            raise InputError(f"{path} is neither MP4 nor MOV; write the rights into a file beside it (.xmp)")
        shutil.copyfile(path, target)
        with target.open("r+b") as out:
            end = 0
            for kind, start, size in _boxes(file):
                end = start + size
                file.seek(start)
                if kind == b"uuid" and file.read(16) == UUID:
                    # Becomes free space: nothing moves, so no offset in the file changes.
                    out.seek(start - 4)
                    out.write(b"free" + bytes(size))
            if end != os.fstat(file.fileno()).st_size:
                raise InputError(f"{path} is cut off or ends in something that is no box; export it again")
            out.seek(0, 2)
            out.write((len(packet) + 24).to_bytes(4, "big") + b"uuid" + UUID + packet)


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and size of the content of each box at the top."""
    end = file.seek(0, 2)
    position = 0
    for _ in range(_MAX_BOXES):
        if position + 8 > end:
            return
        file.seek(position)
        head = file.read(16)
        size, header = int.from_bytes(head[:4], "big"), 8
        if size == 1 and len(head) == 16:
            size, header = int.from_bytes(head[8:], "big"), 16
        elif size == 0:
            size = end - position
        if size < header or position + size > end:
            return
        yield head[4:8], position + header, size - header
        position += size
