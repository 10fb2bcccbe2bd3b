# SPDX-License-Identifier: Apache-2.0
"""Documents behind digests: what is found, what is not, what lies, and where nobody may look."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from eth_abi.abi import encode as abi_encode

from indexer.gateway import ForbiddenGatewayError, Gateway
from indexer.guard import is_public
from indexer.resolve import FolderSource, Resolver, Source, read_decimals, read_symbol
from indexer.store import Store
from ipto.content import Cid, LocalStore
from ipto.content.store import MAX_DOCUMENT, MissingContentError, StoreUnavailableError
from ipto.errors import InputError, IntegrityError
from ipto.rpc import AsyncRpc, RpcError
from tests.indexer.conftest import Databases, on_files
from tests.indexer.story import metadata_document
from tests.indexer.world import World, new_store, sync


def resolve(world: World, store: Store, sources: Sequence[Source], *, attempts: int = 20) -> None:
    async def run() -> None:
        async with AsyncRpc(world.chain.url) as rpc:
            resolver = Resolver(store.db, sources, rpc, attempts=attempts)
            store.db.run("UPDATE documents SET next_at = 0 WHERE next_at > 0")
            while await resolver.step():
                pass

    asyncio.run(run())


def states(store: Store) -> dict[bytes, tuple[str, int | None]]:
    rows = store.db.all("SELECT digest, state, next_at FROM documents")
    return {digest: (state, next_at) for digest, state, next_at in rows}


@pytest.fixture
def folder(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "content")


def test_states_of_documents(world: World, databases: Databases, folder: LocalStore) -> None:
    good, wrong_form, damaged, absent = metadata_document(), b'{"not":"a work"}', b'{"a":1}', b"nowhere"
    digests = [hashlib.sha256(data).digest() for data in (good, wrong_form, damaged, absent)]
    for digest in digests:
        world.register(world.people[1], metadata=digest)
    for data in (good, wrong_form, damaged):
        folder.put_document(data)
    name = digests[2].hex()
    (folder.folder / "blocks" / name[:2] / name).write_bytes(b'{"a":2}')
    with new_store(world, databases("a")) as store:
        sync(world, store)
        assert {state for state, _ in states(store).values()} == {"pending"}
        resolve(world, store, [FolderSource(folder)])
        found = states(store)
        assert [found[digest][0] for digest in digests] == ["resolved", "invalid", "invalid", "missing"]
        # What cannot get better is left alone, the rest is tried again.
        assert [found[digest][1] is not None for digest in digests] == [False, False, True, True]
        title = store.db.one("SELECT title FROM documents WHERE digest = ?", (digests[0],))
        assert title == ("Dance of the cranes",)
        # Mended and delivered: the next attempt sees it.
        (folder.folder / "blocks" / name[:2] / name).write_bytes(good)
        folder.put_document(metadata_document("Another"))
        resolve(world, store, [FolderSource(folder)], attempts=2)
        assert states(store)[digests[3]] == ("missing", None)


@on_files
def test_one_digest_under_two_names(world: World, databases: Databases, folder: LocalStore) -> None:
    """Naming a work's metadata as an offer's terms does not spoil the work."""
    good = metadata_document()
    digest = hashlib.sha256(good).digest()
    folder.put_document(good)
    thief, creator = world.people[3], world.people[1]
    world.post(thief, world.register(thief), terms=digest)
    world.register(creator, metadata=digest)
    with new_store(world, databases("a")) as store:
        sync(world, store)
        resolve(world, store, [FolderSource(folder)])
        rows = store.db.all("SELECT kind, state FROM documents WHERE digest = ?", (digest,))
        assert sorted(rows) == [("metadata", "resolved"), ("terms", "invalid")]


@on_files
def test_currencies_are_named(world: World, databases: Databases) -> None:
    creator = world.people[1]
    work = world.register(creator)
    nobody = "0x00000000000000000000000000000000000000aa"
    world.post(creator, work)
    world.post(creator, work, currency=world.dollar)
    world.post(creator, work, currency=nobody)
    with new_store(world, databases("a")) as store:
        sync(world, store)
        resolve(world, store, [])
        rows = [(row[0].hex(), *row[1:]) for row in store.db.all("SELECT currency, symbol, decimals FROM currencies")]
        known = {address: (symbol, decimals) for address, symbol, decimals in rows}
    token = world.deployment.token(next(iter(world.deployment.tokens)))
    assert known["ee" * 20] == ("ETH", 18)
    assert known[token.address[2:].lower()] == (token.symbol, token.decimals)
    assert known[nobody[2:]] == (None, None)


def text(value: str) -> str:
    return "0x" + abi_encode(["string"], [value]).hex()


@pytest.mark.parametrize(
    ("answer", "symbol"),
    [
        (text("USDC"), "USDC"),
        ("0x" + b"MKR".ljust(32, b"\0").hex(), "MKR"),
        (text(""), None),
        (text("x" * 33), None),
        (text("a\u202eb"), None),
        (text("a\nb"), None),
        ("0x", None),
        ("0x" + "ff" * 64, None),
        ("0x" + "00" * 100_000, None),
        (RpcError(3, "execution reverted"), None),
        (None, None),
    ],
)
def test_a_token_may_say_anything(answer: object, symbol: str | None) -> None:
    assert read_symbol(answer) == symbol


@pytest.mark.parametrize(("value", "decimals"), [(0, 0), (6, 6), (77, 77), (78, None), (2**255, None)])
def test_decimals_are_believed_within_reason(value: int, decimals: int | None) -> None:
    assert read_decimals("0x" + value.to_bytes(32).hex()) == decimals


# ---- gateways -------------------------------------------------------------------------------------------


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[BaseHTTPRequestHandler], None]], str]]:
    """Starts HTTP servers; gives their address."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(answer: Callable[[BaseHTTPRequestHandler], None]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"content-length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def ask(url: str, digest: bytes, *, timeout: float = 5, allow_private: bool = True) -> bytes:
    async def run() -> bytes:
        gateway = Gateway(url, timeout=timeout, allow_private=allow_private)
        try:
            return await gateway.get_document(digest)
        finally:
            await gateway.aclose()

    return asyncio.run(run())


