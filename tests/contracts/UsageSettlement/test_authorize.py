# SPDX-License-Identifier: Apache-2.0
"""authorize: who may report in a holder's name."""

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.contract import reverts
from tests.contracts.support.usage import Usage


def test_given_and_taken_back(usage: Usage) -> None:
    _, license = usage.sell()
    licensee, developer = usage.system.licensee, usage.developer
    assert not usage.contract.may_report(usage.market, license, developer)
    for allowed in (True, True, False):
        usage.contract.authorize(licensee, usage.market, license, developer, allowed, sender=licensee)
        (event,) = usage.contract.events("ReporterAuthorized")
        assert event == {
            "license": license,
            "holder": licensee,
            "developer": developer,
            "market": usage.market,
            "allowed": allowed,
        }
        assert usage.contract.may_report(usage.market, license, developer) is allowed


def test_the_holder_needs_no_leave(usage: Usage) -> None:
    _, license = usage.sell()
    assert usage.contract.may_report(usage.market, license, usage.system.licensee)


def test_it_counts_while_the_holder_holds_the_license(usage: Usage) -> None:
    """Sold on, the license takes no reporters along; bought back, it finds them again."""
    _, license = usage.sell(flags=2)
    licensee, heir, developer = usage.system.licensee, usage.system.heir, usage.developer
    usage.contract.authorize(licensee, usage.market, license, developer, True, sender=licensee)
    usage.system.market.transferFrom(licensee, heir, license, sender=licensee)
    assert not usage.contract.may_report(usage.market, license, developer)
    assert not usage.contract.may_report(usage.market, license, licensee)
    assert usage.contract.may_report(usage.market, license, heir)
    usage.system.market.transferFrom(heir, licensee, license, sender=heir)
    assert usage.contract.may_report(usage.market, license, developer)


def test_a_stranger_allows_nothing(usage: Usage) -> None:
    _, license = usage.sell()
    thief = usage.system.thief
    usage.contract.authorize(thief, usage.market, license, thief, True, sender=thief)
    assert not usage.contract.may_report(usage.market, license, thief)
    with reverts("usage: not the actor"):
        usage.contract.authorize(usage.system.licensee, usage.market, license, thief, True, sender=thief)


def test_one_license_is_not_the_next(usage: Usage) -> None:
    _, first = usage.sell()
    _, second = usage.sell()
    licensee = usage.system.licensee
    usage.contract.authorize(licensee, usage.market, first, usage.developer, True, sender=licensee)
    assert not usage.contract.may_report(usage.market, second, usage.developer)


def test_through_signed_actions(usage: Usage) -> None:
    _, license = usage.sell()
    usage.contract.authorize(
        usage.system.licensee, usage.market, license, usage.developer, True, sender=usage.system.signed.address
    )
    assert usage.contract.may_report(usage.market, license, usage.developer)


def test_of_our_markets_only(usage: Usage) -> None:
    _, license = usage.sell()
    licensee = usage.system.licensee
    with reverts("usage: no such market"):
        usage.contract.authorize(licensee, usage.system.vault.address, license, usage.developer, True, sender=licensee)
    with reverts("usage: no such market"):
        usage.contract.may_report(usage.system.vault.address, license, licensee)


def test_nobody_reports(usage: Usage) -> None:
    _, license = usage.sell()
    licensee = usage.system.licensee
    with reverts("usage: zero address"):
        usage.contract.authorize(licensee, usage.market, license, ZERO_ADDRESS, True, sender=licensee)


def test_an_unknown_license(usage: Usage) -> None:
    with reverts("erc721: no such token"):
        usage.contract.may_report(usage.market, 1, usage.system.licensee)
