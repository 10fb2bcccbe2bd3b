# SPDX-License-Identifier: Apache-2.0
"""What every request meets first: its client's limit, `min_block`, answers that are kept, and the operation itself.

One ASGI application instead of a middleware for each: what is done for every request is done once, on plain bytes.
Requests that are not GET operations (POST, streams, GraphQL, the description) go on to FastAPI.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.api.answers import Answer, Headers
from indexer.api.context import Context
from indexer.api.kept import Kept
from indexer.api.limits import Limits
from indexer.api.metrics import Counts
from indexer.api.operations import Operation
from indexer.api.problems import ProblemError, problem

_WAIT_SECONDS = 10.0
_BODY_BYTES = 64 << 10
_BODY_SECONDS = 10.0
# What load balancers and those who wait for a block ask, and costs next to nothing.
_FREE = frozenset(("/health", "/ready", "/status"))


class Front:
    """An ASGI application before another."""

    def __init__(self, app: ASGIApp, context: Context, counts: Counts) -> None:
        self._app = app
        self._context = context
        self._counts = counts
        self._limits = Limits(context.settings.rate_limit)
        self._kept = Kept(context.settings.keep_answers_mb << 20)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        path: str = scope["path"]
        found = self._context.table.find(path) if scope["method"] in ("GET", "HEAD") else None
        route, status = "other" if found is None else found[0].route, 500
        try:
            more: Headers = []
            answer = None
            if self._limits.on and path not in _FREE:
                more, answer = self._limits.take(scope)
            if answer is None:
                query: bytes = scope.get("query_string", b"")
                if b"min_block=" in query and path.startswith("/v1/"):
                    query, answer = await self._wait(query)
                if answer is None and found is not None:
                    answer = await self._answer(found[0], found[1], path, query)
                elif answer is None:
                    body, answer = await _body(scope, receive)
                    if answer is None:
                        status = await self._pass_on({**scope, "query_string": query}, body or receive, send, more)
                        return
            status = await answer.send(scope, send, more)
        finally:
            self._counts.note(route, status, time.perf_counter() - start)

    async def _answer(self, operation: Operation, argument: str, path: str, query: bytes) -> Answer:
        if self._context.reader.remote:
            # Each question waits for the server; the others go on meanwhile.
            return await anyio.to_thread.run_sync(self._find_or_make, operation, argument, path, query)
        # A question to a file waits for memory alone: handing it to a thread would cost more than it takes.
        return self._find_or_make(operation, argument, path, query)

    def _find_or_make(self, operation: Operation, argument: str, path: str, query: bytes) -> Answer:
        try:
            if not self._kept.on:
                return operation.ask(argument, query)
            state, second = self._context.reader.state(), int(time.time())
            if state is not None and (kept := self._kept.find((path, query), state)) is not None:
                return kept
            answer = operation.ask(argument, query)
            # Whatever was committed in between, the answer may or may not have it.
            if state is not None and self._context.reader.state() == state:
                self._kept.keep((path, query), state, second, answer)
            return answer
        except ProblemError as error:
            return problem(error.status, error.kind, error.title, str(error))

    async def _wait(self, query: bytes) -> tuple[bytes, Answer | None]:
        """The query without `min_block`, once that block is indexed; or why not."""
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        wanted = [value for name, value in pairs if name == "min_block"]
        rest = urlencode([(name, value) for name, value in pairs if name != "min_block"]).encode()
        if not wanted:
            return query, None
        if len(wanted) != 1 or not (wanted[0].isascii() and wanted[0].isdigit() and len(wanted[0]) <= 12):
            return rest, problem(400, "bad-filter", "Query parameter cannot be used", "min_block is a block number")
        if not await self._context.heads.wait(int(wanted[0]), _WAIT_SECONDS):
            detail = f"block {wanted[0]} is not indexed yet; see /status"
            late = problem(503, "not-yet", "Block not indexed yet", detail)
            late.headers.append((b"retry-after", b"2"))
            return rest, late
        return rest, None

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, more: Headers) -> int:
        status = 500

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self._app(scope, receive, told)
        return status


async def _body(scope: Scope, receive: Receive) -> tuple[Receive | None, Answer | None]:
    """The body of a question, read whole within bounds, to be received again; or why it is not read."""
    if scope["method"] != "POST":
        return None, None
    data = bytearray()
    more = True
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while more:
                message = await receive()
                data += message.get("body", b"")
                more = message["type"] == "http.request" and message.get("more_body", False)
                if len(data) > _BODY_BYTES:
                    detail = f"a question has at most {_BODY_BYTES} bytes"
                    return None, problem(413, "too-large", "Question too large", detail)
    except TimeoutError:
        detail = f"the question did not arrive within {_BODY_SECONDS:g} s"
        return None, problem(408, "too-slow", "Question too slow", detail)
    whole: list[Message] = [{"type": "http.request", "body": bytes(data), "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again, None


MIN_BLOCK_PARAMETER: dict[str, Any] = {
    "name": "min_block",
    "in": "query",
    "required": False,
    "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999_999},
    "description": "Wait (10 s at most) until this block is indexed, then answer: to read your own write.",
}
