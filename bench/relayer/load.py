# SPDX-License-Identifier: Apache-2.0
"""Creators at the relayer's door: keep-alive connections that each send one request after another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson

from bench.harness import BenchError


class Door:
    """One HTTP/1.1 connection."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port

    async def open(self) -> Door:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer."""
        head = f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        self._writer.write(head.encode() + b"\r\n\r\n" + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        status = int(answer[9:12])
        size = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return status, await self._reader.readexactly(size)

    def close(self) -> None:
        self._writer.close()


async def submit_all(url: str, bodies: Sequence[bytes], connections: int) -> list[str]:
    """Submit everything, so many at a time; ids in the order of `bodies`."""
    left = list(enumerate(bodies))[::-1]
    names: dict[int, str] = {}

    async def worker() -> None:
        door = await Door(url).open()
        while left:
            number, body = left.pop()
            status, answer = await door.request("POST", "/v1/actions", body)
            if status != 202:
                raise BenchError(f"refused: {answer[:300]!r}")
            names[number] = orjson.loads(answer)["id"]
        door.close()

    await asyncio.gather(*(worker() for _ in range(connections)))
    return [names[number] for number in range(len(bodies))]


async def latencies(url: str, bodies: Sequence[bytes], creators: int) -> list[float]:
    """So many creators at once submit and look until they see their action mined; seconds from sending to seeing."""
    left = list(bodies)
    found: list[float] = []

    async def creator() -> None:
        door = await Door(url).open()
        while left:
            body = left.pop()
            begun = time.monotonic()
            status, answer = await door.request("POST", "/v1/actions", body)
            if status != 202:
                raise BenchError(f"refused: {answer[:300]!r}")
            path = orjson.loads(answer)["status_url"]
            while True:
                await asyncio.sleep(0.02)
                state = orjson.loads((await door.request("GET", path))[1])["state"]
                if state in ("mined", "final"):
                    break
                if state == "failed":
                    raise BenchError("an action failed")
            found.append(time.monotonic() - begun)
        door.close()

    await asyncio.gather(*(creator() for _ in range(creators)))
    return sorted(found)
