# SPDX-License-Identifier: Apache-2.0
"""Datasets: opened, filled, sold and settled, for measuring.

Up to a thousand members are real: registered, posted and added. Beyond that the dataset's counters are written into
storage (`anvil_setStorageAt`): its word holds the number of members and the sum of their prices, and nothing else of a
purchase depends on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak

from bench import usd
from bench.harness import BenchError, Chain, digest
from bench.operation import Operation
from bench.protocol import PARTY, Protocol
from ipto import ids
from ipto.accounts import LocalSigner
from ipto.datasets import MAX_ADD, MAX_COLLECT, batches, build_dataset
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS, Dataset, Offer, OfferFlag, Share

PRICE = usd.PRICE // 25
TERMS = digest("the terms of all members")
REAL = 1_000
"""The most members that are registered, posted and added one by one."""
_AT_ONCE = 50  # works or offers in one call
# Where Vyper keeps the words of the datasets: a test compares it with the compiler's layout.
DATASETS_SLOT = 8


@dataclass(frozen=True, slots=True)
class Set:
    """A dataset and its members."""

    dataset: Dataset
    offers: tuple[Offer, ...]

    @property
    def id(self) -> bytes:
        """The dataset's id."""
        return ids.dataset_id(self.dataset)


def curator(chain: Chain) -> LocalSigner:
    """Who keeps the datasets."""
    return chain.account("curator")


def post(protocol: Protocol, count: int, currency: str, **fields: bytes | str) -> list[Offer]:
    """Works of the creator with offers of equal terms. fields: of the works."""
    creator, made = protocol["creator"], []
    for start in range(0, count, _AT_ONCE):
        works = [protocol.work(**fields) for _ in range(start, min(start + _AT_ONCE, count))]
        protocol.registry.send(creator, "register_many", creator.address, works)
        offers = [offer_of(protocol, ids.work_id(creator.address, work.content), currency) for work in works]
        protocol.market.send(creator, "post_many", offers)
        made += offers
    return made


def offer_of(protocol: Protocol, work: int, currency: str) -> Offer:
    """An offer for datasets."""
    return protocol.offer(work, currency, price=PRICE, terms=TERMS, flags=OfferFlag.BUNDLE)


def open_set(protocol: Protocol, like: Offer, *, fee_bps: int = 0, salt: bytes = ZERO32) -> Dataset:
    """Open a dataset that an offer fits into."""
    who = curator(protocol.chain)
    dataset = build_dataset(like, who.address, curator_fee_bps=fee_bps, salt=salt)
    protocol.datasets.send(who, "open", dataset)
    return dataset


def filled(protocol: Protocol, members: int, currency: str, *, fee_bps: int = 0) -> Set:
    """A dataset of so many members, real ones as far as they go."""
    offers = post(protocol, min(members, REAL), currency)
    dataset = open_set(protocol, offers[0], fee_bps=fee_bps)
    for part in batches(offers, MAX_ADD, MAX_ADD):
        protocol.datasets.send(curator(protocol.chain), "add", dataset, part)
    made = Set(dataset, tuple(offers))
    if members > REAL:
        _pretend(protocol, made, members)
    return made


def _pretend(protocol: Protocol, made: Set, members: int) -> None:
    """Write a number of members, and what they cost together, into the dataset's word."""
    sales = protocol.datasets.call("dataset_of", made.id)[1]
    slot = keccak(DATASETS_SLOT.to_bytes(32, "big") + made.id)
    value = (PRICE * members) << 64 | members << 32 | sales
    rpc = protocol.chain.dev.rpc
    rpc.call("anvil_setStorageAt", protocol.datasets.address, "0x" + slot.hex(), f"0x{value:064x}")
    found = protocol.datasets.call("dataset_of", made.id)[1:]
    if found != (sales, members, PRICE * members):
        raise BenchError(f"the dataset's word is not where it was expected: {found}; did the storage layout change?")


def mint(protocol: Protocol, made: Set) -> int:
    """The licensee buys a license of the dataset; what that costs."""
    total, _, _, _, _, state = protocol.datasets.call("quote", made.dataset)
    licensee, money = protocol["licensee"], made.dataset.currency
    if money != ETH:
        protocol.usd.send(licensee, "approve", protocol.datasets.address, usd.PLENTY)
    order = (made.dataset, licensee.address, PARTY, total, state)
    return protocol.datasets.gas(licensee, "mint", *order, value=total if money == ETH else 0)


def mint_repeat(protocol: Protocol, members: int, currency: str | None = None, *, fees: bool = False) -> int:
    """The second license of a dataset. currency: the stablecoin if not given. fees: the protocol's and a curator's."""
    if fees:
        protocol.datasets.send(protocol["owner"], "set_fee", 250, protocol["treasury"].address)
    made = filled(protocol, members, currency or protocol.usd.address, fee_bps=500 if fees else 0)
    mint(protocol, made)
    return mint(protocol, made)


