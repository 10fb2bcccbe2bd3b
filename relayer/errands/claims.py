# SPDX-License-Identifier: Apache-2.0
"""Shares of usage reports: once a report can be challenged no more, its tree is made anew from the manifest, and
everybody's share is proven and paid, a hundred in a transaction."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from ipto.chain import abi
from ipto.content import ContentStore
from ipto.errors import IptoError
from ipto.structs import UsageLeaf, checksum_address
from ipto.sum_tree import Share, SumTree
from ipto.usage import read_manifest
from relayer.errands.accounts import Asked
from relayer.errands.desk import Need, Turn
from relayer.errands.sight import Candidate, Option, Sight
from relayer.errands.worth import Worth

log = logging.getLogger("relayer.errands.claims")

GROUP = 100  # leaves in one call
MAX_PROOF = 1_280  # nodes in one call
LEAST_GAS = 100_000
LEAF_GAS = 40_000  # of one more leaf
_TREES = 4  # kept in memory
_DONE = 100_000  # groups remembered as paid


class Tree(NamedTuple):
    """A report's tree and its leaves."""

    tree: SumTree
    shares: list[Share]


class Trees:
    """The trees of reports, from their manifests; a manifest that does not give the report's root is told once."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store
        self._kept: OrderedDict[tuple[str, str], Tree] = OrderedDict()
        self.wrong: dict[str, str] = {}  # report → why nobody can be paid from it here
        self.done: OrderedDict[tuple[str, str, int], None] = OrderedDict()

    async def of(self, report: Mapping[str, Any], root: bytes, total: int) -> Tree | None:
        """The tree with this root and sum; None when there is none to be had."""
        name = report["id"], root.hex()
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        try:
            found = await asyncio.to_thread(self._build, bytes.fromhex((report["manifest"] or "0x")[2:]))
            if (found.tree.root, found.tree.total) != (root, total):
                raise IptoError("its manifest does not give its root: it is false, or a ruling set another")
        except IptoError as error:
            if self.wrong.get(report["id"]) != str(error):
                log.warning("report %s: %s", report["id"], error)
            self.wrong[report["id"]] = str(error)
            return None
        self.wrong.pop(report["id"], None)
        self._kept[name] = found
        if len(self._kept) > _TREES:
            self._kept.popitem(last=False)
        return found

    def _build(self, manifest: bytes) -> Tree:
        shares = read_manifest(manifest, self._store.get_document).shares()
        return Tree(SumTree(shares), shares)

    def finish(self, report: str, root: str, group: int) -> None:
        """Nothing is left to pay in a group."""
        self.done[report, root, group] = None
        if len(self.done) > _DONE:
            self.done.popitem(last=False)


async def claim_needs(sight: Sight, trees: Trees, asked: Asked) -> AsyncIterator[Candidate]:
    """Groups of leaves that may be unpaid. asked: (report, offer) → the number of the request for it."""
    if not sight.has("UsageSettlement"):
        return
    async for report in sight.items("reports", state="claimable", limit=100, order="oldest"):
        if int(report["paid"]["amount"]) >= int(report["total"]["amount"]):
            continue
        key = bytes.fromhex(report["id"][2:])
        total, paid, opens_at, _, root = await sight.view("UsageSettlement", "report_of", key)
        # Held reports have here the seconds their window had left, which is long ago: the simulation refuses them.
        if not any(root) or paid >= total or opens_at > await sight.time():
            continue
        tree = await trees.of(report, root, total)
        if tree is None:
            continue
        currency = checksum_address(report["total"]["currency"])
        for start in range(0, len(tree.shares), GROUP):
            if (report["id"], root.hex(), start) in trees.done:
                continue
            group = range(start, min(start + GROUP, len(tree.shares)))
            amount = sum(tree.shares[place].amount for place in group)
            offers = {"0x" + tree.shares[place].offer_id.hex() for place in group} if asked else set()
            numbers = [asked[report["id"], offer] for offer in offers if (report["id"], offer) in asked]
            need = Need(f"{report['id']} leaves {start}", root.hex(), max(numbers) if numbers else None)
            yield Candidate(need, currency, amount, LEAST_GAS, _walk(sight, trees, report, tree, group, asked))


def _walk(sight: Sight, trees: Trees, report: Mapping[str, Any], tree: Tree, group: range, asked: Asked) -> Any:
    async def walk(turn: Turn, worth: Worth) -> AsyncIterator[Option]:
        key, currency = bytes.fromhex(report["id"][2:]), checksum_address(report["total"]["currency"])
        claimed = await sight.views([sight.view("UsageSettlement", "is_claimed", key, place) for place in group])
        left = [place for place, done in zip(group, claimed, strict=True) if not done and tree.shares[place].amount]
        if not left:
            trees.finish(report["id"], turn.need.marker, group.start)
        wanted = {
            place for place in left if turn.is_new(asked.get((report["id"], "0x" + tree.shares[place].offer_id.hex())))
        }
        worthy = [place for place in left if worth.pays(tree.shares[place].amount, currency, LEAF_GAS, marginal=True)]
        # First what was asked for: it is left out last when the proof is too long.
        due = [*sorted(wanted), *(place for place in worthy if place not in wanted)]
        if due:
            yield await _claim(sight, report, tree, due)

    return walk


async def _claim(sight: Sight, report: Mapping[str, Any], tree: Tree, places: list[int]) -> Option:
    proof = tree.tree.proof(sorted(places))
    while len(proof) > MAX_PROOF:
        places = places[: len(places) // 2]
        proof = tree.tree.proof(sorted(places))
    leaves = []
    for place in sorted(places):
        share = tree.shares[place]
        leaves.append(UsageLeaf(place, share.spell, share.amount, await sight.offer("0x" + share.offer_id.hex())))
    data = (
        abi("UsageSettlement")
        .function("claim")
        .encode(report["market"], int(report["license"]), report["number"], tree.tree.count, leaves, proof)
    )
    return Option("ClaimShares", sight.deployment.address("UsageSettlement"), data)
