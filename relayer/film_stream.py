# SPDX-License-Identifier: Apache-2.0
"""Server-sent events of one film, told from the database, as `relayer.streams` tells those of an action."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import orjson
from starlette.responses import StreamingResponse

from relayer.database import StorageError
from relayer.films import CLOSED, Film
from relayer.problems import busy
from relayer.receiver import Receiver

_LOOK_SECONDS = 0.3
_SILENCE_SECONDS = 15.0


def film_events(receiver: Receiver, film: Film, until: int) -> StreamingResponse:
    """A stream of a film's states. until: UTC seconds, the session's end. Raises RefusedError (503) when there are too
    many streams."""
    if receiver.streams >= receiver.stream_limit:
        raise busy("busy", "too many streams are open; ask for the film itself", 10)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(receiver, film, until), media_type="text/event-stream", headers=headers)


async def _events(receiver: Receiver, film: Film, until: int) -> AsyncIterator[bytes]:
    receiver.streams += 1
    told, quiet = b"", 0.0
    try:
        while time.time() < until:
            data = orjson.dumps(film.view())
            if data != told:
                yield b"event: state\ndata: " + data + b"\n\n"
                told, quiet = data, 0.0
                if film.state in CLOSED:
                    return
            elif quiet >= _SILENCE_SECONDS:
                yield b": still waiting\n\n"
                quiet = 0.0
            await asyncio.sleep(_LOOK_SECONDS)
            quiet += _LOOK_SECONDS
            try:
                film = await asyncio.to_thread(receiver.films.get, film.id)
            except StorageError:
                continue
            except LookupError:
                return
    finally:
        receiver.streams -= 1
