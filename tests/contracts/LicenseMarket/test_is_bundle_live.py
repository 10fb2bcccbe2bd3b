# SPDX-License-Identifier: Apache-2.0
"""is_bundle_live: whether a dataset may keep an offer; every no is an answer."""

from dataclasses import replace

from hypothesis import given

from ipto import ids
from ipto.structs import Offer
from tests.contracts.support.build import hold, on_sale, post, register
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System, now, travel
from tests.ipto.strategies import structures

BUNDLE = 1


def test_yes_and_every_no(system: System) -> None:
    offer = on_sale(system, flags=BUNDLE, opens_at=now() + 10, closes_at=now() + 20)
    live = system.market.is_bundle_live
    assert not live(offer)
    travel(10)
    assert live(offer)
    assert not live(replace(offer, price=offer.price + 1))
    assert not live(on_sale(system, flags=0))
    travel(10)
    assert not live(offer)


def test_withdrawn_moved_and_held(system: System) -> None:
    withdrawn, moved, held = (on_sale(system, flags=BUNDLE) for _ in range(3))
    assert all(system.market.is_bundle_live(offer) for offer in (withdrawn, moved, held))
    system.market.withdraw_offer(withdrawn, sender=system.creator)
    travel(1)
    system.registry.transferFrom(system.creator, system.heir, moved.work, sender=system.creator)
    hold(system, held.work)
    assert not any(system.market.is_bundle_live(offer) for offer in (withdrawn, moved, held))
    system.registry.transferFrom(system.heir, system.creator, moved.work, sender=system.heir)
    assert not system.market.is_bundle_live(moved)
    system.market.post(moved, sender=system.creator)
    assert system.market.is_bundle_live(moved)


def test_consent(system: System) -> None:
    work = register(system, steward=str(system.steward))
    offer = post(system, work, flags=BUNDLE)
    assert not system.market.is_bundle_live(offer)
    system.market.consent(system.steward, ids.offer_id(offer), sender=system.steward)
    assert system.market.is_bundle_live(offer)
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    system.registry.hand_over_stewardship(system.steward, work, system.heir, sender=system.steward)
    assert not system.market.is_bundle_live(offer)
    system.market.consent(system.heir, ids.offer_id(offer), sender=system.heir)
    assert system.market.is_bundle_live(offer)
    system.market.revoke_consent(system.heir, ids.offer_id(offer), sender=system.heir)
    assert not system.market.is_bundle_live(offer)


@effort(40)
@given(structures(Offer))
def test_never_reverts(system: System, offer: Offer) -> None:
    assert system.market.is_bundle_live(offer) is False
