# SPDX-License-Identifier: Apache-2.0
"""Limits, streams and waiting, each on an indexer of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from indexer.api import models
from tests.indexer.conftest import Databases
from tests.indexer.served import Served
from tests.indexer.story import valid
from tests.indexer.world import World


@pytest.fixture
def limited(world: World, tmp_path: Path) -> Iterator[Served]:
    made = Served(world, tmp_path, RATE_LIMIT="2", LOG_FORMAT="json")
    yield made
    assert made.close() == 0


def test_a_client_that_asks_too_much(limited: Served, tmp_path: Path) -> None:
    limited.catch_up()
    answers = [limited.http.get("/v1/works") for _ in range(30)]
    assert answers[0].headers["ratelimit-limit"] == "8"
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].headers["content-type"] == "application/problem+json"
    assert refused[0].headers["retry-after"] == "1"
    # Whether it lives is always told.
    assert limited.http.get("/health").status_code == 200
    for line in (tmp_path / "run.log").read_text().splitlines():
        assert {"time", "level", "logger", "message"} <= set(orjson.loads(line))


def listen(lines: Iterator[str], count: int) -> list[tuple[str, str, dict[str, Any]]]:
    """The next messages of a stream: id, event, data."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    number = kind = ""
    for line in lines:
        if line.startswith("id: "):
            number = line[4:]
        elif line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            found.append((number, kind, orjson.loads(line[6:])))
            if len(found) == count:
                break
    return found


def test_a_stream_is_resumed_and_takes_back(world: World, tmp_path: Path, databases: Databases) -> None:
    server = Served(world, tmp_path, DATABASE=databases("a"), FINALITY_BLOCKS="100")
    try:
        server.catch_up()
        snapshot = world.chain.snapshot()
        first = world.register(world.people[1])
        second = world.register(world.people[2])
        address = f"{server.url}/v1/stream"
        where = {"name": "WorkRegistered", "from_block": 0}
        with httpx.Client(trust_env=False, timeout=30) as http:
            with http.stream("GET", address, params=where) as answer:
                heard = listen(answer.iter_lines(), 2)
            assert [data["args"]["work"] for _, _, data in heard] == [str(first), str(second)]
            # From where it was.
            again = {"last-event-id": heard[0][0]}
            with http.stream("GET", address, params={"name": "WorkRegistered"}, headers=again) as answer:
                lines = answer.iter_lines()
                assert listen(lines, 1) == heard[1:]
                world.chain.revert(snapshot)
                world.chain.rpc.call("anvil_dropAllTransactions")
                world.chain.mine(4)
                removed = listen(lines, 2)
            assert {kind for _, kind, _ in removed} == {"removed"}
            # An id the chain does not have any more.
            with http.stream("GET", address, headers=again) as answer:
                assert listen(answer.iter_lines(), 1)[0][1] == "reset"
            assert http.get(address, headers={"last-event-id": "nonsense"}).status_code == 400
    finally:
        assert server.close() == 0


def test_waiting_for_a_block_that_comes(world: World, tmp_path: Path, databases: Databases) -> None:
    server = Served(world, tmp_path, DATABASE=databases("a"))
    try:
        server.catch_up()
        for _ in range(3):
            work = world.register(world.people[1])
            block = world.chain.rpc.block_number()
            assert server.get(f"/v1/works/{work}", min_block=block)["id"] == str(work)
        found = valid(models.Page[models.Work], server.get("/v1/works", min_block=block))
        assert len(found["items"]) == 3
    finally:
        assert server.close() == 0
