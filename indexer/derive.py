# SPDX-License-Identifier: Apache-2.0
"""From logs to everything that is stored: the glue between `decode`, `project` and the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from indexer import ledger, project
from indexer.decode import EventDecoder, event_decoders
from indexer.fetch import Log
from indexer.project import DOCUMENTS, WORK_ARGUMENTS, Event
from indexer.rows import Rows
from indexer.schema import ZERO32

Decoders = Mapping[str, Mapping[bytes, EventDecoder]]

HANDLERS = project.HANDLERS | ledger.HANDLERS

# A token's id names a work only in the registry.
_WORK_TOKENS = "WorkRegistry"


@dataclass(slots=True)
class Derived:
    """What a range of blocks adds besides projections: raw events, their blocks, digests and currencies to look up."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    blocks: dict[int, tuple[int, bytes, int]] = field(default_factory=dict)
    documents: set[tuple[bytes, str]] = field(default_factory=set)
    currencies: set[bytes] = field(default_factory=set)


def decoders_for(abis: Mapping[str, Any]) -> Decoders:
    """Decoders by contract name and topic. abis: contract name → ABI."""
    return {name: event_decoders(abi) for name, abi in abis.items()}


def derive(logs: Iterable[Log], decoders: Decoders, rows: Rows) -> Derived:
    """Project logs, in order, onto `rows`, and collect what is stored beside.

    A log of an event the ABI does not know is kept raw, under an empty name, and changes nothing.
    Raises DecodeError and IntegrityError when the logs cannot be those of the deployed contracts.
    """
    out = Derived()
    read, apply = rows.read, rows.apply
    for log in logs:
        decoder = decoders[log.contract].get(log.topics[:32])
        if decoder is None:
            name, args = "", {}
        else:
            name = decoder.name
            args = dict(zip(decoder.names, decoder.decode(log.topics, log.data), strict=True))
        out.events.append((log.seq, log.contract, name, log.tx, log.topics, log.data, _work(log.contract, args)))
        out.blocks[log.block] = (log.block, log.block_hash, log.timestamp)
        handler = HANDLERS.get((log.contract, name))
        if handler is None:
            continue
        event = Event(log.seq, log.block, log.timestamp, log.contract, name, args)
        for change in handler(event, read):
            apply(log.block, log.seq, change)
        _collect(event, out)
    return out


def _work(contract: str, args: Mapping[str, Any]) -> bytes | None:
    for name in WORK_ARGUMENTS if contract == _WORK_TOKENS else WORK_ARGUMENTS[:1]:
        if name in args:
            return project.u256(args[name])
    return None


def _collect(event: Event, out: Derived) -> None:
    for where, kind in DOCUMENTS.get((event.contract, event.name), ()):
        digest = event.args["offer"][-1] if where == "offer.terms" else event.args[where]
        if digest != ZERO32:
            out.documents.add((digest, kind))
    if event.name == "OfferPosted":
        out.currencies.add(event.args["offer"][_CURRENCY])
    elif "currency" in event.args:
        out.currencies.add(event.args["currency"])


_CURRENCY = project.OFFER_FIELDS.index("currency")
