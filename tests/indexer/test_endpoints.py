# SPDX-License-Identifier: Apache-2.0
"""Several nodes as one, and the wake-up over WebSocket."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from indexer.endpoints import Endpoints, Health
from indexer.fetch import Fetcher
from indexer.follow import Follower
from indexer.service import chain_of
from indexer.settings import Settings
from indexer.wake import listen, websocket_url
from ipto.errors import InputError
from ipto.rpc import RpcError, RpcTransportError
from tests.indexer.conftest import Databases, on_files
from tests.indexer.test_fetch import Proxy, proxy
from tests.indexer.test_follow import play
from tests.indexer.world import World, fresh, new_store, tables

__all__ = ["proxy"]  # the fixture

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens


def test_the_next_node_answers_for_one_that_is_gone(world: World) -> None:
    async def run() -> tuple[list[object], list[Health]]:
        async with Endpoints([NOBODY, world.chain.url], timeout=5) as rpc:
            found = [await rpc.call("eth_chainId") for _ in range(4)]
            found += await rpc.batch([("eth_chainId", []), ("eth_chainId", [])])
            return found, rpc.health()

    found, (gone, good) = asyncio.run(run())
    assert set(found) == {hex(world.deployment.chain_id)}
    # The one that is gone rests after its first failure.
    assert (gone.failed, gone.answered) == (1, 0)
    assert good.answered == 5


def test_an_error_of_the_question_is_not_asked_again(world: World) -> None:
    async def run() -> list[Health]:
        async with Endpoints([world.chain.url, world.chain.url]) as rpc:
            with pytest.raises(RpcError):
                await rpc.call("eth_noSuchThing")
            return rpc.health()

    assert [health.failed for health in asyncio.run(run())] == [0, 0]


def test_when_all_are_gone_the_last_error_is_told() -> None:
    async def run() -> None:
        async with Endpoints([NOBODY, NOBODY], timeout=5) as rpc:
            with pytest.raises(RpcTransportError):
                await rpc.call("eth_chainId")
            assert [health.failures for health in rpc.health()] == [1, 1]

    asyncio.run(run())
    with pytest.raises(InputError):
        Endpoints([])


@on_files
def test_a_node_in_trouble_and_one_that_is_well(world: World, proxy: Proxy, databases: Databases) -> None:
    """Whatever the first one does, the database is the chain's."""
    play(world, 30)
    proxy.drop = itertools.cycle([True, False, True])

    async def run() -> None:
        async with Endpoints([proxy.url, world.chain.url], timeout=5) as rpc:
            with new_store(world, databases("a")) as store:
                fetcher = Fetcher(rpc, chain_of(world.deployment).contracts, width=5, check_headers=True)
                await Follower(fetcher, store, world.deployment.block_number, finality_blocks=3).step()

    asyncio.run(run())
    assert tables(databases("a")) == fresh(world, databases("b"))


def test_new_heads_wake(world: World) -> None:
    async def run() -> None:
        woken = asyncio.Event()
        task = asyncio.create_task(listen(websocket_url(world.chain.url), woken.set))
        try:
            async with asyncio.timeout(30):
                while not woken.is_set():
                    await asyncio.to_thread(world.chain.mine)
                    await asyncio.sleep(0.02)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_no_websocket_is_no_trouble() -> None:
    async def run() -> None:
        task = asyncio.create_task(listen("ws://127.0.0.1:9", lambda: None))
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.wait_for(listen("nowhere", lambda: None), 5)

    asyncio.run(run())


def test_urls() -> None:
    assert websocket_url("https://node.example/key") == "wss://node.example/key"
    assert websocket_url("http://127.0.0.1:8545") == "ws://127.0.0.1:8545"
    assert Settings(rpc_url="http://a, http://b").rpc_urls == ("http://a", "http://b")
