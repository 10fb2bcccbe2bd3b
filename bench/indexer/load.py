# SPDX-License-Identifier: Apache-2.0
"""A load generator that costs little: keep-alive connections on plain sockets, one request at a time on each.

python -m bench.indexer.load PORT CONNECTIONS SECONDS    (requests, one path a line, on standard input)
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time

import orjson


class Client(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last is complete."""

    def __init__(self, requests: itertools.cycle[bytes], until: float, times: list[float], bad: list[bytes]) -> None:
        self._requests, self._until, self._times, self._bad = requests, until, times, bad
        self._buffer = b""
        self._need = -1
        self._chunked = False
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        now = time.perf_counter()
        if now >= self._until:
            self._transport.close()
            return
        self._sent = now
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._need < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            if not head.startswith(b"http/1.1 200"):
                self._bad.append(self._buffer[:300])
            self._chunked = b"transfer-encoding: chunked" in head
            length = head.split(b"content-length:")[1].split(b"\r\n")[0] if b"content-length:" in head else b"0"
            self._need = end + 4 + int(length)
        if self._buffer.endswith(b"\r\n0\r\n\r\n") if self._chunked else len(self._buffer) >= self._need:
            self._buffer, self._need = b"", -1
            self._times.append(time.perf_counter() - self._sent)
            self._next()

    def connection_lost(self, _error: Exception | None) -> None:
        self.done.set_result(None)


async def load(port: int, requests: list[bytes], connections: int, seconds: float) -> dict[str, float]:
    """Requests a second, and latencies in milliseconds."""
    loop = asyncio.get_running_loop()
    around = itertools.cycle(requests)
    times: list[float] = []
    bad: list[bytes] = []
    start = time.perf_counter()
    clients = []
    for _ in range(connections):
        _, client = await loop.create_connection(lambda: Client(around, start + seconds, times, bad), "127.0.0.1", port)
        clients.append(client.done)
    await asyncio.wait_for(asyncio.gather(*clients), seconds + 30)
    took = time.perf_counter() - start
    times.sort()
    if bad:
        raise SystemExit(f"{len(bad)} answers were not 200: {bad[0]!r}")
    at = lambda part: round(1000 * times[min(len(times) - 1, int(len(times) * part))], 2)  # noqa: E731
    return {"requests_per_second": round(len(times) / took), "p50_ms": at(0.5), "p99_ms": at(0.99)}


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """A POST request of JSON."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def main() -> None:
    """Entry."""
    port, connections, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    requests = []
    for line in sys.stdin.read().splitlines():
        path, _, body = line.partition("\t")
        requests.append(post(path, body.encode()) if body else get(path))
    print(orjson.dumps(asyncio.run(load(port, requests, connections, seconds))).decode())


if __name__ == "__main__":
    main()
