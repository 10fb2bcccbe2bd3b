# SPDX-License-Identifier: Apache-2.0
"""Webhooks: signed, in order, again and again, taken back, and never to where nobody may look."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from indexer.guard import ForbiddenAddressError, Guarded
from indexer.settings import Webhook
from indexer.store import Store
from indexer.webhooks import RETRIES, Hook, Outbox, Sender, signature
from ipto.errors import InputError
from tests.indexer.conftest import Databases, on_files
from tests.indexer.world import World, settings_for, sync

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class Receiver:
    """Somebody's service; `statuses` are what it answers, one after another, then 200."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?x=1"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def payloads(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.heard]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def opened(world: World, url: str, receiver: Receiver, *events: str) -> Store:
    from indexer.service import open_store

    hook = Webhook(url=receiver.url, secret=SECRET, events=events)
    return open_store(settings_for(world, url, webhooks=(hook,)), world.deployment)


def send(store: Store, *, now: float = 0.0, allow_private: bool = True) -> None:
    """Send all that is due at a time, `now` seconds from the present."""
    import time

    async def run() -> None:
        assert store.outbox is not None
        clock = lambda: time.time() + now  # noqa: E731
        sender = Sender(store.db, store.outbox, timeout=10, allow_private=allow_private, clock=clock)
        while await sender.step():
            pass
        await sender.aclose()

    asyncio.run(run())


def test_events_are_pushed_signed_and_in_order(world: World, databases: Databases, receiver: Receiver) -> None:
    with opened(world, databases("a"), receiver, "WorkRegistered") as store:
        sync(world, store, finality_blocks=100)
        works = [world.register(world.people[1]) for _ in range(3)]
        sync(world, store, finality_blocks=100)
        send(store)
        assert [payload["data"]["args"]["work"] for payload in receiver.payloads()] == [str(work) for work in works]
        headers, body = receiver.heard[0]
        assert headers["webhook-signature"] == signature(
            bytes(range(32)), headers["webhook-id"], int(headers["webhook-timestamp"]), body
        )
        assert receiver.payloads()[0]["type"] == "WorkRegistered"
        # Once, and then no more.
        send(store)
        assert len(receiver.heard) == 3


@on_files
def test_a_receiver_in_trouble_is_tried_again(world: World, databases: Databases, receiver: Receiver) -> None:
    with opened(world, databases("a"), receiver, "WorkRegistered") as store:
        sync(world, store)
        world.register(world.people[1])
        sync(world, store)
        receiver.statuses = [500, 302]
        send(store)
        assert len(receiver.heard) == 1
        send(store, now=RETRIES[0] + 1)
        send(store, now=RETRIES[0] + RETRIES[1] + 2)
        assert len(receiver.heard) == 3
        # The same message each time.
        assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 1
        assert store.db.one("SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL") == (1,)


def test_what_a_reorganisation_takes_away_is_taken_back(world: World, databases: Databases, receiver: Receiver) -> None:
    with opened(world, databases("a"), receiver, "WorkRegistered") as store:
        sync(world, store, finality_blocks=100)
        snapshot = world.chain.snapshot()
        sent = world.register(world.people[1])
        sync(world, store, finality_blocks=100)
        send(store)
        # This one is not sent before it is gone: nobody hears of it.
        world.register(world.people[2])
        sync(world, store, finality_blocks=100)
        world.chain.revert(snapshot)
        world.chain.rpc.call("anvil_dropAllTransactions")
        world.chain.mine(4)
        sync(world, store, steps=3, finality_blocks=100)
        send(store)
        found = [(payload["data"]["args"]["work"], payload["data"]["removed"]) for payload in receiver.payloads()]
        assert found == [(str(sent), False), (str(sent), True)]


@on_files
def test_nothing_is_posted_to_this_machine(world: World, databases: Databases, receiver: Receiver) -> None:
    with opened(world, databases("a"), receiver) as store:
        sync(world, store)
        world.register(world.people[1])
        sync(world, store)
        send(store, allow_private=False)
        assert not receiver.heard

    async def post() -> None:
        guarded = Guarded("http://localhost:80/", timeout=5, allow_private=False)
        try:
            with pytest.raises(ForbiddenAddressError):
                await guarded.post(b"", {})
        finally:
            await guarded.aclose()

    asyncio.run(post())


def test_a_hook_that_cannot_be_used_is_refused() -> None:
    for secret in ("secret", "whsec_", "whsec_AAAA", "whsec_!!!"):
        with pytest.raises(InputError):
            Hook("https://receiver.example", secret).key()
    for url in ("ftp://x", "https://", "https://me:secret@host/"):
        with pytest.raises(InputError):
            Guarded(url, timeout=1, allow_private=True)
    assert not Hook("https://receiver.example", SECRET, ("A",)).wants("B")
    assert Outbox([], {}).hooks == {}
