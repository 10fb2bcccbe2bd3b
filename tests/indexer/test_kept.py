# SPDX-License-Identifier: Apache-2.0
"""Answers that are kept: never one of before a commit, never one of another second, never more than they may weigh."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.api import kept as kept_module
from indexer.api.answers import Answer, Keep
from indexer.api.app import create_app
from indexer.api.catalog import OfferQuery
from indexer.api.kept import Kept
from indexer.api.operations import Operation, Table
from indexer.api.problems import ProblemError
from tests.indexer.conftest import Databases
from tests.indexer.world import World, new_store, settings_for, sync

Q = ("/v1/works", b"")


def answer(body: bytes = b"{}", keep: Keep = Keep.STATE, status: int = 200) -> Answer:
    return Answer(body, [], status, b'"tag"', keep)


def test_it_is_of_one_state() -> None:
    kept = Kept(10_000)
    kept.keep(Q, 1, 5, answer())
    assert kept.find(Q, 1) == answer()
    assert kept.find(Q, 2) is None
    assert kept.find(("/v1/works", b"limit=1"), 1) is None


def test_some_are_of_one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(10_000)
    kept.keep(Q, 1, 1_000, answer(keep=Keep.SECOND))
    monkeypatch.setattr(kept_module.time, "time", lambda: 1_000.9)
    assert kept.find(Q, 1) is not None
    monkeypatch.setattr(kept_module.time, "time", lambda: 1_001.0)
    assert kept.find(Q, 1) is None


@pytest.mark.parametrize("one", [answer(keep=Keep.NEVER), answer(status=404), answer(body=bytes(2_000))])
def test_what_is_not_kept(one: Answer) -> None:
    kept = Kept(10_000)
    kept.keep(Q, 1, 5, one)
    assert (kept.find(Q, 1), kept.bytes) == (None, 0)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 700)), max_size=80))
def test_what_they_weigh_is_bounded(asked: list[tuple[int, int]]) -> None:
    kept = Kept(10_000)
    for number, size in asked:
        kept.keep(("/v1/works", b"%d" % number), 1, 0, answer(bytes(size)))
        assert kept.bytes <= 10_000
        assert kept.find(("/v1/works", b"%d" % number), 1) is not None
    held = sum(entry.size for entry in kept._entries.values())
    assert held == kept.bytes


def test_a_commit_ends_what_was_kept(world: World, databases: Databases) -> None:
    """The same question before and after each commit, of the follower and of the resolver, while answers are kept."""
    url = databases("a")
    creator = world.people[1]
    work = world.register(creator)
    with new_store(world, url) as store:
        sync(world, store)
        app = create_app(settings_for(world, url, rate_limit=0), world.deployment)

        async def ask(path: str) -> tuple[int, dict[str, Any]]:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://indexer") as client:
                response = await client.get(path)
                return response.status_code, response.json()

        def both(path: str) -> tuple[int, dict[str, Any]]:
            first = asyncio.run(ask(path))
            again = asyncio.run(ask(path))
            assert first == again
            return first

        path = f"/v1/works/{work}"
        status, before = both(path)
        assert status == 200
        world.must(creator, "WorkRegistry", "transferFrom", creator, world.people[2], work)
        assert both(path)[1] == before  # nothing was committed yet
        sync(world, store)
        moved = both(path)[1]
        assert (before["owner"], moved["owner"]) == (creator, world.people[2])
        # The resolver commits beside the chain: the block is the same, the answer is not.
        digest = bytes.fromhex(moved["metadata"]["digest"][2:])
        store.db.run("UPDATE documents SET state = 'missing', error = 'nobody has it' WHERE digest = ?", (digest,))
        resolved = both(path)[1]
        assert resolved["metadata"]["state"] == "missing"
        assert resolved["finality"] == moved["finality"]
        # A list and its page after it.
        assert len(both("/v1/works?limit=1")[1]["items"]) == 1
        world.register(creator)
        sync(world, store)
        assert both("/v1/works?limit=1")[1]["items"][0]["id"] != str(work)


def test_an_offer_opens_while_nothing_is_committed(world: World, databases: Databases) -> None:
    """`live` follows the clock, though the database does not change."""
    url = databases("a")
    creator = world.people[1]
    offer = world.post(creator, world.register(creator), opens_at=max(world.chain.now(), int(time.time())) + 3)
    with new_store(world, url) as store:
        sync(world, store)
        app = create_app(settings_for(world, url, rate_limit=0), world.deployment)

        async def live() -> tuple[bool, bool]:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://indexer") as client:
                (item,) = (await client.get("/v1/offers")).json()["items"]
                return item["live"], item["opens_at"] <= time.time()

        deadline = time.monotonic() + 20
        while True:
            shown, opened_after = asyncio.run(live())
            if shown:
                assert opened_after
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert offer.opens_at <= time.time()


# ---- which operation answers ----------------------------------------------------------------------------


def table() -> Table:
    made = Table()
    for route in ("/v1/works", "/v1/works/{work}", "/v1/works/{work}/earnings", "/health"):
        made.add(Operation(route, _handler_for(route)))
    return made


def _handler_for(route: str) -> Any:
    def fixed() -> Answer:
        return answer(route.encode())

    def of_work(work: str) -> Answer:
        return answer(f"{route} {work}".encode())

    return of_work if "{" in route else fixed


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/works", "/v1/works"),
        ("/v1/works/7", "/v1/works/{work} 7"),
        ("/v1/works/7/earnings", "/v1/works/{work}/earnings 7"),
        ("/health", "/health"),
        ("/v1/works/", None),
        ("/v1/works//earnings", None),
        ("/v1/works/7/", None),
        ("/v1/works/7/more", None),
        ("/v1", None),
        ("", None),
        ("//", None),
    ],
)
def test_a_path_has_one_operation(path: str, said: str | None) -> None:
    found = table().find(path)
    assert (found and found[0].ask(found[1], b"").body.decode()) == said


def test_a_parameter_given_twice_is_refused() -> None:
    seen: list[OfferQuery] = []

    def handler(query: OfferQuery) -> Answer:
        seen.append(query)
        return answer()

    operation = Operation("/v1/offers", handler)
    operation.ask("", b"usage=TRAIN&usage=FINE_TUNE&limit=3")
    assert [name.value for name in seen[0].usage] == ["TRAIN", "FINE_TUNE"]
    assert seen[0].limit == 3
    for bad in (b"limit=3&limit=4", b"limits=3", b"limit=many", b"&".join([b"usage=TRAIN"] * 101)):
        with pytest.raises(ProblemError):
            operation.ask("", bad)
    with pytest.raises(ProblemError, match="no parameters"):
        table().find("/v1/works/7")[0].ask("7", b"limit=3")  # type: ignore[index]
