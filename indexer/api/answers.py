# SPDX-License-Identifier: Apache-2.0
"""An answer as bytes, and how it is sent: whole, or as 304 to whoever has it already."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import orjson
from starlette.types import Scope, Send

Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")


class Keep(enum.Enum):
    """How long an answer is the answer to the same question."""

    NEVER = 0
    SECOND = 1  # it depends on the clock, in whole seconds, besides the database
    STATE = 2  # it depends on nothing but the database


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (without content-length) and body. `tag`: its ETag, empty for none."""

    body: bytes
    headers: Headers
    status: int = 200
    tag: bytes = b""
    keep: Keep = Keep.NEVER

    async def send(self, scope: Scope, send: Send, more: Headers) -> int:
        """Send it with further headers; returns the status that was sent."""
        if self.tag and self._known(scope):
            await send({"type": "http.response.start", "status": 304, "headers": self.headers + more})
            await send({"type": "http.response.body", "body": b""})
            return 304
        length = (b"content-length", b"%d" % len(self.body))
        await send({"type": "http.response.start", "status": self.status, "headers": [length, *self.headers, *more]})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self.body})
        return self.status

    def _known(self, scope: Scope) -> bool:
        """Whether `If-None-Match` names it (RFC 9110, 13.1.2: by weak comparison)."""
        for name, value in scope["headers"]:
            if name == b"if-none-match":
                tags = [tag.strip().removeprefix(b"W/") for tag in value.split(b",")]
                if self.tag in tags or tags == [b"*"]:
                    return True
        return False


def json_answer(body: object) -> Answer:
    """JSON that is of its moment."""
    return Answer(orjson.dumps(body), [_JSON])
