# SPDX-License-Identifier: Apache-2.0
"""claim under a license of one offer: exactly once, exactly as the tree says, never more than the report brought."""

from dataclasses import replace

import pytest

from ipto import ids, sum_tree
from ipto.structs import ETH, ZERO32, Offer, SumNode
from ipto.sum_tree import Share, SumTree
from tests.contracts.support.build import (
    account,
    buy,
    declare,
    digest,
    even_split,
    hold,
    on_sale,
    post,
    put_flag,
    register,
)
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.system import balance, travel
from tests.contracts.support.usage import HELD, MONTH, VOID, Usage, after_window, release


def shares(offer: Offer, *amounts: int) -> list[Share]:
    return [Share(ids.offer_id(offer), 0, amount) for amount in amounts]


def reported(usage: Usage, *amounts: int, extra: int = 0, **changes: object):  # type: ignore[no-untyped-def]
    """A report shared by leaves of the license's one offer, its window over."""
    offer, license = usage.sell(**changes)
    travel(MONTH)
    tree = SumTree(shares(offer, *amounts))
    report = usage.report(offer, usage.reported(license, total=tree.total + extra, root=tree.root))
    after_window()
    return offer, license, tree, report


def test_the_share_goes_to_the_works_payee(usage: Usage) -> None:
    split = declare(usage.system, even_split(usage.system.creator, usage.system.dancer))
    offer = post(usage.system, register(usage.system, payee=split), revenue_share_bps=300, report_every=MONTH)
    license = buy(usage.system, offer)
    travel(MONTH)
    report = usage.report(offer, usage.reported(license))
    after_window()
    before = usage.system.vault.balance_of(split, ETH)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000
    (event,) = usage.contract.events("UsagePaid")
    assert event == {
        "report": report,
        "work": offer.work,
        "account": split,
        "offer_id": ids.offer_id(offer),
        "index": 0,
        "amount": 1_000,
    }
    assert usage.system.vault.balance_of(split, ETH) - before == 1_000
    assert usage.held_by(report) == 0
    assert usage.contract.is_claimed(report, 0)


def test_a_leaf_pays_once(usage: Usage) -> None:
    """The second time it is proven and passed over, so that nobody spoils a batch by claiming a leaf of it first."""
    offer, license, tree, report = reported(usage, 600, 400)
    one, two = usage.leaf(offer, 600, 0), usage.leaf(offer, 400, 1)
    assert usage.claim(license, [one], tree.proof([0]), 2) == 600
    assert usage.claim(license, [one], tree.proof([0]), 2) == 0
    assert usage.claim(license, [one, two], tree.proof([0, 1]), 2) == 400
    assert usage.claim(license, [one, two], [], 2) == 0
    assert usage.held_by(report) == 0


def test_equal_leaves_in_two_places_pay_twice(usage: Usage) -> None:
    """Both are within the total: what a tree says twice, it says at somebody's expense, and can be challenged for."""
    offer, license, tree, report = reported(usage, 500, 500)
    leaves = [usage.leaf(offer, 500, 0), usage.leaf(offer, 500, 1)]
    assert usage.claim(license, leaves, [], 2) == 1_000
    assert usage.held_by(report) == 0
    assert tree.total == 1_000


def test_ascending_each_once(usage: Usage) -> None:
    offer, license, _, _ = reported(usage, 500, 500)
    one, two = usage.leaf(offer, 500, 0), usage.leaf(offer, 500, 1)
    for leaves in ([one, one], [two, one], [one, two, two]):
        with reverts("usage: leaves not ascending"):
            usage.claim(license, leaves, [], 2)


def test_no_leaves(usage: Usage) -> None:
    _, license, _, _ = reported(usage, 1_000)
    with reverts("usage: no leaves"):
        usage.claim(license, [])


@pytest.mark.parametrize("amount", [0, 999, 1_001, 2**256 - 1])
def test_another_amount_proves_nothing(usage: Usage, amount: int) -> None:
    offer, license, _, _ = reported(usage, 1_000)
    with reverts("usage: wrong proof"):
        usage.claim(license, [usage.leaf(offer, amount)])


