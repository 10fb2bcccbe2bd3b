# SPDX-License-Identifier: Apache-2.0
"""exclusive_until and the guard behind it: no later overlapping license, earlier ones survive."""

import pytest

from ipto.structs import PERPETUAL
from tests.contracts.support.build import YEAR, buy, in_datasets, post, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now, travel

EXCLUSIVE = 4
HOUR = 3600


def hour(seconds: int) -> int:
    return -(-seconds // HOUR) * HOUR


def test_bars_the_same_usage_until_it_ends(system: System) -> None:
    work = register(system)
    exclusive = post(system, work, usages=0b11, flags=EXCLUSIVE, term=YEAR)
    open_offer, other = post(system, work, usages=0b110), post(system, work, usages=0b100)
    buy(system, exclusive)
    end = hour(now() + YEAR)
    assert [system.market.exclusive_until(work, 1 << bit) for bit in range(8)] == [end, end, 0, 0, 0, 0, 0, 0]
    for offer in (exclusive, open_offer):
        with reverts("market: exclusive license running"):
            buy(system, offer)
    buy(system, other)
    travel(end - now() - 1)
    with reverts("market: exclusive license running"):
        buy(system, open_offer)
    travel(1)
    buy(system, open_offer)
    buy(system, exclusive)


def test_rounds_up_to_the_hour_never_down(system: System) -> None:
    work = register(system)
    travel(hour(now()) - now())
    buy(system, post(system, work, flags=EXCLUSIVE, term=HOUR))
    assert system.market.exclusive_until(work, 1) == now() + HOUR
    travel(HOUR)
    buy(system, post(system, work, flags=EXCLUSIVE, term=HOUR + 1))
    assert system.market.exclusive_until(work, 1) == now() + 2 * HOUR


def test_every_usage_has_its_lane(system: System) -> None:
    work = register(system)
    ends = {}
    for bit in (3, 0, 7, 5):
        buy(system, post(system, work, usages=1 << bit, flags=EXCLUSIVE, term=YEAR * (bit + 1)))
        ends[bit] = hour(now() + YEAR * (bit + 1))
        travel(12_345)
    assert [system.market.exclusive_until(work, 1 << bit) for bit in range(8)] == [ends.get(bit, 0) for bit in range(8)]


@pytest.mark.parametrize("term", [PERPETUAL, PERPETUAL - 1, 2**40 - 1 - 1_800_000_000])
def test_for_ever(system: System, term: int) -> None:
    work = register(system)
    buy(system, post(system, work, usages=1 << 7, flags=EXCLUSIVE, term=term))
    assert system.market.exclusive_until(work, 1 << 7) == 2**256 - 1
    offer = post(system, work, usages=2**8 - 1)
    travel(2**40 - 1 - now())
    with reverts("market: exclusive license running"):
        buy(system, offer)


def test_longer_than_its_lane_is_for_ever(system: System) -> None:
    """Beyond the year 3883 a lane is full; it saturates and does not spill into its neighbour."""
    work = register(system)
    buy(system, post(system, work, usages=1, flags=EXCLUSIVE, term=(2**24 + 5) * HOUR))
    assert [system.market.exclusive_until(work, 1 << bit) for bit in range(8)] == [2**256 - 1, 0, 0, 0, 0, 0, 0, 0]


def test_earlier_licenses_survive(system: System) -> None:
    work = register(system)
    offer = post(system, work)
    license = buy(system, offer)
    buy(system, post(system, work, flags=EXCLUSIVE))
    assert system.market.permits(system.licensee, license, offer, 1, 1, 0, 1, now())
    with reverts("market: exclusive license running"):
        buy(system, offer)


def test_outlives_withdrawal_and_a_new_owner(system: System) -> None:
    work = register(system)
    exclusive = post(system, work, flags=EXCLUSIVE)
    buy(system, exclusive)
    system.market.withdraw_offer(exclusive, sender=system.creator)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    with reverts("market: exclusive license running"):
        buy(system, post(system, work, system.heir))


def test_another_work_is_free(system: System) -> None:
    buy(system, post(system, register(system), flags=EXCLUSIVE))
    buy(system, post(system, register(system)))


@pytest.mark.parametrize("usage", [0, 3, 2**8, 2**15, 2**16 - 1])
def test_asks_for_one_usage(system: System, usage: int) -> None:
    with reverts("market: not one usage"):
        system.market.exclusive_until(1, usage)


def test_a_work_in_a_dataset_is_not_sold_exclusively(system: System) -> None:
    """Datasets come later; their count sits above the lanes and is read today."""
    work = register(system)
    in_datasets(system, work, 1)
    with reverts("market: work is in a dataset"):
        buy(system, post(system, work, flags=EXCLUSIVE))
    buy(system, post(system, work))
