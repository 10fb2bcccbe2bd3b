# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: an action's states as they change, told from the database, so that it does not matter which
relayer of a queue is asked. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
from starlette.responses import StreamingResponse

from relayer.database import StorageError
from relayer.documentation import view
from relayer.problems import RefusedError, busy
from relayer.queue import Queue

_LOOK_SECONDS = 0.3
_SILENCE_SECONDS = 15.0  # a comment is sent then, so that nothing in between takes the connection for dead


class Streams:
    """The open streams of this process."""

    def __init__(self, queue: Queue, limit: int) -> None:
        self._queue, self._limit, self._open = queue, limit, 0

    async def open(self, action_id: str) -> StreamingResponse:
        """A stream of one action. Raises RefusedError: 404, or 503 when there are too many streams."""
        try:
            await asyncio.to_thread(self._queue.get, action_id)
        except LookupError as error:
            raise RefusedError(404, "not-found", str(error)) from None
        if self._open >= self._limit:
            raise busy("busy", "too many streams are open; ask for the action itself", 10)
        return StreamingResponse(
            self._events(action_id),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def _events(self, action_id: str) -> AsyncIterator[bytes]:
        self._open += 1
        told, quiet = b"", 0.0
        try:
            while True:
                try:
                    action = await asyncio.to_thread(self._queue.get, action_id)
                except StorageError:
                    action = None
                data = b"" if action is None else orjson.dumps(view(action))
                if action is not None and data != told:
                    yield b"event: state\ndata: " + data + b"\n\n"
                    told, quiet = data, 0.0
                    if action.state in ("final", "failed"):
                        return
                elif quiet >= _SILENCE_SECONDS:
                    yield b": still waiting\n\n"
                    quiet = 0.0
                await asyncio.sleep(_LOOK_SECONDS)
                quiet += _LOOK_SECONDS
        finally:
            self._open -= 1
