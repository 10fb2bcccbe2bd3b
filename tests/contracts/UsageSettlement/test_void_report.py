# SPDX-License-Identifier: Apache-2.0
"""void_report and restate: a false root is replaced; the money stays and waits."""

import pytest

from ipto import ids
from ipto.structs import ETH, ZERO32
from ipto.sum_tree import Share, SumTree
from tests.contracts.support.build import account, digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import balance, now, travel
from tests.contracts.support.usage import (
    CORRECTED,
    FINAL,
    FINAL_WINDOW,
    MONTH,
    RESTATED,
    VOID,
    WINDOW,
    Usage,
    after_window,
)


def right_root(license: int, total: int = 1_000) -> bytes:
    return SumTree([Share(ids.offer_of_license(license), 0, total)]).root


def test_a_ruling_sets_the_root_and_it_can_be_claimed_at_once(usage: Usage) -> None:
    offer, license, report = usage.made(root=digest("a false root"))
    usage.void(report, right_root(license))
    assert usage.contract.events("ReportVoided") == [{"report": report, "root": right_root(license), "left": 1_000}]
    assert usage.contract.report_of(report) == (1_000, 0, now(), CORRECTED, right_root(license))
    assert usage.contract.ledger_of(usage.market, license)[3] == 0
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000
    assert usage.system.vault.balance_of(account(usage.system.creator), ETH) == offer.price + 1_000


def test_voided_without_a_root_the_money_waits_and_never_goes_back(usage: Usage) -> None:
    offer, license, report = usage.made()
    before = balance(ETH, usage.system.licensee)
    usage.void(report)
    assert usage.contract.events("ReportVoided") == [{"report": report, "root": ZERO32, "left": 1_000}]
    assert usage.contract.report_of(report) == (1_000, 0, 0, VOID, ZERO32)
    assert usage.contract.ledger_of(usage.market, license)[3] == 1
    travel(100 * MONTH)
    with reverts("usage: report is void"):
        usage.claim(license, [usage.leaf(offer)])
    assert usage.held_by(report) == 1_000
    assert balance(ETH, usage.system.licensee) == before


def test_another_ruling_sets_it_later(usage: Usage) -> None:
    offer, license, report = usage.made()
    usage.void(report)
    usage.void(report)  # ruled again without a root: counted once
    assert usage.contract.ledger_of(usage.market, license)[3] == 1
    usage.void(report, right_root(license))
    assert usage.contract.ledger_of(usage.market, license)[3] == 0
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


@pytest.mark.parametrize("held", [True, False])
def test_held_or_not(usage: Usage, held: bool) -> None:
    """The challenge's hold may have run out before the ruling."""
    offer, license, report = usage.made(root=digest("a false root"))
    if held:
        usage.hold(report)
    else:
        after_window()
    usage.void(report, right_root(license))
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


def test_what_was_paid_stays_paid_and_the_rest_is_shared_anew(usage: Usage) -> None:
    """A late ruling: the places of the new tree have nothing to do with those of the old one."""
    offer, license = usage.sell()
    travel(MONTH)
    number = ids.offer_of_license(license)
    old = SumTree([Share(number, 0, 300), Share(number, 0, 700)])
    report = usage.report(offer, usage.reported(license, root=old.root))
    after_window()
    assert usage.claim(license, [usage.leaf(offer, 300)], old.proof([0]), 2) == 300
    assert usage.contract.report_of(report)[:2] == (1_000, 300)
    new = SumTree([Share(number, 0, 500), Share(number, 0, 200)])
    usage.void(report, new.root)
    assert usage.contract.events("ReportVoided") == [{"report": report, "root": new.root, "left": 700}]
    assert usage.contract.report_of(report)[:2] == (700, 0)
    assert not usage.contract.is_claimed(report, 0)
    with reverts("usage: wrong proof"):
        usage.claim(license, [usage.leaf(offer, 700, 1)], old.proof([1]), 2)
    assert usage.claim(license, [usage.leaf(offer, 500, 0), usage.leaf(offer, 200, 1)], [], 2) == 700
    assert usage.held_by(report) == 0


def test_the_old_root_again_pays_nobody_twice(usage: Usage) -> None:
    """Ruled away and back: its sum is more than what is left."""
    offer, license = usage.sell()
    travel(MONTH)
    number = ids.offer_of_license(license)
    old = SumTree([Share(number, 0, 300), Share(number, 0, 700)])
    report = usage.report(offer, usage.reported(license, root=old.root))
    after_window()
    usage.claim(license, [usage.leaf(offer, 300)], old.proof([0]), 2)
    usage.void(report)
    usage.void(report, old.root)
    for leaf in (usage.leaf(offer, 300), usage.leaf(offer, 700, 1)):
        with reverts("usage: wrong proof"):
            usage.claim(license, [leaf], old.proof([leaf.index]), 2)
    assert usage.held_by(report) == 700


def test_when_everything_was_paid_there_is_nothing_to_share_out(usage: Usage) -> None:
    offer, license, report = usage.made()
    after_window()
    usage.claim(license, [usage.leaf(offer)])
    with reverts("usage: nothing to share out"):
        usage.void(report, right_root(license))
    usage.void(report)
    assert not usage.contract.in_good_standing(license, offer)
    restate(usage, license, ZERO32)
    assert usage.contract.in_good_standing(license, offer)
    assert usage.held_by(report) == 0


