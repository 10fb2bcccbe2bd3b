# SPDX-License-Identifier: Apache-2.0
"""So many requests a second for each client, and four seconds' worth at once. Answers say what is left.

A client is an IPv4 address or the half of an IPv6 address that names its network: the other half it may choose.
"""

from __future__ import annotations

import functools
import ipaddress
import time
from collections import OrderedDict

from starlette.types import Scope

from indexer.api.answers import Answer, Headers
from indexer.api.problems import problem

_CLIENTS = 20_000  # remembered; the least recent is forgotten
_BURST_SECONDS = 4  # how long a client may be silent and save up


def client_of(scope: Scope) -> str:
    """Who asks."""
    return _client(scope["client"][0] if scope.get("client") else "")


@functools.lru_cache(maxsize=4_096)
def _client(host: str) -> str:
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.split("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


class Limits:
    """One bucket for each client address. per_second: 0 for no limit."""

    def __init__(self, per_second: int) -> None:
        self._rate = per_second
        self._full = float(per_second * _BURST_SECONDS)
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def on(self) -> bool:
        """Whether there is a limit."""
        return self._rate > 0

    def take(self, scope: Scope) -> tuple[Headers, Answer | None]:
        """Count a request: headers for its answer, and the answer when it is one too many."""
        left = self._take(client_of(scope))
        headers = [
            (b"ratelimit-limit", b"%d" % self._full),
            (b"ratelimit-remaining", b"%d" % max(0.0, left)),
            (b"ratelimit-reset", b"%d" % max(0, round((self._full - left) / self._rate))),
        ]
        if left >= 0:
            return headers, None
        detail = f"more than {self._rate} requests a second; wait, or run an indexer of your own"
        refused = problem(429, "too-many-requests", "Too many requests", detail)
        return [*headers, (b"retry-after", b"1")], refused

    def _take(self, client: str) -> float:
        now = time.monotonic()
        had, at = self._clients.pop(client, (self._full, now))
        left = min(self._full, had + (now - at) * self._rate) - 1
        self._clients[client] = (max(left, -1.0), now)
        if len(self._clients) > _CLIENTS:
            self._clients.popitem(last=False)
        return left