def test_sums_that_overflow_prove_nothing(usage: Usage) -> None:
    offer, license, _, _ = reported(usage, 600, 400)
    with reverts(""):
        usage.claim(license, [usage.leaf(offer, 2**256 - 1, 0)], [SumNode(digest(), 2)], 2)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 2**32 - 1])
def test_another_number_of_leaves_proves_nothing(usage: Usage, count: int) -> None:
    offer, license, tree, _ = reported(usage, 600, 400)
    with reverts("usage: wrong proof"):
        usage.claim(license, [usage.leaf(offer, 600)], tree.proof([0]), count)


def test_beyond_the_last_leaf_there_is_nothing(usage: Usage) -> None:
    offer, license, tree, _ = reported(usage, 300, 300, 400)
    for index in (3, 4, 2**32 - 1):
        with reverts("usage: wrong proof"):
            usage.claim(license, [usage.leaf(offer, 400, index)], tree.proof([2]), 3)


def test_a_leaf_in_another_place_proves_nothing(usage: Usage) -> None:
    offer, license, tree, _ = reported(usage, 300, 200, 400)
    with reverts("usage: wrong proof"):
        usage.claim(license, [usage.leaf(offer, 300, 1)], tree.proof([0]), 3)


def test_too_little_and_too_much_of_a_proof(usage: Usage) -> None:
    offer, license, tree, _ = reported(usage, 100, 200, 300, 400)
    leaf, proof = usage.leaf(offer, 100), tree.proof([0])
    for wrong in (proof[:1], [], [*proof, proof[0]], list(reversed(proof))):
        with reverts("usage: wrong proof"):
            usage.claim(license, [leaf], wrong, 4)
    assert usage.claim(license, [leaf], proof, 4) == 100


def test_no_node_passes_for_a_leaf(usage: Usage) -> None:
    """A second preimage: an inner node's digest as the offer of a leaf, or a shorter tree over inner nodes."""
    offer, license, tree, _ = reported(usage, 100, 200, 300, 400)
    top = tree.proof([2, 3])[0]
    assert top.amount == 300
    with reverts("usage: wrong proof"):
        usage.claim(license, [usage.leaf(offer, 300, 0)], [tree.proof([0, 1])[0]], 2)


def test_a_top_is_no_leaf(usage: Usage) -> None:
    """The root of a tree of one leaf is not the root over a top that was found otherwise."""
    offer, license, _, _ = reported(usage, 600, 400)
    with reverts("usage: wrong proof"):
        usage.claim(license, [usage.leaf(offer, 1_000)], [], 1)


# ---- trees that lie


def test_a_tree_that_shares_out_more_than_was_paid(usage: Usage) -> None:
    """Its sum is not the total: nothing can be claimed from it, and the money waits for a ruling."""
    offer, license = usage.sell()
    travel(MONTH)
    tree = SumTree(shares(offer, 600, 500))
    report = usage.report(offer, usage.reported(license, total=1_000, root=tree.root))
    after_window()
    with reverts("usage: wrong proof"):
        usage.claim(license, [usage.leaf(offer, 600)], tree.proof([0]), 2)
    assert usage.held_by(report) == 1_000


def test_a_tree_that_shares_out_less(usage: Usage) -> None:
    offer, license, tree, _ = reported(usage, 600, 300, extra=100)
    with reverts("usage: wrong proof"):
        usage.claim(license, [usage.leaf(offer, 600)], tree.proof([0]), 2)


def forged(offer: Offer, claimed: int, amounts: list[int]) -> tuple[bytes, SumNode]:
    """A tree of four whose right half is said to hold `claimed`, whatever its leaves say. Root and that half."""
    left = [sum_tree._leaf(share) for share in shares(offer, *amounts)]
    half = sum_tree._node(left[0], amounts[0], left[1], amounts[1])
    other = sum_tree._node(left[2], amounts[2], left[3], amounts[3])
    top = sum_tree._node(half, amounts[0] + amounts[1], other, claimed)
    total = amounts[0] + amounts[1] + claimed
    return sum_tree._root(4, total, top), SumNode(other, claimed)


