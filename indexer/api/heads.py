# SPDX-License-Identifier: Apache-2.0
"""Waiting for blocks: PostgreSQL tells of each commit by NOTIFY; a file is looked at while somebody waits."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import anyio.to_thread
import psycopg

from indexer.api.problems import ProblemError
from indexer.api.reader import Reader
from indexer.database.postgres import CHANNEL

log = logging.getLogger(__name__)

_LOOK = 0.02  # seconds between two looks at a file
_LOOK_REMOTE = 0.5  # between two looks at a server that also tells by itself
_PAUSE = 2.0


class Heads:
    """Where the database ends, for those who wait for it to get further."""

    def __init__(self, reader: Reader, url: str) -> None:
        self._reader = reader
        self._url = url
        self._told = asyncio.Event()

    async def block(self) -> int:
        """The newest indexed block; -1 before there is one."""
        if self._reader.remote:
            return await anyio.to_thread.run_sync(self._look)
        return self._look()

    async def wait(self, block: int, seconds: float) -> bool:
        """Wait until a block is indexed; whether it was in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while await self.block() < block:
            left = deadline - loop.time()
            if left <= 0:
                return False
            await self.pause(left)
        return True

    async def pause(self, seconds: float) -> None:
        """Until there may be something new, or for so long."""
        if not self._reader.remote:
            await asyncio.sleep(min(_LOOK, seconds))
            return
        self._told.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._told.wait(), min(_LOOK_REMOTE, seconds))

    async def listen(self) -> None:
        """Hear what PostgreSQL tells, until cancelled."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}".encode())
                    async for _ in connection.notifies():
                        self._told.set()
            except psycopg.Error as error:
                log.info("no news from PostgreSQL (%s); looking instead", type(error).__name__)
            await asyncio.sleep(_PAUSE)

    def _look(self) -> int:
        try:
            with self._reader.snapshot() as snapshot:
                return snapshot.at.number
        except ProblemError:
            return -1
