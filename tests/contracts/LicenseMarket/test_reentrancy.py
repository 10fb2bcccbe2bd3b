# SPDX-License-Identifier: Apache-2.0
"""While a token takes the buyer's money, nobody reaches a function of the market that writes, nor a view that is asked
for money: the calls a thief would make, from inside the token, before and after it moves anything."""

import pytest

from ipto import ids
from ipto.structs import ZERO32, Offer
from tests.contracts.support.build import on_sale, post, register
from tests.contracts.support.contract import Contract, hostile
from tests.contracts.support.system import System, balance

SCHEMES = [
    "mint",
    "mint_many",
    "post",
    "post_many",
    "withdraw_offer",
    "consent",
    "permits",
    "quote",
    "license_of",
    "offer_status",
    "exclusive_until",
    "is_bundle_live",
]


def scheme(system: System, name: str, offer: Offer, token: Contract) -> bytes:
    """A call the token may make: in its own name, or one that needs no name."""
    own = post(system, register(system, token.address), token.address, currency=token.address, price=0)
    known = system.market.quote(own)[2]
    arguments: dict[str, tuple[object, ...]] = {
        "mint": (own, system.thief, ZERO32, 0, known),
        "mint_many": ([own], system.thief, ZERO32, 0, [known]),
        "post": (own,),
        "post_many": ([own],),
        "withdraw_offer": (own,),
        "consent": (token.address, ids.offer_id(offer)),
        "permits": (system.licensee, ids.license_id(ids.offer_id(offer), 1), offer, 1, 1, 0, 1, 0),
        "quote": (offer,),
        "license_of": (ids.license_id(ids.offer_id(offer), 1),),
        "offer_status": (ids.offer_id(offer),),
        "exclusive_until": (offer.work, 1),
        "is_bundle_live": (offer,),
    }
    return system.market.data(name, *arguments[name])


@pytest.mark.parametrize("is_after", [True, False])
@pytest.mark.parametrize("door", ["mint", "mint_many"])
@pytest.mark.parametrize("name", SCHEMES)
def test_nothing_is_reached_from_inside(system: System, name: str, door: str, is_after: bool) -> None:
    token = hostile("Scheming")
    offer = on_sale(system, currency=token.address, price=1_000)
    token.prepare(system.market.address, scheme(system, name, offer, token), is_after)
    system.fund(token, system.licensee, 1_000, system.market.address)
    known = system.market.quote(offer)[2]
    if door == "mint":
        system.market.mint(offer, system.licensee, ZERO32, 1_000, known, sender=system.licensee)
    else:
        system.market.mint_many([offer], system.licensee, ZERO32, 1_000, [known], sender=system.licensee)
    assert token.outcome() == 2
    assert system.market.balanceOf(system.thief) == 0
    assert balance(token.address, system.vault.address) == 1_000
    assert system.market.offer_status(ids.offer_id(offer))[1] == 1
