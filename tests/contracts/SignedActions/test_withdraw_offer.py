# SPDX-License-Identifier: Apache-2.0
"""withdraw_offer: one offer of the actor's."""

from dataclasses import replace

from ipto import ids, typed_data
from tests.contracts.support.build import digest, on_sale, sign
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now


def message_for(system: System) -> typed_data.WithdrawOffer:
    nonce = int.from_bytes(digest(), "big")
    return typed_data.WithdrawOffer(str(system.creator), system.market.address, on_sale(system), nonce, now() + 60)


def test_withdraws(system: System) -> None:
    message = message_for(system)
    system.signed.withdraw_offer(message, sign(system, system.creator, message), sender=system.thief)
    assert [log.name for log in system.signed.logs] == ["ActionExecuted", "OfferWithdrawn"]
    assert not system.market.offer_status(ids.offer_id(message.offer))[0]


def test_not_anothers(system: System) -> None:
    message = replace(message_for(system), actor=str(system.thief))
    with reverts("signed: offer is not the actor's"):
        system.signed.withdraw_offer(message, sign(system, system.thief, message))


def test_not_twice(system: System) -> None:
    message = message_for(system)
    system.signed.withdraw_offer(message, sign(system, system.creator, message))
    again = replace(message, nonce=message.nonce ^ 1)
    with reverts("market: offer not live"):
        system.signed.withdraw_offer(again, sign(system, system.creator, again))
    assert not system.signed.is_nonce_used(system.creator, again.nonce)
