# SPDX-License-Identifier: Apache-2.0
"""What somebody might do to keep the API from others: each has a bound (docs/threat-model.md, OWASP API top 10)."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from indexer.api import front, heads, stream
from indexer.api.context import Context
from indexer.api.heads import Heads
from indexer.api.limits import Limits
from indexer.api.reader import Reader
from indexer.guard import is_public
from indexer.settings import Settings
from indexer.settings import Webhook as WebhookSetting
from indexer.shown import Shower
from indexer.webhooks import Hook
from ipto.chain import artifact
from tests.indexer.sagas import Told
from tests.indexer.world import SCHEMA

FIRST_BASE = pytest.mark.parametrize("told", ["sqlite"], indirect=True)


def ask_from(limits: Limits, address: str) -> bool:
    return limits.take({"type": "http", "client": (address, 5)})[1] is None


def test_a_network_of_addresses_is_one_client() -> None:
    limits = Limits(1)
    allowed = [ask_from(limits, f"2001:db8:1:2::{number:x}") for number in range(40)]
    assert allowed.count(True) == 4
    assert ask_from(limits, "2001:db8:1:3::1")
    # An IPv4 address in the form of IPv6 is the same client.
    assert [ask_from(limits, name) for name in ("192.0.2.7", "::ffff:192.0.2.7") * 4].count(True) == 4
    for strange in ("fe80::1%eth0", "testclient", "", ":::", "unix:"):
        assert ask_from(limits, strange)


@FIRST_BASE
def test_a_question_has_an_end(told: Told) -> None:
    http = told.server.http
    json = {"content-type": "application/json"}
    for path in ("/v1/verify", "/v1/graphql"):
        large = http.post(path, content=b" " * (front._BODY_BYTES + 1), headers=json)
        assert (large.status_code, large.json()["type"]) == (413, "urn:ipto:indexer:too-large")
        deep = http.post(path, content=b"[" * 60_000, headers=json)
        assert deep.status_code == 400

    def without_an_end() -> Any:
        for _ in range(10_000):
            yield b" " * 1_024

    with contextlib.suppress(httpx.WriteError, httpx.ReadError):
        # Answered, or hung up on, long before all was sent.
        assert http.post("/v1/verify", content=without_an_end(), headers=json).status_code == 413
    assert told.get("/v1/works", limit=1)["items"]


def test_a_question_that_trickles_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "_BODY_SECONDS", 0.05)

    async def receive() -> Any:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    _, answer = asyncio.run(front._body({"type": "http", "method": "POST"}, receive))
    assert answer is not None
    assert answer.status == 408


@FIRST_BASE
def test_one_client_cannot_take_all_streams(told: Told) -> None:
    with (
        contextlib.ExitStack() as open_streams,
        httpx.Client(base_url=told.server.url, trust_env=False, timeout=60) as http,
    ):
        for _ in range(stream._MAX_OF_ONE):
            answer = open_streams.enter_context(http.stream("GET", "/v1/stream"))
            assert answer.status_code == 200
        assert http.get("/v1/stream").status_code == 503
    # They are given back.
    while True:
        with httpx.stream("GET", f"{told.server.url}/v1/stream", trust_env=False, timeout=60) as answer:
            if answer.status_code == 200:
                break


@pytest.mark.parametrize("filters", [{"contract": "Attestations"}, {"contract": "PanelArbiter", "name": "Voted"}, {}])
def test_a_stream_looks_at_a_bounded_number_of_events(
    told: Told, monkeypatch: pytest.MonkeyPatch, filters: dict[str, str]
) -> None:
    monkeypatch.setattr(stream, "SCAN", 7)
    reader = Reader(told.url, SCHEMA)
    showers = {
        name: Shower(artifact(name)["abi"]) for name in told.saga.world.deployment.contracts if name != "TestUSD"
    }
    context: Any = SimpleNamespace(reader=reader, heads=None)
    follow = stream._Follow(context, showers, stream.StreamQuery(from_block=0, **filters))
    asyncio.run(follow.start())
    heard: list[int] = []
    for _ in range(1_000):
        with reader.snapshot() as snapshot:
            removed, rows, further = follow._look(snapshot)
        assert not removed
        assert len(rows) <= 7
        for row in rows:
            follow._sent.append((row["seq"], row["block_hash"][:8]))
            follow._last = row["seq"]
        heard += [row["seq"] for row in rows]
        if not rows and not further:
            break
    with reader.snapshot() as snapshot:
        where = " AND ".join(f"{name} = ?" for name in filters) or "TRUE"
        wanted = snapshot.all(f"SELECT seq FROM events WHERE {where} ORDER BY seq", list(filters.values()))
        assert heard == [row["seq"] for row in wanted]
        assert heard
        # When the block it looked as far as is gone, it looks again from what it has sent.
        if filters:
            follow._edge = (max(heard) + 5, b"gone")
            follow._look(snapshot)
            assert follow._edge is None or follow._edge[1] != b"gone"
    reader.close()


def test_however_many_wait_one_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, head = 0, 5

    def look(self: Heads) -> tuple[int, bytes]:
        nonlocal looks
        looks += 1
        return head, b""

    monkeypatch.setattr(Heads, "_look", look)
    reader: Any = SimpleNamespace(remote=False)

    async def crowd() -> None:
        nonlocal looks, head
        found = Heads(reader, "")
        waiting = [asyncio.create_task(found.wait(6, 20)) for _ in range(300)]
        never = asyncio.create_task(found.wait(10**9, 0.2))
        assert not await never
        # Each looks when it comes and when it is told that somebody began to look; then one looks for all.
        assert looks < 300 * 2 + 100
        head = 6
        assert all(await asyncio.gather(*waiting))
        monkeypatch.setattr(heads, "MOST_WAITING", 0)
        assert not await asyncio.wait_for(found.wait(7, 60), 30)
        assert await found.wait(6, 0)

    asyncio.run(crowd())


@FIRST_BASE
def test_what_walks_through_a_table_is_limited(told: Told) -> None:
    assert "/metrics" not in front._FREE
    answers = [told.server.http.get("/metrics").text for _ in range(3)]
    assert all("ipto_indexer_documents" in answer for answer in answers)


@pytest.mark.parametrize(
    "address",
    ["::127.0.0.1", "::10.0.0.1", "fec0::1", "64:ff9b:1::7f00:1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "5f00::1"],
)
def test_forgotten_ways_home(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


def test_secrets_are_not_shown() -> None:
    secret = "whsec_" + "QUJD" * 8
    for shown in (
        Hook("https://example.org", secret),
        WebhookSetting(url="https://example.org", secret=secret),
        Settings(webhooks=(WebhookSetting(url="https://example.org", secret=secret),)),
    ):
        assert secret not in repr(shown)
        assert secret not in str(shown)


def test_the_context_holds_no_secret() -> None:
    # A database's password stands in settings; nothing prints them whole.
    assert Context.__dataclass_fields__["settings"].repr is False
