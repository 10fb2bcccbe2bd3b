# SPDX-License-Identifier: Apache-2.0
"""hold_report: a challenge stops a report's clock."""

import pytest

from tests.contracts.support.build import YEAR, digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import now, travel
from tests.contracts.support.usage import HELD, WINDOW, Usage, after_window


def test_the_clock_stands_still(usage: Usage) -> None:
    _, license, report = usage.made()
    travel(1_000)
    usage.hold(report)
    assert usage.contract.events("ReportHeld") == [{"report": report, "held": True, "opens_at": 0}]
    assert usage.contract.report_of(report)[2:4] == (WINDOW - 1_000, HELD)
    travel(YEAR)
    with reverts("usage: report is held"):
        usage.claim(license, [])
    usage.hold(report, held=False)
    opens_at = now() + WINDOW - 1_000
    assert usage.contract.events("ReportHeld") == [{"report": report, "held": False, "opens_at": opens_at}]
    assert usage.contract.report_of(report)[2:4] == (opens_at, 0)


def test_a_friends_challenge_uses_nobodys_time_up(usage: Usage) -> None:
    """A reporter who challenges itself and loses leaves the rest of the window to everybody else."""
    _, _, report = usage.made()
    usage.hold(report)
    travel(2 * WINDOW)
    usage.hold(report, held=False)
    travel(WINDOW - 1)
    usage.hold(report)


def test_in_the_last_second_but_not_after(usage: Usage) -> None:
    offer, license, report = usage.made()
    travel(WINDOW - 1)
    with reverts("usage: challenge window open"):
        usage.claim(license, [usage.leaf(offer)])
    usage.hold(report)
    usage.hold(report, held=False)
    assert usage.contract.report_of(report)[2] == now() + 1
    travel(1)
    with reverts("usage: challenge window over"):
        usage.hold(report)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000


def test_once_at_a_time(usage: Usage) -> None:
    _, _, report = usage.made()
    with reverts("usage: report is not held"):
        usage.hold(report, held=False)
    usage.hold(report)
    with reverts("usage: report is held or void"):
        usage.hold(report)


def test_not_once_it_is_void(usage: Usage) -> None:
    _, _, report = usage.made()
    usage.void(report)
    with reverts("usage: report is held or void"):
        usage.hold(report)
    with reverts("usage: report is not held"):
        usage.hold(report, held=False)


def test_not_once_a_ruling_set_the_root(usage: Usage) -> None:
    """A report that was ruled on cannot be kept from its payees by another challenge."""
    _, _, report = usage.made()
    usage.void(report, digest("the true root"))
    with reverts("usage: challenge window over"):
        usage.hold(report)


def test_a_report_of_nothing_can_be_challenged(usage: Usage) -> None:
    _, _, report = usage.made(total=0)
    usage.hold(report)
    assert usage.contract.report_of(report)[3] == HELD


def test_by_dispute_resolution_alone(usage: Usage) -> None:
    _, _, report = usage.made()
    system = usage.system
    for stranger in (system.owner, system.licensee, system.creator, system.thief, system.signed.address):
        for held in (True, False):
            with reverts("usage: not dispute resolution"):
                usage.contract.hold_report(report, held, sender=stranger)


@pytest.mark.parametrize("held", [True, False])
def test_a_report_there_is(usage: Usage, held: bool) -> None:
    with reverts("usage: no such report"):
        usage.hold(digest(), held=held)


def test_what_was_claimable_stays_so(usage: Usage) -> None:
    offer, license, report = usage.made()
    after_window()
    with reverts("usage: challenge window over"):
        usage.hold(report)
    assert usage.claim(license, [usage.leaf(offer)]) == 1_000
