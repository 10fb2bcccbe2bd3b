# SPDX-License-Identifier: Apache-2.0
"""The datasets of `ipto.client`: reading one from the chain alone, opening and filling one, paying its members."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ipto import ids
from ipto._logs import Logs, place, topic, word
from ipto.accounts import Signer
from ipto.chain import Contract, Deployment, Receipt
from ipto.datasets import MAX_ADD, MAX_COLLECT, History, batches, plan_collect, select
from ipto.errors import IntegrityError, NotFoundError
from ipto.rpc import Rpc
from ipto.structs import Dataset, Offer

_HELD = 1  # flag of a work
_AT_ONCE = 500  # offers or works asked for in one request


def read_dataset(deployment: Deployment, rpc: Rpc, dataset_id: bytes) -> History:
    """A dataset's whole history from a node's logs, checked against the state on chain: no indexer is asked.

    Raises NotFoundError for a dataset that was not opened, IntegrityError when the node's logs do not give the state
    that the contract has.
    """
    market = deployment.contract("DatasetMarket", rpc)
    logs = Logs(rpc, deployment.block_number)
    subject = word(dataset_id)
    kinds = [topic(market, name) for name in ("DatasetOpened", "MemberAdded", "MemberLeft", "Collected")]
    found = logs.matching(market, [kinds, subject])
    found += logs.matching(market, [topic(market, "DatasetLicenseMinted"), None, None, subject])
    history = History(dataset_id)
    for log in sorted(found, key=place):
        history.apply(log.event, log.args)
    if history.dataset is None:
        raise NotFoundError(f"no dataset 0x{dataset_id.hex()} was opened on chain {deployment.chain_id}")
    state, sales, members, price = market.call("dataset_of", dataset_id)
    if (history.state, history.sales, len(history.current), history.price) != (state, sales, members, price):
        raise IntegrityError("the node's logs of the dataset do not give its state; read again, or ask another node")
    return history


def read_offers(deployment: Deployment, rpc: Rpc, offers: Iterable[bytes]) -> dict[bytes, Offer]:
    """Whole offers by their ids, from a node's logs; an id is the hash of its offer, so they need no trust.

    Raises NotFoundError when the node lacks one.
    """
    market = deployment.contract("LicenseMarket", rpc)
    logs, wanted = Logs(rpc, deployment.block_number), list(dict.fromkeys(offers))
    found: dict[bytes, Offer] = {}
    for part in batches(wanted, _AT_ONCE, _AT_ONCE):
        for log in logs.matching(market, [topic(market, "OfferPosted"), [word(number) for number in part]]):
            offer = Offer.from_mapping(log.args["offer"])
            found[ids.offer_id(offer)] = offer
    if missing := [number for number in wanted if number not in found]:
        raise NotFoundError(f"the node has no log of {len(missing)} offers, 0x{missing[0].hex()} among them")
    return found


def held_works(deployment: Deployment, rpc: Rpc, works: Collection[int]) -> set[int]:
    """Which of these works are on hold now."""
    registry = deployment.contract("WorkRegistry", rpc)
    held: set[int] = set()
    for part in batches(list(works), _AT_ONCE, _AT_ONCE):
        calls = [("eth_call", [_asked(registry, "work_of", work), "latest"]) for work in part]
        decode = registry.abi.function("work_of").decode_output
        answers = [decode(bytes.fromhex(str(raw)[2:])) for raw in rpc.batch(calls)]
        held |= {work for work, answer in zip(part, answers, strict=True) if answer[4] & _HELD}
    return held


def _asked(contract: Contract, function: str, *args: Any) -> dict[str, str]:
    return {"to": contract.address, "data": "0x" + contract.encode(function, *args).hex()}


def live_offers(deployment: Deployment, rpc: Rpc, dataset: Dataset) -> list[Offer]:
    """Every offer on this chain that fits a dataset and is good for it now, from a node's logs, the cheapest first.

    Reads all offers ever posted in the dataset's market: on a chain of millions, ask an indexer instead.
    """
    market = deployment.contract("LicenseMarket", rpc)
    logs = Logs(rpc, deployment.block_number).matching(market, [topic(market, "OfferPosted")])
    fitting = select(dataset, (Offer.from_mapping(log.args["offer"]) for log in logs))
    good: list[Offer] = []
    for part in batches(fitting, _AT_ONCE, _AT_ONCE):
        calls = [("eth_call", [_asked(market, "is_bundle_live", offer), "latest"]) for offer in part]
        good += [offer for offer, raw in zip(part, rpc.batch(calls), strict=True) if int(str(raw), 16)]
    return good


@dataclass(slots=True)
class Collected:
    """What a collection did."""

    amounts: dict[bytes, int] = field(default_factory=dict)  # offer id → smallest unit
    accounts: dict[bytes, int] = field(default_factory=dict)  # vault account → smallest unit
    held: list[int] = field(default_factory=list)  # works whose money waits
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All that was booked to members."""
        return sum(self.amounts.values())


