# SPDX-License-Identifier: Apache-2.0
"""Steps of the machine over all contracts: works, offers, consents, sales, datasets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boa
from hypothesis import strategies as st

from ipto import ids, typed_data
from ipto.datasets import totals
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS
from tests.contracts.protocol.books import Balances, Listed, Place, Pool, Sold, Trial, Work
from tests.contracts.support import datasets as sets
from tests.contracts.support.build import account, digest, even_split, offer_for, sign, work_input
from tests.contracts.support.contract import Contract, Reverted, deploy
from tests.contracts.support.machine import Machine, step
from tests.contracts.support.system import CONTRACTS, System, now, travel
from tests.contracts.support.usage import DAY, MONTH

ANY = st.integers(0, 2**16)
PRICES = st.sampled_from([0, 1, 39, 10_000, 10**20])
ONE = b"\x01" * 32
done: Counter[str] = Counter()  # steps that were not refused, over all runs


class Sales(Machine):
    """Creators, stewards, licensees, a curator, judges, the protocol's owner, keepers, and thieves among them."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system = system
        self.settlement: Contract = deploy(
            CONTRACTS / "UsageSettlement.vy",
            *(system.vault.address, system.registry.address, system.signed.address, system.disputes.address),
            *(system.market.address, system.datasets.address),
        )
        self.people = [system.creator, system.dancer, system.heir, system.licensee, system.keeper, system.thief]
        for who in [*self.people, system.curator, system.challenger]:
            boa.env.set_balance(who, 10**36)
        named = [*self.people, system.curator, system.challenger, system.treasury, system.steward, *system.judges]
        self.balances = Balances(system, [str(who) for who in named])
        self.shares = even_split(system.creator, system.dancer, system.thief)
        self.split = self.balances.know(system.vault.declare_split(self.shares, ZERO_ADDRESS))
        self.works: dict[int, Work] = {}
        self.listed: dict[bytes, Listed] = {}
        self.sold: dict[int, Sold] = {}
        self.pools: list[Pool] = []
        self.trials: list[Trial] = []
        self.signed: list[tuple[Any, bytes]] = []
        self.fee_bps = 0
        self.spells: Counter[bytes] = Counter()  # offer → how often it joined, datasets of one currency being one
        self.brought: Counter[str] = Counter()  # currency
        for currency in (ETH, system.usd.address):
            dataset = sets.opened(
                system, currency=currency, curator_fee_bps=100, revenue_share_bps=300, report_every=MONTH, salt=digest()
            )
            name = self.balances.know(sets.account_of(system, dataset), currency)
            self.pools.append(Pool(dataset, ids.dataset_id(dataset), name))
        for place in range(4):
            self.register(place, place % 2, place == 3, 100 + place)
            for is_eth in (True, False):
                self.post(place, 10_000 + place, is_eth, False, flags=1, supply=2**32 - 1, usages=1)
                self.post(place, 39, is_eth, place == 2, flags=2, supply=2, usages=3)
        for place in range(2):
            for which in range(6):
                self.change_dataset(place, which, "add")

    # ---- every step

    def does(self, expected: dict[Place, int] | None, call: Callable[[], Any], within: set[bytes] | None = None) -> Any:
        """Call; afterwards exactly the expected has changed. Refused: nothing has, and the answer is None.

        within: instead of exact amounts, the only accounts that may change; their sum changes as `expected` does.
        """
        before = self.balances.now()
        try:
            result = call()
        except Reverted:
            assert self.balances.now() == before
            return None
        after = self.balances.now()
        wanted = Counter(expected or {})
        change = {place: after[place] - before[place] for place in after | before if after[place] != before[place]}
        if within is None:
            assert change == {place: amount for place, amount in wanted.items() if amount}
        else:
            assert {name for name, _ in change} <= within
            assert sum(change.values()) == sum(wanted.values())
        for (_, currency), amount in wanted.items():
            self.brought[currency] += amount
        return True if result is None else result

    def any_of(self, found: Any, which: int) -> Any:
        return list(found)[which % len(found)]

    def pay(self, who: str, currency: str, total: int, spender: str) -> int:
        """Have so much ready; what to send along."""
        if currency == ETH:
            return total
        self.system.fund(self.system.usd, who, total, spender)
        return 0

    def payee(self, work: int) -> bytes:
        return self.works[work].payee or account(self.works[work].owner)

    # ---- creators and stewards

    @step(weight=2, who=ANY, payee=st.integers(0, 1), is_stewarded=st.booleans(), content=st.integers(0, 5))
    def register(self, who: int, payee: int, is_stewarded: bool, content: int) -> None:
        creator, steward = str(self.people[who % 3]), str(self.system.steward) if is_stewarded else ZERO_ADDRESS
        work = work_input(
            content=digest(f"shared {content}"), payee=self.split if payee else ZERO32, steward=steward, metadata=ONE
        )
        number = ids.work_id(creator, work.content)
        if self.does({}, lambda: self.system.registry.register(creator, work, sender=creator)):
            assert number not in self.works
            done["register"] += 1
            self.works[number] = Work(creator, self.split if payee else b"", steward if is_stewarded else "")

    @step(
        weight=6, which=ANY, price=PRICES, is_eth=st.booleans(), flags=st.sampled_from([0, 1, 1, 1, 2, 4]),
        supply=st.sampled_from([1, 2, 2**32 - 1]), usages=st.sampled_from([1, 1, 3]), is_signed=st.booleans(),
    )  # fmt: skip
    def post(self, which: int, price: int, is_eth: bool, is_signed: bool, **facts: Any) -> None:
        system, number = self.system, self.any_of(self.works, which)
        owner = next(who for who in [*self.people, system.challenger] if str(who) == self.works[number].owner)
        currency = ETH if is_eth else system.usd.address
        offer = offer_for(
            number, owner, price=price, currency=currency, revenue_share_bps=300, report_every=MONTH, **facts
        )
        if is_signed:
            nonce = len(self.signed)
            message = typed_data.PostOffers(str(owner), system.market.address, (offer,), nonce, now() + DAY)
            signature = sign(system, owner, message)
            self.signed.append((message, signature))
            posted = self.does({}, lambda: system.signed.post_offers(message, signature, sender=system.thief))
        else:
            posted = self.does({}, lambda: system.market.post(offer, sender=owner))
        if posted:
            done["post"] += 1
            self.listed.setdefault(ids.offer_id(offer), Listed(offer))

    @step(weight=1, when=lambda self: self.signed, which=ANY, way=ANY)
    def replay(self, which: int, way: int) -> None:
        """What was signed works once, and only as it was signed."""
        message, signature = self.any_of(self.signed, which)
        if way % 3 == 1:
            signature = signature[:40] + bytes([signature[40] ^ 1]) + signature[41:]
        if way % 3 == 2:
            message = replace(message, nonce=message.nonce + 10**6)
        used = self.system.signed.is_nonce_used(message.actor, message.nonce)
        is_done = self.does({}, lambda: self.system.signed.post_offers(message, signature, sender=self.system.thief))
        assert not (is_done and (used or way % 3))
        if is_done:
            self.listed.setdefault(ids.offer_id(message.offers[0]), Listed(message.offers[0]))

    @step(weight=3, when=lambda self: self.listed, which=ANY, given=st.sampled_from([True, True, False]))
    def consent(self, which: int, given: bool) -> None:
        name, steward = self.any_of(self.listed, which), self.system.steward
        function = self.system.market.consent if given else self.system.market.revoke_consent
        assert self.does({}, lambda: function(steward, name, sender=steward))
        done["consent"] += 1
        consents = self.listed[name].consents
        (consents.add if given else consents.discard)(str(steward))

    @step(weight=1, which=ANY, to=ANY, by=ANY)
    def move_work(self, which: int, to: int, by: int) -> None:
        number = self.any_of(self.works, which)
        work, heir = self.works[number], str(self.people[to % 3])
        sender = work.owner if by % 4 else str(self.people[by // 4 % 6])
        travel(1)
        if self.does({}, lambda: self.system.registry.transferFrom(work.owner, heir, number, sender=sender)):
            assert sender == work.owner
            done["move_work"] += 1
            work.owner = heir

    # ---- sales

    @step(weight=8, when=lambda self: self.listed, which=ANY, who=ANY, count=st.sampled_from([1, 1, 1, 2, 3]))
    def mint(self, which: int, who: int, count: int) -> None:
        system, buyer = self.system, self.people[3 + who % 3]
        first = self.any_of(self.listed, which)
        currency = self.listed[first].offer.currency
        same = [name for name, item in self.listed.items() if item.offer.currency == currency]
        names = [first, *(self.any_of(same, which + place) for place in range(1, count))]
        offers = [self.listed[name].offer for name in names]
        expected: Counter[Place] = Counter()
        for offer in offers:
            expected[self.payee(offer.work), currency] += offer.price
            expected[account(system.treasury), currency] += offer.price * self.fee_bps // 10_000
        total = sum(expected.values())
        value = self.pay(buyer, currency, total, system.market.address)
        try:
            seen = [system.market.quote(offer)[2] for offer in offers]
        except Reverted:
            return  # on hold
        bought = self.does(
            dict(expected),
            lambda: (
                system.market.mint_many(offers, buyer, ZERO32, total, seen, sender=buyer, value=value)
                if count > 1
                else [system.market.mint(offers[0], buyer, ZERO32, total, seen[0], sender=buyer, value=value)]
            ),
        )
        for name, license in zip(names, bought or [], strict=bool(bought)):
            item, work = self.listed[name], self.works[self.listed[name].offer.work]
            item.sold += 1
            done["mint"] += 1
            assert license not in self.sold
            assert license == ids.license_id(name, item.sold)
            assert item.sold <= item.offer.supply
            assert work.owner == item.offer.licensor
            assert not work.steward or work.steward in item.consents, "sold without its steward"
            self.sold[license] = Sold(system.market.address, item.offer, str(buyer), now(), now() + item.offer.term)

    @step(weight=6, where=ANY, which=ANY, what=st.sampled_from(["add", "add", "add", "take out", "expel"]))
    def change_dataset(self, where: int, which: int, what: str) -> None:
        system, pool = self.system, self.pools[where % 2]
        fitting = [name for name, item in self.listed.items() if item.offer.currency == pool.dataset.currency]
        if not fitting:
            return
        name = self.any_of(fitting, which)
        offer, work = self.listed[name].offer, self.works[self.listed[name].offer.work]
        if what == "add":
            curator = system.curator
            if self.does({}, lambda: system.datasets.add(pool.dataset, [offer], sender=curator)):
                assert name not in pool.members
                assert work.owner == offer.licensor
                assert offer.flags & 1
                assert not work.steward or work.steward in self.listed[name].consents
                pool.members.add(name)
                self.spells[name] += 1
                done["add"] += 1
        elif what == "take out":
            if self.does({}, lambda: system.datasets.take_out(work.owner, pool.id, offer, sender=work.owner)):
                pool.members.remove(name)
                done["take out"] += 1
        elif self.does({}, lambda: system.datasets.expel(pool.id, offer, sender=system.thief)):
            pool.members.remove(name)
            done["expel"] += 1

    @step(weight=5, where=ANY, who=ANY)
    def mint_dataset(self, where: int, who: int) -> None:
        system, pool, buyer = self.system, self.pools[where % 2], self.people[3 + who % 3]
        dataset, currency = pool.dataset, pool.dataset.currency
        price = sum(self.listed[name].offer.price for name in pool.members)
        total, curator_fee, fee = totals(price, dataset.curator_fee_bps, self.fee_bps)
        state = system.datasets.quote(dataset)[5]
        expected = Counter({(pool.account, currency): price})
        expected[account(system.curator), currency] += curator_fee
        expected[account(system.treasury), currency] += fee
        value = self.pay(buyer, currency, total, system.datasets.address)
        license = self.does(
            dict(expected),
            lambda: system.datasets.mint(dataset, buyer, ZERO32, total, state, sender=buyer, value=value),
        )
        if license:
            done["mint_dataset"] += 1
            pool.sales += 1
            pool.owed.update(pool.members)
            members = frozenset(pool.members)
            sold = Sold(system.datasets.address, dataset, str(buyer), now(), now() + dataset.term, members)
            self.sold[license] = sold

    @step(weight=4, where=ANY, which=st.lists(ANY, min_size=1, max_size=4))
    def collect(self, where: int, which: list[int]) -> None:
        pool = self.pools[where % 2]
        if not pool.owed:
            return
        names = list(dict.fromkeys(self.any_of(pool.owed, item) for item in which))
        expected: Counter[Place] = Counter()
        for name in names:
            amount = pool.owed[name] * self.listed[name].offer.price
            expected[self.payee(self.listed[name].offer.work), pool.dataset.currency] += amount
            expected[pool.account, pool.dataset.currency] -= amount
        offers = [self.listed[name].offer for name in names]
        if self.does(dict(expected), lambda: self.system.datasets.collect(pool.id, offers)):
            done["collect"] += 1
            for name in names:
                pool.owed[name] = 0
