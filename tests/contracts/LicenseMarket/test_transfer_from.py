# SPDX-License-Identifier: Apache-2.0
"""transferFrom of a license: locked or not, and what it carries. The rules of ERC-721 are in modules/."""

from ipto import ids
from tests.contracts.support.build import buy, on_sale
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, travel

TRANSFERABLE = 2


def test_a_locked_license_stays(system: System) -> None:
    license = buy(system, on_sale(system))
    system.market.approve(system.keeper, license, sender=system.licensee)
    for sender in (system.licensee, system.keeper, system.owner, system.creator):
        with reverts("market: license is not transferable"):
            system.market.transferFrom(system.licensee, system.heir, license, sender=sender)
        with reverts("market: license is not transferable"):
            system.market.safeTransferFrom(system.licensee, system.heir, license, sender=sender)


def test_carries_issue_expiry_and_terms(system: System) -> None:
    offer = on_sale(system, flags=TRANSFERABLE)
    license = buy(system, offer)
    before = system.market.license_of(license)
    travel(1_000)
    system.market.transferFrom(system.licensee, system.heir, license, sender=system.licensee)
    assert system.market.license_of(license) == (system.heir, *before[1:])
    assert before[4] == ids.offer_id(offer)


def test_an_expired_license_still_moves(system: System) -> None:
    """ERC-7858 wants that; it just permits nothing any more."""
    offer = on_sale(system, flags=TRANSFERABLE, term=1)
    license = buy(system, offer)
    travel(10)
    system.market.transferFrom(system.licensee, system.heir, license, sender=system.licensee)
    assert system.market.ownerOf(license) == system.heir
