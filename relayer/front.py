# SPDX-License-Identifier: Apache-2.0
"""The short way for what is asked most: signed actions go from the socket to the service past the framework, which
takes as long as everything else about a submission. Whatever is unusual about a request goes the long way.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

Take = Callable[[Request, str | None], Awaitable[Response]]
KEY = r"^[\x21-\x7e]+$"
LONGEST_KEY = 128


class FrontDoor:
    """Around the application; `takes`: path → what answers a POST to it. errors: the answer to an exception."""

    def __init__(self, app: Any, takes: Mapping[str, Take], errors: Callable[[Exception], Response]) -> None:
        self._app, self._takes, self._errors = app, takes, errors

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        take = self._takes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if take is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        keys = request.headers.getlist("idempotency-key")
        if len(keys) > 1 or (keys and (len(keys[0]) > LONGEST_KEY or not re.fullmatch(KEY, keys[0]))):
            await self._app(scope, receive, send)
            return
        try:
            answer = await take(request, keys[0] if keys else None)
        except Exception as error:
            answer = self._errors(error)
        await answer(scope, receive, send)
