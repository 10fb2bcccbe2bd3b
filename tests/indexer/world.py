# SPDX-License-Identifier: Apache-2.0
"""The cast of the indexer's tests: a chain with the real contracts, and people who do random things on it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from indexer.database import open_read
from indexer.fetch import Fetcher
from indexer.follow import Follower
from indexer.model import PROTOCOL_MODEL
from indexer.schema import BLOCKS, EVENTS
from indexer.service import chain_of, open_store
from indexer.settings import Settings
from indexer.store import Store
from ipto.accounts import LocalSigner
from ipto.chain import Contract, Deployment
from ipto.devchain import DEV_CHAIN_ID, DevChain
from ipto.errors import IptoError
from ipto.ids import address_account, offer_id, split_account, work_id
from ipto.rpc import AsyncRpc
from ipto.structs import ETH, NEVER, UNLIMITED, WHOLE_END_MS, ZERO32, ZERO_ADDRESS, Offer, OfferFlag, Share, WorkInput

GAS = hex(3_000_000)
SCHEMA = f"ipto_{DEV_CHAIN_ID}"


@dataclass
class World:
    """A chain with the protocol on it; `rng` decides what the people do."""

    chain: DevChain
    deployment: Deployment
    rng: random.Random
    works: list[tuple[str, int]] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    splits: list[tuple[tuple[Share, ...], str]] = field(default_factory=list)
    automine: bool = True

    def __post_init__(self) -> None:
        self.people = [signer.address for signer in self.chain.signers]
        self.owner = self.people[0]
        # Takes no bare ETH: what is pushed to it is refused.
        self.refuser = self.deployment.address("LicenseMarket")
        self.dollar = self.deployment.address("TestUSD")

    def contract(self, name: str) -> Contract:
        return self.deployment.contract(name, self.chain.rpc)

    def remember(self) -> tuple[list[Any], list[Any], list[Any]]:
        """What the people know, to go back to together with the chain."""
        return list(self.works), list(self.offers), list(self.splits)

    def recall(self, memory: tuple[list[Any], list[Any], list[Any]]) -> None:
        self.works, self.offers, self.splits = (list(part) for part in memory)

    def do(self, sender: str, name: str, function: str, *args: Any, value: int = 0) -> str:
        """A transaction from an account the chain signs for; it may revert."""
        contract = self.contract(name)
        data = "0x" + contract.encode(function, *args).hex()
        request = {"from": sender, "to": contract.address, "data": data, "gas": GAS, "value": hex(value)}
        transaction = str(self.chain.rpc.call("eth_sendTransaction", request))
        if self.automine:
            self.receipt(transaction)
        return transaction

    def receipt(self, transaction: str) -> dict[str, Any]:
        """The node answers before it has mined; what follows must not depend on how fast it is."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = self.chain.rpc.call("eth_getTransactionReceipt", transaction)
            if found:
                return dict(found)
            time.sleep(0.002)
        raise AssertionError(f"{transaction} was not mined")

    def block_of_steps(self, steps: int) -> None:
        """One block in which people do several things."""
        self.chain.set_automine(False)
        self.automine = False
        for _ in range(steps):
            self.random_step()
        self.chain.mine()
        self.chain.set_automine(True)
        self.automine = True

    def succeeded(self, transaction: str) -> bool:
        return self.automine and self.receipt(transaction)["status"] == "0x1"

    def must(self, sender: str, name: str, function: str, *args: Any, value: int = 0) -> None:
        """A transaction that has to succeed."""
        assert self.succeeded(self.do(sender, name, function, *args, value=value)), f"{name}.{function} reverted"

    # ---- what people do ---------------------------------------------------------------------------------

    def someone(self) -> str:
        return self.rng.choice(self.people)

    def bytes32(self) -> bytes:
        return self.rng.randbytes(32)

    def make_offer(self, licensor: str, work: int, **changes: Any) -> Offer:
        values: dict[str, Any] = {
            "work": work,
            "licensor": licensor,
            "usages": 1,
            "aspects": 1,
            "forbids": 0,
            "start_ms": 0,
            "end_ms": WHOLE_END_MS,
            "currency": ETH,
            "price": 1_000_003,
            "term": 365 * 86_400,
            "revenue_share_bps": 0,
            "unit": 0,
            "unit_price": 0,
            "report_every": 0,
            "after_term": 1,
            "supply": UNLIMITED,
            "licensee": ZERO_ADDRESS,
            "opens_at": 0,
            "closes_at": NEVER,
            "flags": 0,
            "terms": self.bytes32(),
        }
        return Offer(**{**values, **changes})

    def register(self, creator: str, *, payee: bytes = ZERO32, steward: str = ZERO_ADDRESS, **changes: Any) -> int:
        values = {"content": self.bytes32(), "metadata": self.bytes32(), "cultural": ZERO32, **changes}
        work = WorkInput(payee=payee, steward=steward, duration_ms=60_000, cleared=0x1FF, **values)
        self.do(creator, "WorkRegistry", "register", creator, work)
        number = work_id(creator, work.content)
        self.works.append((creator, number))
        return number

    def post(self, licensor: str, work: int, **changes: Any) -> Offer:
        offer = self.make_offer(licensor, work, **changes)
        self.do(licensor, "LicenseMarket", "post", offer)
        self.offers.append(offer)
        return offer

    def mint(self, buyer: str, offer: Offer, licensee: str | None = None) -> str:
        try:
            total, _, acknowledged = self.contract("LicenseMarket").call("quote", offer)
        except IptoError:
            return ""
        value = total if offer.currency == ETH else 0
        party = self.bytes32()
        args = (offer, licensee or buyer, party, total, acknowledged)
        return self.do(buyer, "LicenseMarket", "mint", *args, value=value)

    def split(self, controller: str) -> bytes:
        people = sorted(self.rng.sample(self.people, self.rng.randint(1, 4)), key=lambda a: int(a, 16))
        parts = [1_000_000 // len(people)] * len(people)
        parts[0] += 1_000_000 - sum(parts)
        shares = tuple(Share(address_account(who), part) for who, part in zip(people, parts, strict=True))
        self.do(controller, "RoyaltyVault", "declare_split", list(shares), controller)
        self.splits.append((shares, controller))
        return split_account(shares, controller)

    def random_step(self) -> None:
        """One thing somebody does."""
        rng, who = self.rng, self.someone()
        choices: list[Callable[[], object]] = [
            lambda: self.register(who, **({"payee": self.split(who)} if rng.random() < 0.5 else {})),
            lambda: self.register(who, steward=self.someone(), cultural=self.bytes32()),
        ]
        if self.works:
            holder, work = rng.choice(self.works)
            usages, flags = rng.randint(1, 255), rng.choice([0, 0, OfferFlag.TRANSFERABLE, OfferFlag.EXCLUSIVE])
            currency = rng.choice([ETH, self.dollar])
            details = {"usages": usages, "flags": int(flags), "currency": currency, "price": rng.randint(0, 10**9)}
            choices += [lambda: self.post(holder, work, supply=rng.choice([1, 5, UNLIMITED]), **details)] * 3
            choices += [
                lambda: self.do(holder, "WorkRegistry", "set_metadata", holder, work, self.bytes32()),
                lambda: self._move_work(holder, work, who),
                lambda: self.do(who, "WorkRegistry", "accept_stewardship", who, work),
                lambda: self.do(who, "WorkRegistry", "set_cultural", who, work, self.bytes32()),
                lambda: self.do(who, "WorkRegistry", "hand_over_stewardship", who, work, self.someone()),
                lambda: self.do(holder, "WorkRegistry", "set_payee", work, self.split(holder)),
            ]
        if self.offers:
            offer = rng.choice(self.offers)
            choices += [lambda: self._buy(who, offer)] * 6
            choices += [
                lambda: self.do(offer.licensor, "LicenseMarket", "withdraw_offer", offer),
                lambda: self.do(offer.licensor, "LicenseMarket", "post", offer),
                lambda: self.do(who, "LicenseMarket", "consent", who, offer_id(offer)),
                lambda: self.do(who, "LicenseMarket", "revoke_consent", who, offer_id(offer)),
                lambda: self._move_license(offer),
            ]
        if self.splits:
            shares, controller = rng.choice(self.splits)
            for function in ("distribute", "pay_out"):
                for currency in (ETH, self.dollar):
                    args = (list(shares), controller, currency)
                    choices.append(lambda f=function, a=args: self.do(who, "RoyaltyVault", f, *a))
        choices += [
            lambda: self.do(who, "RoyaltyVault", "withdraw", who, ETH),
            lambda: self.do(who, "RoyaltyVault", "withdraw_to", self.someone(), self.dollar),
            lambda: self.do(who, "RoyaltyVault", "redirect", rng.choice([self.someone(), ZERO_ADDRESS, self.refuser])),
            lambda: self.do(who, "SignedActions", "cancel_nonce", rng.getrandbits(256)),
            lambda: self.do(self.owner, "LicenseMarket", "set_fee", rng.randint(0, 250), self.someone()),
            lambda: self.do(self.owner, "LicenseMarket", "set_paused", rng.random() < 0.2),
        ]
        rng.choice(choices)()

    def _buy(self, who: str, offer: Offer) -> None:
        if offer.currency != ETH:
            self.do(who, "TestUSD", "mint", who, 10**12)
            self.do(who, "TestUSD", "approve", self.deployment.address("LicenseMarket"), 2**255)
        self.mint(who, offer)

    def _move_work(self, holder: str, work: int, to: str) -> None:
        if self.succeeded(self.do(holder, "WorkRegistry", "transferFrom", holder, to, work)):
            self.works = [(to if number == work else who, number) for who, number in self.works]

    def _move_license(self, offer: Offer) -> None:
        market = self.contract("LicenseMarket")
        token = int.from_bytes(offer_id(offer)) + 1
        try:
            holder = market.call("ownerOf", token)
        except IptoError:
            return
        self.do(holder, "LicenseMarket", "transferFrom", holder, self.someone(), token)


Tables = dict[str, list[tuple[Any, ...]]]


def tables(url: str) -> Tables:
    """Everything in a database that follows from events, to be compared byte for byte, whichever database it is."""
    reader = open_read(url, SCHEMA)
    reader.begin()
    try:
        found = {
            name: [tuple(dict(row).values()) for row in reader.all(f"SELECT {columns} FROM {name} ORDER BY {order}")]
            for name, columns, order in [
                *[(t.name, ", ".join(t.names), ", ".join(t.key)) for t in (*PROTOCOL_MODEL.tables, EVENTS, BLOCKS)],
                ("checkpoint", "number, hash, timestamp", "1"),
            ]
        }
        reader.end()
        return found
    finally:
        reader.close()


def settings_for(world: World, url: str, **changes: Any) -> Settings:
    return Settings(rpc_url=world.chain.url, database=url, **changes)


def new_store(world: World, url: str) -> Store:
    return open_store(settings_for(world, url), world.deployment)


def sync(world: World, store: Store, *, steps: int = 1, **options: Any) -> None:
    """Let a follower do some steps on a store."""

    async def run() -> None:
        async with AsyncRpc(world.chain.url) as rpc:
            fetcher = Fetcher(rpc, chain_of(world.deployment).contracts, width=options.pop("width", 7))
            follower = Follower(fetcher, store, world.deployment.block_number, **options)
            for _ in range(steps):
                await follower.step()

    asyncio.run(run())


def fresh(world: World, url: str, **options: Any) -> Tables:
    """The tables of a new database of the chain as it is now."""
    with new_store(world, url) as store:
        sync(world, store, **options)
    return tables(url)


def signer(world: World, number: int) -> LocalSigner:
    return world.chain.signers[number]
