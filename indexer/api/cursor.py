# SPDX-License-Identifier: Apache-2.0
"""Cursors of lists: a place on the chain, not in the list. New rows and reorganisations do not shift a page.

24 characters of base64url over: version (1 byte), digest of the query it belongs to (5), seq (8), line (4).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from indexer.api.problems import ProblemError

_LAYOUT = struct.Struct(">B5sQI")
_VERSION = 1


class Place(NamedTuple):
    """The last place seen: a seq, and a line where one event makes several rows."""

    seq: int
    line: int = 0


def digest(query: Mapping[str, Any]) -> bytes:
    """What stands for a query in its cursors: 5 bytes."""
    text = repr(sorted((name, value) for name, value in query.items() if name not in ("cursor", "limit")))
    return hashlib.sha256(text.encode()).digest()[:5]


def encode(place: Place, query: bytes) -> str:
    """A cursor for the page after `place`, good for the query with this digest only."""
    packed = _LAYOUT.pack(_VERSION, query, place.seq, place.line)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(cursor: str, query: bytes) -> Place:
    """Read a cursor of the query with this digest. Raises ProblemError (400) when it is not one, or of another."""
    try:
        if not cursor.isascii():
            raise ValueError
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        version, of, seq, line = _LAYOUT.unpack(packed)
    except (binascii.Error, struct.error, ValueError):
        raise _bad("this is not a cursor; use `next` of a page as it is") from None
    if version != _VERSION or seq >= 1 << 63:
        raise _bad("this cursor is not from this version; start again without one")
    if of != query:
        raise _bad("this cursor belongs to a query with other filters or order; start again without one")
    return Place(seq, line)


def _bad(detail: str) -> ProblemError:
    return ProblemError(400, "bad-cursor", "Cursor cannot be used", detail)
