# SPDX-License-Identifier: Apache-2.0
"""A reference model of the vault: what is booked to whom, and nothing about how the money got there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ipto.structs import SHARE_TOTAL, Share


@dataclass
class VaultModel:
    """Balances by account and currency, and what came in and went out by currency."""

    booked: Counter[tuple[bytes, str]] = field(default_factory=Counter)
    paid_in: Counter[str] = field(default_factory=Counter)
    paid_out: Counter[str] = field(default_factory=Counter)

    def credit(self, account: bytes, currency: str, amount: int) -> None:
        """Money arrived."""
        self.booked[account, currency] += amount
        self.paid_in[currency] += amount

    def move(self, source: bytes, account: bytes, currency: str, amount: int) -> None:
        """Money changed accounts."""
        assert self.booked[source, currency] >= amount
        self.booked[source, currency] -= amount
        self.booked[account, currency] += amount

    def send(self, account: bytes, currency: str, amount: int) -> None:
        """Money left."""
        assert self.booked[account, currency] >= amount
        self.booked[account, currency] -= amount
        self.paid_out[currency] += amount

    def total(self, currency: str) -> int:
        """All that is booked in a currency."""
        return sum(amount for (_, name), amount in self.booked.items() if name == currency)

    def parts(self, split: bytes, shares: Sequence[Share], currency: str) -> list[int]:
        """What each recipient of a split would get now: the floor of its share."""
        amount = self.booked[split, currency]
        return [amount * share.share // SHARE_TOTAL for share in shares]
