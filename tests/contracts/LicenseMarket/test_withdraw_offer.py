# SPDX-License-Identifier: Apache-2.0
"""withdraw_offer: by the licensor, at any time; what was sold stays."""

from ipto import ids
from tests.contracts.support.build import buy, hold, offer_for, on_sale, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now


def test_ends_the_offer_and_keeps_the_rest(system: System) -> None:
    offer = on_sale(system, usages=3, flags=2)
    license = buy(system, offer)
    before = system.market.offer_status(ids.offer_id(offer))
    system.market.withdraw_offer(offer, sender=system.creator)
    assert [(log.name, log.args) for log in system.market.logs] == [
        ("OfferWithdrawn", {"offer_id": ids.offer_id(offer), "work": offer.work, "licensor": system.creator})
    ]
    assert system.market.offer_status(ids.offer_id(offer)) == (False, *before[1:])
    with reverts("market: offer not live"):
        buy(system, offer)
    assert system.market.permits(system.licensee, license, offer, 1, 1, 0, 10, now())


def test_by_the_licensor_alone(system: System) -> None:
    offer = on_sale(system)
    for sender in (system.thief, system.owner):
        with reverts("market: not the actor"):
            system.market.withdraw_offer(offer, sender=sender)
    system.market.withdraw_offer(offer, sender=system.signed.address)


def test_only_what_is_live(system: System) -> None:
    offer = on_sale(system)
    system.market.withdraw_offer(offer, sender=system.creator)
    with reverts("market: offer not live"):
        system.market.withdraw_offer(offer, sender=system.creator)
    with reverts("market: offer not live"):
        system.market.withdraw_offer(offer_for(register(system), system.creator), sender=system.creator)


def test_nothing_stops_it(system: System) -> None:
    """Neither pause nor hold, and not that the work moved on."""
    offers = [on_sale(system) for _ in range(2)]
    system.market.set_paused(True, sender=system.owner)
    hold(system, offers[0].work)
    system.market.withdraw_offer(offers[0], sender=system.creator)
    system.registry.transferFrom(system.creator, system.heir, offers[1].work, sender=system.creator)
    with reverts("market: not the actor"):
        system.market.withdraw_offer(offers[1], sender=system.heir)
    system.market.withdraw_offer(offers[1], sender=system.creator)