def collect(
    deployment: Deployment,
    rpc: Rpc,
    payer: Signer,
    dataset_id: bytes,
    *,
    offers: Collection[bytes] | None = None,
    batch: int = MAX_COLLECT,
) -> Collected:
    """Settle the members of a dataset, or only `offers`, to the payees of their works. Anyone may; `payer` pays gas.

    Works on hold are left out: their money waits. Owners who mean to transfer a work call this first, because what was
    not collected follows the claim.
    """
    market, vault = deployment.contract("DatasetMarket", rpc), deployment.contract("RoyaltyVault", rpc)
    history = read_dataset(deployment, rpc, dataset_id)
    held = held_works(deployment, rpc, [item.work for item in history.members.values() if item.owed(history.sales)])
    plan = plan_collect(history, held=held, batch=batch)
    if offers is not None:
        chosen = [number for part in plan for number in part if number in offers]
        plan = batches(chosen, batch, MAX_COLLECT)
    whole = read_offers(deployment, rpc, (number for part in plan for number in part))
    done = Collected(held=sorted(held))
    for part in plan:
        receipt = market.send(payer, "collect", dataset_id, [whole[number] for number in part])
        done.receipts.append(receipt)
        told = market.events(receipt, "Collected")
        settled = [entry[:28] + bytes(4) for event in told for entry in event.args["settled"]]
        for number, booked in zip(settled, vault.events(receipt, "Booked"), strict=True):
            account, amount = booked.args["account"], booked.args["amount"]
            done.amounts[number] = done.amounts.get(number, 0) + amount
            done.accounts[account] = done.accounts.get(account, 0) + amount
    return done


def take_out(deployment: Deployment, rpc: Rpc, owner: Signer, dataset_id: bytes, offer: Offer) -> Receipt:
    """Take a work out of a dataset, as its owner, who pays the gas. Sales before that stay, and stay collectable."""
    market = deployment.contract("DatasetMarket", rpc)
    return market.send(owner, "take_out", owner.address, dataset_id, offer)


class Curator:
    """Opens and fills datasets from its own account."""

    def __init__(self, signer: Signer, deployment: Deployment, rpc: Rpc) -> None:
        self.signer, self.deployment, self.rpc = signer, deployment, rpc
        self.market = deployment.contract("DatasetMarket", rpc)

    def open(self, dataset: Dataset) -> Receipt:
        """Open a dataset. Raises RevertedError when it is open already."""
        return self.market.send(self.signer, "open", dataset)

    def add(self, dataset: Dataset, offers: Sequence[Offer], *, batch: int = MAX_ADD) -> list[Receipt]:
        """Add members, at most 50 in one transaction. Raises RevertedError when one offer is not good.

        What earlier transactions added stays; `read_dataset` says which are in.
        """
        parts = batches(list(offers), batch, MAX_ADD)
        return [self.market.send(self.signer, "add", dataset, part) for part in parts]

    def expel_all(self, dataset_id: bytes) -> list[bytes]:
        """Expel every member whose offer is no longer good; their ids. Anyone may; one transaction for each."""
        history = read_dataset(self.deployment, self.rpc, dataset_id)
        licenses = self.deployment.contract("LicenseMarket", self.rpc)
        offers = read_offers(self.deployment, self.rpc, [member.offer for member in history.current])
        gone = [number for number, offer in offers.items() if not licenses.call("is_bundle_live", offer)]
        for number in gone:
            self.market.send(self.signer, "expel", dataset_id, offers[number])
        return gone
