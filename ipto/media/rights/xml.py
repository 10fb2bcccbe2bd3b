# SPDX-License-Identifier: Apache-2.0
"""Reads XML that strangers wrote: no document types, no entities, bounded size and depth."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.parsers import expat

from ipto.errors import InputError

MAX_BYTES = 1024 * 1024
_MAX_DEPTH = 64
_MAX_ELEMENTS = 20_000


def parse(data: bytes, what: str) -> ElementTree.Element:
    """The root element. Raises InputError for what is no XML, too large, too deep, or declares entities."""
    if len(data) > MAX_BYTES:
        raise InputError(f"the {what} has {len(data)} bytes; at most {MAX_BYTES} are read")
    builder = ElementTree.TreeBuilder()
    depth = elements = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > _MAX_DEPTH or elements > _MAX_ELEMENTS:
            raise InputError(f"the {what} nests too deep or has too many elements")
        builder.start(_clark(name), {_clark(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_clark(name))

    def refuse(*_: object) -> None:
        raise InputError(f"the {what} declares a document type or entities, which are not read")

    # UTF-8 whatever a declaration says: it could name any codec Python has.
    parser = expat.ParserCreate("utf-8", namespace_separator="}")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the {what} is no XML that can be read: {error}") from error


def text_of(element: ElementTree.Element | None) -> str | None:
    """An element's words on one line; None when there are none."""
    words = " ".join("".join(element.itertext()).split()) if element is not None else ""
    return words or None


def _clark(name: str) -> str:
    return "{" + name if "}" in name else name
