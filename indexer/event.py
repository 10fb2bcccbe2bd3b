# SPDX-License-Identifier: Apache-2.0
"""What handlers are given and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from indexer.rows import Change, Read
from ipto.structs import NEVER


class Event(NamedTuple):
    """A decoded log. `args` by the ABI's names; `timestamp` is the block's, UTC seconds."""

    seq: int
    block: int
    timestamp: int
    contract: str
    name: str
    args: dict[str, Any]


# Takes an event and a way to read rows and returns row changes; keeps nothing. It may be told of no row that is there,
# when its keys are gathered beforehand (`derive.keys_of`).
Handler = Callable[[Event, Read], Sequence[Change]]


def u256(value: int) -> bytes:
    """A number as the database keeps it: 32 big-endian bytes, ordered like the numbers."""
    return value.to_bytes(32)


def as_time(value: int) -> int:
    """A time of 256 bits as one of 40; what does not fit never comes."""
    return min(value, NEVER)
