# SPDX-License-Identifier: Apache-2.0
"""end_license: a ruling ends a license, for good; nothing else of it changes."""

import pytest

from tests.contracts.support.build import buy, on_sale, with_market
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now


@pytest.fixture
def ruled(system: System) -> System:
    """A market whose dispute resolution is the keeper."""
    return with_market(system, disputes=str(system.keeper))


def test_ends(ruled: System) -> None:
    offer = on_sale(ruled, flags=2)
    license, other = buy(ruled, offer), buy(ruled, offer)
    holder, issued, expires, flags, number = ruled.market.license_of(license)
    ruled.market.end_license(license, sender=ruled.keeper)
    assert [(log.name, log.args) for log in ruled.market.logs] == [
        ("LicenseEnded", {"license": license}),
        ("MetadataUpdate", {"_tokenId": license}),
    ]
    assert ruled.market.license_of(license) == (holder, issued, expires, flags | 2, number)
    assert not ruled.market.permits(ruled.licensee, license, offer, 1, 1, 0, 1, now())
    assert ruled.market.permits(ruled.licensee, other, offer, 1, 1, 0, 1, now())
    assert ruled.market.isTokenExpired(license)
    assert not ruled.market.isTokenExpired(other)
    assert ruled.market.endTime(license) == expires


def test_stays_ended_in_other_hands(ruled: System) -> None:
    offer = on_sale(ruled, flags=2)
    license = buy(ruled, offer)
    ruled.market.end_license(license, sender=ruled.keeper)
    ruled.market.transferFrom(ruled.licensee, ruled.heir, license, sender=ruled.licensee)
    assert not ruled.market.permits(ruled.heir, license, offer, 1, 1, 0, 1, now())


def test_two_rulings_may_agree(ruled: System) -> None:
    license = buy(ruled, on_sale(ruled))
    for _ in range(2):
        ruled.market.end_license(license, sender=ruled.keeper)
    assert ruled.market.license_of(license)[3] == 1 | 2


def test_unknown(ruled: System) -> None:
    with reverts("erc721: no such token"):
        ruled.market.end_license(1, sender=ruled.keeper)


def test_by_dispute_resolution_alone(ruled: System, system: System) -> None:
    license = buy(ruled, on_sale(ruled))
    for who in (ruled.owner, ruled.creator, ruled.licensee, ruled.signed.address, ruled.thief):
        with reverts("market: not for this caller"):
            ruled.market.end_license(license, sender=who)
