# SPDX-License-Identifier: Apache-2.0
"""The relayer's condition in numbers, as Prometheus reads them. `docs/operators.md` says which to be woken by.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from ipto.rpc import RpcError, RpcTransportError, quantity
from relayer import ledger
from relayer.films import Films
from relayer.service import Service

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# What an alert asks about is told while there is none of it, too.
_NO_FILM = dict.fromkeys(("node", "not-registered", "stopped", "store-full"), 0)
_DOCUMENTS = "SELECT count(*) AS n, coalesce(sum(size), 0) AS bytes FROM uploads"


def _line(name: str, value: float, **labels: str) -> str:
    inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"ipto_relayer_{name}{'{' + inside + '}' if inside else ''} {value}"


async def report(service: Service) -> str:
    """The page."""
    lines: list[str] = []

    def family(name: str, kind: str, words: str, values: Iterator[str]) -> None:
        lines.extend([f"# HELP ipto_relayer_{name} {words}", f"# TYPE ipto_relayer_{name} {kind}", *values])

    queue, now, lanes = service.queue, service.now(), service.sender.lanes
    counts = await asyncio.to_thread(queue.counts)
    family("actions", "gauge", "Actions by state.", (_line("actions", n, state=s) for s, n in counts.items()))
    oldest = await asyncio.to_thread(queue.oldest_open, now)
    family("oldest_open_seconds", "gauge", "Age of the oldest action without a result.",
           iter([_line("oldest_open_seconds", oldest)]))  # fmt: skip
    limits = queue.rules.limits
    for period, limit in ((ledger.day_of(now), limits.day), (ledger.FOREVER, limits.total)):
        account = await asyncio.to_thread(ledger.used, queue.database, ledger.EVERYBODY, period)
        name = "day" if period != ledger.FOREVER else "total"
        values = {"reserved": account.reserved, "spent": account.spent, "limit": limit, "reverts": account.reverts}
        family(f"budget_{name}", "gauge", f"Gas money of this {name} in wei, and reverts.",
               (_line(f"budget_{name}", value, what=what) for what, value in values.items()))  # fmt: skip
    balances = []
    for lane in lanes:
        try:
            wei = quantity(await service.rpc.call("eth_getBalance", lane.address, "latest"))
            balances.append(_line("lane_balance_wei", wei, lane=lane.address))
        except (RpcError, RpcTransportError):
            continue
    family("lane_balance_wei", "gauge", "Gas money of a lane.", iter(balances))
    family("lane_is_ours", "gauge", "Whether this process is the lane's worker.",
           (_line("lane_is_ours", int(lane.is_ours), lane=lane.address) for lane in lanes))  # fmt: skip
    family("lane_waits", "gauge", "Whether a lane has a reason not to send.",
           (_line("lane_waits", int(bool(lane.notice)), lane=lane.address) for lane in lanes))  # fmt: skip
    failing = service.sender.errors
    family("lane_fails", "gauge", "Whether a lane's last step failed.",
           (_line("lane_fails", int(lane.address in failing), lane=lane.address) for lane in lanes))  # fmt: skip
    films = await asyncio.to_thread(Films(queue.database, service.settings).numbers)
    for name, words, values, label in (
        ("films", "Films by state; those that came to nothing for 90 days.", films.counts, "state"),
        ("film_bytes", "Bytes that were announced, by the film's state.", films.room, "state"),
        ("films_waiting", "Verified films that are not pinned yet, by why.", _NO_FILM | films.waiting, "code"),
        ("films_refused", "Films refused in 90 days, by why.", films.refused, "code"),
    ):
        family(name, "gauge", words, (_line(name, n, **{label: key}) for key, n in sorted(values.items())))
    family("films_unseen_seconds", "gauge", "How long the oldest film in quarantine has waited for a look.",
           iter([_line("films_unseen_seconds", films.unseen_seconds)]))  # fmt: skip
    kept = (await asyncio.to_thread(queue.database.read, _DOCUMENTS))[0]
    family("documents", "gauge", "Documents and posters that were stored.", iter([_line("documents", kept["n"])]))
    family("document_bytes", "gauge", "Their bytes.", iter([_line("document_bytes", int(kept["bytes"]))]))
    return "\n".join(lines) + "\n"
