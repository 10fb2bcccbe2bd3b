# SPDX-License-Identifier: Apache-2.0
"""A JSON-RPC client that sends calls which come at the same time in one request.

The first call goes out at once; what is asked while answers are awaited shares the next request. So a quiet relayer
waits for nothing and a busy one pays one round trip for dozens of questions. Everything the relayer asks may safely be
asked twice, the same signed bytes included; a bundle that fails is therefore asked again one by one, so that a call
that upsets the node spoils only itself.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.request import getproxies

import orjson

from ipto.rpc import MOST_BYTES, AsyncRpc, RpcError, RpcTimeoutError, RpcTransportError
from relayer.line import Line, TooLongError

_LARGEST = 64
_REQUESTS = 4
_SINGLY_SECONDS = 5.0

_Waiting = tuple[str, tuple[Any, ...], "asyncio.Future[Any]"]


class BundledRpc(AsyncRpc):
    """As `AsyncRpc`; `call` may share its request with others."""

    def __init__(self, url: str, *, timeout: float, largest: int = _LARGEST) -> None:
        """largest: calls of one request; 1 for nodes without batches."""
        super().__init__(url, timeout=timeout)
        # Through a proxy goes what knows about proxies.
        direct = not self._core.trust_env or not getproxies()
        self._line = Line(url, timeout=timeout, most=MOST_BYTES) if direct else None
        self._largest = largest
        self._waiting: list[_Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._singly_until = 0.0

    async def _post(self, body: object) -> tuple[int, bytearray]:
        if self._line is None:
            return await super()._post(body)
        try:
            return await self._line.post(orjson.dumps(body))
        except TimeoutError:
            raise self._core.too_slow() from None
        except TooLongError:
            raise self._core.too_large() from None
        except OSError as error:
            raise self._core.unreachable(error) from error

    async def aclose(self) -> None:
        """Close all connections."""
        if self._line is not None:
            self._line.close()
        await super().aclose()

    async def call(self, method: str, *params: Any) -> Any:
        """Call one method and return its result as JSON. Raises RpcError or RpcTransportError."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((method, params, answer))
        if len(self._tasks) < _REQUESTS:
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            size = 1 if time.monotonic() < self._singly_until else self._largest
            part, self._waiting = self._waiting[:size], self._waiting[size:]
            if len(part) == 1:
                await self._one(part[0])
            else:
                await self._many(part)

    async def _one(self, item: _Waiting) -> None:
        method, params, answer = item
        try:
            result = await super().call(method, *params)
        except Exception as error:
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(result)

    async def _many(self, part: list[_Waiting]) -> None:
        try:
            results = await self.try_batch([(method, params) for method, params, _ in part])
        except RpcTimeoutError as error:
            # Asking one by one would take as long again for each.
            self._singly_until = time.monotonic() + _SINGLY_SECONDS
            for _, _, answer in part:
                if not answer.done():
                    answer.set_exception(RpcTimeoutError(str(error)))
            return
        except (RpcTransportError, RpcError):
            for item in part:
                await self._one(item)
            return
        for (_, _, answer), result in zip(part, results, strict=True):
            if answer.done():
                continue  # nobody waits any more
            if isinstance(result, RpcError):
                answer.set_exception(result)
            else:
                answer.set_result(result)
