# SPDX-License-Identifier: Apache-2.0
"""Any order of claims, offers, consents, sales, transfers and time: each license is one paid sale, as agreed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boa
from hypothesis import strategies as st
from hypothesis.stateful import invariant, run_state_machine_as_test

from ipto import ids
from ipto.structs import ETH, NEVER, PERPETUAL, UNLIMITED, ZERO32, ZERO_ADDRESS, Offer, WorkInput
from tests.contracts.model.market import BUNDLE, EXCLUSIVE, FOREVER, TRANSFERABLE, Listing, MarketModel
from tests.contracts.support.build import account, authorize, digest, even_split, offer_for
from tests.contracts.support.contract import Reverted
from tests.contracts.support.effort import effort
from tests.contracts.support.machine import Machine, step
from tests.contracts.support.system import System, now, travel

WHO = st.integers(0, 2)
ANY = st.integers(0, 255)
CONTENTS = [digest(f"content {number}") for number in range(3)]
NOTICES = [ZERO32, digest("notice 1"), digest("notice 2")]


class MarketMachine(Machine):
    """Three creators who claim the same contents, three licensees, two stewards, the protocol's owner."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.system, self.model = system, MarketModel()
        self.creators = [str(system.creator), str(system.dancer), str(system.heir)]
        self.licensees = [system.licensee, system.keeper, system.relayer]
        for payer in self.licensees:
            boa.env.set_balance(payer, 10**36)  # the dearest offer a thousand times over
        self.stewards = [ZERO_ADDRESS, str(system.steward), str(system.editor)]
        shares = even_split(system.creator, system.dancer)
        system.vault.declare_split(shares, ZERO_ADDRESS)
        self.payees = [ZERO32, ids.split_account(shares, ZERO_ADDRESS)]
        self.register(0, 0, 0, 0, 0, 511)
        self.register(1, 1, 1, 1, 1, 511)

    def finish(self) -> None:
        market, model = self.system.market, self.model
        for number, listing in model.listings.items():
            status = market.offer_status(number)
            offer = listing.offer
            kept = (offer.usages, offer.aspects, offer.forbids, offer.revenue_share_bps)
            assert status[:3] == (listing.is_live, listing.sold, listing.posted_at)
            assert status[3:] == (*kept, offer.start_ms, offer.end_ms, offer.after_term, offer.flags)
            assert listing.sold <= offer.supply
            sales = [sold for sold in model.licenses.values() if sold.listing is listing]
            assert len(sales) == listing.sold
        for license, sold in model.licenses.items():
            ends = 2**40 - 1 if sold.expires_at == FOREVER else sold.expires_at
            is_locked = not sold.listing.offer.flags & TRANSFERABLE
            expected = (sold.holder, sold.issued_at, ends, int(is_locked), ids.offer_id(sold.listing.offer))
            assert market.license_of(license) == expected
        for (work, bit), until in model.exclusive.items():
            assert market.exclusive_until(work, 1 << bit) == min(until, 2**256 - 1)
        paid = sum(sold.total for sold in model.licenses.values())
        assert paid == sum(model.booked.values())
        for who in self.licensees:
            held = sum(sold.holder == who for sold in model.licenses.values())
            assert market.balanceOf(who) == held

    def attempt(self, contract: Any, name: str, *args: Any, **options: Any) -> tuple[str | None, Any]:
        """Why a call was refused, or None and its result."""
        try:
            return None, getattr(contract, name)(*args, **options)
        except Reverted as error:
            return error.reason, None

    def agrees(self, reason: str | None, refused: set[str]) -> None:
        assert (reason in refused) if refused else (reason is None), (reason, refused)

    # ---- claims

    @step(
        weight=3,
        who=WHO,
        content=WHO,
        payee=st.integers(0, 1),
        steward=WHO,
        notice=WHO,
        cleared=st.sampled_from([511, 511, 3]),
    )
    def register(self, who: int, content: int, payee: int, steward: int, notice: int, cleared: int) -> None:
        creator, digest_ = self.creators[who], CONTENTS[content]
        facts = {
            "payee": self.payees[payee],
            "steward": self.stewards[steward if steward != 2 else 0],
            "cultural": NOTICES[notice],
            "cleared": cleared,
        }
        work = WorkInput(content=digest_, metadata=digest("m"), duration_ms=1, **facts)  # type: ignore[arg-type]
        number = ids.work_id(creator, digest_)
        reason, result = self.attempt(self.system.registry, "register", creator, work, sender=creator)
        self.agrees(reason, self.model.register(number, creator, digest_, now(), **facts))
        assert result in (None, number)
        first = self.model.first_claims.get(digest_, (0, 0))
        assert self.system.registry.first_claim(digest_) == first

    def any_work(self, which: int) -> int | None:
        return list(self.model.works)[which % len(self.model.works)] if self.model.works else None

    @step(weight=1, when=lambda self: self.model.works, which=ANY, to=WHO, by=WHO)
    def move_work(self, which: int, to: int, by: int) -> None:
        number = self.any_work(which)
        work = self.model.works[number]
        sender, receiver = self.creators[by], self.creators[to]
        reason, _ = self.attempt(self.system.registry, "transferFrom", work.owner, receiver, number, sender=sender)
        is_fine = sender == work.owner
        self.agrees(reason, set() if is_fine else {"erc721: not owner, approved or operator"})
        if is_fine:
            work.owner, work.since = receiver, now()

    @step(
        weight=2,
        when=lambda self: any(work.steward != ZERO_ADDRESS for work in self.model.works.values()),
        which=ANY,
        what=st.sampled_from(["accept", "hand over", "notice"]),
        to=st.integers(1, 2),
    )
    def steward_acts(self, which: int, what: str, to: int) -> None:
        numbers = [number for number, work in self.model.works.items() if work.steward != ZERO_ADDRESS]
        number = numbers[which % len(numbers)]
        work, registry = self.model.works[number], self.system.registry
        steward = work.steward
        unaccepted = set() if work.is_accepted else {"registry: stewardship not accepted"}
        if what == "accept":
            reason, _ = self.attempt(registry, "accept_stewardship", steward, number, sender=steward)
            self.agrees(reason, {"registry: stewardship already accepted"} if work.is_accepted else set())
            work.is_accepted = True
        elif what == "hand over":
            heir = self.stewards[to]
            reason, _ = self.attempt(registry, "hand_over_stewardship", steward, number, heir, sender=steward)
            self.agrees(reason, unaccepted)
            if reason is None:
                work.steward, work.is_accepted = heir, False
        else:
            reason, _ = self.attempt(registry, "set_cultural", steward, number, NOTICES[to], sender=steward)
            self.agrees(reason, unaccepted)
            if reason is None:
                work.cultural = NOTICES[to]

    # ---- offers

    @step(
        weight=5,
        when=lambda self: self.model.works,
        which=ANY,
        by=st.sampled_from([None, None, None, 0, 1, 2]),
        usages=st.sampled_from([1, 2, 3, 255]),
        aspects=st.sampled_from([1, 3, 511]),
        price=st.sampled_from([0, 1, 39, 40, 10_000, 2**96 - 1]),
        currency=st.booleans(),
        term=st.sampled_from([1, 3_600, 100_000, PERPETUAL]),
        supply=st.sampled_from([1, 2, UNLIMITED]),
        private=st.sampled_from([None, None, 0]),
        opens=st.sampled_from([0, 0, 0, 50]),
        closes=st.sampled_from([NEVER, NEVER, 200_000]),
        flags=st.sampled_from([0, TRANSFERABLE, BUNDLE, BUNDLE | TRANSFERABLE, EXCLUSIVE, EXCLUSIVE | TRANSFERABLE]),
    )
    def post(
        self, which: int, by: int | None, currency: bool, private: int | None, opens: int, closes: int, **facts: Any
    ) -> None:
        number = self.any_work(which)
        assert number is not None
        licensor = self.model.works[number].owner if by is None else self.creators[by]
        offer = offer_for(
            number,
            licensor,
            currency=ETH if currency else self.system.usd.address,
            licensee=ZERO_ADDRESS if private is None else str(self.licensees[private]),
            opens_at=now() + opens if opens else 0,
            closes_at=closes if closes == NEVER else now() + closes,
            start_ms=10,
            end_ms=20,
            **facts,
        )
        self.post_it(offer)

    def post_it(self, offer: Offer) -> None:
        reason, number = self.attempt(self.system.market, "post", offer, sender=offer.licensor)
        self.agrees(reason, self.model.post(ids.offer_id(offer), offer, offer.licensor, now()))
        assert number in (None, ids.offer_id(offer))

    def any_listing(self, which: int) -> Listing:
        return list(self.model.listings.values())[which % len(self.model.listings)]

    @step(
        weight=4,
        when=lambda self: self.model.listings,
        which=ANY,
        what=st.sampled_from(["withdraw", "repost", "consent", "revoke"]),
        by=st.integers(1, 2),
    )
    def change_offer(self, which: int, what: str, by: int) -> None:
        listing, market = self.any_listing(which), self.system.market
        number = ids.offer_id(listing.offer)
        if what == "repost":
            self.post_it(listing.offer)
        elif what == "withdraw":
            reason, _ = self.attempt(market, "withdraw_offer", listing.offer, sender=listing.offer.licensor)
            self.agrees(reason, set() if listing.is_live else {"market: offer not live"})
            listing.is_live = False
        elif what == "consent":
            market.consent(self.stewards[by], number, sender=self.stewards[by])
            listing.consents.add(self.stewards[by])
        else:
            market.revoke_consent(self.stewards[by], number, sender=self.stewards[by])
            listing.consents.discard(self.stewards[by])

    # ---- sales

    @step(
        weight=9,
        when=lambda self: self.model.listings,
        which=ANY,
        who=WHO,
        slack=st.sampled_from([0, 0, 0, 1, -1, 10**30]),
        read=st.sampled_from([None, None, None, None, 0, 1, 2]),
        rank=st.booleans(),
        is_relayed=st.booleans(),
    )
    def mint(self, which: int, who: int, slack: int, read: int | None, rank: bool, is_relayed: bool) -> None:
        listing, licensee, system = self.any_listing(which), self.licensees[who], self.system
        offer, work = listing.offer, self.model.works[listing.offer.work]
        total = offer.price + self.model.fee(offer.price)
        limit = max(total + slack, 0)
        seen = (work.cultural, self.model.rank(work)) if read is None else (NOTICES[read], int(rank))
        acknowledged = ids.acknowledgement(offer.terms, *seen)
        is_relayed = is_relayed and offer.currency != ETH and total != 0
        refused = self.model.refusals(listing, str(licensee), 2**256 if is_relayed else limit, seen, now())
        if offer.currency != ETH:
            system.fund(system.usd, licensee, total, system.market.address)
        if is_relayed:
            proof = authorize(system, licensee, offer, licensee, acknowledged=acknowledged)
            arguments = (offer, licensee, ZERO32, acknowledged, proof)
            reason, license = self.attempt(system.market, "mint_with_authorization", *arguments)
            if reason == "token: authorization used":
                return  # the same order by the same payer: bought before
        else:
            value = total if offer.currency == ETH else 0
            arguments = (offer, licensee, ZERO32, limit, acknowledged)
            reason, license = self.attempt(system.market, "mint", *arguments, sender=licensee, value=value)
        self.agrees(reason, refused)
        if reason is None:
            self.model.sell(listing, str(licensee), license, now())
            assert license == ids.license_id(ids.offer_id(offer), listing.sold)

    @step(
        weight=4,
        when=lambda self: self.model.listings,
        picks=st.lists(st.tuples(ANY, st.sampled_from([None, None, None, None, 0, 1])), min_size=1, max_size=4),
        who=WHO,
        slack=st.sampled_from([0, 0, 0, 1, -1]),
        is_one_currency=st.sampled_from([True, True, True, False]),
    )
    def mint_many(self, picks: list[tuple[int, int | None]], who: int, slack: int, is_one_currency: bool) -> None:
        """Several offers, some of them perhaps twice, in one payment: all or none."""
        licensee, system = self.licensees[who], self.system
        order = []
        for which, read in picks:
            listing = self.any_listing(which)
            if is_one_currency and order and listing.offer.currency != order[0][0].offer.currency:
                continue
            work = self.model.works[listing.offer.work]
            order.append((listing, (work.cultural if read is None else NOTICES[read], self.model.rank(work))))
        total = sum(listing.offer.price + self.model.fee(listing.offer.price) for listing, _ in order)
        currency, limit = order[0][0].offer.currency, max(total + slack, 0)
        refused = self.model.why_not_all(order, str(licensee), limit, now())
        if currency != ETH:
            system.fund(system.usd, licensee, total, system.market.address)
        acknowledged = [ids.acknowledgement(listing.offer.terms, *read) for listing, read in order]
        arguments = ([listing.offer for listing, _ in order], licensee, ZERO32, limit, acknowledged)
        value = total if currency == ETH else 0
        reason, licenses = self.attempt(system.market, "mint_many", *arguments, sender=licensee, value=value)
        self.agrees(reason, refused)
        if reason is None:
            for (listing, _), license in zip(order, licenses, strict=True):
                self.model.sell(listing, str(licensee), license, now())
                assert license == ids.license_id(ids.offer_id(listing.offer), listing.sold)

    @step(weight=3, when=lambda self: self.model.listings, which=ANY, leaves=st.booleans())
    def bundle(self, which: int, leaves: bool) -> None:
        """What the dataset market alone may say: an offer joins a dataset, a work leaves one."""
        listing, market = self.any_listing(which), self.system.market
        offer = listing.offer
        caller = self.system.datasets.address if which % 8 else self.system.thief
        refused = {"market: not for this caller"} if caller == self.system.thief else set()
        if leaves:
            refused |= set() if self.model.bundled[offer.work] else {"market: work is in no dataset"}
            reason, _ = self.attempt(market, "unbundle", offer.work, sender=caller)
        else:
            refused |= self.model.why_not_bundle(listing, now())
            reason, told = self.attempt(market, "bundle", offer, sender=caller)
            assert told in (None, (ids.offer_id(offer), self.model.works[offer.work].cultural))
        self.agrees(reason, refused)
        if reason is None:
            self.model.bundled[offer.work] += -1 if leaves else 1

    @step(weight=2, when=lambda self: self.model.licenses, which=ANY, to=WHO)
    def move_license(self, which: int, to: int) -> None:
        license = list(self.model.licenses)[which % len(self.model.licenses)]
        sold, receiver = self.model.licenses[license], str(self.licensees[to])
        reason, _ = self.attempt(self.system.market, "transferFrom", sold.holder, receiver, license, sender=sold.holder)
        is_free = sold.listing.offer.flags & TRANSFERABLE
        self.agrees(reason, set() if is_free else {"market: license is not transferable"})
        if is_free:
            sold.holder = receiver

    @step(
        weight=3,
        when=lambda self: self.model.licenses,
        which=ANY,
        who=WHO,
        usage=st.integers(0, 7),
        aspect=st.integers(0, 8),
        scene=st.tuples(st.integers(8, 21), st.integers(8, 21)),
        after=st.one_of(st.integers(-2, 3), st.integers(-(10**6), 10**6), st.just(10**14)),
    )
    def permits(self, which: int, who: int, usage: int, aspect: int, scene: tuple[int, int], after: int) -> None:
        license = list(self.model.licenses)[which % len(self.model.licenses)]
        holder, at = str(self.licensees[who]), now() + after
        answer = self.system.market.permits(
            holder, license, self.model.licenses[license].listing.offer, 1 << usage, 1 << aspect, *scene, at
        )
        assert answer is self.model.permits(license, holder, usage, aspect, scene, at)

    # ---- the world

    @step(weight=1, bps=st.sampled_from([0, 1, 250]))
    def set_fee(self, bps: int) -> None:
        self.system.market.set_fee(bps, self.system.treasury, sender=self.system.owner)
        self.model.fee_bps, self.model.treasury = bps, str(self.system.treasury)

    @step(weight=1, is_paused=st.sampled_from([False, False, True]), is_closed=st.sampled_from([False, False, True]))
    def pause(self, is_paused: bool, is_closed: bool) -> None:
        self.system.market.set_paused(is_paused, sender=self.system.owner)
        self.system.registry.set_paused(is_closed, sender=self.system.owner)
        self.model.is_paused, self.model.is_closed = is_paused, is_closed

    @step(weight=2, seconds=st.sampled_from([1, 1, 49, 3_600, 86_400, 86_401, 10**7]))
    def time_passes(self, seconds: int) -> None:
        travel(seconds)

    @invariant()
    def every_sale_was_paid_to_the_unit(self) -> None:
        for (who, currency), amount in self.model.booked.items():
            assert self.system.vault.balance_of(who, currency) == amount

    @invariant()
    def works_are_as_the_model_has_them(self) -> None:
        for number, work in list(self.model.works.items())[-2:]:
            found = self.system.registry.sale_terms(number)
            assert found[:6] == (work.owner, work.since, work.payee, work.steward, work.cultural, work.cleared)
            assert bool(found[6] & 2) is work.is_later


def test_market(system: System) -> None:
    run_state_machine_as_test(lambda: MarketMachine(system), settings=effort(22, 45))


def test_the_model_pays_owners_and_treasury(system: System) -> None:
    """The model's own arithmetic on one sale written out by hand."""
    model = MarketModel(fee_bps=250, treasury=str(system.treasury))
    model.register(
        1, str(system.creator), CONTENTS[0], 5, payee=ZERO32, steward=ZERO_ADDRESS, cultural=ZERO32, cleared=511
    )
    offer = replace(offer_for(1, system.creator), price=10_000, supply=1, term=10)
    assert model.post(b"x", offer, offer.licensor, 5) == set()
    listing = model.listings[b"x"]
    assert model.refusals(listing, "0x", 10_250, (ZERO32, 0), 5) == set()
    model.sell(listing, "0x", 7, 5)
    assert model.booked == {(account(system.creator), ETH): 10_000, (account(system.treasury), ETH): 250}
    assert model.refusals(listing, "0x", 10_249, (ZERO32, 0), 5) == {"market: sold out", "market: price above max"}
