# SPDX-License-Identifier: Apache-2.0
"""Income of datasets: members are settled in groups of at most 64, so that a sale reaches every split it belongs to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from ipto.chain import abi
from ipto.structs import checksum_address
from relayer.errands.accounts import Asked
from relayer.errands.desk import Need, Turn
from relayer.errands.sight import Candidate, Option, Sight
from relayer.errands.worth import Worth

GROUP = 64  # members in one call
LEAST_GAS = 90_000
MEMBER_GAS = 35_000  # of one more member


async def collect_needs(sight: Sight, asked: Asked) -> AsyncIterator[Candidate]:
    """Members of datasets that may be owed something. asked: (dataset, offer) → the number of the request for it."""
    if not sight.has("DatasetMarket"):
        return
    async for dataset in sight.items("datasets", limit=100, order="oldest"):
        owed = int(dataset["earned"]["amount"]) - int(dataset["collected"]["amount"])
        if owed <= 0:
            continue
        # By their first joining, which never changes: a group is the same whoever looks.
        offers: dict[str, str] = {}
        async for member in sight.items(f"datasets/{dataset['id']}/members", limit=100, order="oldest"):
            offers.setdefault(member["offer"], member["work_hex"])
        names = list(offers)
        for start in range(0, len(names), GROUP):
            group = {name: offers[name] for name in names[start : start + GROUP]}
            numbers = [asked[dataset["id"], name] for name in group if (dataset["id"], name) in asked]
            # A sale makes a new need of every group.
            need = Need(f"{dataset['id']} members {start}", str(dataset["sales"]), max(numbers) if numbers else None)
            currency = checksum_address(dataset["earned"]["currency"])
            yield Candidate(need, currency, owed, LEAST_GAS, _walk(sight, dataset["id"], group, asked))


def _walk(sight: Sight, dataset: str, group: dict[str, str], asked: Asked) -> Any:
    async def walk(turn: Turn, worth: Worth) -> AsyncIterator[Option]:
        names = list(group)
        key = bytes.fromhex(dataset[2:])
        members = await sight.views(
            [sight.view("DatasetMarket", "member_of", key, bytes.fromhex(name[2:])) for name in names]
        )
        due: list[tuple[str, Any, int]] = []
        for name, (_, _, sales) in zip(names, members, strict=True):
            if sales:
                offer = await sight.offer(name)
                amount = sales * offer.price
                wanted = turn.is_new(asked.get((dataset, name)))
                if wanted or worth.pays(amount, offer.currency, MEMBER_GAS, marginal=True):
                    due.append((name, offer, amount))
        if not due:
            return
        yield _collect(sight, key, due)
        # A single work on hold makes the call fail: its money waits, the others' does not.
        free = [item for item in due if not (await sight.ask(f"works/{group[item[0]]}"))["held"]]
        if free and len(free) < len(due):
            yield _collect(sight, key, free)

    return walk


def _collect(sight: Sight, dataset: bytes, due: Sequence[tuple[str, Any, int]]) -> Option:
    data = abi("DatasetMarket").function("collect").encode(dataset, [offer for _, offer, _ in due])
    return Option("Collect", sight.deployment.address("DatasetMarket"), data, sum(amount for _, _, amount in due))
