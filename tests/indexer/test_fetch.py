# SPDX-License-Identifier: Apache-2.0
"""Fetching from nodes that refuse, lag and lie: a proxy in front of a real chain misbehaves on purpose."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import orjson
import pytest

from indexer.fetch import Fetcher, NotThereError, Segment
from indexer.follow import Follower
from indexer.service import chain_of
from ipto.rpc import AsyncRpc, RpcTooLargeError
from tests.indexer.conftest import Databases, on_files
from tests.indexer.test_follow import assert_equals_chain, play
from tests.indexer.world import World, fresh, new_store, tables

# Takes a request and the true answer; returns what the client gets.
Twist = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


class Proxy:
    """An RPC endpoint that answers through `twist`."""

    def __init__(self, upstream: str) -> None:
        self.twist: Twist = lambda request, answer: answer
        self.drop: Iterator[bool] = itertools.repeat(False)
        self.requests: list[dict[str, Any]] = []
        proxy, client = self, httpx.Client(trust_env=False)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                requests = orjson.loads(body)
                answers = orjson.loads(client.post(upstream, content=body, headers=dict(self.headers)).content)
                pairs = zip(requests, answers, strict=True) if isinstance(requests, list) else [(requests, answers)]
                twisted: list[dict[str, Any]] = []
                for request, answer in pairs:
                    proxy.requests.append(request)
                    twisted.append(proxy.twist(request, answer))
                if next(proxy.drop):
                    self.close_connection = True
                    self.send_response(502)
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                out = orjson.dumps(twisted if isinstance(requests, list) else twisted[0])
                self.send_response(200)
                self.send_header("content-length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._client = client
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._client.close()


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    made = Proxy(world.chain.url)
    yield made
    made.close()


def refuse(message: str, code: int = -32005) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": code, "message": message}}


def bulk(world: World, proxy: Proxy, first: int, last: int, **options: Any) -> list[Segment]:
    async def run() -> list[Segment]:
        async with AsyncRpc(proxy.url) as rpc:
            fetcher = Fetcher(rpc, chain_of(world.deployment).contracts, **options)
            return [segment async for segment in fetcher.bulk(first, last)]

    return asyncio.run(run())


def tight(world: World, proxy: Proxy, first: int, last: int) -> Segment:
    async def run() -> Segment:
        async with AsyncRpc(proxy.url) as rpc:
            return await Fetcher(rpc, chain_of(world.deployment).contracts).tight(first, last)

    return asyncio.run(run())


def span(request: dict[str, Any]) -> int:
    where = request["params"][0]
    return int(where["toBlock"], 16) - int(where["fromBlock"], 16) + 1


@pytest.mark.parametrize(
    "message",
    ["query returned more than 10000 results", "block range is too wide", "limit exceeded", "query timed out"],
)
def test_a_range_that_is_refused_is_halved(world: World, proxy: Proxy, message: str) -> None:
    play(world, 30)
    last = world.chain.rpc.block_number()
    whole = [log for segment in bulk(world, proxy, 1, last) for log in segment.logs]

    def twist(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if request["method"] == "eth_getLogs" and span(request) > 5:
            return refuse(message) | {"id": request["id"]}
        return answer

    proxy.twist = twist
    segments = bulk(world, proxy, 1, last, width=1_000)
    assert [log for segment in segments for log in segment.logs] == whole
    assert [segment.first for segment in segments] == [1, *[segment.last + 1 for segment in segments[:-1]]]
    assert segments[-1].last == last
    # It learns: later ranges are not tried wide again.
    proxy.requests.clear()
    bulk(world, proxy, 1, last, width=4)
    assert all(span(r) <= 16 for r in proxy.requests if r["method"] == "eth_getLogs")


def test_the_cut_is_made_where_the_node_says(world: World, proxy: Proxy) -> None:
    play(world, 10)

    def twist(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if request["method"] == "eth_getLogs" and span(request) > 9:
            return refuse("Log response size exceeded. Try the range [0x1, 0x3]") | {"id": request["id"]}
        return answer

    proxy.twist = twist
    assert [s.last for s in bulk(world, proxy, 1, 11, width=100)][:1] == [3]


@pytest.mark.parametrize("check_headers", [False, True])
def test_a_range_whose_answer_is_too_large_is_cut(
    world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, check_headers: bool
) -> None:
    """Whatever a node without limits of its own sends for a wide range, it is not all taken into memory."""
    play(world, 30)
    last = world.chain.rpc.block_number()
    whole = [log for segment in bulk(world, proxy, 1, last) for log in segment.logs]
    monkeypatch.setattr("ipto.rpc.MOST_BYTES", 16_000)
    segments = bulk(world, proxy, 1, last, width=1_000, check_headers=check_headers)
    assert [log for segment in segments for log in segment.logs] == whole
    assert len(segments) > 1
    monkeypatch.setattr("ipto.rpc.MOST_BYTES", 500)
    with pytest.raises(RpcTooLargeError, match="for less at once"):
        bulk(world, proxy, 1, last, check_headers=check_headers)


def test_other_errors_are_not_mistaken_for_size(world: World, proxy: Proxy) -> None:
    proxy.twist = lambda request, answer: refuse("unknown account", -32000) | {"id": request["id"]}
    with pytest.raises(Exception, match="unknown account"):
        bulk(world, proxy, 1, 5, attempts=1)


def test_times_come_from_headers_where_logs_have_none(world: World, proxy: Proxy) -> None:
    play(world, 15)
    last = world.chain.rpc.block_number()
    whole = [log for segment in bulk(world, proxy, 1, last) for log in segment.logs]

    def twist(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if request["method"] == "eth_getLogs":
            for log in answer["result"]:
                log.pop("blockTimestamp", None)
        return answer

    proxy.twist = twist
    assert [log for segment in bulk(world, proxy, 1, last) for log in segment.logs] == whole
    assert whole


def test_a_block_left_out_is_asked_for_again(world: World, proxy: Proxy) -> None:
    play(world, 12)
    last = world.chain.rpc.block_number()
    whole = tight(world, proxy, last - 10, last)
    assert whole.logs
    lost = whole.logs[0].block

    def twist(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if request["method"] == "eth_getLogs" and "fromBlock" in request["params"][0]:
            answer["result"] = [log for log in answer["result"] if int(log["blockNumber"], 16) != lost]
        return answer

    proxy.twist = twist
    assert tight(world, proxy, last - 10, last) == whole


def test_logs_of_other_blocks_are_refused(world: World, proxy: Proxy) -> None:
    play(world, 12)
    last = world.chain.rpc.block_number()

    def twist(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if request["method"] == "eth_getLogs":
            for log in answer["result"]:
                log["blockHash"] = "0x" + "ab" * 32
        return answer

    proxy.twist = twist
    with pytest.raises(NotThereError, match="the chain is moving"):
        tight(world, proxy, last - 10, last)


def test_deliveries_twice_and_out_of_order_count_once(world: World, proxy: Proxy) -> None:
    play(world, 12)
    last = world.chain.rpc.block_number()
    whole = tight(world, proxy, 1, last)

    def twist(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if request["method"] == "eth_getLogs":
            answer["result"] = [*reversed(answer["result"]), *answer["result"]]
        return answer

    proxy.twist = twist
    assert tight(world, proxy, 1, last) == whole


@on_files
def test_a_node_in_trouble_is_waited_out(world: World, proxy: Proxy, databases: Databases) -> None:
    play(world, 15)
    # Two in five requests fail: more than the patience of two attempts.
    proxy.drop = (world.rng.random() < 0.4 for _ in itertools.count())

    async def run(store: Any) -> None:
        async with AsyncRpc(proxy.url) as rpc:
            fetcher = Fetcher(rpc, chain_of(world.deployment).contracts, attempts=2)
            follower = Follower(fetcher, store, world.deployment.block_number, finality_blocks=5, poll_seconds=0.01)
            goal = world.chain.rpc.block_number()

            async def watch() -> None:
                while (at := store.checkpoint()) is None or at.number < goal:
                    await asyncio.sleep(0.01)
                follower.stop()

            await asyncio.wait_for(asyncio.gather(follower.run(), watch()), 30)

    with new_store(world, databases("a")) as store:
        asyncio.run(run(store))
    assert tables(databases("a")) == fresh(world, databases("b"))
    assert_equals_chain(world, databases("a"))
