# SPDX-License-Identifier: Apache-2.0
"""GET /metrics: what Prometheus asks for. Source: https://prometheus.io/docs/instrumenting/exposition_formats/"""

from __future__ import annotations

import resource
import time
from bisect import bisect_left
from collections import defaultdict

from fastapi import APIRouter

from indexer.api.answers import Answer
from indexer.api.context import Context
from indexer.api.problems import ProblemError
from indexer.api.reader import Snapshot

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_TALLY_SECONDS = 5.0


class Counts:
    """What was counted since the process began."""

    def __init__(self) -> None:
        self.by_status: dict[tuple[str, int], int] = defaultdict(int)
        self.buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(_BUCKETS) + 1))
        self.seconds: dict[str, float] = defaultdict(float)

    def note(self, route: str, status: int, seconds: float) -> None:
        """One answer."""
        self.by_status[(route, status)] += 1
        self.seconds[route] += seconds
        self.buckets[route][bisect_left(_BUCKETS, seconds)] += 1


def router(context: Context, counts: Counts) -> APIRouter:
    """The operation."""
    api = APIRouter()
    tallies = _Tallies()

    @context.get(api, "/metrics", versioned=False, operation_id="getMetrics", include_in_schema=False)
    def metrics() -> Answer:
        lines = _requests(counts) + _database(context, tallies)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        lines += _gauge("ipto_indexer_memory_bytes", "Most memory used.", usage.ru_maxrss * 1024)
        kind = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
        return Answer(("\n".join(lines) + "\n").encode(), [kind])

    return api


def _gauge(name: str, words: str, value: float, kind: str = "gauge") -> list[str]:
    return [f"# HELP {name} {words}", f"# TYPE {name} {kind}", f"{name} {value}"]


def _requests(counts: Counts) -> list[str]:
    lines = ["# HELP ipto_indexer_requests_total Answers.", "# TYPE ipto_indexer_requests_total counter"]
    for (route, status), count in sorted(counts.by_status.items()):
        lines.append(f'ipto_indexer_requests_total{{route="{route}",status="{status}"}} {count}')
    name = "ipto_indexer_request_seconds"
    lines += [f"# HELP {name} Time to answer.", f"# TYPE {name} histogram"]
    for route, buckets in sorted(counts.buckets.items()):
        total = 0
        for limit, count in zip((*map(str, _BUCKETS), "+Inf"), buckets, strict=True):
            total += count
            lines.append(f'{name}_bucket{{route="{route}",le="{limit}"}} {total}')
        lines += [
            f'{name}_sum{{route="{route}"}} {counts.seconds[route]:.6f}',
            f'{name}_count{{route="{route}"}} {total}',
        ]
    return lines


def _database(context: Context, tallies: _Tallies) -> list[str]:
    try:
        with context.reader.snapshot() as snapshot:
            at = snapshot.at
            status = snapshot.one("SELECT head, seen_at, error FROM status")
            counted = tallies.of(snapshot)
    except ProblemError:
        return _gauge("ipto_indexer_up", "Whether the database can be read.", 0)
    lines = _gauge("ipto_indexer_up", "Whether the database can be read.", 1)
    lines += _gauge("ipto_indexer_block", "Newest indexed block.", at.number)
    lines += _gauge("ipto_indexer_block_timestamp_seconds", "When it was made.", at.timestamp)
    lines += _gauge("ipto_indexer_final_block", "Newest final block.", at.final)
    if status is not None:
        lines += _gauge("ipto_indexer_head_block", "Newest block of the chain the follower has seen.", status["head"])
        lines += _gauge("ipto_indexer_lag_blocks", "Blocks behind the chain.", status["head"] - at.number)
        lines += _gauge("ipto_indexer_seen_timestamp_seconds", "When the follower last gave word.", status["seen_at"])
        lines += _gauge("ipto_indexer_in_trouble", "Whether something keeps the follower.", int(bool(status["error"])))
    return lines + counted


class _Tallies:
    """Counts that take a walk through a table: made anew after some seconds, however often they are asked for."""

    def __init__(self) -> None:
        self._made_at = -_TALLY_SECONDS
        self._lines: list[str] = []

    def of(self, snapshot: Snapshot) -> list[str]:
        """The lines of the answer."""
        if time.monotonic() - self._made_at >= _TALLY_SECONDS:
            self._lines = self._count(snapshot)
            self._made_at = time.monotonic()
        return self._lines

    @staticmethod
    def _count(snapshot: Snapshot) -> list[str]:
        documents = snapshot.all("SELECT state, count(*) AS count FROM documents GROUP BY state ORDER BY state")
        waiting = snapshot.one("SELECT count(*) AS count FROM outbox WHERE next_at IS NOT NULL")
        given_up = snapshot.one("SELECT count(*) AS count FROM outbox WHERE next_at IS NULL AND sent_at IS NULL")
        name = "ipto_indexer_documents"
        lines = [f"# HELP {name} Documents by state.", f"# TYPE {name} gauge"]
        lines += [f'{name}{{state="{row["state"]}"}} {row["count"]}' for row in documents]
        lines += _gauge("ipto_indexer_webhooks_waiting", "Messages to be sent.", waiting["count"] if waiting else 0)
        return lines + _gauge(
            "ipto_indexer_webhooks_given_up", "Messages given up.", given_up["count"] if given_up else 0
        )
