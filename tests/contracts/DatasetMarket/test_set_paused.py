# SPDX-License-Identifier: Apache-2.0
"""set_paused: by the owner; it stops sales here and nowhere else, and nothing that is owed."""

from ipto import ids
from tests.contracts.support.build import buy as buy_license
from tests.contracts.support.build import on_sale
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import buy, filled, joined, member
from tests.contracts.support.system import System


def test_stops_sales_alone(system: System) -> None:
    dataset, offers = filled(system)
    buy(system, dataset)
    system.datasets.set_paused(True, sender=system.owner)
    assert system.datasets.events("SalesPaused") == [{"paused": True}]
    with reverts("market: paused"):
        buy(system, dataset)
    joined(system, dataset, member(system))
    system.datasets.collect(ids.dataset_id(dataset), offers)
    buy_license(system, on_sale(system))
    system.datasets.set_paused(False, sender=system.owner)
    assert not system.datasets.sales_paused()


def test_by_the_owner_alone(system: System) -> None:
    with reverts("ownable: caller is not the owner"):
        system.datasets.set_paused(True, sender=system.thief)
