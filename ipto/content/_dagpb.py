# SPDX-License-Identifier: Apache-2.0
"""The two protobuf messages files are made of: dag-pb nodes and the UnixFS data inside them.

PBNode { Data = 1 bytes; Links = 2 PBLink }, links written first; PBLink { Hash = 1, Name = 2, Tsize = 3 };
UnixFS Data { Type = 1; Data = 2; filesize = 3; blocksizes = 4 repeated }. Only files are read and written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ipto.content.cid import Cid
from ipto.errors import InputError

_TYPE_RAW, _TYPE_FILE = 0, 2
_VARINT, _BYTES = 0, 2


class FormatError(ValueError):
    """A block is not a well-formed file node."""


@dataclass(frozen=True, slots=True)
class Link:
    """A child: its CID and the size of all blocks below it."""

    cid: Cid
    tree_size: int


@dataclass(frozen=True, slots=True)
class FileNode:
    """A decoded node: either a leaf with data, or links with the content size below each."""

    data: bytes
    size: int  # bytes of the file in or below this node
    links: tuple[Link, ...]
    sizes: tuple[int, ...]


def encode_leaf(data: bytes) -> bytes:
    """A chunk wrapped into a node (CID version 0)."""
    unixfs = _uint(1, _TYPE_FILE) + (_bytes(2, data) if data else b"") + _uint(3, len(data))
    return _bytes(1, unixfs)


def encode_file(links: list[Link], sizes: list[int]) -> bytes:
    """A node above others; `sizes` are the content sizes of the children in the same order."""
    encoded = b"".join(
        _bytes(2, _bytes(1, link.cid.to_bytes()) + _bytes(2, b"") + _uint(3, link.tree_size)) for link in links
    )
    unixfs = _uint(1, _TYPE_FILE) + _uint(3, sum(sizes)) + b"".join(_uint(4, size) for size in sizes)
    return encoded + _bytes(1, unixfs)


def decode_file(block: bytes) -> FileNode:
    """Read a node. Raises FormatError unless it is a file whose sizes add up."""
    links: list[Link] = []
    unixfs: bytes | None = None
    for field, value in _fields(block):
        if field == 2 and isinstance(value, bytes):
            links.append(_decode_link(value))
        elif field == 1 and isinstance(value, bytes) and unixfs is None:
            unixfs = value
        else:
            raise FormatError("unexpected field in a dag-pb node")
    if unixfs is None:
        raise FormatError("a dag-pb node without UnixFS data")
    kind, data, filesize, sizes = _decode_unixfs(unixfs)
    if kind not in (_TYPE_RAW, _TYPE_FILE):
        raise FormatError("it is a folder, a link or something else that is not a file")
    if len(sizes) != len(links):
        raise FormatError("its links and sizes differ in number")
    if links and data:
        raise FormatError("it holds data beside links, a layout that is not supported")
    if 0 in sizes:
        raise FormatError("it links to an empty part")
    total = sum(sizes) if links else len(data)
    if filesize is not None and filesize != total:
        raise FormatError(f"it states {filesize} bytes but its parts add up to {total}")
    return FileNode(data, total, tuple(links), tuple(sizes))


def _decode_link(message: bytes) -> Link:
    cid: Cid | None = None
    tree_size = 0
    for field, value in _fields(message):
        if field == 1 and isinstance(value, bytes):
            try:
                cid = Cid.from_bytes(value)
            except InputError as error:
                raise FormatError(f"it links to something that is {error}") from error
        elif field == 3 and isinstance(value, int):
            tree_size = value
        elif field != 2:
            raise FormatError("unexpected field in a link")
    if cid is None:
        raise FormatError("a link without a CID")
    return Link(cid, tree_size)


def _decode_unixfs(message: bytes) -> tuple[int | None, bytes, int | None, list[int]]:
    kind: int | None = None
    data = b""
    filesize: int | None = None
    sizes: list[int] = []
    for field, value in _fields(message):
        if field == 1 and isinstance(value, int):
            kind = value
        elif field == 2 and isinstance(value, bytes):
            data = value
        elif field == 3 and isinstance(value, int):
            filesize = value
        elif field == 4 and isinstance(value, int):
            sizes.append(value)
        elif field == 4 and isinstance(value, bytes):  # packed, as some writers do
            position = 0
            while position < len(value):
                size, position = _read_varint(value, position)
                sizes.append(size)
        elif field not in (7, 8):  # mode and mtime change nothing about the bytes
            raise FormatError("unexpected field in UnixFS data")
    return kind, data, filesize, sizes


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _uint(field: int, number: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(number)


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(data)) + data


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 64, 7):
        if position >= len(data):
            raise FormatError("it ends in the middle of a number")
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number >= 1 << 64:
                break
            return number, position
    raise FormatError("it holds a number of more than 64 bits")


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        value, position = _read_varint(message, position)
        if key & 7 == _VARINT:
            yield key >> 3, value
        elif key & 7 == _BYTES:
            if position + value > len(message):
                raise FormatError("it ends in the middle of a field")
            yield key >> 3, message[position : position + value]
            position += value
        else:
            raise FormatError("it holds a field of an unknown kind")
