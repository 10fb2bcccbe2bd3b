# SPDX-License-Identifier: Apache-2.0
"""The clients of the two services against servers that behave as badly as servers can."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ipto.content import Cid
from ipto.errors import InputError, NotFoundError
from ipto.services import ActionFailedError, Indexer, Problem, RefusedError, Relayer, ServiceError

Answer = tuple[int, bytes]


class Server:
    """Answers from a script; remembers what it was asked."""

    def __init__(self, port: int = 0) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self.headers: dict[str, str] = {}
        self.script: Callable[[str], Answer] = lambda path: (200, b"{}")
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                server.asked.append((self.command, self.path, body))
                status, data = server.script(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = _answer  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self._thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def say(self, *answers: tuple[int, Any]) -> None:
        """One after the other; the last for ever."""
        left = [(status, body if isinstance(body, bytes) else json.dumps(body).encode()) for status, body in answers]
        self.script = lambda path: left.pop(0) if len(left) > 1 else left[0]

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def test_queries_in_paths_and_in_words_both_arrive(server: Server) -> None:
    with Indexer(server.url) as indexer:
        indexer.get("offers?work=5&live=true")
        indexer.get("offers", work="5", live="true")
    assert [path for _, path, _ in server.asked] == ["/v1/offers?work=5&live=true"] * 2


def test_errors_in_the_services_own_words(server: Server) -> None:
    with Indexer(server.url) as indexer:
        for status, body, kind, words in (
            (404, {"detail": "no such work"}, NotFoundError, "no such work"),
            (400, {"detail": "write 0x"}, RefusedError, "the indexer refused: write 0x"),
            (422, {"title": "Malformed"}, RefusedError, "Malformed"),
            (422, ["a list"], RefusedError, "a list"),
            (400, b"<html>proxy</html>", RefusedError, "proxy"),
            (503, {"detail": "behind"}, ServiceError, "status 503: behind"),
            (200, b"<html>hello</html>", ServiceError, "is not the indexer"),
            (302, b"", ServiceError, "status 302"),
        ):
            server.say((status, body))
            with pytest.raises(kind, match=words):
                indexer.get("works/1")
    assert issubclass(RefusedError, InputError)
    assert issubclass(ServiceError, ConnectionError)


def test_nobody_answers() -> None:
    server = Server()
    server.close()
    with Relayer(server.url) as relayer, pytest.raises(ServiceError, match=r"does not answer.*is the stack running\?"):
        relayer.action("1")


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "http://[::1", "ftp://host", "/path"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InputError, match="no address of the relayer"):
        Relayer(url)


def test_a_proxy_for_the_internet_is_not_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Indexer(server.url) as indexer:
        assert indexer.get("works") == {}


def test_patience_until_a_service_is_back() -> None:
    first = Server()
    port = first.http.server_port
    first.close()
    done: list[Any] = []

    def ask() -> None:
        with Relayer(f"http://127.0.0.1:{port}", patience=20) as relayer:
            done.append(relayer.purchase({"order": 1}))

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.4)
    assert not done
    again = Server(port)
    again.say((202, {"id": "abc"}))
    thread.join(20)
    again.close()
    assert done == ["abc"]


def test_waiting_for_the_indexer(server: Server) -> None:
    with Indexer(server.url) as indexer:
        server.say((404, {}), (503, {}), (200, {"n": 1}), (200, {"n": 2}))
        assert indexer.wait_for("works/1", lambda answer: answer["n"] == 2) == {"n": 2}
        server.say((404, {}))
        with pytest.raises(ServiceError, match=r"did not show works/1 within 0\.2 s; is it following"):
            indexer.wait_for("works/1", seconds=0.2)
        server.say((500, {"detail": "broken"}))
        with pytest.raises(ServiceError, match="broken"):
            indexer.wait_for("works/1", seconds=0.2)


def test_waiting_for_the_relayer(server: Server) -> None:
    states: list[str] = []
    with Relayer(server.url) as relayer:
        server.say(
            *((200, {"state": state}) for state in ("queued", "queued", "sent")), (503, {}), (200, {"state": "final"})
        )
        assert relayer.wait("1", states.append) == {"state": "final"}
        assert states == ["queued", "sent", "final"]
        server.say((200, {"state": "failed", "reason": "deadline passed"}))
        with pytest.raises(ActionFailedError, match="deadline passed"):
            relayer.wait("1")
        server.say((200, {"state": "sent"}))
        with pytest.raises(ServiceError, match=r"not final within 0\.2 s; it is sent"):
            relayer.wait("1", seconds=0.2)


def test_uploads_go_under_their_cid(server: Server) -> None:
    with Relayer(server.url) as relayer:
        server.say((201, b""))
        relayer.upload(Cid.of_block(b"{}"), b"{}")
    assert server.asked == [("PUT", f"/v1/content/{Cid.of_block(b'{}')}", b"{}")]


def test_a_service_that_is_busy_is_asked_again(server: Server) -> None:
    server.say((429, {"detail": "wait"}), (503, {"detail": "behind"}), (200, {"n": 1}))
    server.headers = {"retry-after": "0"}
    with Indexer(server.url, patience=20) as indexer:
        assert indexer.get("works") == {"n": 1}
    server.say((429, {"type": "urn:x", "title": "Too many", "detail": "wait"}))
    with Indexer(server.url) as indexer, pytest.raises(RefusedError, match="wait") as refused:
        indexer.get("works")
    assert refused.value.problem == Problem(429, "urn:x", "Too many", "wait")


def test_a_service_cannot_make_us_wait_for_ever(server: Server) -> None:
    for asked in ("99999", "soon", "-1", "1e9", "9" * 400):
        server.headers = {"retry-after": asked}
        server.say((503, {}))
        with Indexer(server.url, patience=0.2) as indexer, pytest.raises(ServiceError):
            indexer.get("works")


def test_only_the_newest_answers_are_remembered(server: Server) -> None:
    server.headers = {"etag": '"a"', "x-indexed-block": "7"}
    with Indexer(server.url) as indexer:
        for number in range(300):
            indexer.get(f"works/{number}")
        assert len(indexer._known) == 256
        assert indexer.block == 7
        server.headers = {"etag": '"b"', "x-indexed-block": "seven"}
        server.say((200, b'"' + b"x" * (1 << 20) + b'"'))
        indexer.get("works/large")
        assert "/v1/works/large" not in indexer._known
        assert indexer.block == 7
