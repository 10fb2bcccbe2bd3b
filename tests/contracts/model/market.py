# SPDX-License-Identifier: Apache-2.0
"""A reference model of registry and market: why a sale is refused, and what it leaves behind.

Written from the protocol's words, not from the contracts: no packing, no hashes, plain sets and dictionaries.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field

from ipto.structs import NEVER, PERPETUAL, UNLIMITED, ZERO32, ZERO_ADDRESS, Offer

DAY = 86_400
HOUR = 3_600
BUNDLE, TRANSFERABLE, EXCLUSIVE = 1, 2, 4
FOREVER = 2**256


@dataclass
class Work:
    """A claim, as it stands."""

    owner: str
    since: int
    payee: bytes  # ZERO32: whoever owns it
    steward: str
    cultural: bytes
    cleared: int
    is_later: bool
    is_accepted: bool = False


@dataclass
class Listing:
    """An offer that was posted at least once."""

    offer: Offer
    posted_at: int
    is_live: bool = True
    sold: int = 0
    consents: set[str] = field(default_factory=set)


@dataclass
class License:
    """A license, as it was sold; only its holder ever changes."""

    listing: Listing
    holder: str
    issued_at: int
    expires_at: int  # FOREVER: never
    total: int


@dataclass
class MarketModel:
    """Everything sold and everything that can be."""

    works: dict[int, Work] = field(default_factory=dict)
    first_claims: dict[bytes, tuple[int, int]] = field(default_factory=dict)  # content → work, time
    listings: dict[bytes, Listing] = field(default_factory=dict)
    licenses: dict[int, License] = field(default_factory=dict)
    bundled: Counter[int] = field(default_factory=Counter)  # work → datasets that hold it
    exclusive: dict[tuple[int, int], int] = field(default_factory=dict)  # work, usage bit → until
    booked: Counter[tuple[bytes, str]] = field(default_factory=Counter)
    fee_bps: int = 0
    treasury: str = ZERO_ADDRESS
    is_paused: bool = False
    is_closed: bool = False  # registrations paused

    def register(self, work: int, creator: str, content: bytes, now: int, **facts: object) -> set[str]:
        """Register, or say why not."""
        refused = set()
        if self.is_closed:
            refused.add("registry: paused")
        if work in self.works:
            refused.add("registry: already registered")
        if not refused:
            _, first = self.first_claims.setdefault(content, (work, now))
            is_later = now > first + DAY
            self.works[work] = Work(creator, now, is_later=is_later, **facts)  # type: ignore[arg-type]
        return refused

    def post(self, number: bytes, offer: Offer, sender: str, now: int) -> set[str]:
        """Post, or say why not."""
        work, listing = self.works[offer.work], self.listings.get(number)
        refused = set()
        if sender != offer.licensor:
            refused.add("market: not the actor")
        if work.owner != offer.licensor:
            refused.add("market: licensor does not own the work")
        if offer.aspects & ~work.cleared:
            refused.add("market: aspects not cleared")
        if listing is not None and listing.is_live and listing.posted_at >= work.since:
            refused.add("market: already posted")
        if not refused:
            if listing is None:
                self.listings[number] = Listing(offer, now)
            else:
                listing.is_live, listing.posted_at = True, now
        return refused

    def fee(self, price: int) -> int:
        """What comes on top of a price."""
        return price * self.fee_bps // 10_000

    def rank(self, work: Work) -> int:
        """Whether an earlier claim exists: what the buyer acknowledges."""
        return int(work.is_later)

    def refusals(self, listing: Listing, licensee: str, max_total: int, read: tuple[bytes, int], now: int) -> set[str]:
        """All reasons against a sale. read: the cultural notice and the claim's rank that the buyer saw."""
        offer, work = listing.offer, self.works[listing.offer.work]
        reasons = {
            "market: paused": self.is_paused,
            "market: offer is private": offer.licensee not in (ZERO_ADDRESS, licensee),
            "market: sold out": listing.sold >= offer.supply and offer.supply != UNLIMITED,
            "market: acknowledged other terms": read != (work.cultural, self.rank(work)),
            "market: work is in a dataset": bool(offer.flags & EXCLUSIVE and self.bundled[offer.work]),
            "market: price above max": offer.price + self.fee(offer.price) > max_total,
        }
        return self.not_on_sale(listing, now) | {reason for reason, holds in reasons.items() if holds}

    def not_on_sale(self, listing: Listing, now: int) -> set[str]:
        """What keeps an offer from being sold by itself and from joining a dataset alike."""
        offer, work = listing.offer, self.works[listing.offer.work]
        reasons = {
            "market: offer not live": not listing.is_live,
            "market: work has another owner": work.owner != offer.licensor or listing.posted_at < work.since,
            "market: offer not open yet": now < offer.opens_at,
            "market: offer closed": now >= offer.closes_at and offer.closes_at != NEVER,
            "market: steward has not consented": work.steward != ZERO_ADDRESS and work.steward not in listing.consents,
            "market: exclusive license running": any(now < self.exclusive.get(lane, 0) for lane in self.lanes(offer)),
        }
        return {reason for reason, holds in reasons.items() if holds}

    def why_not_bundle(self, listing: Listing, now: int) -> set[str]:
        """All reasons against an offer's joining a dataset."""
        is_for = bool(listing.offer.flags & BUNDLE)
        return self.not_on_sale(listing, now) | (set() if is_for else {"market: offer is not for datasets"})

    def why_not_all(
        self, order: list[tuple[Listing, tuple[bytes, int]]], licensee: str, max_total: int, now: int
    ) -> set[str]:
        """The reasons against several sales in one: those of the first that fails, each as if those before had been."""
        after = deepcopy(self)
        names = {id(listing): name for name, listing in self.listings.items()}
        total = 0
        for place, (listing, read) in enumerate(order):
            copied = after.listings[names[id(listing)]]
            refused = after.refusals(copied, licensee, 2**256, read, now)
            if refused:
                return refused
            if listing.offer.currency != order[0][0].offer.currency:
                return {"market: more than one currency"}
            after.sell(copied, licensee, -1 - place, now)
            total += listing.offer.price + self.fee(listing.offer.price)
        return {"market: price above max"} if total > max_total else set()

    def lanes(self, offer: Offer) -> list[tuple[int, int]]:
        """The work and each usage of an offer."""
        return [(offer.work, bit) for bit in range(8) if offer.usages >> bit & 1]

    def sell(self, listing: Listing, licensee: str, license: int, now: int) -> None:
        """A sale that nothing speaks against."""
        offer, work = listing.offer, self.works[listing.offer.work]
        ends = FOREVER if offer.term == PERPETUAL else now + offer.term
        fee = self.fee(offer.price)
        listing.sold += 1
        assert license not in self.licenses
        self.licenses[license] = License(listing, licensee, now, ends, offer.price + fee)
        payee = bytes(12) + bytes.fromhex(work.owner[2:]) if work.payee == ZERO32 else work.payee
        self.booked[payee, offer.currency] += offer.price
        if fee:
            self.booked[bytes(12) + bytes.fromhex(self.treasury[2:]), offer.currency] += fee
        if offer.flags & EXCLUSIVE:
            for lane in self.lanes(offer):
                self.exclusive[lane] = FOREVER if ends == FOREVER else -(-ends // HOUR) * HOUR

    def permits(self, license: int, holder: str, usage: int, aspect: int, scene: tuple[int, int], at: int) -> bool:
        """Whether the holder may. usage, aspect: bit numbers."""
        sold = self.licenses[license]
        offer = sold.listing.offer
        return (
            sold.holder == holder
            and bool(offer.usages >> usage & 1)
            and bool(offer.aspects >> aspect & 1)
            and offer.start_ms <= scene[0] < scene[1] <= offer.end_ms
            and sold.issued_at <= at < sold.expires_at
        )