def test_the_new_tree_shares_out_the_whole_total(usage: Usage) -> None:
    offer, license, report = usage.made()
    usage.void(report, right_root(license, 1_001))
    with reverts("usage: wrong proof"):
        usage.claim(license, [usage.leaf(offer, 1_001)])
    assert usage.held_by(report) == 1_000


def test_a_report_of_nothing_has_nothing_to_share_out(usage: Usage) -> None:
    offer, license, report = usage.made(total=0)
    usage.hold(report)
    with reverts("usage: nothing to share out"):
        usage.contract.void_report(report, digest(), sender=usage.disputes)
    usage.void(report)
    assert not usage.contract.in_good_standing(license, offer)


def test_by_dispute_resolution_alone(usage: Usage) -> None:
    _, _, report = usage.made()
    usage.hold(report)
    for stranger in (usage.system.owner, usage.system.licensee, usage.system.signed.address):
        with reverts("usage: not dispute resolution"):
            usage.contract.void_report(report, ZERO32, sender=stranger)


def test_a_report_there_is(usage: Usage) -> None:
    with reverts("usage: no such report"):
        usage.contract.void_report(digest(), ZERO32, sender=usage.disputes)


# ---- restate


def restate(usage: Usage, license: int, root: bytes, number: int = 1, by: str | None = None, **changes: object) -> None:
    who = by or usage.system.licensee
    market = changes.get("market", usage.market)
    manifest = changes.get("manifest", digest("restated manifest"))
    usage.contract.restate(who, market, license, number, root, manifest, sender=changes.get("sender", who))


def test_the_reporter_cures_a_voided_report(usage: Usage) -> None:
    offer, license, report = usage.made(root=digest("a false root"))
    usage.void(report)
    travel(100)
    restate(usage, license, right_root(license))
    (event,) = usage.contract.events("ReportRestated")
    assert event == {
        "report": report,
        "reporter": usage.system.licensee,
        "root": right_root(license),
        "manifest": digest("restated manifest"),
        "opens_at": now() + WINDOW,
    }
    assert usage.contract.report_of(report) == (1_000, 0, now() + WINDOW, RESTATED, right_root(license))
    assert usage.contract.in_good_standing(license, offer)
    with reverts("usage: challenge window open"):
        usage.claim(license, [usage.leaf(offer)])
    after_window()
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


def test_it_can_be_challenged_again(usage: Usage) -> None:
    _, license, report = usage.made()
    usage.void(report)
    restate(usage, license, digest("another lie"))
    usage.void(report, right_root(license))
    assert usage.contract.report_of(report)[3] == RESTATED | CORRECTED
    assert usage.contract.ledger_of(usage.market, license)[3] == 0


def test_a_restated_final_report_ends_the_duty_again(usage: Usage) -> None:
    offer, license, report = usage.made(flags=FINAL)
    usage.void(report)
    restate(usage, license, right_root(license))
    assert usage.contract.report_of(report)[2:4] == (now() + FINAL_WINDOW, FINAL | RESTATED)
    assert usage.contract.due_at(license, offer)[0] == 2**256 - 1


def test_a_voided_report_of_nothing_is_cured_with_a_supplement(usage: Usage) -> None:
    offer, license, report = usage.made(total=0)
    usage.void(report)
    with reverts("usage: root and total disagree"):
        restate(usage, license, digest())
    restate(usage, license, ZERO32)
    assert usage.contract.in_good_standing(license, offer)
    through = usage.contract.ledger_of(usage.market, license)[0]
    second = usage.report(offer, usage.reported(license, through=through))
    assert usage.held_by(second) == 1_000
    assert usage.contract.report_of(report)[0] == 0


@pytest.mark.parametrize("held", [False, True])
def test_only_a_void_one(usage: Usage, held: bool) -> None:
    _, license, report = usage.made()
    if held:
        usage.hold(report)
    for number in (0, 1, 2):
        with reverts("usage: report is not void"):
            restate(usage, license, right_root(license), number)


def test_what_it_says_must_fit(usage: Usage) -> None:
    _, license, report = usage.made()
    usage.void(report)
    with reverts("usage: root and total disagree"):
        restate(usage, license, ZERO32)
    with reverts("usage: manifest is zero"):
        restate(usage, license, digest(), manifest=ZERO32)


def test_by_whom(usage: Usage) -> None:
    _, license, report = usage.made()
    usage.void(report)
    root = right_root(license)
    for stranger in (usage.system.thief, usage.developer):
        with reverts("usage: not a reporter"):
            restate(usage, license, root, by=stranger)
    with reverts("usage: not the actor"):
        restate(usage, license, root, sender=usage.system.thief)
    with reverts("usage: no such market"):
        restate(usage, license, root, market=usage.system.vault.address)
    licensee = usage.system.licensee
    usage.contract.authorize(licensee, usage.market, license, usage.developer, True, sender=licensee)
    restate(usage, license, root, by=usage.developer)
