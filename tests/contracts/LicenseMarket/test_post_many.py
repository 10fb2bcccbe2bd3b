# SPDX-License-Identifier: Apache-2.0
"""post_many: as many posts in one transaction, all or none."""

from dataclasses import replace

import pytest

from ipto import ids
from tests.contracts.support.build import buy, digest, hold, offer_for, register
from tests.contracts.support.contract import Reverted, reverts
from tests.contracts.support.system import System


def test_each_is_live_and_logged(system: System) -> None:
    offers = [offer_for(register(system), system.creator, price=price) for price in range(5)]
    numbers = system.market.post_many(offers, sender=system.creator)
    assert list(numbers) == [ids.offer_id(offer) for offer in offers]
    assert [log["offer_id"] for log in system.market.events("OfferPosted")] == list(numbers)
    for offer in offers:
        buy(system, offer)


def test_none_and_fifty_but_not_more(system: System) -> None:
    work = register(system)
    offers = [offer_for(work, system.creator, terms=digest()) for _ in range(51)]
    assert list(system.market.post_many([], sender=system.creator)) == []
    assert len(system.market.post_many(offers[:50], sender=system.creator)) == 50
    with reverts(""):
        system.market.post_many(offers, sender=system.creator)


def test_all_or_none(system: System) -> None:
    first, second = (offer_for(register(system), system.creator) for _ in range(2))
    for wrong, reason in (
        (replace(second, usages=0), "market: usages out of range"),
        (replace(second, licensor=str(system.heir)), "market: not the actor"),
        (first, "market: already posted"),
    ):
        with reverts(reason):
            system.market.post_many([first, wrong], sender=system.creator)
        assert system.market.offer_status(ids.offer_id(first))[0] is False
    hold(system, second.work)
    with reverts("registry: work is on hold"):
        system.market.post_many([first, second], sender=system.creator)


@pytest.mark.parametrize("who", ["thief", "owner", "relayer"])
def test_only_by_the_licensor(system: System, who: str) -> None:
    offers = [offer_for(register(system), system.creator)]
    with reverts("market: not the actor"):
        system.market.post_many(offers, sender=getattr(system, who))
    system.market.post_many(offers, sender=system.signed.address)


def test_several_licensors_need_the_gate(system: System) -> None:
    """Nobody posts for two people, but SignedActions may: it answers for whoever signed."""
    offers = [offer_for(register(system, who), who) for who in (system.creator, system.heir)]
    for sender in (system.creator, system.heir):
        with pytest.raises(Reverted):
            system.market.post_many(offers, sender=sender)
    system.market.post_many(offers, sender=system.signed.address)
