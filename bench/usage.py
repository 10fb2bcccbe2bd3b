# SPDX-License-Identifier: Apache-2.0
"""Usage reports: made, challenged by nobody, and shared out, for measuring.

Whoever is claimed for is real: registered, posted, in the dataset, with a split of its own. The other leaves of a large
tree are digests that no offer has; they are only ever siblings in a proof, where nobody can tell.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from bench import datasets, usd
from bench.datasets import Set
from bench.harness import digest
from bench.operation import Operation
from bench.protocol import DAY, Protocol
from ipto import ids
from ipto.datasets import MAX_ADD, MAX_COLLECT, batches
from ipto.structs import ZERO32, ZERO_ADDRESS, Offer, Share, UsageLeaf, UsageReport
from ipto.sum_tree import Share as Leaf
from ipto.sum_tree import SumTree

LEAVES = 131_072
CLAIMED = 100
_WINDOW = 7 * DAY
_PERIOD = 90 * DAY
_AMOUNT = 1_000


def _members(protocol: Protocol, count: int) -> Set:
    """A dataset whose members each pay a split of their own, and have been paid before."""
    creator, offers = protocol["creator"], []
    for number in range(count):
        people = (creator.address, protocol.chain.account(f"partner {number}").address)
        shares = sorted((Share(ids.address_account(who), 500_000) for who in people), key=lambda share: share.account)
        protocol.vault.send(creator, "declare_split", shares, ZERO_ADDRESS)
        work = protocol.register(payee=ids.split_account(shares, ZERO_ADDRESS))
        offers.append(datasets.offer_of(protocol, work, protocol.usd.address))
    for part in batches(offers, MAX_ADD, MAX_ADD):
        protocol.market.send(creator, "post_many", part)
    dataset = datasets.open_set(protocol, offers[0])
    for part in batches(offers, MAX_ADD, MAX_ADD):
        protocol.datasets.send(datasets.curator(protocol.chain), "add", dataset, part)
    made = Set(dataset, tuple(offers))
    datasets.mint(protocol, made)
    for part in batches(offers, MAX_COLLECT, MAX_COLLECT):
        protocol.datasets.send(protocol["keeper"], "collect", made.id, part)
    return made


def _places(count: int, *, apart: bool) -> tuple[int, ...]:
    """Where in a tree of `count` leaves the members stand: side by side, or as far from each other as they can."""
    return tuple(number * (count // CLAIMED) if apart else count // 3 + number for number in range(CLAIMED))


@functools.lru_cache(maxsize=1)
def _tree(members: tuple[bytes, ...], count: int) -> SumTree:
    """A tree of `count` leaves with the members in both of their places."""
    at = dict(zip(_places(count, apart=True), members, strict=True))
    at |= zip(_places(count, apart=False), members, strict=True)
    return SumTree(
        Leaf(at.get(place) or place.to_bytes(28, "big") + bytes(4), 1, _AMOUNT + place) for place in range(count)
    )


def _report(protocol: Protocol, made: Set, number: int, tree: SumTree) -> int:
    """The licensee reports a period under its first license and pays; what that costs."""
    settlement, licensee = protocol.contracts["UsageSettlement"], protocol["licensee"]
    protocol.usd.send(licensee, "approve", settlement.address, usd.PLENTY)
    protocol.chain.now += _PERIOD
    said = UsageReport(
        license=ids.license_id(made.id, 1),
        model=ZERO32,
        number=number,
        through=protocol.chain.now,
        flags=0,
        total=tree.total,
        root=tree.root,
        manifest=digest("usage manifest"),
    )
    return settlement.gas(licensee, "report_dataset", made.dataset, said)


def report(protocol: Protocol, number: int = 1) -> int:
    """The license's report of that number."""
    made = datasets.filled(protocol, 2, protocol.usd.address)
    datasets.mint(protocol, made)
    tree = SumTree([Leaf(ids.offer_id(offer), 1, usd.PRICE) for offer in made.offers])
    gas = 0
    for each in range(1, number + 1):
        gas = _report(protocol, made, each, tree)
    return gas


def report_one(protocol: Protocol) -> int:
    """The first report under a license of one offer, usage of a registered model."""
    settlement, licensee = protocol.contracts["UsageSettlement"], protocol["licensee"]
    offer = protocol.post(protocol.register(), protocol.usd.address)
    protocol.mint(offer)
    license = ids.license_id(ids.offer_id(offer), 1)
    card = digest("model card")
    settlement.send(licensee, "register_model", licensee.address, card)
    model = settlement.call("model_id", licensee.address, card)
    protocol.usd.send(licensee, "approve", settlement.address, usd.PLENTY)
    tree = SumTree([Leaf(ids.offer_id(offer), 0, usd.PRICE)])
    protocol.chain.now += _PERIOD
    manifest = digest("usage manifest")
    said = UsageReport(license, model, 1, protocol.chain.now, 0, tree.total, tree.root, manifest)
    return settlement.gas(licensee, "report", offer, said)


def _claim(protocol: Protocol, offers: Sequence[Offer], places: Sequence[int], tree: SumTree, license: int) -> int:
    leaves = [UsageLeaf(place, 1, _AMOUNT + place, offer) for place, offer in zip(places, offers, strict=True)]
    market = protocol.datasets.address
    arguments = (market, license, 1, tree.count, leaves, tree.proof(places))
    return protocol.contracts["UsageSettlement"].gas(protocol["keeper"], "claim", *arguments)


def claim(protocol: Protocol, claimed: int = CLAIMED, *, count: int = LEAVES, apart: bool = False) -> int:
    """So many of the members' leaves claimed at once; gas for each leaf."""
    made = _members(protocol, CLAIMED)
    tree = _tree(tuple(ids.offer_id(offer) for offer in made.offers), count)
    protocol.usd.send(protocol["owner"], "mint", protocol["licensee"].address, tree.total)
    _report(protocol, made, 1, tree)
    protocol.chain.now += _WINDOW
    license, places = ids.license_id(made.id, 1), _places(count, apart=apart)[:claimed]
    return _claim(protocol, made.offers[:claimed], places, tree, license) // claimed


PAID = "each to a split of its own that was paid before, in an ERC-20"

OPERATIONS = {
    "report": Operation(
        "report usage of a dataset license", "the license's first report; paid in an ERC-20", report, 170_000
    ),
    "report_repeat": Operation("report usage of a dataset license", "its second report", lambda p: report(p, 2)),
    "report_one": Operation(
        "report usage of a license of one offer", "its first report, of a registered model", report_one, 170_000
    ),
    "claim_100": Operation(
        "claim a leaf of a report",
        f"per leaf, 100 neighbours of 131,072 at once; {PAID}",
        claim,
        60_000,
    ),
    "claim_100_apart": Operation(
        "claim a leaf of a report",
        f"per leaf, 100 of 131,072 at once, 1,310 places apart; {PAID}",
        lambda p: claim(p, apart=True),
    ),
    "claim_1": Operation("claim a leaf of a report", f"one of 131,072 alone; {PAID}", lambda p: claim(p, 1)),
}

CLAIMS = (1, 10, 50, CLAIMED)
"""Leaves in a call for which claiming is measured."""
TREES = (256, 1_024, 16_384, LEAVES)
"""Leaves in a tree for which claiming 100 is measured."""
