# SPDX-License-Identifier: Apache-2.0
"""Cases on usage reports of the real settlement: claims wait, a false root is replaced, nothing is refunded."""

import pytest

from ipto import ids
from ipto.structs import ETH
from ipto.sum_tree import Share, SumTree
from tests.contracts.support.build import account, digest, hold
from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import DAY, Effect, Outcome, answer, decided, open_case, order_hold, refer, rule
from tests.contracts.support.system import System, travel
from tests.contracts.support.usage import HELD, VOID, WINDOW, Usage


@pytest.fixture
def usage(system: System) -> Usage:
    """A settlement that takes the rulings of the real resolver."""
    return Usage(system, system.disputes.address)  # type: ignore[arg-type]


def dispute(usage: Usage, license: int, days: int = 90, number: int = 1) -> int:
    return open_case(
        usage.system,
        license,
        Effect.VOID_REPORT,
        target=usage.contract.address,
        market=usage.market,
        number=number,
        hold_days=days,
    )


def flags(usage: Usage, report: bytes) -> int:
    found: int = usage.contract.report_of(report)[3]
    return found


def test_a_false_root_is_replaced_while_the_money_waits(usage: Usage) -> None:
    system = usage.system
    offer, license, report = usage.made(root=digest("a false root"))
    case = dispute(usage, license)
    assert flags(usage, report) & HELD
    travel(WINDOW)
    with reverts("usage: report is held"):
        usage.claim(license, [usage.leaf(offer)])
    answer(system, case, system.licensee)
    right = SumTree([Share(ids.offer_of_license(license), 0, 1_000)]).root
    system.disputes.refer(case)
    rule(system, case, Outcome.FOR_OPENER, right)
    assert flags(usage, report) & HELD
    travel(7 * DAY)
    system.disputes.execute(case)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000
    assert system.vault.balance_of(account(system.creator), ETH) == offer.price + 1_000
    assert usage.held_by(report) == 0


def test_a_report_that_was_right_runs_on(usage: Usage) -> None:
    system = usage.system
    offer, license, report = usage.made()
    case = dispute(usage, license)
    decided(system, case, Outcome.FOR_RESPONDENT, system.licensee)
    assert not flags(usage, report) & HELD
    system.disputes.execute(case)
    travel(WINDOW)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


@pytest.mark.parametrize("answered", [False, True])
def test_silence_releases_it(usage: Usage, answered: bool) -> None:
    system = usage.system
    offer, license, report = usage.made()
    case = dispute(usage, license)
    if answered:
        answer(system, case, system.licensee)
    travel(90 * DAY)
    system.disputes.execute(case)
    assert not flags(usage, report) & HELD
    travel(WINDOW)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


def test_a_short_hold_is_released_by_anyone(usage: Usage) -> None:
    offer, license, report = usage.made()
    dispute(usage, license, days=2)
    travel(2 * DAY)
    assert flags(usage, report) & HELD
    usage.system.disputes.end_hold(usage.contract.address, int.from_bytes(report, "big"), sender=usage.system.keeper)
    assert not flags(usage, report) & HELD
    travel(WINDOW)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


def test_nobody_holds_a_report_in_a_loop(usage: Usage) -> None:
    """Its window is never over while it is held; the budget of asked holds is."""
    _, license, _ = usage.made()
    dispute(usage, license, days=90)
    travel(90 * DAY)
    usage.system.disputes.execute(1)
    with reverts("disputes: held long enough"):
        dispute(usage, license, days=1)


def test_two_cases_on_one_report(usage: Usage) -> None:
    """The first voids it without a root; the second sets one, though there is nothing left to hold."""
    system = usage.system
    offer, license, report = usage.made(root=digest("a false root"))
    first, second = dispute(usage, license), dispute(usage, license, days=0)
    decided(system, first, Outcome.FOR_OPENER, system.licensee)
    system.disputes.execute(first)
    assert flags(usage, report) & VOID
    right = SumTree([Share(ids.offer_of_license(license), 0, 1_000)]).root
    decided(system, second, Outcome.FOR_OPENER, remedy=right)
    system.disputes.execute(second)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


def test_the_arbiter_lifts_an_abusive_hold(usage: Usage) -> None:
    system = usage.system
    _, license, report = usage.made()
    case = dispute(usage, license)
    refer(system, case, system.licensee)
    order_hold(system, case, False)
    assert not flags(usage, report) & HELD


def test_a_report_nobody_made(usage: Usage) -> None:
    _, license, _ = usage.made()
    with reverts("usage: no such report"):
        dispute(usage, license, number=2)


def test_too_late_to_hold(usage: Usage) -> None:
    _, license, _ = usage.made()
    travel(WINDOW)
    with reverts("usage: challenge window over"):
        dispute(usage, license)


def test_on_hold_a_works_share_waits(usage: Usage) -> None:
    system = usage.system
    offer, license, report = usage.made()
    travel(WINDOW)
    hold(system, offer.work)
    assert usage.claim(license, [usage.leaf(offer)]) == 0
    assert usage.held_by(report) == 1_000
    hold(system, offer.work, 0)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


def test_after_a_move_the_share_goes_to_the_new_owner(usage: Usage) -> None:
    """Uncollected income follows the claim; the hold from ruling to execution keeps it there."""
    system = usage.system
    offer, license, report = usage.made()
    case = open_case(system, offer.work)
    refer(system, case, system.creator)
    travel(WINDOW)
    rule(system, case, Outcome.FOR_OPENER)
    assert usage.claim(license, [usage.leaf(offer)]) == 0
    travel(7 * DAY)
    system.disputes.execute(case)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000
    bonds = system.vault.balance_of(account(system.challenger), ETH) - 1_000
    assert bonds == system.disputes.BOND() * 2 - system.disputes.FEE()
    assert usage.held_by(report) == 0
