# SPDX-License-Identifier: Apache-2.0
"""onboard: one signature, one transaction, all of it or nothing."""

from dataclasses import replace

import pytest

from ipto import ids, typed_data
from ipto.structs import ETH, ZERO32
from tests.contracts.support.build import (
    buy,
    chain_id,
    declare,
    digest,
    even_split,
    offer_for,
    onboard_message,
    sign,
    work_input,
)
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def test_declares_registers_and_posts(system: System) -> None:
    message = onboard_message(system)
    work = system.signed.onboard(message, sign(system, system.creator, message), sender=system.relayer)
    assert work == ids.work_id(system.creator, message.work.content)
    domain = typed_data.signed_actions_domain(chain_id(), system.signed.address)
    assert system.signed.events("ActionExecuted") == [
        {
            "actor": system.creator,
            "action": typed_data.TypedData(domain, message).struct_hash,
            "nonce": message.nonce,
        }
    ]
    names = ["ActionExecuted", "SplitDeclared", "Transfer", "WorkRegistered", "Commit", "OfferPosted", "OfferPosted"]
    assert [log.name for log in system.signed.logs] == names
    assert system.registry.sale_terms(work)[:3] == (
        system.creator,
        system.registry.work_of(work)[1],
        message.work.payee,
    )
    for offer in message.offers:
        assert system.market.offer_status(ids.offer_id(offer))[0]
        buy(system, offer)
    total = sum(offer.price for offer in message.offers)
    assert system.vault.balance_of(message.work.payee, ETH) == total
    system.vault.pay_out(message.split, message.controller, ETH)
    assert system.vault.balance_of(message.work.payee, ETH) == 0


def test_without_split_and_without_offers(system: System) -> None:
    message = onboard_message(system, offers=0, split=(), controller="0x" + "0" * 40)
    work = system.signed.onboard(message, sign(system, system.creator, message))
    assert system.registry.sale_terms(work)[2] == ZERO32


def test_with_a_split_declared_before(system: System) -> None:
    payee = declare(system, even_split(system.dancer, system.editor))
    message = onboard_message(system, offers=1, split=(), work=work_input(payee=payee))
    work = system.signed.onboard(message, sign(system, system.creator, message))
    assert system.registry.sale_terms(work)[2] == payee


def test_as_many_as_fit(system: System) -> None:
    people = [(number + 1).to_bytes(32, "big") for number in range(64)]
    message = onboard_message(system, offers=8, split=tuple(even_split(*people)))
    system.signed.onboard(message, sign(system, system.creator, message))


def test_the_payee_is_the_split(system: System) -> None:
    other = declare(system, even_split(system.thief))
    for payee in (ZERO32, other):
        message = onboard_message(system, work=work_input(payee=payee))
        with reverts("signed: payee is not the split"):
            system.signed.onboard(message, sign(system, system.creator, message))


def test_offers_are_the_actors(system: System) -> None:
    message = onboard_message(system)
    strangers = tuple(replace(offer, licensor=str(system.thief)) for offer in message.offers)
    message = replace(message, offers=strangers)
    with reverts("signed: offer is not the actor's"):
        system.signed.onboard(message, sign(system, system.creator, message))


@pytest.mark.parametrize("what", ["work", "offer", "split"])
def test_all_of_it_or_nothing(system: System, what: str) -> None:
    message = onboard_message(system)
    if what == "work":
        message = replace(message, work=replace(message.work, duration_ms=0))
        reason = "registry: duration is zero"
    elif what == "offer":
        message = replace(message, offers=(message.offers[0], replace(message.offers[1], supply=0)))
        reason = "market: supply is zero"
    else:
        message = replace(message, split=tuple(reversed(message.split)))
        reason = "vault: recipients not ascending"
    with reverts(reason):
        system.signed.onboard(message, sign(system, system.creator, message))
    assert not system.signed.is_nonce_used(system.creator, message.nonce)
    assert system.registry.first_claim(message.work.content) == (0, 0)


def test_a_front_runner_gains_nothing(system: System) -> None:
    """Whoever submits it, the outcome is the actor's; a split declared before does not disturb."""
    message = onboard_message(system)
    signature = sign(system, system.creator, message)
    system.vault.declare_split(message.split, message.controller, sender=system.thief)
    work = system.signed.onboard(message, signature, sender=system.thief)
    assert system.registry.ownerOf(work) == system.creator
    with reverts("signed: nonce already used"):
        system.signed.onboard(message, signature, sender=system.relayer)


def test_an_offer_for_a_work_of_another(system: System) -> None:
    other = system.registry.register(system.thief, work_input(), sender=system.thief)
    message = onboard_message(system)
    message = replace(message, offers=(offer_for(other, system.creator, terms=digest()),))
    with reverts("market: licensor does not own the work"):
        system.signed.onboard(message, sign(system, system.creator, message))
