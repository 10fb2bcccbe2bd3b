# SPDX-License-Identifier: Apache-2.0
"""Whether submissions are known already, asked of the database for many at once.

The first question goes out at once; those that come while its answer is awaited share the next query, so that a crowd
costs a few queries and the single creator waits for nobody.
"""

from __future__ import annotations

import asyncio

from relayer.database import Row, places
from relayer.queue import Queue
from relayer.records import NewAction

_MOST = 200


class Lookup:
    """Rows by natural key."""

    def __init__(self, queue: Queue) -> None:
        self._database = queue.database
        self._waiting: list[tuple[tuple[str, str, str], asyncio.Future[Row | None]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def find(self, new: NewAction) -> Row | None:
        """Id, digest and state of the row with this natural key. Raises StorageError."""
        answer: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((new.key, answer))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="lookup")
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            part, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            try:
                found = await asyncio.to_thread(self._read, sorted({key for key, _ in part}))
            except Exception as error:
                for _, answer in part:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for key, answer in part:
                if not answer.done():
                    answer.set_result(found.get(key))

    def _read(self, keys: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], Row]:
        listed, values = places(keys)
        sql = f"SELECT signer, nonce, contract, id, digest FROM actions WHERE (signer, nonce, contract) IN ({listed})"  # noqa: S608
        return {(row["signer"], row["nonce"], row["contract"]): row for row in self._database.read(sql, *values)}
