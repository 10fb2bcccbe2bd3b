# SPDX-License-Identifier: Apache-2.0
"""What the whole protocol's history says: who made and owns what, what was sold under which terms, who is owed what.

Written from the protocol's invariants. The vault's balances are read from storage, as every step reads all of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import boa
from eth_utils import keccak

from ipto.structs import ETH, Dataset, Offer
from tests.contracts.support.build import account
from tests.contracts.support.contract import build, mapping_slot
from tests.contracts.support.system import CONTRACTS, System, balance

Place = tuple[bytes, str]  # account, currency


class Balances:
    """Every account of the vault that anybody was ever booked to."""

    def __init__(self, system: System, people: list[str]) -> None:
        self.vault, self.usd = system.vault.address, system.usd.address
        self.root = build(CONTRACTS / "RoyaltyVault.vy").slots["balances"]
        self.slots: dict[Place, int] = {}
        for who in people:
            self.know(account(who))

    def know(self, name: bytes, *currencies: str) -> bytes:
        """From now on this account is looked at."""
        for currency in currencies or (ETH, self.usd):
            inner = mapping_slot(self.root, int.from_bytes(name, "big"))
            self.slots[name, currency] = mapping_slot(inner, int(currency, 16))
        return name

    def now(self) -> Counter[Place]:
        """All that the vault owes, by account and currency."""
        found = {place: int(boa.env.get_storage(self.vault, slot)) for place, slot in self.slots.items()}
        return Counter({place: amount for place, amount in found.items() if amount})

    def held(self, currency: str) -> int:
        """What the vault has."""
        return balance(currency, self.vault)


@dataclass
class Work:
    """A claim. payee: who is paid, as it was last declared; empty: whoever owns it."""

    owner: str
    payee: bytes
    steward: str


@dataclass
class Listed:
    """An offer. consents: of stewards, as they stand."""

    offer: Offer
    sold: int = 0
    consents: set[str] = field(default_factory=set)


@dataclass
class Sold:
    """A license: its terms are what they were at its sale. members: of a dataset, with the price each was sold at."""

    market: str
    terms: Offer | Dataset
    holder: str
    issued_at: int
    expires_at: int
    members: frozenset[bytes] = frozenset()
    is_ended: bool = False
    reports: list[Report] = field(default_factory=list)


@dataclass
class Report:
    """What one report brought and to whom. paid: leaves that were paid."""

    id: bytes
    shares: list[tuple[bytes, int]]  # offer, amount
    paid: set[int] = field(default_factory=set)
    is_replaced: bool = False  # by a ruling: its tree is no longer the one it was made with


@dataclass
class Pool:
    """A dataset. owed: sales each member was in and was not paid for."""

    dataset: Dataset
    id: bytes
    account: bytes
    members: set[bytes] = field(default_factory=set)
    owed: Counter[bytes] = field(default_factory=Counter)
    sales: int = 0


@dataclass
class Trial:
    """A case, as far as what it may do goes. moves: the claim it may move."""

    number: int
    effect: int
    subject: int
    opener: str
    opened_at: int
    accounts: set[bytes]
    ruled_at: int = 0
    outcome: int = 0
    is_executed: bool = False


def panel_account(resolver: str, panel: str, case: int) -> bytes:
    """Where the panel's fee of a case rests."""
    key = keccak(bytes(12) + bytes.fromhex(resolver[2:]) + case.to_bytes(32, "big"))
    digest = keccak(bytes(12) + bytes.fromhex(panel[2:]) + key)
    return b"\x02" + digest[1:]
