# SPDX-License-Identifier: Apache-2.0
"""The cast of the errands' tests: a chain with the real contracts, the real indexer behind HTTP, and a keeper that is
stepped by hand, so that a test waits for nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipto import ids
from ipto.accounts import LocalSigner
from ipto.chain import Contract, Deployment
from ipto.devchain import DevChain, dev_signer
from ipto.rpc import quantity
from ipto.services import Indexer
from ipto.structs import ETH, Share
from relayer.bundle import BundledRpc
from relayer.database import Row
from relayer.errands.commands import KeeperParts, make_keeper
from relayer.errands.settings import KeeperSettings
from relayer.schema import connect
from tests.indexer.served import Served

KEEPER_KEY = b"\x21" * 32
CONFIRMATIONS = 2
# Takes no bare ETH: `PUSH0 PUSH0 REVERT`. And one that burns whatever gas it is given: `JUMPDEST PUSH0 JUMP`.
REFUSES = bytes.fromhex("5f5ffd")
BURNS = bytes.fromhex("5b5f56")


@dataclass
class Stage:
    """A chain, an indexer, people."""

    chain: DevChain
    deployment: Deployment
    indexer: Served
    folder: Path = Path()
    keeper: LocalSigner = field(default_factory=lambda: LocalSigner(KEEPER_KEY))

    def contract(self, name: str) -> Contract:
        return self.deployment.contract(name, self.chain.rpc)

    def person(self, code: bytes = b"") -> str:
        """Somebody new; with code, a contract account."""
        address = LocalSigner.random().address
        if code:
            self.chain.rpc.call("anvil_setCode", address, "0x" + code.hex())
        return address

    def split(self, *people: str, controller: str = "") -> tuple[tuple[Share, ...], str, bytes]:
        """A declared split in equal parts."""
        accounts = sorted(ids.address_account(who) for who in people)
        parts = [1_000_000 // len(accounts)] * len(accounts)
        parts[0] += 1_000_000 - sum(parts)
        shares = tuple(Share(account, part) for account, part in zip(accounts, parts, strict=True))
        controller = controller or self.person()
        self.contract("RoyaltyVault").send(dev_signer(0), "declare_split", list(shares), controller)
        return shares, controller, ids.split_account(shares, controller)

    def credit(self, account: bytes, wei: int) -> None:
        """Somebody pays ETH in."""
        self.contract("RoyaltyVault").send(dev_signer(0), "credit", [account], [wei], ETH, value=wei)

    def wei(self, who: str) -> int:
        return quantity(self.chain.rpc.call("eth_getBalance", who, "latest"))

    def booked(self, account: bytes, currency: str = ETH) -> int:
        return int(self.contract("RoyaltyVault").call("balance_of", account, currency))

    @asynccontextmanager
    async def keeping(
        self, clock: Callable[[], float] = time.time, name: str = "keeper", **changes: Any
    ) -> AsyncIterator[Kept]:
        """A keeper of this stage."""
        values: dict[str, Any] = {
            "rpc_url": self.chain.url, "indexer": self.indexer.url, "confirmations": CONFIRMATIONS, "interval": 0,
            "poll_seconds": 0.01, "ratio": 1, **changes,
        }  # fmt: skip
        settings = KeeperSettings(**values)
        rpc = BundledRpc(settings.rpc_url, timeout=30)
        database = connect(self.folder / f"{name}.sqlite")
        with Indexer(settings.indexer) as indexer:
            parts = await make_keeper(settings, self.deployment, database, [self.keeper], rpc, indexer, clock)
            try:
                yield Kept(self, parts)
            finally:
                parts.office.sender.lanes[0].release()
                await rpc.aclose()
                database.close()


@dataclass
class Kept:
    """A keeper, stepped by hand."""

    stage: Stage
    parts: KeeperParts

    async def decide(self, *mine: bytes) -> int:
        """Look at everything once; how many payouts were ordered, for these accounts when any are named: earlier tests
        leave money of other people in the vault."""
        before = self._count(mine)
        self.stage.indexer.catch_up()
        ordered = await self.parts.keeper.step()
        while self.parts.keeper._walk is not None:
            ordered += await self.parts.keeper.step()
        return self._count(mine) - before if mine else ordered

    def _count(self, mine: tuple[bytes, ...]) -> int:
        return sum(len(self.rows("0x" + account.hex())) for account in mine)

    async def carry(self) -> None:
        """Until every payout under way is final."""
        lane = self.parts.office.sender.lanes[0]
        for _ in range(200):
            await lane.step()
            if not self.parts.office.desk.open():
                return
            self.stage.chain.mine()
        raise AssertionError(f"without an end: {self.rows()}, {lane.notice}")

    async def all(self, *mine: bytes) -> int:
        """Rounds until nothing is left to do; how many payouts there were, for these accounts when any are named."""
        before, total = self._count(mine), 0
        while ordered := await self.decide():
            await self.carry()
            total += ordered
        return self._count(mine) - before if mine else total

    def rows(self, subject: str = "") -> list[Row]:
        sql = "SELECT * FROM actions WHERE signer LIKE ? ORDER BY seq"
        return self.parts.office.database.read(sql, f"{subject}%")

    def spent(self) -> int:
        """Transactions the keeper's key has sent."""
        return self.stage.chain.rpc.nonce(self.stage.keeper.address, "latest")
