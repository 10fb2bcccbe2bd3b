# SPDX-License-Identifier: Apache-2.0
"""From logs to everything that is stored: the glue between `decode`, the model's handlers and the tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from indexer.event import Event, u256
from indexer.fetch import Log
from indexer.model import Plan, Step
from indexer.rows import Change, Put, Read, Rows
from indexer.tables import Key, Row, Table


@dataclass(slots=True)
class Derived:
    """What a range of blocks adds besides projections: raw events, their blocks, digests and currencies to look up."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    blocks: dict[int, tuple[int, bytes, int]] = field(default_factory=dict)
    documents: set[tuple[bytes, str]] = field(default_factory=set)
    currencies: set[bytes] = field(default_factory=set)


class Known(NamedTuple):
    """A log of an event that changes something, decoded."""

    event: Event
    step: Step


def decode(logs: Iterable[Log], plan: Plan) -> tuple[Derived, list[Known]]:
    """What is stored of the logs as they are, and the events there is something to do for.

    A log of an event the ABI does not know is kept raw, under an empty name, and changes nothing.
    Raises DecodeError when the logs cannot be those of the deployed contracts.
    """
    out, known = Derived(), []
    events, blocks = out.events, out.blocks
    for log in logs:
        seq, block, block_hash, timestamp, contract, tx, topics, data = log
        if block not in blocks:
            blocks[block] = (block, block_hash, timestamp)
        step = plan[contract].get(topics[:32])
        if step is None:
            events.append((seq, contract, "", tx, topics, data, None))
            continue
        args = dict(zip(step.names, step.decode(topics, data), strict=True))
        work = None if step.work_argument is None else u256(args[step.work_argument])
        events.append((seq, contract, step.name, tx, topics, data, work))
        if step.handler is None and step.collect is None:
            continue
        event = Event(seq, block, timestamp, contract, step.name, args)
        known.append(Known(event, step))
        if step.collect is not None:
            documents, currencies = step.collect(event)
            out.documents.update(documents)
            out.currencies.update(currencies)
    return out, known


def project(known: Iterable[Known], rows: Rows) -> None:
    """Let the handlers of the events, in order, change `rows`. Raises IntegrityError when events are missing."""
    read, apply = rows.read, rows.apply
    for event, step in known:
        if step.handler is not None:
            block, seq = event.block, event.seq
            for change in step.handler(event, read):
                apply(block, seq, change)


def keys_of(known: Iterable[Known]) -> list[tuple[Table, list[Key]]]:
    """The rows that `project` will most likely look at, so that they can be read at once. A handler that is told of no
    row yet may miss a few; those are read one by one."""
    found: dict[str, tuple[Table, dict[Key, None]]] = {}

    def note(table: Table, key: Key) -> None:
        found.setdefault(table.name, (table, {}))[1][key] = None

    def read(table: Table, key: Key) -> Row | None:
        note(table, key)
        return None

    for event, step in known:
        if step.handler is not None:
            for change in _changes(step, event, read):
                if not isinstance(change, Put):
                    note(change.table, change.key)
    return [(table, list(keys)) for table, keys in found.values()]


def _changes(step: Step, event: Event, read: Read) -> Sequence[Change]:
    return step.handler(event, read) if step.handler else ()
