# SPDX-License-Identifier: Apache-2.0
"""mint_many: many licenses, one payment; every rule of `mint` for every offer."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS, Offer
from tests.contracts.support.build import (
    account,
    declare,
    digest,
    even_split,
    hold,
    on_sale,
    post,
    register,
)
from tests.contracts.support.contract import Contract, hostile, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System, balance


def buy_many(system: System, offers: Sequence[Offer], payer: str | None = None, **changes: Any) -> list[int]:
    """Mint from offers as they stand, paying what they cost now."""
    payer = payer or system.licensee
    quotes = [system.market.quote(offer) for offer in offers]
    total = sum(quote[0] for quote in quotes)
    currency = offers[0].currency if offers else ETH
    if currency != ETH:
        system.fund(Contract(currency, system.usd.abi), payer, total, system.market.address)
    value = changes.get("value", total if currency == ETH else 0)
    licenses = system.market.mint_many(
        list(offers),
        changes.get("licensee", system.licensee),
        changes.get("party", ZERO32),
        changes.get("max_total", total),
        changes.get("acknowledged", [quote[2] for quote in quotes]),
        sender=payer,
        value=value,
    )
    return list(licenses)


@pytest.mark.parametrize("is_eth", [True, False])
def test_one_payment_to_everyone(system: System, is_eth: bool) -> None:
    system.market.set_fee(250, system.treasury, sender=system.owner)
    currency = ETH if is_eth else system.usd.address
    split = declare(system, even_split(system.dancer, system.editor))
    paid = post(system, register(system, payee=split), currency=currency, price=10_000)
    alone = post(system, register(system, system.heir), system.heir, currency=currency, price=3_999)
    free = on_sale(system, currency=currency, price=0)
    before = balance(currency, system.keeper)
    party = digest()
    licenses = buy_many(system, [paid, alone, free], system.keeper, party=party)
    assert licenses == [ids.license_id(ids.offer_id(offer), 1) for offer in (paid, alone, free)]
    assert [system.market.ownerOf(license) for license in licenses] == [system.licensee] * 3
    minted = system.market.events("LicenseMinted")
    assert [(log["payer"], log["party"], log["price"], log["fee"]) for log in minted] == [
        (system.keeper, party, 10_000, 250),
        (system.keeper, party, 3_999, 99),
        (system.keeper, party, 0, 0),
    ]
    credited = [log.args for log in system.market.logs if log.name == "Credited"]
    assert [(log["account"], log["amount"]) for log in credited] == [
        (split, 10_000),
        (account(system.heir), 3_999),
        (account(system.treasury), 349),
    ]
    assert balance(currency, system.vault.address) == 14_348
    assert balance(currency, system.keeper) == (before - 14_348 if is_eth else 0)


def test_fifty_at_once_and_not_more(system: System) -> None:
    system.market.set_fee(1, system.treasury, sender=system.owner)
    offers = [on_sale(system, price=10_000) for _ in range(51)]
    assert len(set(buy_many(system, offers[:50]))) == 50
    with reverts(""):
        buy_many(system, offers)


def test_free_of_charge_needs_no_payment(system: System) -> None:
    """Nothing is asked of a currency that does not exist."""
    offers = [on_sale(system, price=0, currency=str(system.thief)) for _ in range(2)]
    acknowledged = [system.market.quote(offer)[2] for offer in offers]
    assert len(system.market.mint_many(offers, system.licensee, ZERO32, 0, acknowledged)) == 2


def test_twice_the_same_is_two_licenses_as_far_as_supply_goes(system: System) -> None:
    offer = on_sale(system, supply=3)
    number = ids.offer_id(offer)
    assert buy_many(system, [offer, offer]) == [ids.license_id(number, 1), ids.license_id(number, 2)]
    with reverts("market: sold out"):
        buy_many(system, [offer, offer])
    assert system.vault.balance_of(account(system.creator), ETH) == 2 * offer.price


def test_an_exclusive_license_bars_the_next_in_the_list(system: System) -> None:
    work = register(system)
    exclusive, plain = post(system, work, flags=4), post(system, work)
    with reverts("market: exclusive license running"):
        buy_many(system, [exclusive, plain])
    assert len(buy_many(system, [plain, exclusive])) == 2


def test_lists(system: System) -> None:
    offer = on_sale(system)
    known = system.market.quote(offer)[2]
    for offers, acknowledged in (([], []), ([], [known]), ([offer], []), ([offer], [known, known])):
        with reverts("market: lists empty or unequal"):
            system.market.mint_many(offers, system.licensee, ZERO32, 10**18, acknowledged)


def test_one_currency(system: System) -> None:
    with reverts("market: more than one currency"):
        buy_many(system, [on_sale(system), on_sale(system, currency=system.usd.address)])
    with reverts("market: more than one currency"):
        buy_many(system, [on_sale(system, currency=system.usd.address), on_sale(system)])


def test_never_above_the_highest_total(system: System) -> None:
    offers = [on_sale(system, price=1_000) for _ in range(2)]
    with reverts("market: price above max"):
        buy_many(system, offers, max_total=1_999)
    system.market.set_fee(10, system.treasury, sender=system.owner)
    with reverts("market: price above max"):
        buy_many(system, offers, max_total=2_000)
    buy_many(system, offers, max_total=2_002)


@pytest.mark.parametrize("difference", [-1, 1])
def test_exactly_the_total_in_eth(system: System, difference: int) -> None:
    offers = [on_sale(system, price=1_000) for _ in range(2)]
    with reverts("market: ETH sent differs from the total"):
        buy_many(system, offers, value=2_000 + difference)
    tokens = [on_sale(system, price=1_000, currency=system.usd.address)]
    with reverts("market: ETH sent differs from the total"):
        buy_many(system, tokens, value=1)


def test_one_bad_apple_stops_all(system: System) -> None:
    good = on_sale(system)
    held, withdrawn = on_sale(system), on_sale(system)
    private = on_sale(system, licensee=str(system.heir))
    stewarded = post(system, register(system, steward=str(system.steward)))
    system.market.withdraw_offer(withdrawn, sender=system.creator)
    for bad, reason in (
        (withdrawn, "market: offer not live"),
        (private, "market: offer is private"),
        (stewarded, "market: steward has not consented"),
    ):
        with reverts(reason):
            buy_many(system, [good, bad])
    known = [system.market.quote(offer)[2] for offer in (good, held)]
    with reverts("market: acknowledged other terms"):
        buy_many(system, [good, held], acknowledged=[known[0], digest()])
    with reverts("market: acknowledged other terms"):
        buy_many(system, [good, held], acknowledged=[digest(), known[1]])
    hold(system, held.work)
    with reverts("registry: work is on hold"):
        system.market.mint_many([good, held], system.licensee, ZERO32, 10**19, known)
    with reverts("market: licensee is zero"):
        buy_many(system, [good], licensee=ZERO_ADDRESS)
    system.market.set_paused(True, sender=system.owner)
    with reverts("market: paused"):
        buy_many(system, [good])
    assert system.market.balanceOf(system.licensee) == 0


@pytest.mark.parametrize(
    ("token", "prepare", "arguments", "reason"),
    [
        ("FeeTaking", "set_fees", (1, 0), "vault: received differs from the sum"),
        ("Answering", "behave", (False, bytes(31) + b"\1"), "vault: received differs from the sum"),
        ("Answering", "behave", (True, bytes(32)), "market: token refused"),
        ("Blocking", "pause", (True,), "token: paused"),
    ],
)
def test_odd_tokens(system: System, token: str, prepare: str, arguments: tuple[Any, ...], reason: str) -> None:
    """What is not received in full is not sold."""
    odd = hostile(token)
    getattr(odd, prepare)(*arguments)
    offers = [on_sale(system, price=1_000, currency=odd.address) for _ in range(2)]
    with reverts(reason):
        buy_many(system, offers)
    assert system.market.balanceOf(system.licensee) == 0


PRICES = st.lists(st.tuples(st.integers(0, 2**90), st.integers(0, 2)), min_size=1, max_size=6)


@effort(20)
@given(PRICES, st.integers(0, 250))
def test_equals_buying_one_by_one(system: System, wanted: list[tuple[int, int]], bps: int) -> None:
    system.market.set_fee(bps, system.treasury, sender=system.owner)
    licensors = [system.creator, system.heir, system.dancer]
    works = [register(system, who) for who in licensors]
    offers = [
        post(system, works[who], licensors[who], price=price, currency=system.usd.address, terms=digest())
        for price, who in wanted
    ]
    expected: Counter[bytes] = Counter()
    for price, who in wanted:
        expected[account(licensors[who])] += price
        expected[account(system.treasury)] += price * bps // 10_000
    before = {who: system.vault.balance_of(who, system.usd.address) for who in expected}
    buy_many(system, offers)
    gained = {who: system.vault.balance_of(who, system.usd.address) - before[who] for who in expected}
    assert gained == dict(expected)
