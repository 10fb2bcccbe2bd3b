# SPDX-License-Identifier: Apache-2.0
"""report_dataset: one report for all works of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import boa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.structs import ETH, Dataset, Offer, UsageLeaf
from ipto.sum_tree import Share, SumTree
from ipto.usage import Entry, shares
from tests.contracts.support import datasets
from tests.contracts.support.build import account, digest, hold
from tests.contracts.support.contract import reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import Actor, balance, now, travel
from tests.contracts.support.usage import GRACE, MONTH, Usage, after_window, release


def tree_of(offers: Sequence[Offer], amounts: Sequence[int], spell: int = 1) -> SumTree:
    return SumTree(Share(ids.offer_id(offer), spell, amount) for offer, amount in zip(offers, amounts, strict=True))


def leaves_of(usage: Usage, offers: Sequence[Offer], amounts: Sequence[int]) -> list[UsageLeaf]:
    pairs = zip(offers, amounts, strict=True)
    return [usage.leaf(offer, amount, place, 1) for place, (offer, amount) in enumerate(pairs)]


def reported(usage: Usage, dataset: Dataset, license: int, tree: SumTree) -> bytes:
    travel(MONTH)
    said = usage.reported(license, market=usage.datasets, total=tree.total, root=tree.root)
    report = usage.report(dataset, said)
    after_window()
    return report


def earned(usage: Usage, offer: Offer, currency: str = ETH) -> int:
    return int(usage.system.vault.balance_of(account(offer.licensor), currency))


def test_one_root_pays_every_member(usage: Usage) -> None:
    dataset, offers, license = usage.sell_dataset()
    tree = tree_of(offers, [500, 300, 200])
    report = reported(usage, dataset, license, tree)
    (event,) = usage.contract.events("UsageReported")
    assert (event["market"], event["license"], event["total"]) == (usage.datasets, license, 1_000)
    leaves = leaves_of(usage, offers, [500, 300, 200])
    assert usage.claim(license, leaves, [], 3, market=usage.datasets) == 1_000
    assert [earned(usage, offer) for offer in offers] == [500, 300, 200]
    assert usage.held_by(report) == 0


def test_the_dataset_must_be_the_licenses(usage: Usage) -> None:
    dataset, _, license = usage.sell_dataset(1)
    travel(MONTH)
    said = usage.reported(license, market=usage.datasets)
    proof = usage.authorize(usage.system.licensee, usage.system.usd.address, said)
    for wrong in (replace(dataset, report_every=1), replace(dataset, currency=usage.system.usd.address)):
        with reverts("usage: not the license's dataset"):
            usage.report(wrong, said)
        with reverts("usage: not the license's dataset"):
            usage.contract.report_dataset_with_authorization(wrong, said, proof)
        for view in (usage.contract.due_at_dataset, usage.contract.in_good_standing_dataset):
            with reverts("usage: not the license's dataset"):
                view(license, wrong)


def test_a_license_of_the_other_market_is_none_here(usage: Usage) -> None:
    """Numbers of the two markets are hashes of different structures: no offer passes for a dataset."""
    offer, license = usage.sell()
    dataset, _, bundled = usage.sell_dataset(1)
    with reverts("usage: not the license's dataset"):
        usage.report(dataset, usage.reported(license))
    with reverts("usage: not the license's offer"):
        usage.report(offer, usage.reported(bundled))


def test_by_whom(usage: Usage) -> None:
    dataset, _, license = usage.sell_dataset(1)
    travel(MONTH)
    licensee, developer = usage.system.licensee, usage.developer
    said = usage.reported(license, market=usage.datasets)
    for stranger in (usage.system.thief, dataset.curator, developer):
        with reverts("usage: not a reporter"):
            usage.report(dataset, said, by=stranger)
    usage.contract.authorize(licensee, usage.datasets, license, developer, True, sender=licensee)
    usage.report(dataset, said, by=developer)


def test_by_a_signed_payment(usage: Usage) -> None:
    token, licensee = usage.system.usd, usage.system.licensee
    dataset, offers, license = usage.sell_dataset(2, currency=token.address)
    travel(MONTH)
    tree = tree_of(offers, [600, 400])
    said = usage.reported(license, market=usage.datasets, root=tree.root)
    token.mint(licensee, 1_000)
    proof = usage.authorize(licensee, token.address, said)
    before = balance(token.address, licensee)
    report = usage.contract.report_dataset_with_authorization(dataset, said, proof, sender=usage.system.relayer)
    assert before - balance(token.address, licensee) == 1_000
    after_window()
    leaves = [usage.leaf(offers[0], 600, 0, 1), usage.leaf(offers[1], 400, 1, 1)]
    usage.claim(license, leaves, [], 2, market=usage.datasets)
    assert [earned(usage, offer, token.address) for offer in offers] == [600, 400]
    assert usage.held_by(report, token.address) == 0


def test_duties_of_a_dataset_license(usage: Usage) -> None:
    dataset, _, license = usage.sell_dataset(1)
    assert usage.contract.due_at_dataset(license, dataset) == (now() + MONTH + GRACE, 0)
    travel(3 * MONTH + GRACE)
    assert usage.contract.due_at_dataset(license, dataset)[1] == 2
    assert not usage.contract.in_good_standing_dataset(license, dataset)
    usage.report(dataset, usage.reported(license, market=usage.datasets))
    assert usage.contract.in_good_standing_dataset(license, dataset)


def test_a_flat_dataset_owes_no_reports(usage: Usage) -> None:
    dataset, _, license = usage.sell_dataset(1, revenue_share_bps=0, report_every=0)
    with reverts("usage: license owes no reports"):
        usage.report(dataset, usage.reported(license, market=usage.datasets))


# ---- who is covered


def test_members_of_later_are_not_covered(usage: Usage) -> None:
    dataset, offers, license = usage.sell_dataset(1)
    late = usage.member_offer(dataset, 7)
    datasets.joined(usage.system, dataset, late)
    tree = tree_of([offers[0], late], [600, 400])
    reported(usage, dataset, license, tree)
    with reverts("usage: license does not cover a leaf"):
        usage.claim(license, [usage.leaf(late, 400, 1, 1)], tree.proof([1]), 2, market=usage.datasets)
    first = [usage.leaf(offers[0], 600, 0, 1)]
    assert usage.claim(license, first, tree.proof([0]), 2, market=usage.datasets) == 600


def test_whoever_left_is_still_paid_for_what_was_sold(usage: Usage) -> None:
    dataset, offers, license = usage.sell_dataset(2)
    gone = offers[0]
    usage.system.datasets.take_out(gone.licensor, ids.dataset_id(dataset), gone, sender=gone.licensor)
    tree = tree_of(offers, [600, 400])
    reported(usage, dataset, license, tree)
    assert usage.claim(license, [usage.leaf(gone, 600, 0, 1)], tree.proof([0]), 2, market=usage.datasets) == 600


@pytest.mark.parametrize(("spell", "is_covered"), [(0, False), (1, True), (2, False), (3, False)])
def test_the_spell_it_was_sold_in(usage: Usage, spell: int, is_covered: bool) -> None:
    """Sold in the first stay; the member left and came back: only that stay is paid for."""
    dataset, offers, license = usage.sell_dataset(1)
    offer = offers[0]
    usage.system.datasets.take_out(offer.licensor, ids.dataset_id(dataset), offer, sender=offer.licensor)
    datasets.joined(usage.system, dataset, offer)
    datasets.buy(usage.system, dataset)
    tree = tree_of(offers, [1_000], spell)
    reported(usage, dataset, license, tree)
    leaf = usage.leaf(offer, 1_000, 0, spell)
    if is_covered:
        assert usage.claim(license, [leaf], [], 1, market=usage.datasets) == 1_000
        return
    with reverts("usage: license does not cover a leaf"):
        usage.claim(license, [leaf], [], 1, market=usage.datasets)


def test_a_stranger_is_not_covered(usage: Usage) -> None:
    dataset, _, license = usage.sell_dataset(1)
    stranger, _ = usage.sell()
    tree = tree_of([stranger], [1_000], 0)
    reported(usage, dataset, license, tree)
    with reverts("usage: license does not cover a leaf"):
        usage.claim(license, [usage.leaf(stranger)], [], 1, market=usage.datasets)


def test_one_held_work_stops_nobody_else(usage: Usage) -> None:
    dataset, offers, license = usage.sell_dataset(3)
    amounts = [500, 300, 200]
    report = reported(usage, dataset, license, tree_of(offers, amounts))
    hold(usage.system, offers[1].work)
    leaves = leaves_of(usage, offers, amounts)
    assert usage.claim(license, leaves, [], 3, market=usage.datasets) == 700
    assert usage.held_by(report) == 300
    release(usage.system, offers[1].work)
    assert usage.claim(license, leaves, [], 3, market=usage.datasets) == 300
    assert [earned(usage, offer) for offer in offers] == amounts


def test_a_hundred_leaves_of_as_many_payees(usage: Usage) -> None:
    """More than one booking of the vault; and works of one creator side by side are booked as one."""
    dataset = datasets.opened(usage.system, revenue_share_bps=300, report_every=MONTH)
    offers = [usage.member_offer(dataset, number // 2 if number > 80 else number) for number in range(100)]
    for start in (0, 50):
        datasets.joined(usage.system, dataset, *offers[start : start + 50])
    license = datasets.buy(usage.system, dataset)
    amounts = [1_000 + place for place in range(100)]
    report = reported(usage, dataset, license, tree_of(offers, amounts))
    leaves = leaves_of(usage, offers, amounts)
    assert usage.claim(license, leaves, [], 100, market=usage.datasets) == sum(amounts)
    assert len(usage.contract.events("UsagePaid")) == 100
    expected: dict[str, int] = {}
    for offer, amount in zip(offers, amounts, strict=True):
        expected[offer.licensor] = expected.get(offer.licensor, 0) + amount
    for who, amount in expected.items():
        assert usage.system.vault.balance_of(account(who), ETH) == amount
    assert usage.held_by(report) == 0


# ---- from manifest to payee


@given(
    weights=st.lists(st.integers(0, 1_000), min_size=1, max_size=8).filter(any),
    total=st.integers(1, 10**20),
    held=st.integers(0, 7),
)
@effort(12)
def test_from_weights_to_payees_to_the_last_unit(usage: Usage, weights: list[int], total: int, held: int) -> None:
    """What the library works out of a manifest is what the contract pays."""
    with boa.env.anchor():
        dataset, offers, license = usage.sell_dataset(len(weights))
        entries = [
            Entry(ids.offer_id(offer), offer.work, digest(), weight, spell=1)
            for offer, weight in zip(offers, weights, strict=True)
        ]
        named = shares(entries, total)
        by_id = {ids.offer_id(offer): offer for offer in offers}
        tree = SumTree(named)
        report = reported(usage, dataset, license, tree)
        on_hold = offers[held % len(offers)]
        hold(usage.system, on_hold.work)
        leaves = [
            usage.leaf(by_id[share.offer_id], share.amount, place, share.spell) for place, share in enumerate(named)
        ]
        usage.claim(license, leaves, [], tree.count, market=usage.datasets)
        waiting = sum(share.amount for share in named if share.offer_id == ids.offer_id(on_hold))
        assert usage.held_by(report) == waiting
        release(usage.system, on_hold.work)
        usage.claim(license, leaves, [], tree.count, market=usage.datasets)
        assert usage.held_by(report) == 0
        assert sum(earned(usage, offer) for offer in offers) == total
        whole = sum(weights)
        for offer, weight in zip(offers, weights, strict=True):
            assert 0 <= earned(usage, offer) - total * weight // whole <= 1
    assert Actor.named("creator 0") == offers[0].licensor
