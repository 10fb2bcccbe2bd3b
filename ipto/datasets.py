# SPDX-License-Identifier: Apache-2.0
"""Datasets: many works under one set of terms, licensed in one transaction.

Pure functions, no chain needed: which offers fit, the state that a buyer names, what a license covers, what members are
owed, and in which batches to collect it. All of it follows from the events of `DatasetMarket`; tests replay it against
the contract.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

from eth_utils.crypto import keccak

from ipto import ids
from ipto.codec import encode
from ipto.errors import InputError, IntegrityError
from ipto.structs import MAX_CURATOR_FEE_BPS, UNLIMITED, ZERO32, ZERO_ADDRESS, Dataset, Offer, OfferFlag

__all__ = [
    "MAX_ADD",
    "MAX_COLLECT",
    "NOT_LEFT",
    "Action",
    "History",
    "Member",
    "Spell",
    "batches",
    "build_dataset",
    "misfits",
    "next_state",
    "plan_collect",
    "select",
    "totals",
]

MAX_ADD = 50  # offers in one call of `add`
MAX_COLLECT = 64  # members in one call of `collect`
NOT_LEFT = 2**32 - 1  # `left` of a spell that goes on

_BPS = 10_000
_T = TypeVar("_T")
# What every member's offer shares with its dataset, to the bit.
_EQUAL = ("currency", "terms", "term", "after_term", "revenue_share_bps", "unit", "unit_price", "report_every")


class Action(IntEnum):
    """What happened to a member, as the state hash has it."""

    ADDED = 1
    TAKEN_OUT = 2
    EXPELLED = 3


# ---- building ------------------------------------------------------------------------------------------------------


def build_dataset(
    like: Offer,
    curator: str,
    *,
    curator_fee_bps: int = 0,
    licensee: str = ZERO_ADDRESS,
    salt: bytes = ZERO32,
    **masks: int,
) -> Dataset:
    """A dataset that `like` fits into, and every offer of the same terms.

    curator_fee_bps: on top of the members' prices, at most 1,000. licensee: the only buyer; anyone when not given.
    salt: tells datasets of equal terms apart. masks: `usages`, `aspects`, `forbids` other than the offer's; a dataset
    may permit less and forbid more. Raises InputError for what the contract would refuse.
    """
    if curator_fee_bps > MAX_CURATOR_FEE_BPS:
        raise InputError(f"a curator's fee of {curator_fee_bps} basis points is above the cap of {MAX_CURATOR_FEE_BPS}")
    if unknown := sorted(set(masks) - {"usages", "aspects", "forbids"}):
        raise InputError(f"a dataset's {', '.join(unknown)} cannot be set here: they are the offers'")
    fields: dict[str, Any] = {name: getattr(like, name) for name in (*_EQUAL, "usages", "aspects", "forbids")}
    made = Dataset(
        curator=curator, curator_fee_bps=curator_fee_bps, licensee=licensee, salt=salt, **{**fields, **masks}
    )
    if not made.usages or not made.aspects:
        raise InputError("a dataset without usages or aspects would permit nothing; name at least one of each")
    if problems := misfits(made, like):
        raise InputError("the offer does not fit the dataset built from it: " + "; ".join(problems))
    return made


def misfits(dataset: Dataset, offer: Offer) -> list[str]:
    """Why an offer cannot be a member, in words; empty when its fields fit. Says nothing on whether it is live."""
    found = [f"{name}: the dataset has another" for name in _EQUAL if getattr(offer, name) != getattr(dataset, name)]
    if dataset.usages & ~offer.usages:
        found.append("usages: the offer permits fewer")
    if dataset.aspects & ~offer.aspects:
        found.append("aspects: the offer permits fewer")
    if offer.forbids & ~dataset.forbids:
        found.append("forbids: the offer forbids more")
    if offer.licensee not in (ZERO_ADDRESS, dataset.licensee):
        found.append("licensee: the offer is private")
    if offer.supply != UNLIMITED:
        found.append("supply: it is limited; a dataset's sales are not counted against it")
    if not offer.flags & OfferFlag.BUNDLE:
        found.append("flags: the offer is not for bundles")
    if offer.flags & OfferFlag.ONE_MODEL:
        found.append("flags: the offer is for one model")
    return found


def select(
    dataset: Dataset, offers: Iterable[Offer], *, members: Collection[bytes] = (), highest_price: int | None = None
) -> list[Offer]:
    """The offers that fit and are no members yet, each once, the cheapest first.

    members: ids of the offers in it now. highest_price: smallest unit; dearer ones are left out.
    """
    found: dict[bytes, Offer] = {}
    for offer in sorted(offers, key=lambda item: (item.price, item.work)):
        number = ids.offer_id(offer)
        if number in members or (highest_price is not None and offer.price > highest_price):
            continue
        if not misfits(dataset, offer):
            found.setdefault(number, offer)
    return list(found.values())


def totals(price: int, curator_fee_bps: int, fee_bps: int) -> tuple[int, int, int]:
    """What a sale costs: total, the curator's fee and the protocol's fee in it. price: the members' sum."""
    curator_fee, fee = price * curator_fee_bps // _BPS, price * fee_bps // _BPS
    return price + curator_fee + fee, curator_fee, fee