def test_a_gateway_is_asked_for_the_raw_block(serve: Any) -> None:
    body = b'{"a":1}'
    digest = hashlib.sha256(body).digest()
    seen: list[tuple[str, str | None]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append((handler.path, handler.headers["accept"]))
        send(handler, 200, body)

    assert ask(serve(answer) + "/gw/", digest) == body
    assert seen == [(f"/gw/ipfs/{Cid.raw(digest)}?format=raw", "application/vnd.ipld.raw")]


def test_a_gateway_that_lies_is_caught(serve: Any) -> None:
    url = serve(lambda handler: send(handler, 200, b"other bytes"))
    with pytest.raises(IntegrityError, match="other bytes"):
        ask(url, b"\x01" * 32)


def test_a_gateway_that_sends_too_much_is_cut_off(serve: Any) -> None:
    url = serve(lambda handler: send(handler, 200, bytes(MAX_DOCUMENT + 1)))
    with pytest.raises(IntegrityError, match="more than"):
        ask(url, b"\x01" * 32)


def test_a_gateway_that_trickles_is_given_up(serve: Any) -> None:
    done = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not done.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    url = serve(answer)
    try:
        with pytest.raises(StoreUnavailableError):
            ask(url, b"\x01" * 32, timeout=0.3)
    finally:
        done.set()


@pytest.mark.parametrize(("status", "error"), [(404, MissingContentError), (500, StoreUnavailableError)])
def test_what_a_gateway_can_answer(serve: Any, status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(serve(lambda handler: send(handler, status)), b"\x01" * 32)


def test_a_redirect_is_not_followed(serve: Any) -> None:
    reached: list[str] = []
    inside = serve(lambda handler: (reached.append(handler.path), send(handler, 200, b"secret"))[0])
    outside = serve(lambda handler: send(handler, 302, location=inside + "/metadata"))
    with pytest.raises(StoreUnavailableError, match="302"):
        ask(outside, b"\x01" * 32)
    assert reached == []


def test_a_private_gateway_is_refused(serve: Any) -> None:
    reached: list[str] = []
    url = serve(lambda handler: reached.append(handler.path))
    with pytest.raises(ForbiddenGatewayError, match="public internet"):
        ask(url, b"\x01" * 32, allow_private=False)
    # A name is looked up, and every address it has must be public.
    with pytest.raises(ForbiddenGatewayError, match="localhost"):
        ask(url.replace("127.0.0.1", "localhost"), b"\x01" * 32, allow_private=False)
    assert reached == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "ff02::1",
    ],
)
def test_addresses_at_home(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_outside(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url", ["ftp://example.org", "example.org", "https://user:pw@example.org", "https://e.org/?q=1"]
)
def test_what_is_no_gateway(url: str) -> None:
    with pytest.raises(InputError):
        Gateway(url, timeout=1)


def test_documents_are_written_as_orjson_reads_them() -> None:
    assert orjson.loads(metadata_document())["name"] == "Dance of the cranes"
