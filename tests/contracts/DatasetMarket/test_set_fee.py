# SPDX-License-Identifier: Apache-2.0
"""set_fee: its own, by the owner, capped; what members and curator get does not depend on it."""

from ipto.structs import ETH, ZERO_ADDRESS
from tests.contracts.support.build import account
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import account_of, buy, filled
from tests.contracts.support.system import System


def test_sets(system: System) -> None:
    assert system.datasets.fee() == (0, ZERO_ADDRESS)
    system.datasets.set_fee(250, system.treasury, sender=system.owner)
    assert system.datasets.fee() == (250, system.treasury)
    assert system.datasets.events("FeeSet") == [{"bps": 250, "recipient": system.treasury}]
    assert system.market.fee() == (0, ZERO_ADDRESS)


def test_refused(system: System) -> None:
    with reverts("market: fee above cap"):
        system.datasets.set_fee(251, system.treasury, sender=system.owner)
    with reverts("market: fee without recipient"):
        system.datasets.set_fee(1, ZERO_ADDRESS, sender=system.owner)
    with reverts("ownable: caller is not the owner"):
        system.datasets.set_fee(1, system.thief, sender=system.thief)


def test_a_pause_outlives_a_change_of_the_fee(system: System) -> None:
    system.datasets.set_paused(True, sender=system.owner)
    system.datasets.set_fee(1, system.treasury, sender=system.owner)
    assert system.datasets.sales_paused()


def test_on_top(system: System) -> None:
    for bps in (0, 1, 250):
        system.datasets.set_fee(bps, system.treasury, sender=system.owner)
        dataset, _ = filled(system, 1, salt=bps.to_bytes(32, "big"), curator_fee_bps=100)
        buy(system, dataset)
        assert system.vault.balance_of(account_of(system, dataset), ETH) == 10_000
    assert system.vault.balance_of(account(system.curator), ETH) == 300
    assert system.vault.balance_of(account(system.treasury), ETH) == 1 + 250
