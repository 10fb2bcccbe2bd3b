# SPDX-License-Identifier: Apache-2.0
"""set_dataset_market: once, by the owner, to a contract."""

import pytest

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.build import with_market
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.system import System


@pytest.fixture
def fresh(system: System) -> System:
    """A market that knows no dataset market yet."""
    return with_market(system)


def test_once(fresh: System) -> None:
    assert fresh.market.dataset_market() == ZERO_ADDRESS
    first, second = hostile("Puppet").address, hostile("Puppet").address
    fresh.market.set_dataset_market(first, sender=fresh.owner)
    assert fresh.market.dataset_market() == first
    assert fresh.market.events("DatasetMarketSet") == [{"datasets": first}]
    for again in (first, second, ZERO_ADDRESS):
        with reverts("market: bad wiring"):
            fresh.market.set_dataset_market(again, sender=fresh.owner)


def test_a_contract(fresh: System) -> None:
    for wrong in (ZERO_ADDRESS, str(fresh.thief)):
        with reverts("market: bad wiring"):
            fresh.market.set_dataset_market(wrong, sender=fresh.owner)


def test_only_the_owner(fresh: System) -> None:
    for who in (fresh.creator, fresh.thief, fresh.signed.address):
        with reverts("ownable: caller is not the owner"):
            fresh.market.set_dataset_market(fresh.vault.address, sender=who)
