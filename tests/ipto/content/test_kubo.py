# SPDX-License-Identifier: Apache-2.0
"""Against a real daemon, and against one that lies."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ipto.content import (
    DEFAULT_PROFILE,
    PROFILES,
    Cid,
    ContentStore,
    MissingContentError,
    StoreUnavailableError,
    describe,
)
from ipto.content.kubo import KuboStore
from ipto.errors import InputError, IntegrityError
from tests.support.ipfs_daemon import IpfsDaemon

from .conftest import stream_bytes

THREE_MIB = 3 * 1024 * 1024


@pytest.fixture
def kubo(daemon: IpfsDaemon) -> Iterator[KuboStore]:
    with KuboStore(daemon.address, search=3) as store:
        yield store


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 1, 262_145, THREE_MIB])
def test_put_and_get(kubo: KuboStore, tmp_path: Path, size: int) -> None:
    assert isinstance(kubo, ContentStore)
    data = stream_bytes("kubo", size)
    path = tmp_path / "film.mp4"
    path.write_bytes(data)
    cid = kubo.put(path)
    assert cid == kubo.put(data) == kubo.put(io.BytesIO(data)) == describe(data).cid
    assert kubo.get(cid, THREE_MIB) == data
    assert kubo.has(cid)
    assert kubo.size(cid) == size
    assert b"".join(kubo.stream(cid, size // 2, 10)) == data[size // 2 : size // 2 + 10]


@pytest.mark.slow
def test_version_0_profile(daemon: IpfsDaemon) -> None:
    data = stream_bytes("v0", 600_000)
    with KuboStore(daemon.address, PROFILES["unixfs-v0-2015"]) as store:
        cid = store.put(data)
        assert str(cid).startswith("Qm")
        assert store.get(cid, 600_000) == data


@pytest.mark.slow
def test_documents_are_one_block_at_any_size(kubo: KuboStore) -> None:
    data = stream_bytes("document", 1024 * 1024)
    cid = kubo.put_document(data)
    assert kubo.get_document(cid.digest) == data
    kubo.pin(cid)


@pytest.mark.slow
def test_what_is_not_there_is_missing(kubo: KuboStore) -> None:
    absent = Cid.of_block(b"never put anywhere")
    assert not kubo.has(absent)
    with pytest.raises(MissingContentError, match=str(absent)):
        kubo.get(absent)


@pytest.mark.slow
def test_only_raw_blocks_are_sent_alone(kubo: KuboStore) -> None:
    with pytest.raises(InputError, match="raw"):
        kubo.write_block(Cid.of_block(b"x", 0x70), b"x")


def test_no_daemon_is_a_clear_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with KuboStore(f"http://127.0.0.1:{port}") as store:
        for call in (lambda: store.put(b"x"), lambda: store.get(Cid.of_block(b"x")), store.version):
            with pytest.raises(StoreUnavailableError, match="does not answer; start it"):
                call()
        with pytest.raises(ConnectionError):
            store.has(Cid.of_block(b"x"))


@pytest.mark.parametrize("address", ["", "127.0.0.1:5001", "ftp://x", "http://", "http://x/path", "http://x:99999"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(InputError, match="not an address"):
        KuboStore(address)


class Liar(BaseHTTPRequestHandler):
    """An API that answers anything but the truth: another CID, other bytes, without end."""

    block = b"other bytes"
    status = 200

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        body = self.block
        if "/add" in self.path:
            body = json.dumps({"Name": "x", "Hash": str(Cid.of_block(b"something else")), "Size": "1"}).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json" if "/add" in self.path else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def liar() -> Iterator[tuple[str, type[Liar]]]:
    handler = type("ThisLiar", (Liar,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
        server.shutdown()
        thread.join()


def test_another_cid_for_an_answer(liar: tuple[str, type[Liar]]) -> None:
    with KuboStore(liar[0]) as store, pytest.raises(IntegrityError, match=str(describe(b"mine").cid)):
        store.put(b"mine")


@pytest.mark.parametrize("block", [b"other bytes", b"", bytes(10 * 1024 * 1024)], ids=["other", "none", "endless"])
def test_other_bytes_for_an_answer(liar: tuple[str, type[Liar]], block: bytes) -> None:
    liar[1].block = block
    wanted = Cid.of_block(b"mine")
    with KuboStore(liar[0]) as store, pytest.raises(IntegrityError, match=str(wanted)):
        store.get(wanted)


def test_a_refusal_is_passed_on(liar: tuple[str, type[Liar]]) -> None:
    liar[1].status, liar[1].block = 500, b'{"Message": "disk full", "Code": 0, "Type": "error"}'
    with KuboStore(liar[0]) as store, pytest.raises(StoreUnavailableError, match="disk full"):
        store.get(Cid.of_block(b"mine"))


def test_the_default_profile_is_the_recorded_one() -> None:
    assert DEFAULT_PROFILE.name == "kubo-cid-v1"
    assert PROFILES[DEFAULT_PROFILE.name] is DEFAULT_PROFILE
