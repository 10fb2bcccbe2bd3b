# SPDX-License-Identifier: Apache-2.0
"""UsageSettlement beside the rest of the system, and the steps its tests are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import boa

from ipto import ids
from ipto.structs import ETH, ZERO32, Dataset, Offer, SumNode, UsageLeaf, UsageReport
from ipto.sum_tree import Share, SumTree
from tests.contracts.support import datasets
from tests.contracts.support.build import authorization, buy, digest, on_sale, word_of
from tests.contracts.support.contract import Contract, build, deploy, mapping_slot
from tests.contracts.support.system import CONTRACTS, Actor, System, now, travel

DAY = 86_400
MONTH = 30 * DAY
WINDOW, FINAL_WINDOW, GRACE = 7 * DAY, 30 * DAY, 14 * DAY
MANIFEST = digest("usage manifest")

FINAL, LATE, SUPPLEMENT, HELD, VOID, CORRECTED, RESTATED = (1 << bit for bit in range(7))


@dataclass
class Usage:
    """The settlement contract, a model, and the account that stands for dispute resolution."""

    system: System
    disputes: Actor = field(default_factory=lambda: Actor.named("disputes"))
    developer: Actor = field(default_factory=lambda: Actor.named("developer"))

    def __post_init__(self) -> None:
        system = self.system
        self.contract: Contract = deploy(
            CONTRACTS / "UsageSettlement.vy",
            system.vault.address,
            system.registry.address,
            system.signed.address,
            self.disputes,
            system.market.address,
            system.datasets.address,
        )
        self.market, self.datasets = system.market.address, system.datasets.address
        self.model: bytes = self.contract.register_model(self.developer, digest("card"), sender=self.developer)

    # ---- licenses

    def sell(self, **changes: Any) -> tuple[Offer, int]:
        """An offer that shares revenue, in ETH unless told otherwise, and a license of it."""
        offer = on_sale(self.system, **{"revenue_share_bps": 300, "report_every": MONTH, **changes})
        return offer, buy(self.system, offer)

    def sell_dataset(self, count: int = 3, **changes: Any) -> tuple[Dataset, list[Offer], int]:
        """A dataset of so many works by as many creators that shares revenue, and a license of it."""
        terms = {"revenue_share_bps": 300, "report_every": MONTH, "currency": ETH, **changes}
        dataset = datasets.opened(self.system, **terms)
        offers = [self.member_offer(dataset, number) for number in range(count)]
        datasets.joined(self.system, dataset, *offers)
        return dataset, offers, datasets.buy(self.system, dataset)

    def member_offer(self, dataset: Dataset, number: int) -> Offer:
        """An offer that fits a dataset, of a work of a creator of its own."""
        equal = ("currency", "revenue_share_bps", "report_every")
        creator = Actor.named(f"creator {number}")
        return datasets.member(self.system, creator, price=10, **{name: getattr(dataset, name) for name in equal})

    # ---- reports

    def reported(self, license: int, **changes: Any) -> UsageReport:
        """A report that pays 1,000 for all usage until now, shared by one leaf of the license's own offer."""
        market = changes.pop("market", self.market)
        base: dict[str, Any] = {
            "license": license,
            "model": self.model,
            "number": self.contract.ledger_of(market, license)[1] + 1,
            "through": now(),
            "flags": 0,
            "total": 1_000,
            "manifest": MANIFEST,
        }
        base |= changes
        if "root" not in base:
            share = Share(ids.offer_of_license(license), 0, base["total"])
            base["root"] = SumTree([share]).root if base["total"] else ZERO32
        return UsageReport(**base)

    def report(
        self, terms: Offer | Dataset, usage: UsageReport, by: str | None = None, value: int | None = None
    ) -> bytes:
        """Report and pay."""
        by = by or self.system.licensee
        if terms.currency != ETH and value is None:
            token = Contract(terms.currency, self.system.usd.abi)
            self.system.fund(token, by, usage.total, self.contract.address)
        value = (usage.total if terms.currency == ETH else 0) if value is None else value
        name = "report" if isinstance(terms, Offer) else "report_dataset"
        result: bytes = getattr(self.contract, name)(terms, usage, sender=by, value=value)
        return result

    def made(self, **changes: Any) -> tuple[Offer, int, bytes]:
        """A license used for a month, and a report on it; no claim can be made yet."""
        fields = {name: changes.pop(name) for name in list(changes) if name in UsageReport.__dataclass_fields__}
        offer, license = self.sell(**changes)
        travel(MONTH)
        return offer, license, self.report(offer, self.reported(license, **fields))

    def authorize(self, payer: Actor, currency: str, usage: UsageReport, **changes: Any) -> Any:
        """The payer's EIP-3009 authorization for one report."""
        nonce = ids.authorization_nonce(self.contract.address, self.contract.order_hash(usage))
        to, value = changes.get("to", self.system.vault.address), changes.get("value", usage.total)
        return authorization(currency, payer, to, value, nonce)

    # ---- claims

    def leaf(self, offer: Offer, amount: int = 1_000, index: int = 0, spell: int = 0) -> UsageLeaf:
        """One leaf as claimed."""
        return UsageLeaf(index, spell, amount, offer)

    def claim(
        self,
        license: int,
        leaves: Sequence[UsageLeaf],
        proof: Sequence[SumNode] = (),
        count: int = 1,
        number: int = 1,
        market: str | None = None,
    ) -> int:
        """Claim, as anyone."""
        result: int = self.contract.claim(
            market or self.market, license, number, count, list(leaves), list(proof), sender=self.system.keeper
        )
        return result

    def held_by(self, report: bytes, currency: str = ETH) -> int:
        """What is left of a report's money."""
        account = ids.sub_account(self.contract.address, report)
        return int(self.system.vault.balance_of(account, currency))

    def hold(self, report: bytes, held: bool = True) -> None:
        """A challenge begins or ends."""
        self.contract.hold_report(report, held, sender=self.disputes)

    def void(self, report: bytes, root: bytes = ZERO32) -> None:
        """A ruling."""
        self.contract.void_report(report, root, sender=self.disputes)


def after_window() -> None:
    """Let an ordinary report's challenge window pass."""
    travel(WINDOW)


def release(system: System, work: int) -> None:
    """Take a work off hold."""
    slot = mapping_slot(build(CONTRACTS / "WorkRegistry.vy").slots["erc721.words"], work)
    word = word_of(system.registry, "WorkRegistry", work)
    boa.env.set_storage(system.registry.address, slot, word & ~(1 << 248))
