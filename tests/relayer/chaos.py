# SPDX-License-Identifier: Apache-2.0
"""A node that misbehaves on purpose: a JSON-RPC proxy between the relayer and anvil.

A rule sees every call and says what happens to it. Killing the relayer from here puts the blow at an exact point of
its work without any test code in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

PASS = "pass"
LOSE_REQUEST = "lose request"  # the node never sees it, the caller gets no answer
LOSE_ANSWER = "lose answer"  # the node acts on it, the caller gets no answer
TWICE = "twice"  # the node sees it twice, the caller gets the second answer
UNAVAILABLE = "unavailable"  # HTTP 503 from something in between

Rule = Callable[[str, list[Any]], str]


class ChaosProxy:
    """Forwards to `upstream` what `rule` lets through. `calls` records methods in order."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.rule: Rule = lambda method, params: PASS
        self.calls: list[str] = []
        self.before: Callable[[str, list[Any]], None] = lambda method, params: None
        self.after: Callable[[str, list[Any], Any], None] = lambda method, params, answer: None
        self._client = httpx.Client(timeout=30, trust_env=False)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet, or each call waits for a delayed acknowledgement
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                proxy.handle(self, body)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a killed client leaves broken pipes

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        request = orjson.loads(body)
        calls = [(call["method"], call["params"]) for call in (request if isinstance(request, list) else [request])]
        verdict = PASS
        for method, params in calls:
            self.calls.append(method)
            self.before(method, params)
            # What happens to one call of a batch happens to the batch.
            verdict = max(verdict, self.rule(method, params), key=lambda one: one != PASS)
        if verdict == UNAVAILABLE:
            handler.send_error(503)
            return
        if verdict == LOSE_REQUEST:
            handler.close_connection = True
            return
        answer = b""
        for _ in range(2 if verdict == TWICE else 1):
            answer = self._client.post(
                self.upstream, content=body, headers={"content-type": "application/json"}
            ).content
        answers = orjson.loads(answer)
        for (method, params), one in zip(calls, answers if isinstance(answers, list) else [answers], strict=False):
            self.after(method, params, one)
        if verdict == LOSE_ANSWER:
            handler.close_connection = True
            return
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()
