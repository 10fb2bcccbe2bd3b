# SPDX-License-Identifier: Apache-2.0
"""close_gate and is_gate_closed: by the owner, once and for ever; direct calls go on."""

from ipto import typed_data
from tests.contracts.support.build import offer_for, on_sale, onboard_message, register, sign
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now


def test_ends_signed_actions_and_nothing_else(system: System) -> None:
    offer, other = on_sale(system), offer_for(register(system), system.creator)
    assert not system.signed.is_gate_closed()
    system.signed.close_gate(sender=system.owner)
    assert system.signed.events("GateClosed") == [{}]
    assert system.signed.is_gate_closed()
    onboard = onboard_message(system)
    posting = typed_data.PostOffers(str(system.creator), system.market.address, (other,), 1, now())
    withdrawal = typed_data.WithdrawOffer(str(system.creator), system.market.address, offer, 2, now())
    for name, message in (("onboard", onboard), ("post_offers", posting), ("withdraw_offer", withdrawal)):
        with reverts("signed: gate is closed"):
            getattr(system.signed, name)(message, sign(system, system.creator, message))
    register(system)
    system.market.post(other, sender=system.creator)
    system.market.withdraw_offer(offer, sender=system.creator)


def test_by_the_owner_alone(system: System) -> None:
    for sender in (system.thief, system.relayer):
        with reverts("ownable: caller is not the owner"):
            system.signed.close_gate(sender=sender)


def test_never_opens_again(system: System) -> None:
    assert {name for name, _ in system.signed.functions if "gate" in name} == {"close_gate", "is_gate_closed"}
