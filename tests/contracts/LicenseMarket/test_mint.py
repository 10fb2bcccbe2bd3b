# SPDX-License-Identifier: Apache-2.0
"""mint: everything that has to hold for a sale, and everything a sale leaves behind."""

from typing import Any

import pytest

from ipto import ids
from ipto.structs import ETH, NEVER, PERPETUAL, UNLIMITED, ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import (
    YEAR,
    account,
    buy,
    declare,
    digest,
    even_split,
    hold,
    offer_for,
    on_sale,
    post,
    register,
    sold_so_far,
    work_input,
)
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.system import System, balance, now, travel

FOREVER = 2**256 - 1


@pytest.mark.parametrize("currency", ["eth", "usd"])
@pytest.mark.parametrize("flags", [0, 2])
def test_a_sale_and_all_it_leaves(system: System, currency: str, flags: int) -> None:
    system.market.set_fee(250, system.treasury, sender=system.owner)
    name = ETH if currency == "eth" else system.usd.address
    payee, party, notice = declare(system, even_split(system.creator, system.dancer)), digest(), digest()
    work = register(system, payee=payee, cultural=notice)
    offer = post(system, work, currency=name, price=10_000, flags=flags)
    before = balance(ETH, system.keeper)
    license = buy(system, offer, payer=system.keeper, party=party)
    assert license == ids.license_id(ids.offer_id(offer), 1)
    logs = [(log.name, log.args) for log in system.market.logs if log.address == system.market.address]
    expected: list[tuple[str, dict[str, Any]]] = [
        ("Transfer", {"sender": ZERO_ADDRESS, "receiver": system.licensee, "token_id": license}),
        (
            "LicenseMinted",
            {
                "license": license,
                "licensee": system.licensee,
                "work": work,
                "payer": system.keeper,
                "payee": payee,
                "currency": name,
                "price": 10_000,
                "fee": 250,
                "expires_at": now() + YEAR,
                "party": party,
                "cultural": notice,
                "claim_rank": 0,
            },
        ),
        ("TokenExpiryUpdated", {"tokenId": license, "startTime": now(), "endTime": now() + YEAR}),
    ]
    expected.append(("Unlocked" if flags & 2 else "Locked", {"tokenId": license}))
    assert logs == expected
    credited = [log.args for log in system.market.logs if log.name == "Credited"]
    assert credited == [
        {"account": who, "currency": name, "market": system.market.address, "amount": amount}
        for who, amount in ((payee, 10_000), (account(system.treasury), 250))
    ]
    assert system.market.license_of(license) == (
        system.licensee,
        now(),
        now() + YEAR,
        0 if flags & 2 else 1,
        ids.offer_id(offer),
    )
    assert system.market.offer_status(ids.offer_id(offer))[1] == 1
    assert balance(name, system.vault.address) == 10_250
    assert balance(name, system.market.address) == 0
    if currency == "eth":
        assert before - balance(ETH, system.keeper) == 10_250


def test_without_split_the_owner_is_paid(system: System) -> None:
    offer = on_sale(system)
    buy(system, offer)
    assert system.vault.balance_of(account(system.creator), ETH) == offer.price
    assert system.market.events("LicenseMinted")[0]["payee"] == account(system.creator)


