# SPDX-License-Identifier: Apache-2.0
"""A reference model of the dataset market: who was in when it was sold.

Written from the protocol's words: each sale keeps the set of its members, and what is owed is counted from these sets.
No spells, no running sums, no hashes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ipto.structs import NEVER, ZERO_ADDRESS, Dataset, Offer


@dataclass
class Listed:
    """An offer as it stands, and its work."""

    offer: Offer
    owner: str
    payee: bytes  # ZERO32: whoever owns it
    steward: str = ZERO_ADDRESS
    has_consent: bool = False
    is_live: bool = True
    is_current: bool = True  # posted by the present owner since it owns the work
    is_held: bool = False
    exclusive_until: int = 0

    def is_good(self, now: int) -> bool:
        """Whether a dataset may keep selling it."""
        return (
            self.is_live
            and self.is_current
            and not self.is_held
            and self.offer.opens_at <= now
            and (now < self.offer.closes_at or self.offer.closes_at == NEVER)
            and (self.steward == ZERO_ADDRESS or self.has_consent)
        )


@dataclass
class Sold:
    """One sale: who was in it, and what it cost."""

    holder: str
    members: frozenset[bytes]
    total: int
    issued_at: int


@dataclass
class DatasetModel:
    """One dataset."""

    dataset: Dataset
    listed: dict[bytes, Listed]  # all offers there are, shared by the datasets
    members: set[bytes] = field(default_factory=set)
    sales: list[Sold] = field(default_factory=list)
    collected: Counter[bytes] = field(default_factory=Counter)  # offer → sales it was paid for
    history: list[tuple[int, bytes]] = field(default_factory=list)  # action, offer

    @property
    def price(self) -> int:
        """What the present members cost together."""
        return sum(self.listed[name].offer.price for name in self.members)

    def earned(self, name: bytes) -> int:
        """How many sales an offer was in."""
        return sum(name in sale.members for sale in self.sales)

    def owed(self, name: bytes) -> int:
        """How many of them it has not been paid for."""
        return self.earned(name) - self.collected[name]

    def waiting(self) -> int:
        """All money that waits to be collected."""
        return sum(self.owed(name) * self.listed[name].offer.price for name in self.listed)

    def was_in(self, name: bytes) -> bool:
        """Whether an offer ever was a member."""
        return any(name == offer for _, offer in self.history)
