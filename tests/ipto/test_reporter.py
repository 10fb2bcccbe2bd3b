# SPDX-License-Identifier: Apache-2.0
"""Usage reported, paid, claimed and audited from the library, against the real contracts on a chain."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ipto import documents, ids
from ipto._audit import Audit, audit_report
from ipto._reporter import Reporter, claim_shares, find_license, find_report, members_of
from ipto.accounts import LocalSigner
from ipto.chain import Contract, Deployment, RevertedError
from ipto.client import Curator, DatasetLicensee, party_digest
from ipto.content import LocalStore
from ipto.datasets import build_dataset
from ipto.devchain import DevChain
from ipto.errors import InputError, IntegrityError, NotFoundError
from ipto.structs import NEVER, UNLIMITED, WHOLE_END_MS, ZERO32, ZERO_ADDRESS, Dataset, Offer, OfferFlag, WorkInput
from ipto.sum_tree import Share, SumTree
from ipto.usage import Entry

MONTH, WINDOW = 30 * 86_400, 7 * 86_400
CLIP = documents.digest({"clip": 1})


class Desk:
    """Works of several creators in a dataset, a licensee with money, a keeper."""

    def __init__(self, chain: DevChain, deployment: Deployment, folder: Path, works: int) -> None:
        self.chain, self.rpc, self.deployment = chain, chain.rpc, deployment
        self.store = LocalStore(folder / "content")
        self.creators = [LocalSigner.random() for _ in range(works)]
        self.licensee, self.developer, self.keeper = (LocalSigner.random() for _ in range(3))
        for someone in (*self.creators, self.licensee, self.developer, self.keeper):
            chain.set_balance(someone.address, 10**20)
        self.usd = Contract("TestUSD", deployment.address("TestUSD"), chain.rpc)
        for payer in (self.licensee, self.developer):
            self.usd.send(chain.signers[0], "mint", payer.address, 10**12)
        self.offers = [self.post(creator, number) for number, creator in enumerate(self.creators)]
        self.reporter = Reporter(self.licensee, deployment, chain.rpc, self.store)

    def post(self, creator: LocalSigner, number: int) -> Offer:
        registry = self.deployment.contract("WorkRegistry", self.rpc)
        work = WorkInput(documents.digest({"master": number}), CLIP, ZERO32, ZERO32, ZERO_ADDRESS, 1_000, 511)
        registry.send(creator, "register", creator.address, work)
        offer = Offer(
            work=ids.work_id(creator.address, work.content),
            licensor=creator.address,
            usages=1,
            aspects=1,
            forbids=0,
            start_ms=0,
            end_ms=WHOLE_END_MS,
            currency=self.usd.address,
            price=10,
            term=MONTH,
            revenue_share_bps=300,
            unit=0,
            unit_price=0,
            report_every=MONTH,
            after_term=1,
            supply=UNLIMITED,
            licensee=ZERO_ADDRESS,
            opens_at=0,
            closes_at=NEVER,
            flags=OfferFlag.BUNDLE,
            terms=documents.digest({"terms": 1}),
        )
        self.deployment.contract("LicenseMarket", self.rpc).send(creator, "post", offer)
        return offer

    def licensed(self) -> tuple[Dataset, int]:
        curator = Curator(self.keeper, self.deployment, self.rpc)
        dataset = build_dataset(self.offers[0], self.keeper.address)
        curator.open(dataset)
        curator.add(dataset, self.offers)
        buyer = DatasetLicensee(self.licensee, self.deployment, self.rpc)
        license, _ = buyer.mint(buyer.agree(ids.dataset_id(dataset)), party_digest("Example Lab SA")[0])
        return dataset, license

    def single(self) -> int:
        market = self.deployment.contract("LicenseMarket", self.rpc)
        total, _, acknowledged = market.call("quote", self.offers[0])
        self.usd.send(self.licensee, "approve", market.address, total)
        market.send(self.licensee, "mint", self.offers[0], self.licensee.address, ZERO32, total, acknowledged)
        return ids.license_id(ids.offer_id(self.offers[0]), 1)

    def entries(self, *weights: int, spell: int = 1) -> list[Entry]:
        pairs = zip(self.offers, weights, strict=True)
        return [Entry(ids.offer_id(offer), offer.work, CLIP, weight, spell=spell) for offer, weight in pairs]

    def wait(self, seconds: int) -> None:
        self.rpc.call("evm_increaseTime", seconds)
        self.rpc.call("evm_mine")

    def earned(self, creator: LocalSigner) -> int:
        vault = self.deployment.contract("RoyaltyVault", self.rpc)
        return int(vault.call("balance_of", ids.address_account(creator.address), self.usd.address))

    def claim(self, report: bytes, **options: Any) -> Any:
        return claim_shares(self.deployment, self.rpc, self.keeper, report, self.store, **options)

    def audit(self, report: bytes) -> Audit:
        return audit_report(self.deployment, self.rpc, report, self.store)


@pytest.fixture
def desk(chain: DevChain, deployment: Deployment, tmp_path: Path) -> Desk:
    return Desk(chain, deployment, tmp_path, works=3)


def test_a_dataset_license_from_manifest_to_payees(desk: Desk) -> None:
    dataset, license = desk.licensed()
    found = find_license(desk.deployment, desk.rpc, license)
    assert (found.market, found.terms) == ("DatasetMarket", dataset)
    covered = members_of(desk.deployment, desk.rpc, found)
    assert {(member.offer, spell) for member, spell in covered} == {(ids.offer_id(offer), 1) for offer in desk.offers}
    desk.wait(MONTH)
    prepared = desk.reporter.prepare(license, desk.entries(5, 3, 0), 1_001, note="output seconds")
    assert [share.amount for share in prepared.manifest.shares()] in ([626, 375], [375, 626])
    report, _ = desk.reporter.submit(prepared)
    assert int(desk.usd.call("allowance", desk.licensee.address, desk.reporter.settlement.address)) == 0
    audit = desk.audit(report)
    assert audit.holds, audit.checks
    assert audit.flags == []
    with pytest.raises(RevertedError, match="challenge window open"):
        desk.claim(report)
    desk.wait(WINDOW)
    seen: list[tuple[int, int]] = []
    done = desk.claim(report, batch=1, watch=lambda finished, all_: seen.append((finished, all_)))
    assert seen == [(1, 2), (2, 2)]
    assert (done.paid, done.waiting, len(done.receipts)) == (1_001, 0, 2)
    assert [desk.earned(creator) for creator in desk.creators] == [626, 375, 0]
    assert sum(done.accounts.values()) == sum(done.works.values()) == 1_001
    again = desk.claim(report)
    assert (again.paid, again.receipts) == (0, [])


def test_only_ones_own_share(desk: Desk) -> None:
    _, license = desk.licensed()
    desk.wait(MONTH)
    report, _ = desk.reporter.submit(desk.reporter.prepare(license, desk.entries(1, 1, 2), 400))
    desk.wait(WINDOW)
    assert desk.claim(report, only={ids.offer_id(desk.offers[2])}).paid == 200
    assert [desk.earned(creator) for creator in desk.creators] == [0, 0, 200]
    assert desk.claim(report).paid == 200


def test_a_license_of_one_offer_for_a_model(desk: Desk) -> None:
    """A developer registers the model, is authorised, commits to what it was trained on, signs; the keeper submits."""
    license = desk.single()
    found = find_license(desk.deployment, desk.rpc, license)
    developer = Reporter(desk.developer, desk.deployment, desk.rpc, desk.store)
    model = developer.register_model(documents.digest({"card": 1}))
    desk.reporter.authorize(found, desk.developer.address)
    desk.wait(MONTH)
    entries = [Entry(ids.offer_id(desk.offers[0]), desk.offers[0].work, CLIP, 7, epochs=3)]
    prepared = developer.prepare(license, entries, 500, model=model, final=True)
    developer.commit_manifest(model, prepared.manifest)
    payment = developer.sign(prepared, seconds=100 * 86_400)
    keeper = Reporter(desk.keeper, desk.deployment, desk.rpc, desk.store)
    report, _ = keeper.submit_signed(prepared, payment)
    made = find_report(desk.deployment, desk.rpc, report).made.args
    assert (made["reporter"], made["model"]) == (desk.developer.address, model)
    audit = desk.audit(report)
    assert audit.holds, audit.checks
    assert audit.flags == ["final"]
    desk.wait(30 * 86_400)
    assert desk.claim(report).paid == 500
    assert desk.earned(desk.creators[0]) == 10 + 500


def test_a_report_of_nothing(desk: Desk) -> None:
    license = desk.single()
    desk.wait(MONTH)
    report, _ = desk.reporter.submit(desk.reporter.prepare(license, [], 0))
    assert desk.audit(report).holds
    assert desk.claim(report).receipts == []


def test_a_work_that_somebody_else_is_paid_for(desk: Desk) -> None:
    """An entry that names the wrong work, and a share the license does not cover: both are found before claims open."""
    license = desk.single()
    desk.wait(MONTH)
    stranger = desk.offers[1]
    entries = [
        Entry(ids.offer_id(desk.offers[0]), stranger.work, CLIP, 1),
        Entry(ids.offer_id(stranger), stranger.work, CLIP, 1),
    ]
    report, _ = desk.reporter.submit(desk.reporter.prepare(license, entries, 100))
    failed = {check.name: check.detail for check in desk.audit(report).checks if not check.holds}
    assert failed == {
        "the license covers every share": "1 shares of 50 units can never be claimed",
        "every entry names its work": "2 do not fit",
    }


def test_a_root_that_is_not_the_manifests(desk: Desk) -> None:
    license = desk.single()
    desk.wait(MONTH)
    entries = [Entry(ids.offer_id(desk.offers[0]), desk.offers[0].work, CLIP, 1)]
    prepared = desk.reporter.prepare(license, entries, 100)
    other = SumTree([Share(ids.offer_id(desk.offers[0]), 0, 60), Share(ids.offer_id(desk.offers[0]), 0, 40)])
    false = dataclasses.replace(prepared, report=dataclasses.replace(prepared.report, root=other.root))
    report, _ = desk.reporter.submit(false)
    audit = desk.audit(report)
    assert [check.name for check in audit.checks if not check.holds] == ["the shares follow from the manifest"]
    desk.wait(WINDOW)
    with pytest.raises(IntegrityError, match="do not make the report's tree"):
        desk.claim(report)
    known = [Share(ids.offer_id(desk.offers[0]), 0, amount) for amount in (60, 40)]
    assert desk.claim(report, shares=known).paid == 100


def test_a_manifest_about_something_else(desk: Desk) -> None:
    license = desk.single()
    desk.wait(MONTH)
    entries = [Entry(ids.offer_id(desk.offers[0]), desk.offers[0].work, CLIP, 1)]
    prepared = desk.reporter.prepare(license, entries, 100)
    desk.wait(10)
    later = desk.reporter.prepare(license, entries, 100)
    report, _ = desk.reporter.submit(
        dataclasses.replace(later, report=dataclasses.replace(later.report, manifest=prepared.manifest.digest))
    )
    failed = [check for check in desk.audit(report).checks if not check.holds]
    assert [check.name for check in failed] == ["the manifest says what the chain says"]
    assert failed[0].detail.startswith("end: ")


def test_a_withheld_manifest(desk: Desk, tmp_path: Path) -> None:
    license = desk.single()
    desk.wait(MONTH)
    entries = [Entry(ids.offer_id(desk.offers[0]), desk.offers[0].work, CLIP, 1)]
    report, _ = desk.reporter.submit(desk.reporter.prepare(license, entries, 100))
    desk.store = LocalStore(tmp_path / "elsewhere")
    audit = desk.audit(report)
    assert [(check.name, check.holds) for check in audit.checks] == [("the manifest is published", False)]


def test_what_is_not_there(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="no report"):
        find_report(desk.deployment, desk.rpc, CLIP)
    with pytest.raises(NotFoundError, match="no offer and no dataset"):
        find_license(desk.deployment, desk.rpc, ids.license_id(CLIP[:28] + bytes(4), 1))


def test_who_cannot_pay(desk: Desk) -> None:
    license = desk.single()
    desk.wait(MONTH)
    entries = [Entry(ids.offer_id(desk.offers[0]), desk.offers[0].work, CLIP, 1)]
    with pytest.raises(InputError, match="send it some first"):
        desk.reporter.submit(desk.reporter.prepare(license, entries, 10**13))
