# SPDX-License-Identifier: Apache-2.0
"""mint with every kind of token, and with payers whose hooks come back."""

import pytest

from ipto import ids
from ipto.structs import ZERO32
from tests.contracts.support.build import account, buy, offer_for, on_sale, post, work_input
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.money import call
from tests.contracts.support.system import System, balance


def test_only_the_caller_pays(system: System) -> None:
    """Somebody else's allowance to the market is never touched."""
    offer = on_sale(system, currency=system.usd.address, price=100)
    system.fund(system.usd, system.licensee, 100, system.market.address)
    acknowledged = system.market.quote(offer)[2]
    with reverts(""):
        system.market.mint(offer, system.licensee, ZERO32, 100, acknowledged, sender=system.thief)
    assert balance(system.usd.address, system.licensee) == 100


def test_without_allowance_or_money(system: System) -> None:
    offer = on_sale(system, currency=system.usd.address, price=100)
    acknowledged = system.market.quote(offer)[2]
    with reverts(""):
        system.market.mint(offer, system.keeper, ZERO32, 100, acknowledged, sender=system.keeper)
    system.usd.approve(system.market.address, 100, sender=system.keeper)
    with reverts(""):
        system.market.mint(offer, system.keeper, ZERO32, 100, acknowledged, sender=system.keeper)


def test_a_currency_that_is_no_contract(system: System) -> None:
    offer = on_sale(system, currency=str(system.thief), price=100)
    with reverts(""):
        system.market.mint(offer, system.keeper, ZERO32, 100, system.market.quote(offer)[2], sender=system.keeper)


FALSE, TRUE, TWO = ((number).to_bytes(32, "big") for number in (0, 1, 2))


@pytest.mark.parametrize(
    ("moves", "answer", "reason"),
    [
        (True, TRUE, None),
        (True, b"", None),
        (True, FALSE, "market: token refused"),
        (False, FALSE, "market: token refused"),
        (True, TWO, "market: token refused"),
        (False, TRUE, "vault: received differs from the sum"),
        (False, b"", "vault: received differs from the sum"),
    ],
)
def test_a_token_that_answers_anything(system: System, moves: bool, answer: bytes, reason: str | None) -> None:
    token = hostile("Answering")
    offer = on_sale(system, currency=token.address, price=100)
    token.behave(moves, answer)
    if reason is None:
        buy(system, offer)
        return
    with reverts(reason):
        buy(system, offer)
    assert system.market.balanceOf(system.licensee) == 0


def test_a_fee_taking_token_sells_nothing(system: System) -> None:
    token = hostile("FeeTaking")
    token.set_fees(1, 0)
    with reverts("vault: received differs from the sum"):
        buy(system, on_sale(system, currency=token.address, price=100))


def test_neither_market_nor_registry_is_a_currency(system: System) -> None:
    """Their transferFrom looks like a token's; the price would be a token's id."""
    for name in (system.market.address, system.registry.address):
        offer = on_sale(system, currency=name, price=5)
        with reverts("erc721: no such token"):
            system.market.mint(offer, system.keeper, ZERO32, 5, system.market.quote(offer)[2], sender=system.keeper)


REENTERED = ["mint", "mint free", "withdraw_offer", "post", "consent", "set_paused", "quote", "offer_status"]


@pytest.mark.parametrize("name", REENTERED)
def test_a_payers_hook_meets_the_lock(system: System, name: str) -> None:
    token, payer = hostile("Hooked"), hostile("Reenterer")
    own = system.registry.register(payer.address, work_input(), sender=payer.address)
    private = post(system, own, payer.address, price=0)
    offer = on_sale(system, currency=token.address, price=100)
    token.hook(payer.address, True)
    acknowledged = system.market.quote(offer)[2]
    actions = {
        "mint": ("mint", offer, payer.address, ZERO32, 100, acknowledged),
        "mint free": ("mint", private, payer.address, ZERO32, 0, acknowledged),
        "withdraw_offer": ("withdraw_offer", private),
        "post": ("post", offer_for(own, payer.address)),
        "consent": ("consent", payer.address, ZERO32),
        "set_paused": ("set_paused", True),
        "quote": ("quote", offer),
        "offer_status": ("offer_status", ZERO32),
    }
    payer.prepare(*call(system.market, *actions[name]), False)
    token.mint(payer.address, 100)
    token.approve(system.market.address, 100, sender=payer.address)
    system.market.mint(offer, payer.address, ZERO32, 100, acknowledged, sender=payer.address)
    assert payer.outcome() == 2
    assert payer.gas_left() > 1_000_000  # refused, not exhausted
    assert system.market.balanceOf(payer.address) == 1


def test_a_license_given_away_in_a_payers_hook_is_still_paid_for(system: System) -> None:
    """Transfers stay open while a sale is under way; the money arrives, or all of it reverts."""
    token, payer = hostile("Hooked"), hostile("Reenterer")
    offer = on_sale(system, currency=token.address, price=100, flags=2)
    license = ids.license_id(ids.offer_id(offer), 1)
    token.hook(payer.address, True)
    payer.prepare(*call(system.market, "transferFrom", payer.address, system.heir, license), True)
    token.mint(payer.address, 100)
    token.approve(system.market.address, 100, sender=payer.address)
    acknowledged = system.market.quote(offer)[2]
    system.market.mint(offer, payer.address, ZERO32, 100, acknowledged, sender=payer.address)
    assert system.market.ownerOf(license) == system.heir
    assert system.vault.balance_of(account(system.creator), token.address) == 100


def test_a_licensee_that_is_a_contract_is_not_called(system: System) -> None:
    receiver = hostile("Receiver")
    receiver.behave(1)
    buy(system, on_sale(system), receiver.address, payer=system.keeper)