def join(protocol: Protocol, count: int = MAX_ADD, *, guarded: bool = True) -> int:
    """Members added in one batch, gas for each. guarded: with payee, accepted steward, consent and cultural notice."""
    fields: dict[str, bytes | str] = {}
    if guarded:
        payee = protocol.declare(3).account
        fields = {"payee": payee, "steward": protocol["steward"].address, "cultural": digest("notice")}
    first, *offers = post(protocol, count + 1, protocol.usd.address, **fields)
    if guarded:
        steward = protocol["steward"]
        for offer in (first, *offers):
            protocol.registry.send(steward, "accept_stewardship", steward.address, offer.work)
            protocol.market.send(steward, "consent", steward.address, ids.offer_id(offer))
    dataset = open_set(protocol, first)
    protocol.datasets.send(curator(protocol.chain), "add", dataset, [first])
    return protocol.datasets.gas(curator(protocol.chain), "add", dataset, offers) // count


def collect(protocol: Protocol, count: int = 50) -> int:
    """So many members settled in one batch, each to a split of its own that was paid before; gas for each."""
    creator, offers = protocol["creator"], []
    for number in range(count):
        shares = tuple(
            sorted(
                (
                    Share(ids.address_account(creator.address), 600_000),
                    Share(ids.address_account(protocol.chain.account(f"partner {number}").address), 400_000),
                ),
                key=lambda share: share.account,
            )
        )
        protocol.vault.send(creator, "declare_split", shares, ZERO_ADDRESS)
        work = protocol.register(payee=ids.split_account(shares, ZERO_ADDRESS))
        offers.append(offer_of(protocol, work, protocol.usd.address))
    for part in batches(offers, _AT_ONCE, _AT_ONCE):
        protocol.market.send(creator, "post_many", part)
    dataset = open_set(protocol, offers[0])
    for part in batches(offers, MAX_ADD, MAX_ADD):
        protocol.datasets.send(curator(protocol.chain), "add", dataset, part)
    made, gas = Set(dataset, tuple(offers)), 0
    for _ in range(2):
        mint(protocol, made)
        # Another buyer's money stays behind: the members' common account is never emptied.
        mint(protocol, made)
        gas = _settle(protocol, made, offers)
    return gas // count


def _settle(protocol: Protocol, made: Set, offers: Sequence[Offer]) -> int:
    return protocol.datasets.gas(protocol["keeper"], "collect", made.id, list(offers))


def take_out(protocol: Protocol) -> int:
    """An owner takes its work out of a dataset that was sold."""
    made = filled(protocol, 2, protocol.usd.address)
    mint(protocol, made)
    creator = protocol["creator"]
    return protocol.datasets.gas(creator, "take_out", creator.address, made.id, made.offers[0])


SOLD = "paid in an ERC-20, fees 0; licensee and dataset have bought and been sold before"

OPERATIONS = {
    "dataset_mint_1": Operation("license a dataset of 1 work", SOLD, lambda p: mint_repeat(p, 1), 130_000),
    "dataset_mint_1000": Operation(
        "license a dataset of 1,000 works", f"{SOLD}; all members real", lambda p: mint_repeat(p, 1_000), 130_000
    ),
    "dataset_mint_100000": Operation(
        "license a dataset of 100,000 works",
        f"{SOLD}; 1,000 members real, their number and the sum of prices then written into storage",
        lambda p: mint_repeat(p, 100_000),
        130_000,
    ),
    "dataset_mint_eth": Operation(
        "license a dataset of 100 works, paid in ETH", "the same", lambda p: mint_repeat(p, 100, ETH)
    ),
    "dataset_mint_fees": Operation(
        "license a dataset of 100 works",
        "the same in an ERC-20, at a curator's fee of 5 % and a protocol fee of 2.5 %",
        lambda p: mint_repeat(p, 100, fees=True),
    ),
    "dataset_join": Operation(
        "add a work to a dataset",
        f"per work in a batch of {MAX_ADD}; every rule checked, in no dataset yet; owner is the sole payee, no steward",
        lambda p: join(p, guarded=False),
        70_000,
    ),
    "dataset_join_stewarded": Operation(
        "add a work to a dataset",
        "the same with a payee split, an accepted steward's consent and a cultural notice, four words more to read",
        join,
    ),
    "dataset_collect_50": Operation(
        "settle a member of a dataset",
        "per work in a batch of 50, for two sales each; every one to a split of its own that was paid before",
        collect,
        27_000,
    ),
    "dataset_take_out": Operation("take a work out of a dataset", "sold once", take_out),
}

MEMBERS = (1, 10, 100, 1_000, 10_000, 100_000)
"""Sizes for which a purchase is measured."""
ADDED = (1, 5, 10, 25, MAX_ADD)
"""Batches for which joining is measured."""
SETTLED = (1, 5, 10, 25, 50, MAX_COLLECT)
"""Batches for which settling is measured."""