@pytest.mark.parametrize("claimed", [0, 100, 299, 301, 10_000])
def test_inner_sums_that_lie(usage: Usage, claimed: int) -> None:
    """Leaves under a sum that is not theirs cannot be claimed; the others can, and the account is never overdrawn."""
    offer, license = usage.sell()
    travel(MONTH)
    amounts = [100, 200, 150, 150]
    root, other = forged(offer, claimed, amounts)
    total = 300 + claimed
    report = usage.report(offer, usage.reported(license, total=total, root=root))
    after_window()
    leaves = [usage.leaf(offer, amount, index) for index, amount in enumerate(amounts)]
    assert usage.claim(license, leaves[:2], [other], 4) == 300
    tree = SumTree(shares(offer, *amounts))
    for index in (2, 3):
        with reverts("usage: wrong proof"):
            usage.claim(license, [leaves[index]], tree.proof([index]), 4)
    with reverts("usage: wrong proof"):
        usage.claim(license, leaves, [], 4)
    assert usage.held_by(report) == claimed


def test_leaves_of_nothing(usage: Usage) -> None:
    offer, license, tree, report = reported(usage, 0, 1_000, 0)
    leaves = [usage.leaf(offer, amount, index) for index, amount in enumerate((0, 1_000, 0))]
    assert usage.claim(license, leaves[:1], tree.proof([0]), 3) == 0
    assert not usage.contract.is_claimed(report, 0)
    assert usage.claim(license, leaves, [], 3) == 1_000
    assert len(usage.contract.events("UsagePaid")) == 1


def test_a_leaf_the_license_does_not_cover(usage: Usage) -> None:
    stranger = on_sale(usage.system, revenue_share_bps=300, report_every=MONTH)
    offer, license = usage.sell()
    travel(MONTH)
    tree = SumTree([*shares(offer, 600), *shares(stranger, 400)])
    report = usage.report(offer, usage.reported(license, total=1_000, root=tree.root))
    after_window()
    leaves = [usage.leaf(offer, 600, 0), usage.leaf(stranger, 400, 1)]
    for wrong, proof in ((leaves, []), (leaves[1:], tree.proof([1]))):
        with reverts("usage: license does not cover a leaf"):
            usage.claim(license, wrong, proof, 2)
    assert usage.claim(license, leaves[:1], tree.proof([0]), 2) == 600
    assert usage.held_by(report) == 400  # for ever, unless somebody had challenged it


def test_a_spell_under_a_license_of_one_offer(usage: Usage) -> None:
    offer, license = usage.sell()
    travel(MONTH)
    tree = SumTree([Share(ids.offer_id(offer), 1, 1_000)])
    usage.report(offer, usage.reported(license, root=tree.root))
    after_window()
    with reverts("usage: license does not cover a leaf"):
        usage.claim(license, [usage.leaf(offer, 1_000, 0, spell=1)])


# ---- works and their payees


def test_uncollected_income_follows_the_claim(usage: Usage) -> None:
    offer, license, _, _ = reported(usage, 1_000)
    system = usage.system
    system.registry.transferFrom(system.creator, system.heir, offer.work, sender=system.creator)
    usage.claim(license, [usage.leaf(offer)])
    assert system.vault.balance_of(account(system.heir), ETH) == 1_000


def test_the_money_of_a_work_on_hold_waits(usage: Usage) -> None:
    offer, license, _, report = reported(usage, 600, 400)
    hold(usage.system, offer.work)
    leaves = [usage.leaf(offer, 600, 0), usage.leaf(offer, 400, 1)]
    assert usage.claim(license, leaves, [], 2) == 0
    assert usage.held_by(report) == 1_000
    assert not usage.contract.is_claimed(report, 0)
    release(usage.system, offer.work)
    assert usage.claim(license, leaves, [], 2) == 1_000


def test_withdrawal_and_ruling_take_nothing_that_was_earned(usage: Usage) -> None:
    """The offer is gone and the license has ended; what was reported is still paid."""
    offer, license, _, _ = reported(usage, 1_000)
    usage.system.market.withdraw_offer(offer, sender=usage.system.creator)
    put_flag(usage.system.market, "LicenseMarket", license, 240, 2)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


