# SPDX-License-Identifier: Apache-2.0
"""Compares the database with the chain, at the database's own block, by eth_call. `indexer.probes` says what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from indexer.database import ReadConnection
from indexer.later_probes import LATER_MAKERS
from indexer.probes import MAKERS, Ground, Probe
from ipto.chain import abi
from ipto.deployment import Deployment
from ipto.errors import NotFoundError
from ipto.rpc import Rpc, RpcError

_BATCH = 100
_SHOWN = 20  # differences told in words; all are counted


@dataclass(slots=True)
class Report:
    """What a comparison found, by table: how many comparisons, how many differences; and the first of them in words."""

    block: int
    compared: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)

    def note(self, probe: Probe, words: str) -> None:
        """Count a comparison; words: what differs, empty when nothing does."""
        self.compared[probe.table] += 1
        if words:
            self.wrong[probe.table] += 1
            if len(self.first) < _SHOWN:
                self.first.append(f"{probe.table} {probe.what}: {words}")

    def lines(self) -> Iterator[str]:
        """The report for people: the first difference, the next few, the counts."""
        for at, words in enumerate(self.first):
            yield f"{'first difference' if at == 0 else 'also'}: {words}"
        if (more := self.wrong.total() - len(self.first)) > 0:
            yield f"and {more} more"
        for table, count in self.compared.items():
            yield f"{table}: {count} comparisons, {self.wrong[table]} differences"
        yield f"{self.compared.total()} comparisons at block {self.block}, {self.wrong.total()} differences"


def check(db: ReadConnection, deployment: Deployment, rpc: Rpc) -> Report:
    """Ask the chain for everything the projections say.

    Raises NotFoundError when the database is empty or its last block is not on the chain.
    """
    db.begin()
    try:
        return _check(db, deployment, rpc)
    finally:
        db.end()


def _check(db: ReadConnection, deployment: Deployment, rpc: Rpc) -> Report:
    at = db.one("SELECT number, hash, timestamp FROM checkpoint")
    if at is None:
        raise NotFoundError("the database is empty; run the indexer first")
    block = rpc.call("eth_getBlockByNumber", hex(at["number"]), False)
    if block is None or block["hash"] != "0x" + at["hash"].hex():
        raise NotFoundError("the database's last block is not on the chain; let the indexer catch up first")
    report = Report(at["number"])
    ground = Ground(db, deployment, at["timestamp"])
    probes = chain.from_iterable(make(ground) for make in (*MAKERS, *LATER_MAKERS))
    while batch := list(islice(probes, _BATCH)):
        _compare(batch, deployment, rpc, block["hash"], report)
    return report


def _compare(probes: list[Probe], deployment: Deployment, rpc: Rpc, block_hash: str, report: Report) -> None:
    asked = []
    for probe in probes:
        if probe.contract:
            asked.append(probe)
        else:
            report.note(
                probe, "" if probe.args == probe.wanted else f"{probe.function}: {probe.args}, not {probe.wanted}"
            )
    calls = []
    for probe in asked:
        data = abi(probe.contract).function(probe.function, len(probe.args)).encode(*probe.args)
        request = {"to": deployment.address(probe.contract), "data": "0x" + data.hex()}
        calls.append(("eth_call", [request, {"blockHash": block_hash}]))
    for probe, answer in zip(asked, rpc.try_batch(calls) if calls else (), strict=True):
        where = f"{probe.contract}.{probe.function}"
        if isinstance(answer, RpcError):
            report.note(probe, f"the chain refuses {where}: {answer}")
            continue
        output = abi(probe.contract).function(probe.function, len(probe.args)).decode_output(bytes.fromhex(answer[2:]))
        found = _plain(output) if isinstance(output, (tuple, list, dict)) else (output,)
        same = _fits(found, probe.wanted)
        report.note(probe, "" if same else f"{where} is {found} on the chain, {_shown(probe.wanted)} in the database")


def _plain(output: Iterable[Any]) -> tuple[Any, ...]:
    items = output.values() if isinstance(output, dict) else output
    return tuple(_plain(item) if isinstance(item, (tuple, list, dict)) else item for item in items)


def _fits(found: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    return len(found) == len(wanted) and all(b is ... or a == b for a, b in zip(found, wanted, strict=True))


def _shown(wanted: tuple[Any, ...]) -> str:
    return str(tuple("any" if item is ... else item for item in wanted))
