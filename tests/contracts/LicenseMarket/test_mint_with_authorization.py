# SPDX-License-Identifier: Apache-2.0
"""mint_with_authorization: whoever submits it can change nothing, and it buys one license once."""

from dataclasses import replace

import pytest

from ipto import ids
from ipto.structs import ZERO32, Offer
from tests.contracts.support.build import account, authorize, digest, on_sale, post
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.system import System, balance, travel

PARTY = digest("party")


def offered(system: System, **changes: object) -> Offer:
    system.usd.mint(system.licensee, 100_000)
    return on_sale(system, currency=system.usd.address, price=10_000, **changes)


def test_buys_for_whoever_signed(system: System) -> None:
    system.market.set_fee(250, system.treasury, sender=system.owner)
    offer = offered(system)
    proof = authorize(system, system.licensee, offer, system.heir, PARTY)
    acknowledged = system.market.quote(offer)[2]
    license = system.market.mint_with_authorization(
        offer, system.heir, PARTY, acknowledged, proof, sender=system.relayer
    )
    minted = system.market.events("LicenseMinted")[0]
    assert (minted["payer"], minted["licensee"], minted["party"]) == (system.licensee, system.heir, PARTY)
    assert (minted["price"], minted["fee"]) == (10_000, 250)
    assert system.market.ownerOf(license) == system.heir == minted["licensee"]
    assert system.vault.balance_of(account(system.creator), system.usd.address) == 10_000
    assert system.vault.balance_of(account(system.treasury), system.usd.address) == 250
    assert balance(system.usd.address, system.licensee) == 100_000 - 10_250


def test_once(system: System) -> None:
    offer = offered(system)
    proof = authorize(system, system.licensee, offer, system.licensee)
    acknowledged = system.market.quote(offer)[2]
    system.market.mint_with_authorization(offer, system.licensee, ZERO32, acknowledged, proof)
    with reverts("token: authorization used"):
        system.market.mint_with_authorization(offer, system.licensee, ZERO32, acknowledged, proof)


def test_the_submitter_changes_nothing(system: System) -> None:
    offer = offered(system)
    other = post(system, offer.work, currency=offer.currency, price=10_000, terms=offer.terms, usages=2)
    proof = authorize(system, system.licensee, offer, system.licensee, PARTY)
    acknowledged = system.market.quote(offer)[2]
    for changed in (
        (offer, system.thief, PARTY, acknowledged, proof),
        (other, system.licensee, PARTY, acknowledged, proof),
        (offer, system.licensee, ZERO32, acknowledged, proof),
        (offer, system.licensee, PARTY, acknowledged, replace(proof, payer=str(system.creator))),
        (offer, system.licensee, PARTY, acknowledged, replace(proof, valid_after=1)),
        (offer, system.licensee, PARTY, acknowledged, replace(proof, valid_before=proof.valid_before + 1)),
        (offer, system.licensee, PARTY, acknowledged, replace(proof, v=55 - proof.v)),
        (offer, system.licensee, PARTY, acknowledged, replace(proof, r=digest())),
    ):
        with reverts("token: bad signature"):
            system.market.mint_with_authorization(*changed, sender=system.thief)
    with reverts("market: acknowledged other terms"):
        system.market.mint_with_authorization(offer, system.licensee, PARTY, digest(), proof)


def test_another_market_gets_nothing(system: System) -> None:
    """The same code at another address, and the vault called directly by the thief."""
    rival = system.new_market(owner=system.thief)
    offer = offered(system)
    rival.post(offer, sender=system.creator)
    proof = authorize(system, system.licensee, offer, system.licensee)
    acknowledged = system.market.quote(offer)[2]
    with reverts("token: bad signature"):
        rival.mint_with_authorization(offer, system.licensee, ZERO32, acknowledged, proof)
    order = system.market.order_hash(ids.offer_id(offer), system.licensee, ZERO32, acknowledged)
    with reverts("token: bad signature"):
        system.vault.credit_with_authorization(
            [account(system.thief)], [10_000], offer.currency, order, proof, sender=system.thief
        )
    nonce = ids.authorization_nonce(system.market.address, order)
    with reverts("token: caller must be the payee"):
        system.usd.receiveWithAuthorization(
            system.licensee, system.vault.address, 10_000, 0, proof.valid_before, nonce, proof.v, proof.r, proof.s
        )


@pytest.mark.parametrize("value", [9_999, 10_001])
def test_over_exactly_the_total(system: System, value: int) -> None:
    offer = offered(system)
    proof = authorize(system, system.licensee, offer, system.licensee, value=value)
    with reverts("token: bad signature"):
        system.market.mint_with_authorization(offer, system.licensee, ZERO32, system.market.quote(offer)[2], proof)


def test_a_fee_raised_meanwhile(system: System) -> None:
    offer = offered(system)
    proof = authorize(system, system.licensee, offer, system.licensee)
    system.market.set_fee(1, system.treasury, sender=system.owner)
    with reverts("token: bad signature"):
        system.market.mint_with_authorization(offer, system.licensee, ZERO32, system.market.quote(offer)[2], proof)


def test_late(system: System) -> None:
    offer = offered(system)
    proof = authorize(system, system.licensee, offer, system.licensee)
    travel(3_600)
    with reverts("token: expired"):
        system.market.mint_with_authorization(offer, system.licensee, ZERO32, system.market.quote(offer)[2], proof)


def test_nothing_to_authorize(system: System) -> None:
    offer = on_sale(system, currency=system.usd.address, price=0)
    proof = authorize(system, system.licensee, offer, system.licensee)
    with reverts("market: nothing to authorize"):
        system.market.mint_with_authorization(offer, system.licensee, ZERO32, system.market.quote(offer)[2], proof)


def test_eth_cannot_be_authorized(system: System) -> None:
    offer = on_sale(system)
    proof = authorize(system, system.licensee, offered(system), system.licensee)
    with reverts(""):
        system.market.mint_with_authorization(offer, system.licensee, ZERO32, system.market.quote(offer)[2], proof)


def test_every_rule_of_a_sale_holds(system: System) -> None:
    offer = offered(system, supply=1, licensee=str(system.licensee))
    acknowledged = system.market.quote(offer)[2]
    proof = authorize(system, system.licensee, offer, system.licensee)
    with reverts("market: offer is private"):
        system.market.mint_with_authorization(offer, system.thief, ZERO32, acknowledged, proof)
    system.market.mint_with_authorization(offer, system.licensee, ZERO32, acknowledged, proof)
    with reverts("market: sold out"):
        system.market.mint_with_authorization(offer, system.licensee, ZERO32, acknowledged, proof)


def test_a_token_that_brings_less(system: System) -> None:
    token = hostile("FeeTaking")
    token.set_fees(1, 0)
    token.mint(system.licensee, 100)
    offer = on_sale(system, currency=token.address, price=100)
    proof = authorize(system, system.licensee, offer, system.licensee)
    with reverts("vault: received differs from the sum"):
        system.market.mint_with_authorization(offer, system.licensee, ZERO32, system.market.quote(offer)[2], proof)
