# SPDX-License-Identifier: Apache-2.0
"""Waiting for blocks: PostgreSQL tells of each commit by NOTIFY; a file is looked at while somebody waits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import anyio.to_thread

from indexer.api.problems import ProblemError
from indexer.api.reader import Reader

log = logging.getLogger(__name__)

_LOOK = 0.02  # seconds between two looks at a file
_LOOK_REMOTE = 0.5  # between two looks at a server that also tells by itself
_PAUSE = 2.0
Head = tuple[int, bytes]
_NOTHING: Head = (-1, b"")
MOST_WAITING = 2_000  # at once


class Heads:
    """Where the database ends, for those who wait for it to get further. However many wait, one looks."""

    def __init__(self, reader: Reader, url: str) -> None:
        self._reader = reader
        self._url = url
        self._told = asyncio.Event()  # PostgreSQL said something
        self._news = asyncio.Event()  # replaced each time there is a new block
        self._waiting = 0
        self._looking: asyncio.Task[None] | None = None

    async def at(self) -> Head:
        """The newest indexed block's number and hash; -1 before there is one."""
        if self._reader.remote:
            return await anyio.to_thread.run_sync(self._look)
        return self._look()

    async def wait(self, block: int, seconds: float) -> bool:
        """Wait until a block is indexed; whether it was in time. When very many wait already, no more do."""
        return await self._until(lambda head: head[0] >= block, seconds, MOST_WAITING)

    async def change(self, seen: Head, seconds: float) -> bool:
        """Wait until the newest block is another one than `seen`; whether it was in time."""
        # Streams have a limit of their own.
        return await self._until(lambda head: head != seen, seconds, None)

    async def _until(self, enough: Callable[[Head], bool], seconds: float, most: int | None) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            # Before looking: what is told from here on is not missed.
            news = self._news
            if enough(await self.at()):
                return True
            left = deadline - loop.time()
            if left <= 0 or (most is not None and self._waiting >= most):
                return False
            self._waiting += 1
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._watch())
            try:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), left)
            finally:
                self._waiting -= 1

    async def _watch(self) -> None:
        """Look while anybody waits."""
        last = await self.at()
        # Whoever looked before this began must not miss what came in between.
        self._tell()
        while self._waiting:
            if self._reader.remote:
                self._told.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._told.wait(), _LOOK_REMOTE)
            else:
                await asyncio.sleep(_LOOK)
            if (found := await self.at()) != last:
                last = found
                self._tell()

    def _tell(self) -> None:
        told, self._news = self._news, asyncio.Event()
        told.set()

    async def listen(self) -> None:
        """Hear what PostgreSQL tells, until cancelled."""
        # The driver is imported where it is used: a file needs none.
        import psycopg

        from indexer.database.postgres import CHANNEL

        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}".encode())
                    async for _ in connection.notifies():
                        self._told.set()
            except psycopg.Error as error:
                log.info("no news from PostgreSQL (%s); looking instead", type(error).__name__)
            await asyncio.sleep(_PAUSE)

    def _look(self) -> Head:
        try:
            with self._reader.snapshot() as snapshot:
                return snapshot.at.number, snapshot.at.hash
        except ProblemError:
            return _NOTHING