# ---- time, place, identity


def test_not_while_it_can_be_challenged(usage: Usage) -> None:
    offer, license, _ = usage.made()
    travel(7 * 86_400 - 1)
    with reverts("usage: challenge window open"):
        usage.claim(license, [usage.leaf(offer)])
    travel(1)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


def test_of_a_report_there_is(usage: Usage) -> None:
    offer, license, _, _ = reported(usage, 1_000)
    for changes in ({"number": 2}, {"number": 0}, {"market": str(usage.system.thief)}):
        with reverts("usage: no such report"):
            usage.claim(license, [usage.leaf(offer)], **changes)  # type: ignore[arg-type]
    with reverts("usage: no such report"):
        usage.claim(license + 1, [usage.leaf(offer)])


def test_one_reports_leaves_are_not_anothers(usage: Usage) -> None:
    """Two reports with the same tree: each pays its own money, once."""
    offer, license, _, first = reported(usage, 1_000)
    second = usage.report(offer, usage.reported(license))
    after_window()
    assert usage.claim(license, [usage.leaf(offer)], number=2) == 1_000
    assert (usage.held_by(first), usage.held_by(second)) == (1_000, 0)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


@pytest.mark.parametrize("flag", [HELD, VOID])
def test_held_and_void_reports_pay_nobody(usage: Usage, flag: int) -> None:
    offer, license, report = usage.made()
    if flag == HELD:
        usage.hold(report)
    else:
        usage.void(report)
    after_window()
    with reverts("usage: report is held" if flag == HELD else "usage: report is void"):
        usage.claim(license, [usage.leaf(offer)])


def test_in_a_token(usage: Usage) -> None:
    token = usage.system.usd.address
    offer, license, _, report = reported(usage, 600, 400, currency=token, price=0)
    usage.claim(license, [usage.leaf(offer, 600, 0), usage.leaf(offer, 400, 1)], [], 2)
    assert usage.system.vault.balance_of(account(usage.system.creator), token) == 1_000
    assert usage.held_by(report, token) == 0


def test_a_payers_hook_meets_the_lock(usage: Usage) -> None:
    """A token that calls back in the middle of a report cannot claim, restate or report."""
    token, payer = hostile("Hooked"), hostile("Reenterer")
    offer = on_sale(usage.system, currency=token.address, price=0, revenue_share_bps=300, report_every=MONTH)
    acknowledged = usage.system.market.quote(offer)[2]
    license = usage.system.market.mint(offer, payer.address, ZERO32, 0, acknowledged, sender=payer.address)
    travel(MONTH)
    said = usage.reported(license)
    again = replace(said, number=2, total=0, root=ZERO32)
    calls = {
        "report": (offer, again),
        "claim": (usage.market, license, 1, 1, [usage.leaf(offer)], []),
        "register_model": (payer.address, digest()),
        "ledger_of": (usage.market, license),
    }
    token.hook(payer.address, True)
    for number, (name, arguments) in enumerate(calls.items(), start=1):
        payer.prepare(usage.contract.address, 0, usage.contract.data(name, *arguments), False)
        token.mint(payer.address, 1_000)
        token.approve(usage.contract.address, 1_000, sender=payer.address)
        usage.report(offer, replace(said, number=number), by=payer.address, value=0)
        assert payer.outcome() == 2, name
        assert payer.gas_left() > 1_000_000
    assert balance(token.address, usage.system.vault.address) == 1_000 * len(calls)


def test_places_beyond_one_word_of_the_bitmap(usage: Usage) -> None:
    amounts = [1 + place for place in range(600)]
    offer, license, tree, report = reported(usage, *amounts)
    paid: set[int] = set()
    for place in (0, 256, 1, 257, 255, 511, 512, 599):
        for other in (0, 1, 255, 256, 257, 511, 512, 599):
            assert usage.contract.is_claimed(report, other) is (other in paid)
        leaf = usage.leaf(offer, amounts[place], place)
        assert usage.claim(license, [leaf], tree.proof([place]), 600) == amounts[place]
        paid.add(place)
    assert usage.held_by(report) == tree.total - sum(amounts[place] for place in paid)
