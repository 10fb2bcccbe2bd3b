# SPDX-License-Identifier: Apache-2.0
"""end_license: by a ruling alone, for good."""

from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import buy, filled
from tests.contracts.support.system import System


def test_ends(system: System) -> None:
    dataset, _ = filled(system)
    license, other = buy(system, dataset), buy(system, dataset)
    before = system.datasets.license_of(license)
    disputes = system.datasets.DISPUTES()
    system.datasets.end_license(license, sender=disputes)
    assert system.datasets.events("LicenseEnded") == [{"license": license}]
    assert system.datasets.events("MetadataUpdate") == [{"_tokenId": license}]
    after = system.datasets.license_of(license)
    assert (after[3], (*after[:3], after[4])) == (3, (*before[:3], before[4]))
    assert system.datasets.isTokenExpired(license)
    assert not system.datasets.isTokenExpired(other)
    system.datasets.end_license(license, sender=disputes)
    assert system.datasets.license_of(license) == after


def test_by_dispute_resolution_alone(system: System) -> None:
    dataset, _ = filled(system)
    license = buy(system, dataset)
    for stranger in (system.owner, system.curator, system.creator, system.thief):
        with reverts("market: not for this caller"):
            system.datasets.end_license(license, sender=stranger)


def test_only_what_was_sold(system: System) -> None:
    with reverts("erc721: no such token"):
        system.datasets.end_license(1, sender=system.datasets.DISPUTES())
