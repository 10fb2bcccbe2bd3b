# SPDX-License-Identifier: Apache-2.0
"""The creator's side of a portal, against servers that lie, fail and forget; the honest one is in tests/relayer."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from ipto.accounts import LocalSigner
from ipto.errors import InputError
from ipto.portal import Portal
from ipto.services import RefusedError, ServiceError
from ipto.signin import SignIn

SIGNER = LocalSigner(b"\x21" * 32)


class Server:
    """An operator as the test wants it: remembers what it was sent, and may misbehave."""

    def __init__(self) -> None:
        self.sites: list[str] = []
        self.messages: list[str] = []
        self.body = bytearray()
        self.film: dict[str, Any] | None = None
        self.failures: list[int] = []  # statuses of the next pieces
        self.final = "verified"
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self, status: int, body: Any = None, **headers: str) -> None:
                data = b"" if body is None else orjson.dumps(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self) -> None:
                if self.path == "/v1/session/challenge":
                    self._answer(200, {"nonce": "a" * 72, "chain_id": 31337, "sites": server.sites})
                elif self.path == "/v1/films":
                    self._answer(200, {"items": [server.film] if server.film else []})
                else:
                    assert server.film is not None
                    server.film["received"] = len(server.body)
                    if len(server.body) == server.film["length"]:
                        server.film["state"] = server.final
                    self._answer(200, server.film)

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"] or 0))
                if self.path == "/v1/session":
                    server.messages.append(orjson.loads(data)["message"])
                    self._answer(201, {"token": "t" * 43})
                    return
                words = dict(pair.split(" ") for pair in self.headers["upload-metadata"].split(","))
                server.film = {
                    "id": "f" * 32, "state": "receiving", "received": 0, "code": None, "words": "",
                    "length": int(self.headers["upload-length"]),
                    "sha256": base64.b64decode(words["sha256"]).decode(),
                }  # fmt: skip
                self._answer(201, location="/v1/films/" + "f" * 32)

            def do_PATCH(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                status = server.failures.pop(0) if server.failures else 204
                if status == 0:  # takes it and dies before it answers
                    server.body += data
                    self.connection.close()
                    self.close_connection = True
                    return
                if status == 204:
                    assert int(self.headers["upload-offset"]) == len(server.body)
                    server.body += data
                self._answer(status, None if status == 204 else {"detail": "no"}, upload_offset=str(len(server.body)))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.sites = [self.url]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(range(256)) * 100_000)  # four pieces
    return path


def test_the_message_names_the_address_it_was_given(server: Server) -> None:
    """An operator that wants a signature for another's site gets none; one for its own is worth nothing there."""
    server.sites = ["https://good.example"]
    with Portal(server.url, SIGNER, 31337) as portal:
        with pytest.raises(RefusedError, match="good"):
            portal.sign_in()
        assert server.messages == []
        server.sites = ["https://good.example", server.url]
        portal.sign_in()
    message = SignIn.parse(server.messages[0])
    assert message.domain == server.url.partition("://")[2]
    assert message.uri == server.url + "/"
    assert message.address == SIGNER.address


def test_a_film_is_sent_whole_whatever_fails(server: Server, film: Path) -> None:
    server.failures = [503, 0, 204, 423, 460, 409]
    seen: list[int] = []
    with Portal(server.url, SIGNER, 31337) as portal:
        sent = portal.send(film, lambda done, _: seen.append(done))
        assert sent["state"] == "verified"
    assert hashlib.sha256(server.body).digest() == hashlib.sha256(film.read_bytes()).digest()
    assert seen == sorted(seen)
    assert seen[-1] == film.stat().st_size


def test_what_is_there_is_not_sent_again(server: Server, film: Path) -> None:
    data = film.read_bytes()
    server.body = bytearray(data[:10_000_000])
    server.film = {
        "id": "f" * 32, "state": "receiving", "received": 10_000_000, "code": None, "words": "", "length": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip
    with Portal(server.url, SIGNER, 31337) as portal:
        portal.send(film)
        assert bytes(server.body) == data
        portal.send(film)
    assert bytes(server.body) == data


def test_giving_up(server: Server, film: Path) -> None:
    server.failures = [403]
    with Portal(server.url, SIGNER, 31337, patience=0.0) as portal:
        with pytest.raises(RefusedError, match="no"):
            portal.send(film)
        server.failures = [503] * 5
        with pytest.raises(ServiceError, match="503"):
            portal.send(film)
        server.failures, server.final = [], "refused"
        portal.send(film)
        with pytest.raises(RefusedError, match="does not keep"):
            portal.wait("f" * 32, "verified")
    with Portal("http://127.0.0.1:1", SIGNER, 31337) as nobody, pytest.raises(ServiceError, match="does not answer"):
        nobody.sign_in()
    for url in ("ftp://a", "127.0.0.1:80", "https://"):
        with pytest.raises(InputError):
            Portal(url, SIGNER, 31337)
