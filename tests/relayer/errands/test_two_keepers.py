# SPDX-License-Identifier: Apache-2.0
"""Two keepers on one PostgreSQL queue: whatever both see, everybody is paid once, also when one of them is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ipto import ids
from ipto.accounts import LocalSigner
from ipto.payouts import PayoutRequest, payout_request
from ipto.services import Indexer
from ipto.structs import ETH, ZERO32
from relayer import audit
from relayer.bundle import BundledRpc
from relayer.errands.commands import KeeperParts, make_keeper
from relayer.errands.settings import KeeperSettings
from relayer.schema import connect_postgres
from relayer.slots import ConflictError
from tests.relayer.errands.stage import CONFIRMATIONS, Stage
from tests.support.postgres import PostgresServer

ETHER = 10**18
KEYS = [LocalSigner(bytes([number]) * 32) for number in (0x23, 0x24)]


@dataclass
class Two:
    """Both with both keys, as operators set them up; a lane has one worker at a time."""

    stage: Stage
    keepers: list[KeeperParts]

    async def decide(self) -> int:
        """Both go through everything at the same time; how many payouts they say they ordered."""
        await asyncio.to_thread(self.stage.indexer.catch_up)
        return sum(await asyncio.gather(*(self._walk(keeper) for keeper in self.keepers)))

    @staticmethod
    async def _walk(parts: KeeperParts) -> int:
        ordered = await parts.keeper.step()
        while parts.keeper._walk is not None:
            ordered += await parts.keeper.step()
        return ordered

    async def carry(self) -> None:
        """Both send at the same time, until every payout is final."""
        for _ in range(200):
            for place in range(len(KEYS)):
                steps = (self._step(parts, place) for parts in self.keepers)
                await asyncio.gather(*steps)
            if not self.keepers[0].office.desk.open():
                return
            self.stage.chain.mine()
        raise AssertionError("without an end")

    @staticmethod
    async def _step(parts: KeeperParts, place: int) -> None:
        try:
            await parts.office.sender.lanes[place].step()
        except ConflictError:
            return  # the other one was first, and nothing was kept

    def die(self) -> None:
        """The first one is gone; its sessions end with it."""
        first = self.keepers.pop(0)
        for lane in first.office.sender.lanes:
            lane.release()

    def rows(self) -> list[Any]:
        return self.keepers[0].office.database.read("SELECT * FROM actions ORDER BY seq")

    def spent(self) -> int:
        return sum(self.stage.chain.rpc.nonce(key.address, "latest") for key in KEYS)


@asynccontextmanager
async def two(stage: Stage, postgres: PostgresServer, **changes: Any) -> AsyncIterator[Two]:
    url = postgres.new_database()
    values: dict[str, Any] = {
        "rpc_url": stage.chain.url, "indexer": stage.indexer.url, "confirmations": CONFIRMATIONS, "interval": 0,
        "poll_seconds": 0.01, "ratio": 1, "in_flight": 2, **changes,
    }  # fmt: skip
    settings = KeeperSettings(**values)
    for key in KEYS:
        stage.chain.set_balance(key.address, ETHER)
    databases = [connect_postgres(url) for _ in range(2)]
    rpcs = [BundledRpc(settings.rpc_url, timeout=30) for _ in range(2)]
    with Indexer(settings.indexer) as indexer:
        keepers = [
            await make_keeper(settings, stage.deployment, database, KEYS, rpc, indexer)
            for database, rpc in zip(databases, rpcs, strict=True)
        ]
        both = Two(stage, list(keepers))
        try:
            yield both
            assert audit.verify(databases[0]) == []
        finally:
            for parts in keepers:
                for lane in parts.office.sender.lanes:
                    lane.release()
            for rpc in rpcs:
                await rpc.aclose()
            for database in databases:
                database.close()
            postgres.drop(url)


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


def once(both: Two, before: int) -> None:
    """Every row went out in a transaction of its own, every transaction is a row's, and nothing was owed twice."""
    rows = both.rows()
    assert {row["state"] for row in rows} == {"final"}
    assert len({row["tx_hash"] for row in rows}) == len(rows) == both.spent() - before
    assert len({(row["signer"], row["digest"]) for row in rows}) == len(rows), "a need was served twice"


def test_what_both_see_is_paid_once(stage: Stage, postgres: PostgresServer) -> None:
    people = [stage.person() for _ in range(8)]
    _, _, split = stage.split(*people[:3])
    stage.credit(split, ETHER)

    async def scene() -> None:
        async with two(stage, postgres) as both:
            before = both.spent()
            for _ in range(3):
                for person in people:
                    stage.credit(ids.address_account(person), ETHER)
                while await both.decide():
                    await both.carry()
            assert all(stage.wei(person) >= 3 * ETHER for person in people)
            assert sum(stage.wei(person) for person in people) == 24 * ETHER + ETHER
            once(both, before)
            # Both lanes worked.
            assert {row["lane"] for row in both.rows()} == {key.address for key in KEYS}

    play(scene)


def test_one_is_gone_between_deciding_and_sending(stage: Stage, postgres: PostgresServer) -> None:
    people = [stage.person() for _ in range(6)]
    for person in people:
        stage.credit(ids.address_account(person), ETHER)

    async def scene() -> None:
        async with two(stage, postgres) as both:
            before = both.spent()
            assert await both.decide() >= len(people)
            # The first becomes both lanes' worker, signs some and sends them.
            for lane in both.keepers[0].office.sender.lanes:
                await lane.step()
            assert [row for row in both.rows() if row["state"] == "sent"]
            both.die()
            await both.carry()
            while await both.decide():
                await both.carry()
            assert all(stage.wei(person) == ETHER for person in people)
            once(both, before)

    play(scene)


def test_a_request_that_one_took_is_answered_once_by_either(stage: Stage, postgres: PostgresServer) -> None:
    asker = LocalSigner.random()
    account = ids.address_account(asker.address)
    stage.credit(account, 1_000)
    stage.indexer.catch_up()
    message = PayoutRequest(
        asker=asker.address, source=account, item=ZERO32, currency=ETH, deadline=int(time.time()) + 600
    )  # fmt: skip
    signature = "0x" + asker.sign_typed_data(payout_request(stage.deployment, message)).hex()

    async def scene() -> None:
        async with two(stage, postgres, ratio=20) as both:
            subject = f"0x{account.hex()} {ETH}"
            for number in (1, 2):
                await both.keepers[number % 2].requests.take({**message.to_json(), "signature": signature})
                while await both.decide():
                    await both.carry()
                assert len([row for row in both.rows() if row["signer"] == subject]) == number
                assert stage.wei(asker.address) == 1_000 * number
                stage.credit(account, 1_000)

    play(scene)
