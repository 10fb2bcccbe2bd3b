# SPDX-License-Identifier: Apache-2.0
"""No request's body is read into memory beyond a limit, or for longer than a while, whoever sends it: the framework
reads bodies before it asks who sends them."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.exceptions import HTTPException

_SECONDS = 30.0


class BodyLimit:
    """Around the application. Routes that take large bodies bound them themselves, and are named here."""

    def __init__(self, app: Any, limit: int) -> None:
        """limit: bytes."""
        self._app, self._limit = app, limit

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or _bounds_itself(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        size, over = 0, False
        ends = asyncio.get_running_loop().time() + _SECONDS

        async def bounded() -> Any:
            nonlocal size, over
            if over:
                return await receive()  # what comes after the body: that the client is gone
            try:
                async with asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body did not arrive within {_SECONDS:.0f} seconds") from None
            size += len(message.get("body", b""))
            if size > self._limit:
                raise HTTPException(413, f"the body is larger than {self._limit} bytes")
            over = not message.get("more_body", False)
            return message

        await self._app(scope, bounded, send)


def _bounds_itself(method: str, path: str) -> bool:
    """Films in pieces (`relayer.receiver`) and documents (`relayer.api`)."""
    return (method == "PATCH" and path.startswith("/v1/films/")) or (
        method == "PUT" and path.startswith("/v1/content/")
    )
