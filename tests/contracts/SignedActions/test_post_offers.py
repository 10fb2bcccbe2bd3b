# SPDX-License-Identifier: Apache-2.0
"""post_offers: any number of the actor's offers by one signature."""

from dataclasses import replace

from ipto import ids, typed_data
from tests.contracts.support.build import digest, offer_for, register, sign
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now


def message_for(system: System, count: int = 2) -> typed_data.PostOffers:
    work = register(system)
    offers = tuple(offer_for(work, system.creator, terms=digest()) for _ in range(count))
    nonce = int.from_bytes(digest(), "big")
    return typed_data.PostOffers(str(system.creator), system.market.address, offers, nonce, now() + 60)


def test_posts(system: System) -> None:
    for count in (0, 1, 32):
        message = message_for(system, count)
        system.signed.post_offers(message, sign(system, system.creator, message), sender=system.thief)
        assert [log.name for log in system.signed.logs] == ["ActionExecuted"] + ["OfferPosted"] * count
        assert all(system.market.offer_status(ids.offer_id(offer))[0] for offer in message.offers)


def test_of_the_actor_alone(system: System) -> None:
    message = message_for(system)
    message = replace(message, offers=(message.offers[0], replace(message.offers[1], licensor=str(system.thief))))
    with reverts("signed: offer is not the actor's"):
        system.signed.post_offers(message, sign(system, system.creator, message))


def test_all_or_none(system: System) -> None:
    message = message_for(system)
    message = replace(message, offers=(message.offers[0], message.offers[0]))
    with reverts("market: already posted"):
        system.signed.post_offers(message, sign(system, system.creator, message))
    assert not system.market.offer_status(ids.offer_id(message.offers[0]))[0]


def test_another_contract_in_the_message_gets_no_further(system: System) -> None:
    """A market that is none is called in nobody's name: the actor named it, and only the actor's offers go there."""
    for target in (system.vault.address, system.registry.address, str(system.thief)):
        message = replace(message_for(system), market=target)
        with reverts(""):
            system.signed.post_offers(message, sign(system, system.creator, message))
