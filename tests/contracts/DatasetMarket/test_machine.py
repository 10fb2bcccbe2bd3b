# SPDX-License-Identifier: Apache-2.0
"""Any order of joining, leaving, expelling, buying and collecting, with works that move, wait and are withdrawn.

Two datasets in ETH and two in a token, over the same offers: a curator who tries every offer, owners who come and go,
a thief who expels whatever can be expelled.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import boa
from hypothesis import strategies as st
from hypothesis.stateful import invariant, run_state_machine_as_test

from ipto import ids
from ipto.datasets import History, plan_collect, totals
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS, Dataset
from tests.contracts.model.datasets import DatasetModel, Listed, Sold
from tests.contracts.support.build import account, digest, even_split, hold, register
from tests.contracts.support.contract import Reverted
from tests.contracts.support.datasets import account_of, authorize, fold, member, opened
from tests.contracts.support.effort import effort
from tests.contracts.support.machine import Machine, step
from tests.contracts.support.system import System, now, travel

ANY = st.integers(0, 255)
WHO = st.integers(0, 2)
PRICES = [0, 1, 39, 10_000, 2**96 - 1]


class DatasetMachine(Machine):
    """Offers of four works in two currencies, two datasets for each currency."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system, self.datasets = system, system.datasets
        self.owners = [str(system.creator), str(system.dancer), str(system.heir)]
        self.licensees = [system.licensee, system.keeper, system.thief]
        for payer in self.licensees:
            boa.env.set_balance(payer, 10**36)  # the dearest work a thousand times over
        shares = even_split(system.creator, system.editor)
        system.vault.declare_split(shares, ZERO_ADDRESS)
        self.payees = [ZERO32, ids.split_account(shares, ZERO_ADDRESS)]
        self.listed: dict[bytes, Listed] = {}
        self.currencies = [ETH, system.usd.address]
        for number, price in enumerate(PRICES):
            self.list_offer(number % 3, number % 2, price, number == 1, self.currencies[number % 2])
        self.models: list[DatasetModel] = []
        self.histories: list[History] = []
        for currency in self.currencies:
            for fee_bps in (0, 1_000):
                dataset = opened(system, currency=currency, curator_fee_bps=fee_bps, salt=digest())
                self.models.append(DatasetModel(dataset, self.listed))
                history = History(ids.dataset_id(dataset))
                fold(history, self.datasets)
                self.histories.append(history)
        self.booked: Counter[tuple[bytes, str]] = Counter()
        self.fee_bps = 0
        self.is_paused = False

    def list_offer(self, who: int, payee: int, price: int, is_stewarded: bool, currency: str) -> None:
        system, owner = self.system, self.owners[who]
        steward = str(system.steward) if is_stewarded else ZERO_ADDRESS
        work = register(system, owner, payee=self.payees[payee], steward=steward)
        offer = member(system, owner, work, price=price, currency=currency)
        self.listed[ids.offer_id(offer)] = Listed(offer, owner, self.payees[payee], steward)

    def attempt(self, name: str, *args: Any, **options: Any) -> tuple[str | None, Any]:
        try:
            return None, getattr(self.datasets, name)(*args, **options)
        except Reverted as error:
            return error.reason, None

    def agrees(self, reason: str | None, refused: set[str]) -> None:
        assert (reason in refused) if refused else (reason is None), (reason, refused)

    def pick(self, which: int) -> tuple[DatasetModel, History, Dataset, bytes]:
        """A dataset by number."""
        place = which % len(self.models)
        model = self.models[place]
        return model, self.histories[place], model.dataset, self.histories[place].dataset_id

    def any_offer(self, which: int) -> tuple[bytes, Listed]:
        name = list(self.listed)[which % len(self.listed)]
        return name, self.listed[name]

    # ---- members

    @step(weight=1, when=lambda self: len(self.listed) < 9, who=WHO, payee=st.integers(0, 1),
          price=st.sampled_from(PRICES), is_stewarded=st.booleans(), currency=st.integers(0, 1))  # fmt: skip
    def new_offer(self, who: int, payee: int, price: int, is_stewarded: bool, currency: int) -> None:
        self.list_offer(who, payee, price, is_stewarded, self.currencies[currency])

    @step(weight=8, where=ANY, which=st.lists(ANY, min_size=1, max_size=3), by=st.sampled_from([0, 0, 0, 0, 1]))
    def add(self, where: int, which: list[int], by: int) -> None:
        model, history, dataset, _ = self.pick(where)
        names = [self.any_offer(number)[0] for number in which]
        refused = {"market: not the actor"} if by else set()
        seen = set(model.members)
        for name in names:
            item = self.listed[name]
            if item.offer.currency != dataset.currency:
                refused.add("dataset: other terms")
            refused |= self.bundle_refusals(item)
            if name in seen:
                refused.add("dataset: a member already")
            seen.add(name)
        sender = self.system.thief if by else dataset.curator
        reason, _ = self.attempt("add", dataset, [self.listed[name].offer for name in names], sender=sender)
        self.agrees(reason, refused)
        if reason is None:
            fold(history, self.datasets)
            model.members |= set(names)
            model.history += [(1, name) for name in names]

    def bundle_refusals(self, item: Listed) -> set[str]:
        reasons = {
            "registry: work is on hold": item.is_held,
            "market: offer not live": not item.is_live,
            "market: work has another owner": not item.is_current,
            "market: steward has not consented": item.steward != ZERO_ADDRESS and not item.has_consent,
        }
        return {reason for reason, holds in reasons.items() if holds}

    @step(weight=3, where=ANY, which=ANY, by=st.sampled_from([None, None, None, 0, 1, 2]))
    def take_out(self, where: int, which: int, by: int | None) -> None:
        model, history, _, number = self.pick(where)
        name, item = self.any_offer(which)
        actor = item.owner if by is None else self.owners[by]
        refused = set() if actor == item.owner else {"dataset: not the work's owner"}
        if name not in model.members:
            refused.add("dataset: not a member")
        reason, _ = self.attempt("take_out", actor, number, item.offer, sender=actor)
        self.agrees(reason, refused)
        self.left(reason, model, history, 2, name)

    @step(weight=3, where=ANY, which=ANY)
    def expel(self, where: int, which: int) -> None:
        model, history, _, number = self.pick(where)
        name, item = self.any_offer(which)
        refused = {"dataset: offer is good"} if item.is_good(now()) else set()
        if name not in model.members:
            refused.add("dataset: not a member")
        reason, _ = self.attempt("expel", number, item.offer, sender=self.system.thief)
        self.agrees(reason, refused)
        self.left(reason, model, history, 3, name)

    def left(self, reason: str | None, model: DatasetModel, history: History, action: int, name: bytes) -> None:
        if reason is None:
            fold(history, self.datasets)
            model.members.remove(name)
            model.history.append((action, name))

    # ---- works and offers

    @step(weight=4, which=ANY, to=WHO, what=st.sampled_from(
        ["move", "hold", "release", "withdraw", "repost", "consent", "consent", "revoke"]))  # fmt: skip
    def change_work(self, which: int, to: int, what: str) -> None:
        system = self.system
        name, item = self.any_offer(which)
        if what == "move":
            travel(1)  # an offer posted in the second of the move would count as the new owner's
            system.registry.transferFrom(item.owner, self.owners[to], item.offer.work, sender=item.owner)
            item.owner, item.is_current = self.owners[to], False
            travel(1)  # the next second, so that what is posted again is newer than the move
        elif what in ("hold", "release"):
            item.is_held = what == "hold"
            hold(system, item.offer.work, 2**40 - 1 if item.is_held else 0)
        elif what == "withdraw" and item.is_live:
            system.market.withdraw_offer(item.offer, sender=item.offer.licensor)
            item.is_live = False
        elif what == "repost" and not item.is_held and item.owner == item.offer.licensor:
            if not (item.is_live and item.is_current):
                system.market.post(item.offer, sender=item.owner)
                item.is_live = item.is_current = True
        elif what in ("consent", "revoke"):
            given = what == "consent"
            function = system.market.consent if given else system.market.revoke_consent
            function(system.steward, name, sender=system.steward)
            item.has_consent = given

    # ---- sales

    @step(weight=9, where=ANY, who=WHO, form=st.sampled_from(["state", "state", "state", "least", "signed"]),
          slack=st.sampled_from([0, 0, 0, 1, -1]), is_stale=st.sampled_from([False, False, False, True]),
          more=st.sampled_from([0, 0, 1]))  # fmt: skip
    def mint(self, where: int, who: int, form: str, slack: int, is_stale: bool, more: int) -> None:
        system = self.system
        model, history, dataset, _ = self.pick(where)
        licensee, money = self.licensees[who], dataset.currency
        total, curator_fee, fee = totals(model.price, dataset.curator_fee_bps, self.fee_bps)
        limit, state = max(total + slack, 0), ZERO32 if is_stale else history.state
        least = len(model.members) + more
        refused = {"market: paused"} if self.is_paused else set()
        if not model.members:
            refused.add("dataset: no members")
        if form != "signed" and limit < total:
            refused.add("market: price above max")
        if form != "least" and is_stale:
            refused.add("dataset: state has changed")
        if form == "least" and more:
            refused.add("dataset: fewer members")
        if form == "least" and not least:
            refused.add("dataset: least members are zero")
        value = total if money == ETH else 0
        if money != ETH:
            system.fund(system.usd, licensee, total, system.datasets.address)
        if form == "signed":
            if money == ETH:
                return
            proof = authorize(system, licensee, dataset, licensee, state=state)
            reason, license = self.attempt("mint_with_authorization", dataset, licensee, ZERO32, state, proof)
            if reason == "token: authorization used":
                return  # the same order by the same payer: bought before
        elif form == "state":
            order = (dataset, licensee, ZERO32, limit, state)
            reason, license = self.attempt("mint", *order, sender=licensee, value=value)
        else:
            order = (dataset, licensee, ZERO32, limit, least)
            reason, license = self.attempt("mint_at_least", *order, sender=licensee, value=value)
        self.agrees(reason, refused)
        if reason is None:
            fold(history, self.datasets)
            model.sales.append(Sold(str(licensee), frozenset(model.members), total, now()))
            assert license == ids.license_id(history.dataset_id, len(model.sales))
            self.booked[account(dataset.curator), money] += curator_fee
            self.booked[account(system.treasury), money] += fee

    @step(weight=4, where=ANY, which=st.lists(ANY, min_size=1, max_size=6), is_planned=st.booleans())
    def collect(self, where: int, which: list[int], is_planned: bool) -> None:
        model, history, _, number = self.pick(where)
        names = [self.any_offer(item)[0] for item in which]
        if is_planned:
            held = {item.offer.work for item in self.listed.values() if item.is_held}
            plan = plan_collect(history, held=held, batch=3)
            owed = {name for name in self.listed if model.owed(name) and self.listed[name].offer.price}
            assert {name for batch in plan for name in batch} == {
                name for name in owed if not self.listed[name].is_held
            }
            names = plan[0] if plan else []
        refused = set()
        for name in names:
            if not model.was_in(name):
                refused.add("dataset: never a member")
            elif self.listed[name].is_held and model.owed(name):
                refused.add("registry: work is on hold")
        reason, _ = self.attempt("collect", number, [self.listed[name].offer for name in names])
        self.agrees(reason, refused)
        if reason is not None:
            return
        fold(history, self.datasets)
        for name in set(names):
            item = self.listed[name]
            payee = account(item.owner) if item.payee == ZERO32 else item.payee
            self.booked[payee, item.offer.currency] += model.owed(name) * item.offer.price
            model.collected[name] = model.earned(name)

    @step(weight=3, where=ANY, which=ANY, sale=ANY, spell=st.integers(0, 4))
    def covers(self, where: int, which: int, sale: int, spell: int) -> None:
        model, history, _, number = self.pick(where)
        name, _ = self.any_offer(which)
        numbered = sale % (len(model.sales) + 2)
        license = int.from_bytes(number, "big") + numbered
        was_in = 1 <= numbered <= len(model.sales) and name in model.sales[numbered - 1].members
        # One spell at most covers a sale, and one does exactly when the offer was in it.
        answers = [self.datasets.covers(license, name, item) for item in range(6)]
        member = history.members.get(name)
        spells = member.spells if member else []
        assert sum(answers) == was_in or len(spells) > 5
        expected = was_in and spell <= len(spells) and spell > 0 and spells[spell - 1].covers(numbered)
        assert self.datasets.covers(license, name, spell) is bool(expected)

    # ---- the world

    @step(weight=1, bps=st.sampled_from([0, 1, 250]), is_paused=st.sampled_from([False, False, True]))
    def owner_acts(self, bps: int, is_paused: bool) -> None:
        self.datasets.set_fee(bps, self.system.treasury, sender=self.system.owner)
        self.datasets.set_paused(is_paused, sender=self.system.owner)
        self.fee_bps, self.is_paused = bps, is_paused

    @step(weight=1, seconds=st.sampled_from([1, 3_600, 10**7]))
    def time_passes(self, seconds: int) -> None:
        travel(seconds)

    @invariant()
    def the_state_follows_from_the_events(self) -> None:
        for model, history in zip(self.models, self.histories, strict=True):
            found = self.datasets.dataset_of(history.dataset_id)
            assert found == (history.state, len(model.sales), len(model.members), model.price)
            assert {item.offer for item in history.current} == model.members
            assert history.price == model.price

    def finish(self) -> None:
        system = self.system
        waiting: Counter[str] = Counter()
        for model, history in zip(self.models, self.histories, strict=True):
            money = model.dataset.currency
            assert system.vault.balance_of(account_of(system, model.dataset), money) == model.waiting()
            waiting[money] += model.waiting()
            for name in self.listed:
                spells = history.members[name].spells if name in history.members else []
                expected = (name in model.members, len(spells), model.owed(name))
                assert self.datasets.member_of(history.dataset_id, name) == expected
                for spell in spells:
                    found = self.datasets.spell_of(history.dataset_id, name, spell.number)
                    assert found == (spell.joined, spell.left)
            for number, sale in enumerate(model.sales, 1):
                license = ids.license_id(history.dataset_id, number)
                assert self.datasets.license_of(license)[:2] == (sale.holder, sale.issued_at)
                covered = list(history.covered(license))
                assert {item.offer for item, _ in covered} == sale.members
                assert all(self.datasets.covers(license, item.offer, spell.number) for item, spell in covered)
        # Paid in is what waits and what was booked, to the unit, whatever the order was.
        for money in self.currencies:
            paid = sum(sale.total for model in self.models for sale in model.sales if model.dataset.currency == money)
            booked = {who: amount for (who, name), amount in self.booked.items() if name == money}
            assert paid == waiting[money] + sum(booked.values())
            for who, amount in booked.items():
                assert system.vault.balance_of(who, money) == amount
        self.all_can_be_collected()

    def all_can_be_collected(self) -> None:
        """In the end, with nothing on hold, every dataset pays out to zero."""
        for item in self.listed.values():
            if item.is_held:
                hold(self.system, item.offer.work, 0)
        for model, history in zip(self.models, self.histories, strict=True):
            for batch in plan_collect(history):
                self.datasets.collect(history.dataset_id, [self.listed[name].offer for name in batch])
                fold(history, self.datasets)
            assert plan_collect(history) == []
            assert self.system.vault.balance_of(account_of(self.system, model.dataset), model.dataset.currency) == 0


def test_machine(system: System) -> None:
    run_state_machine_as_test(lambda: DatasetMachine(system), settings=effort(examples=20, steps=50))


def test_a_long_life(system: System) -> None:
    """One run of many steps: spells beyond the first few, dozens of sales."""
    machine, chance = DatasetMachine(system), random.Random(7)
    try:
        for _ in range(250):
            roll = chance.random()
            where, which = chance.randrange(2), chance.choice([0, 2, 4])
            if roll < 0.3:
                machine.add(where, [which], 0)
            elif roll < 0.5:
                machine.take_out(where, which, None)
            elif roll < 0.55:
                machine.expel(where, which)
            elif roll < 0.6:
                machine.change_work(which, chance.randrange(3), chance.choice(["consent", "repost", "release", "hold"]))
            elif roll < 0.92:
                machine.mint(where, chance.randrange(3), chance.choice(["state", "least"]), 0, False, 0)
            else:
                machine.collect(where, [which], True)
            machine.the_state_follows_from_the_events()
        assert max(len(member.spells) for history in machine.histories for member in history.members.values()) >= 5
        assert min(history.sales for history in machine.histories[:2]) >= 5
    finally:
        machine.teardown()
