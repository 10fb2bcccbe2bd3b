# SPDX-License-Identifier: Apache-2.0
"""set_paused and sales_paused: new offers and sales only; what is owed is paid, what was sold counts."""

from ipto.structs import ETH
from tests.contracts.support.build import authorize, buy, on_sale
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now


def test_logs_and_shows(system: System) -> None:
    for paused in (True, False):
        system.market.set_paused(paused, sender=system.owner)
        assert system.market.events("SalesPaused") == [{"paused": paused}]
        assert system.market.sales_paused() is paused


def test_by_the_owner_alone(system: System) -> None:
    for sender in (system.thief, system.creator):
        with reverts("ownable: caller is not the owner"):
            system.market.set_paused(True, sender=sender)


def test_stops_sales_and_nothing_else(system: System) -> None:
    offer, token_offer = on_sale(system, flags=2), on_sale(system, currency=system.usd.address, price=5)
    license = buy(system, offer)
    system.market.set_fee(100, system.treasury, sender=system.owner)
    proof = authorize(system, system.licensee, token_offer, system.licensee)
    system.market.set_paused(True, sender=system.owner)
    with reverts("market: paused"):
        buy(system, offer)
    with reverts("market: paused"):
        acknowledged = system.market.quote(token_offer)[2]
        system.market.mint_with_authorization(token_offer, system.licensee, bytes(32), acknowledged, proof)
    assert system.vault.withdraw(system.creator, ETH) == offer.price
    assert system.market.permits(system.licensee, license, offer, 1, 1, 0, 1, now())
    system.market.transferFrom(system.licensee, system.heir, license, sender=system.licensee)
    system.market.withdraw_offer(offer, sender=system.creator)
    assert system.market.fee() == (100, system.treasury)