def test_sales_are_numbered(system: System) -> None:
    offer = on_sale(system)
    numbers = [buy(system, offer) & 0xFFFFFFFF for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert {buy(system, offer) >> 32 for _ in range(2)} == {int.from_bytes(ids.offer_id(offer), "big") >> 32}


@pytest.mark.parametrize("currency", ["eth", "usd"])
def test_free(system: System, currency: str) -> None:
    system.market.set_fee(250, system.treasury, sender=system.owner)
    offer = on_sale(system, price=0, currency=ETH if currency == "eth" else system.usd.address)
    license = buy(system, offer)
    assert [log.name for log in system.market.logs if log.name == "Credited"] == []
    assert system.market.ownerOf(license) == system.licensee


def test_a_token_that_returns_nothing(system: System) -> None:
    token = hostile("NoReturn")
    buy(system, on_sale(system, currency=token.address, price=5))
    assert system.vault.balance_of(account(system.creator), token.address) == 5


@pytest.mark.parametrize("value", [0, 10**18 - 1, 10**18 + 1])
def test_eth_must_be_the_total(system: System, value: int) -> None:
    offer = on_sale(system)
    with reverts("market: ETH sent differs from the total"):
        buy(system, offer, value=value)


def test_eth_for_a_free_or_a_token_offer_is_refused(system: System) -> None:
    with reverts("market: ETH sent differs from the total"):
        buy(system, on_sale(system, price=0), value=1)
    with reverts("market: ETH sent differs from the total"):
        buy(system, on_sale(system, currency=system.usd.address, price=5), value=1)


def test_the_price_is_at_most_what_the_buyer_said(system: System) -> None:
    """The fee may be raised between reading and buying; then the buyer's limit holds."""
    offer = on_sale(system, price=10_000)
    total = system.market.quote(offer)[0]
    system.market.set_fee(1, system.treasury, sender=system.owner)
    with reverts("market: price above max"):
        buy(system, offer, max_total=total)
    buy(system, offer, max_total=total + 1)
    buy(system, offer, max_total=2**256 - 1)


@pytest.mark.parametrize("what", ["terms", "cultural", "claim_rank", "nothing"])
def test_acknowledges_exactly_the_terms_as_they_are(system: System, what: str) -> None:
    offer = on_sale(system)
    parts: dict[str, Any] = {"terms": offer.terms, "cultural": ZERO32, "claim_rank": 0}
    buy(system, offer, acknowledged=ids.acknowledgement(**parts))
    wrong = {"terms": digest(), "cultural": digest(), "claim_rank": 1}
    acknowledged = ZERO32 if what == "nothing" else ids.acknowledgement(**(parts | {what: wrong[what]}))
    with reverts("market: acknowledged other terms"):
        buy(system, offer, acknowledged=acknowledged)


def test_a_notice_changed_meanwhile_is_not_bought_unseen(system: System) -> None:
    work = register(system, steward=str(system.steward), cultural=digest())
    offer = post(system, work)
    system.market.consent(system.steward, ids.offer_id(offer), sender=system.steward)
    read = system.market.quote(offer)[2]
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    notice = digest()
    system.registry.set_cultural(system.steward, work, notice, sender=system.steward)
    with reverts("market: acknowledged other terms"):
        buy(system, offer, acknowledged=read)
    buy(system, offer)
    assert system.market.events("LicenseMinted")[0]["cultural"] == notice


def test_a_later_claim_is_told_and_acknowledged(system: System) -> None:
    work = work_input()
    system.registry.register(system.thief, work, sender=system.thief)
    travel(86_401)
    number = system.registry.register(system.creator, work, sender=system.creator)
    offer = post(system, number)
    with reverts("market: acknowledged other terms"):
        buy(system, offer, acknowledged=ids.acknowledgement(offer.terms, ZERO32, 0))
    buy(system, offer, acknowledged=ids.acknowledgement(offer.terms, ZERO32, 1))
    assert system.market.events("LicenseMinted")[0]["claim_rank"] == 1


def test_only_a_posted_offer(system: System) -> None:
    with reverts("market: offer not live"):
        buy(system, offer_for(register(system), system.creator))


def test_a_withdrawn_offer_is_dead_until_posted_again(system: System) -> None:
    offer = on_sale(system)
    system.market.withdraw_offer(offer, sender=system.creator)
    with reverts("market: offer not live"):
        buy(system, offer)
    system.market.post(offer, sender=system.creator)
    buy(system, offer)


def test_a_sold_works_offers_are_dead(system: System) -> None:
    offer = on_sale(system)
    travel(1)
    system.registry.transferFrom(system.creator, system.heir, offer.work, sender=system.creator)
    with reverts("market: work has another owner"):
        buy(system, offer)
    system.registry.transferFrom(system.heir, system.creator, offer.work, sender=system.heir)
    with reverts("market: work has another owner"):
        buy(system, offer)


def test_a_new_owner_sells_at_once(system: System) -> None:
    """Posted in the very second of the purchase."""
    work = register(system)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    offer = post(system, work, system.heir)
    buy(system, offer)
    assert system.vault.balance_of(account(system.heir), ETH) == offer.price


def test_a_private_offer(system: System) -> None:
    offer = on_sale(system, licensee=str(system.licensee))
    for stranger in (system.thief, system.creator):
        with reverts("market: offer is private"):
            buy(system, offer, stranger)
    buy(system, offer, payer=system.keeper)


def test_nobody_is_no_licensee(system: System) -> None:
    with reverts("market: licensee is zero"):
        buy(system, on_sale(system), ZERO_ADDRESS, payer=system.keeper)


def test_opens_and_closes(system: System) -> None:
    start = now()
    offer = on_sale(system, opens_at=start + 10, closes_at=start + 20)
    for wait, reason in ((9, "market: offer not open yet"), (1, ""), (9, ""), (1, "market: offer closed")):
        travel(wait)
        if reason:
            with reverts(reason):
                buy(system, offer)
        else:
            buy(system, offer)


def test_never_closes(system: System) -> None:
    offer = on_sale(system, closes_at=NEVER)
    last = on_sale(system, closes_at=NEVER - 1)
    travel(2**40 - 1 - now())
    buy(system, offer)
    with reverts("market: offer closed"):
        buy(system, last)


@pytest.mark.parametrize("supply", [1, 3])
def test_supply(system: System, supply: int) -> None:
    offer = on_sale(system, supply=supply)
    for _ in range(supply):
        buy(system, offer)
    with reverts("market: sold out"):
        buy(system, offer)


def test_unlimited_supply_ends_where_the_counter_does(system: System) -> None:
    """The last number there is gets sold, and the counter never touches its neighbours."""
    offer = on_sale(system, supply=UNLIMITED)
    before = system.market.offer_status(ids.offer_id(offer))
    sold_so_far(system, offer, 2**32 - 2)
    assert buy(system, offer) & 0xFFFFFFFF == 2**32 - 1
    with reverts("market: sold out"):
        buy(system, offer)
    after = system.market.offer_status(ids.offer_id(offer))
    assert (after[0], after[1], *after[2:]) == (True, 2**32 - 1, *before[2:])


@pytest.mark.parametrize(
    ("term", "expires"),
    [(1, 1), (YEAR, YEAR), (PERPETUAL, None), (PERPETUAL - 1, None), (2**39, 2**39)],
)
def test_terms_saturate(system: System, term: int, expires: int | None) -> None:
    license = buy(system, on_sale(system, term=term))
    end = 2**40 - 1 if expires is None else now() + expires
    assert system.market.license_of(license)[1:3] == (now(), end)
    shown = FOREVER if expires is None else end
    assert system.market.events("TokenExpiryUpdated")[0]["endTime"] == shown


def test_on_hold(system: System) -> None:
    offer = on_sale(system)
    acknowledged = system.market.quote(offer)[2]
    hold(system, offer.work)
    with reverts("registry: work is on hold"):
        system.market.mint(offer, system.licensee, ZERO32, offer.price, acknowledged, value=offer.price)