# ---- the state -----------------------------------------------------------------------------------------------------


def next_state(state: bytes, action: Action, offer: bytes, price: int, cultural: bytes = ZERO32) -> bytes:
    """The state after a change. offer: the offer's id. cultural: the notice a member joined with; zero when it leaves.

    The first state of a dataset is its id.
    """
    values = [state, int(action), offer, price, cultural]
    return keccak(encode(["bytes32", "uint256", "bytes32", "uint256", "bytes32"], values))


# ---- members -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spell:
    """One stay of a member: it is in the sales after `joined` up to and including `left`."""

    number: int
    joined: int
    left: int = NOT_LEFT

    def covers(self, sale: int) -> bool:
        """Whether a sale of this number covers the member."""
        return self.joined < sale <= self.left


@dataclass(slots=True)
class Member:
    """An offer that is or was in a dataset."""

    offer: bytes  # its id
    work: int
    price: int  # smallest unit
    cultural: bytes  # the notice it joined with last
    spells: list[Spell] = field(default_factory=list)
    paid: int = 0  # sales it has been paid for

    @property
    def is_in(self) -> bool:
        """Whether it is a member now."""
        return bool(self.spells) and self.spells[-1].left == NOT_LEFT

    def spell_at(self, sale: int) -> Spell | None:
        """The spell that a sale covers; None when it was not a member then."""
        return next((spell for spell in self.spells if spell.covers(sale)), None)

    def earned(self, sales: int) -> int:
        """The sales it was in, of so many that there were."""
        return sum(min(spell.left, sales) - spell.joined for spell in self.spells)

    def owed(self, sales: int) -> int:
        """The sales it was in and has not been paid for."""
        return self.earned(sales) - self.paid


