# SPDX-License-Identifier: Apache-2.0
"""set_fee and fee: on top of the price, capped, by the protocol's owner."""

import pytest

from ipto.structs import ETH, ZERO_ADDRESS, checksum_address
from tests.contracts.support.build import account, buy, on_sale
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_logs_and_shows(system: System) -> None:
    assert system.market.fee() == (0, ZERO_ADDRESS)
    for bps, to in ((250, system.treasury), (1, "0x" + "fF" * 20), (0, ZERO_ADDRESS), (0, system.treasury)):
        system.market.set_fee(bps, to, sender=system.owner)
        assert system.market.events("FeeSet") == [{"bps": bps, "recipient": _checksum(to)}]
        assert system.market.fee() == (bps, _checksum(to))


def _checksum(address: str) -> str:
    return checksum_address(address.lower())


@pytest.mark.parametrize("bps", [251, 10_000, 2**16 - 1])
def test_cap(system: System, bps: int) -> None:
    with reverts("market: fee above cap"):
        system.market.set_fee(bps, system.treasury, sender=system.owner)


def test_a_fee_needs_a_recipient(system: System) -> None:
    with reverts("market: fee without recipient"):
        system.market.set_fee(1, ZERO_ADDRESS, sender=system.owner)


def test_by_the_owner_alone(system: System) -> None:
    for sender in (system.thief, system.treasury, system.signed.address):
        with reverts("ownable: caller is not the owner"):
            system.market.set_fee(1, system.thief, sender=sender)


def test_does_not_undo_a_pause(system: System) -> None:
    system.market.set_paused(True, sender=system.owner)
    system.market.set_fee(250, "0x" + "ff" * 20, sender=system.owner)
    assert system.market.sales_paused()
    system.market.set_paused(False, sender=system.owner)
    assert system.market.fee() == (250, _checksum("0x" + "ff" * 20))


@pytest.mark.parametrize(
    ("price", "bps", "fee"),
    [(10_000, 250, 250), (39, 250, 0), (40, 250, 1), (2**96 - 1, 250, (2**96 - 1) * 250 // 10_000), (9_999, 1, 0)],
)
def test_the_payee_gets_the_price_and_the_treasury_the_fee(system: System, price: int, bps: int, fee: int) -> None:
    system.market.set_fee(bps, system.treasury, sender=system.owner)
    offer = on_sale(system, price=price)
    assert system.market.quote(offer)[:2] == (price + fee, fee)
    buy(system, offer)
    assert system.market.events("LicenseMinted")[0]["fee"] == fee
    assert system.vault.balance_of(account(system.creator), ETH) == price
    assert system.vault.balance_of(account(system.treasury), ETH) == fee
