# SPDX-License-Identifier: Apache-2.0
"""Around every answer: limits by client, `min_block`, and 304 for what the client has already."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.api.heads import Heads
from indexer.api.problems import problem_response

_CLIENTS = 20_000  # remembered; the least recent is forgotten
_BURST_SECONDS = 4  # how long a client may be silent and save up
_WAIT_SECONDS = 10.0
_FREE = ("/health", "/ready", "/status", "/metrics")


class RateLimit:
    """So many requests a second for each client, and four seconds' worth at once. Answers say what is left."""

    def __init__(self, app: ASGIApp, per_second: int) -> None:
        self._app = app
        self._rate = per_second
        self._full = float(per_second * _BURST_SECONDS)
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not self._rate or scope["path"] in _FREE:
            await self._app(scope, receive, send)
            return
        left = self._take(scope["client"][0] if scope.get("client") else "")
        headers = {
            "ratelimit-limit": str(int(self._full)),
            "ratelimit-remaining": str(max(0, int(left))),
            "ratelimit-reset": str(max(0, round((self._full - left) / self._rate))),
        }
        if left < 0:
            detail = f"more than {self._rate} requests a second; wait, or run an indexer of your own"
            response = problem_response(429, "too-many-requests", "Too many requests", detail)
            response.headers.update({**headers, "retry-after": "1"})
            await response(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, told)

    def _take(self, client: str) -> float:
        now = time.monotonic()
        had, at = self._clients.pop(client, (self._full, now))
        left = min(self._full, had + (now - at) * self._rate) - 1
        self._clients[client] = (max(left, -1.0), now)
        if len(self._clients) > _CLIENTS:
            self._clients.popitem(last=False)
        return left


class MinBlock:
    """`min_block=N` under /v1: the answer waits until block N is indexed, so that you read your own write."""

    def __init__(self, app: ASGIApp, heads: Heads) -> None:
        self._app = app
        self._heads = heads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        query = scope.get("query_string", b"")
        if scope["type"] != "http" or b"min_block=" not in query or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        wanted = [value for name, value in pairs if name == "min_block"]
        rest = [(name, value) for name, value in pairs if name != "min_block"]
        if len(wanted) != 1 or not (wanted[0].isascii() and wanted[0].isdigit() and len(wanted[0]) <= 12):
            response = problem_response(
                400, "bad-filter", "Query parameter cannot be used", "min_block is a block number"
            )
            await response(scope, receive, send)
            return
        if not await self._heads.wait(int(wanted[0]), _WAIT_SECONDS):
            detail = f"block {wanted[0]} is not indexed yet; see /status"
            response = problem_response(503, "not-yet", "Block not indexed yet", detail)
            response.headers["retry-after"] = "2"
            await response(scope, receive, send)
            return
        await self._app({**scope, "query_string": urlencode(rest).encode()}, receive, send)


class NotModified:
    """304 without a body when `If-None-Match` names the answer's ETag."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        known = Headers(scope=scope).get("if-none-match") if scope["type"] == "http" else None
        if known is None:
            await self._app(scope, receive, send)
            return
        same = False

        async def shortened(message: Message) -> None:
            nonlocal same
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                tag = headers.get("etag")
                same = tag is not None and message["status"] == 200 and (known == "*" or tag in _tags(known))
                if same:
                    del headers["content-length"]
                    message = {**message, "status": 304, "headers": headers.raw}
            elif same:
                message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
            await send(message)

        await self._app(scope, receive, shortened)


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


MIN_BLOCK_PARAMETER: dict[str, Any] = {
    "name": "min_block",
    "in": "query",
    "required": False,
    "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999_999},
    "description": "Wait (10 s at most) until this block is indexed, then answer: to read your own write.",
}
