# SPDX-License-Identifier: Apache-2.0
"""mint_at_least: whichever members there are, enough of them and not too dear."""

import pytest

from ipto import ids
from ipto.structs import ZERO32, ZERO_ADDRESS, Dataset
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import filled, joined, member, opened
from tests.contracts.support.system import System


def mint(system: System, dataset: Dataset, max_total: int, min_members: int, value: int = 20_000) -> int:
    order = (dataset, system.licensee, ZERO32, max_total, min_members)
    result: int = system.datasets.mint_at_least(*order, sender=system.keeper, value=value)
    return result


@pytest.mark.parametrize("least", [1, 2])
def test_enough(system: System, least: int) -> None:
    dataset, _ = filled(system)
    license = mint(system, dataset, 20_000, least)
    assert system.datasets.ownerOf(license) == system.licensee
    (event,) = system.datasets.events("DatasetLicenseMinted")
    assert (event["members"], event["payer"], event["price"]) == (2, system.keeper, 20_000)


@pytest.mark.parametrize("least", [3, 2**32 - 1])
def test_too_few(system: System, least: int) -> None:
    dataset, _ = filled(system)
    with reverts("dataset: fewer members"):
        mint(system, dataset, 20_000, least)


def test_zero_is_no_number_of_members(system: System) -> None:
    dataset, _ = filled(system)
    with reverts("dataset: least members are zero"):
        mint(system, dataset, 20_000, 0)
    with reverts("dataset: no members"):
        mint(system, opened(system, usages=2), 0, 0, 0)


def test_too_dear(system: System) -> None:
    dataset, _ = filled(system)
    with reverts("market: price above max"):
        mint(system, dataset, 19_999, 1)
    # The curator adds something dear before the buyer's transaction.
    joined(system, dataset, member(system, price=10**18))
    with reverts("market: price above max"):
        mint(system, dataset, 20_000, 1)


def test_still_goes_through_when_a_member_leaves(system: System) -> None:
    """What this form is for: nobody can stop a sale by taking one work out."""
    dataset, (offer, _) = filled(system)
    system.datasets.take_out(system.creator, ids.dataset_id(dataset), offer, sender=system.creator)
    with reverts("market: ETH sent differs from the total"):
        mint(system, dataset, 20_000, 1)
    mint(system, dataset, 20_000, 1, 10_000)


def test_the_same_rules(system: System) -> None:
    dataset, _ = filled(system, licensee=str(system.heir))
    with reverts("dataset: private"):
        mint(system, dataset, 20_000, 1)
    with reverts("market: licensee is zero"):
        system.datasets.mint_at_least(dataset, ZERO_ADDRESS, ZERO32, 20_000, 1)
    system.datasets.set_paused(True, sender=system.owner)
    with reverts("market: paused"):
        mint(system, dataset, 20_000, 1)
