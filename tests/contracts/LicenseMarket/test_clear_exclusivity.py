# SPDX-License-Identifier: Apache-2.0
"""clear_exclusivity: a ruling frees a work of the exclusive licenses sold of it; datasets keep theirs."""

import pytest

from tests.contracts.support.build import buy, digest, post, register, with_market
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.system import System, now


@pytest.fixture
def ruled(system: System) -> System:
    """A market whose dispute resolution is the keeper, with a dataset market the test acts for."""
    return with_market(system, disputes=str(system.keeper), datasets=hostile("Puppet").address)


def test_frees_every_usage(ruled: System) -> None:
    work = register(ruled)
    exclusive, plain = post(ruled, work, flags=4, usages=0xFF), post(ruled, work, usages=0xFF)
    license = buy(ruled, exclusive)
    with reverts("market: exclusive license running"):
        buy(ruled, plain)
    ruled.market.clear_exclusivity(work, sender=ruled.keeper)
    assert [(log.name, log.args) for log in ruled.market.logs] == [("ExclusivityCleared", {"work": work})]
    assert [ruled.market.exclusive_until(work, 1 << bit) for bit in range(8)] == [0] * 8
    buy(ruled, plain)
    buy(ruled, exclusive)
    assert ruled.market.permits(ruled.licensee, license, exclusive, 1, 1, 0, 1, now())


def test_keeps_the_datasets(ruled: System) -> None:
    work = register(ruled)
    for _ in range(2):
        ruled.market.bundle(post(ruled, work, flags=1, terms=digest()), sender=ruled.market.dataset_market())
    ruled.market.clear_exclusivity(work, sender=ruled.keeper)
    with reverts("market: work is in a dataset"):
        buy(ruled, post(ruled, work, flags=4))
    for _ in range(2):
        ruled.market.unbundle(work, sender=ruled.market.dataset_market())
    buy(ruled, post(ruled, work, flags=4, price=1))


def test_of_anything(ruled: System) -> None:
    """A work nobody sold, and one that does not exist: a ruling must not fail because of it."""
    ruled.market.clear_exclusivity(register(ruled), sender=ruled.keeper)
    ruled.market.clear_exclusivity(1, sender=ruled.keeper)


def test_by_dispute_resolution_alone(ruled: System) -> None:
    work = register(ruled)
    for who in (ruled.owner, ruled.creator, ruled.signed.address, ruled.thief):
        with reverts("market: not for this caller"):
            ruled.market.clear_exclusivity(work, sender=who)