@dataclass(slots=True)
class History:
    """A dataset as its events tell it: fold them in with `apply`, in the chain's order."""

    dataset_id: bytes
    dataset: Dataset | None = None
    state: bytes = ZERO32
    sales: int = 0
    price: int = 0  # the sum of the present members' prices
    members: dict[bytes, Member] = field(default_factory=dict)
    # The state each sale was made in, by its number: what its buyer accepted.
    sold: dict[int, bytes] = field(default_factory=dict)

    @property
    def current(self) -> list[Member]:
        """The members now, in the order they first joined."""
        return [member for member in self.members.values() if member.is_in]

    def covered(self, license: int) -> Iterator[tuple[Member, Spell]]:
        """Who a license covers, and by which spell."""
        if ids.offer_of_license(license) != self.dataset_id:
            raise InputError(f"license {license} is not one of this dataset's")
        sale = ids.sale_of_license(license)
        if not 1 <= sale <= self.sales:
            raise InputError(f"license {license} was not sold")
        for member in self.members.values():
            if (spell := member.spell_at(sale)) is not None:
                yield member, spell

    def apply(self, event: str, args: Mapping[str, Any]) -> None:
        """Fold one event of `DatasetMarket` in; others than this dataset's are left alone.

        Raises IntegrityError when the events contradict each other: one is missing, or they are not the contract's.
        """
        if event == "DatasetLicenseMinted" and args["dataset_id"] == self.dataset_id:
            self._minted(args)
        elif args.get("dataset_id") == self.dataset_id:
            handlers = {"DatasetOpened": self._opened, "MemberAdded": self._added, "MemberLeft": self._left}
            if event == "Collected":
                self._collected(args)
            elif event in handlers:
                handlers[event](args)

    def _opened(self, args: Mapping[str, Any]) -> None:
        read = args["dataset"]
        dataset = Dataset.from_mapping(read) if isinstance(read, Mapping) else Dataset.from_tuple(read)
        if ids.dataset_id(dataset) != self.dataset_id:
            raise IntegrityError("the dataset does not have the id it was opened under; ask another node")
        self.dataset, self.state = dataset, self.dataset_id

    def _added(self, args: Mapping[str, Any]) -> None:
        offer, price, cultural = args["offer_id"], args["price"], args["cultural"]
        member = self.members.setdefault(offer, Member(offer, args["work"], price, cultural))
        self._advance(Action.ADDED, offer, price, cultural, args["state"])
        number, joined = args["spell"], args["joined"]
        if member.is_in or number != len(member.spells) + 1 or joined != self.sales or price != member.price:
            raise IntegrityError(f"the joining of offer 0x{offer.hex()} contradicts what was told before")
        member.cultural = cultural
        member.spells.append(Spell(number, joined))
        self.price += price

    def _left(self, args: Mapping[str, Any]) -> None:
        offer, member = args["offer_id"], self.members.get(args["offer_id"])
        if member is None or not member.is_in or args["left"] != self.sales or args["price"] != member.price:
            raise IntegrityError(f"the leaving of offer 0x{offer.hex()} contradicts what was told before")
        self._advance(Action(args["action"]), offer, member.price, ZERO32, args["state"])
        member.spells[-1] = dataclasses.replace(member.spells[-1], left=args["left"])
        self.price -= member.price

    def _advance(self, action: Action, offer: bytes, price: int, cultural: bytes, told: bytes) -> None:
        self.state = next_state(self.state, action, offer, price, cultural)
        if self.state != told:
            raise IntegrityError("the state does not follow from the changes told; an event is missing or invented")

    def _minted(self, args: Mapping[str, Any]) -> None:
        number = ids.sale_of_license(args["license"])
        if number != self.sales + 1 or args["state"] != self.state or args["price"] != self.price:
            raise IntegrityError(f"sale {number} contradicts what was told before; an event is missing or invented")
        self.sales = number
        self.sold[number] = self.state

    def _collected(self, args: Mapping[str, Any]) -> None:
        for entry in args["settled"]:
            # An offer's id leaves its last four bytes free; here they hold the number of sales.
            offer, sales = entry[:28] + bytes(4), int.from_bytes(entry[28:], "big")
            member = self.members.get(offer)
            if member is None or not 0 < sales <= member.owed(self.sales):
                raise IntegrityError(f"the collection of offer 0x{offer.hex()} contradicts what was told before")
            member.paid += sales


# ---- paying --------------------------------------------------------------------------------------------------------


def plan_collect(history: History, *, held: Collection[int] = (), batch: int = MAX_COLLECT) -> list[list[bytes]]:
    """The ids of all members to whom something is owed, in batches for `collect`.

    held: works on hold; they are left out, because one of them would stop its whole batch. Their money waits. Members
    that sell for nothing are left out as well.
    """
    owed = [
        member.offer
        for member in history.members.values()
        if member.price and member.work not in held and member.owed(history.sales)
    ]
    return batches(owed, batch, MAX_COLLECT)


def batches(items: Sequence[_T], size: int, most: int) -> list[list[_T]]:
    """Cut a list into lists of at most `size`. Raises InputError for a size that the contract would refuse."""
    if not 1 <= size <= most:
        raise InputError(f"a batch of {size} is out of range; it must be from 1 to {most}")
    return [list(items[start : start + size]) for start in range(0, len(items), size)]
