# SPDX-License-Identifier: Apache-2.0
"""due_at and in_good_standing: when the next report is due, what is missing, and who is behind."""

from dataclasses import replace

import pytest

from tests.contracts.support.build import YEAR
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import now, travel
from tests.contracts.support.usage import FINAL, FINAL_WINDOW, GRACE, MONTH, Usage, after_window

NEVER = 2**256 - 1


def test_first_after_the_sale_then_after_each_period(usage: Usage) -> None:
    offer, license = usage.sell()
    assert usage.contract.due_at(license, offer) == (now() + MONTH + GRACE, 0)
    travel(10)
    usage.report(offer, usage.reported(license))
    assert usage.contract.due_at(license, offer) == (now() + MONTH + GRACE, 0)


def test_standing_ends_a_second_after_it_was_due(usage: Usage) -> None:
    offer, license = usage.sell()
    travel(MONTH + GRACE)
    assert usage.contract.in_good_standing(license, offer)
    assert usage.contract.due_at(license, offer) == (now(), 0)
    travel(1)
    assert not usage.contract.in_good_standing(license, offer)
    assert usage.contract.due_at(license, offer) == (now() - 1, 1)
    usage.report(offer, usage.reported(license))
    assert usage.contract.in_good_standing(license, offer)


@pytest.mark.parametrize(("behind", "missing"), [(0, 0), (1, 1), (MONTH, 1), (MONTH + 1, 2), (12 * MONTH, 12)])
def test_how_many_are_missing(usage: Usage, behind: int, missing: int) -> None:
    offer, license = usage.sell()
    travel(MONTH + GRACE + behind)
    assert usage.contract.due_at(license, offer)[1] == missing


def test_expiry_ends_no_duty(usage: Usage) -> None:
    offer, license = usage.sell()
    travel(3 * YEAR)
    assert usage.contract.due_at(license, offer)[1] > 0
    assert not usage.contract.in_good_standing(license, offer)


def test_a_final_report_does_until_it_is_voided(usage: Usage) -> None:
    offer, license, report = usage.made(flags=FINAL)
    ended = now()
    assert usage.contract.due_at(license, offer) == (NEVER, 0)
    travel(FINAL_WINDOW - 1)
    usage.void(report)
    assert usage.contract.due_at(license, offer) == (ended + MONTH + GRACE, 0)
    assert not usage.contract.in_good_standing(license, offer)


def test_a_final_report_stands_while_it_is_challenged(usage: Usage) -> None:
    """Defaults are the status quo."""
    offer, license, report = usage.made(flags=FINAL)
    usage.hold(report)
    travel(YEAR)
    assert usage.contract.in_good_standing(license, offer)


def test_a_final_report_can_be_challenged_longer(usage: Usage) -> None:
    _, license, report = usage.made(flags=FINAL)
    after_window()
    with reverts("usage: challenge window open"):
        usage.claim(license, [])
    usage.hold(report)


def test_a_voided_report_spoils_the_standing_until_it_is_cured(usage: Usage) -> None:
    offer, license, report = usage.made()
    assert usage.contract.in_good_standing(license, offer)
    usage.void(report)
    assert not usage.contract.in_good_standing(license, offer)
    usage.void(report, usage.reported(license).root)
    assert usage.contract.in_good_standing(license, offer)


def test_a_flat_license_is_always_in_good_standing(usage: Usage) -> None:
    offer, license = usage.sell(revenue_share_bps=0, report_every=0)
    travel(10 * YEAR)
    assert usage.contract.due_at(license, offer) == (NEVER, 0)
    assert usage.contract.in_good_standing(license, offer)


@pytest.mark.parametrize("report_every", [1, 2**32 - 1])
def test_the_shortest_and_the_longest_cadence(usage: Usage, report_every: int) -> None:
    offer, license = usage.sell(report_every=report_every)
    assert usage.contract.due_at(license, offer)[0] == now() + report_every + GRACE


def test_the_offer_must_be_the_licenses(usage: Usage) -> None:
    offer, license = usage.sell()
    wrong = replace(offer, report_every=2**32 - 1)
    for view in (usage.contract.due_at, usage.contract.in_good_standing):
        with reverts("usage: not the license's offer"):
            view(license, wrong)
        with reverts("erc721: no such token"):
            view(license + 1, offer)
