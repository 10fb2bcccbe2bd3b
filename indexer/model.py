# SPDX-License-Identifier: Apache-2.0
"""What is made of events: the tables of a projection and, for each event, who changes them.

The engine (fetch, decode, rows, store, follow) knows no contract; this is where it learns of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from indexer import datasets, disputes, ledger, project, text, usage, webhooks
from indexer.decode import EventDecoder, event_decoders
from indexer.event import Event, Handler
from indexer.schema import BESIDE, CHAIN, PROJECTIONS
from indexer.tables import ZERO32, Table

# What an event names besides rows: digests of documents as (digest, kind), and currencies.
Collect = Callable[[Event], tuple[list[tuple[bytes, str]], list[bytes]]]
WorkOf = Callable[[dict[str, Any]], bytes | None]


@dataclass(frozen=True)
class Model:
    """A projection of some contracts' events."""

    tables: tuple[Table, ...]
    handlers: Mapping[tuple[str, str], Handler]
    # Which argument of an event of a contract names a work.
    work_argument: Callable[[str, tuple[str, ...]], str | None] = lambda _contract, _names: None
    collect: Callable[[str, str, tuple[str, ...]], Collect | None] = lambda _contract, _name, _names: None
    by_name: dict[str, Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name.update({table.name: table for table in self.tables})

    @property
    def contracts(self) -> tuple[str, ...]:
        """The contracts whose events it needs."""
        return tuple(dict.fromkeys(contract for contract, _ in self.handlers))

    @property
    def all_tables(self) -> tuple[Table, ...]:
        """Every table of a database."""
        return CHAIN + BESIDE + text.TABLES + webhooks.TABLES + self.tables


@dataclass(frozen=True, slots=True)
class Step:
    """All there is to do for one event of one contract."""

    name: str
    names: tuple[str, ...]
    decode: Callable[[bytes, bytes], tuple[Any, ...]]
    handler: Handler | None
    work_argument: str | None
    collect: Collect | None


Plan = Mapping[str, Mapping[bytes, Step]]


def plan(model: Model, abis: Mapping[str, Any]) -> Plan:
    """The steps by contract name and topic. abis: contract name → ABI."""
    return {
        contract: {topic: _step(model, contract, decoder) for topic, decoder in event_decoders(abi).items()}
        for contract, abi in abis.items()
    }


def _step(model: Model, contract: str, decoder: EventDecoder) -> Step:
    return Step(
        decoder.name,
        decoder.names,
        decoder.decode,
        model.handlers.get((contract, decoder.name)),
        model.work_argument(contract, decoder.names),
        model.collect(contract, decoder.name, decoder.names),
    )


# ---- the protocol ---------------------------------------------------------------------------------------


def _work_argument(contract: str, names: tuple[str, ...]) -> str | None:
    # A token's id names a work only in the registry.
    wanted = project.WORK_ARGUMENTS if contract == "WorkRegistry" else project.WORK_ARGUMENTS[:1]
    return next((name for name in wanted if name in names), None)


def _collect(contract: str, name: str, names: tuple[str, ...]) -> Collect | None:
    documents = project.DOCUMENTS.get((contract, name), ())
    struct = next((struct for struct in project.STRUCTS if struct in names), None)
    place = project.STRUCTS[struct].index("currency") if struct else None
    if place is None and "currency" not in names and not documents:
        return None

    def collect(event: Event) -> tuple[list[tuple[bytes, str]], list[bytes]]:
        found = []
        for where, kind in documents:
            argument, _, field_name = where.partition(".")
            value = event.args[argument]
            digest = value[project.STRUCTS[argument].index(field_name)] if field_name else value
            if digest != ZERO32:
                found.append((digest, kind))
        if struct and place is not None:
            return found, [event.args[struct][place]]
        return found, [event.args["currency"]] if "currency" in names else []

    return collect


PROTOCOL_MODEL = Model(
    PROJECTIONS + datasets.TABLES + usage.TABLES + disputes.TABLES,
    project.HANDLERS | ledger.HANDLERS | datasets.HANDLERS | usage.HANDLERS | disputes.HANDLERS,
    _work_argument,
    _collect,
)
