# SPDX-License-Identifier: Apache-2.0
"""collect: each member exactly its price for each sale it was in, once, to whom its work pays now."""

import pytest

from ipto import ids
from ipto.structs import ETH, ZERO_ADDRESS, Offer
from tests.contracts.support.build import account, declare, digest, even_split, hold, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import account_of, buy, filled, joined, member, opened
from tests.contracts.support.system import System


def entry(offer: Offer, sales: int) -> bytes:
    """An offer as settled for so many sales."""
    return ids.offer_id(offer)[:28] + sales.to_bytes(4, "big")


@pytest.mark.parametrize("currency", ["eth", "usd"])
def test_collects(system: System, currency: str) -> None:
    money = ETH if currency == "eth" else system.usd.address
    dataset = opened(system, currency=money)
    number = ids.dataset_id(dataset)
    mine = member(system, price=7, currency=money)
    theirs = member(system, system.dancer, price=11, currency=money)
    joined(system, dataset, mine, theirs)
    for _ in range(3):
        buy(system, dataset)
    system.datasets.collect(number, [mine, theirs], sender=system.keeper)
    assert system.datasets.events("Collected") == [
        {"dataset_id": number, "currency": money, "settled": (entry(mine, 3), entry(theirs, 3))}
    ]
    booked = [log.args for log in system.datasets.logs if log.name == "Booked"]
    assert [(item["account"], item["amount"]) for item in booked] == [
        (account(system.creator), 21),
        (account(system.dancer), 33),
    ]
    assert system.vault.balance_of(account(system.creator), money) == 21
    assert system.vault.balance_of(account(system.dancer), money) == 33
    assert system.vault.balance_of(account_of(system, dataset), money) == 0


def test_once(system: System) -> None:
    """Again, twice in one call, or member by member: the same money."""
    dataset, offers = filled(system)
    number = ids.dataset_id(dataset)
    buy(system, dataset)
    system.datasets.collect(number, [offers[0], offers[0], offers[0]])
    assert system.datasets.events("Collected")[0]["settled"] == (entry(offers[0], 1),)
    system.datasets.collect(number, offers)
    assert system.datasets.events("Collected")[0]["settled"] == (entry(offers[1], 1),)
    system.datasets.collect(number, offers)
    assert system.datasets.events("Collected") == []
    assert system.vault.balance_of(account(system.creator), ETH) == 20_000
    assert system.vault.balance_of(account_of(system, dataset), ETH) == 0


def test_only_what_it_was_in(system: System) -> None:
    dataset, (early, late) = opened(system), (member(system, price=1), member(system, system.dancer, price=100))
    number = ids.dataset_id(dataset)
    joined(system, dataset, early)
    buy(system, dataset)
    joined(system, dataset, late)
    buy(system, dataset)
    system.datasets.take_out(system.creator, number, early, sender=system.creator)
    buy(system, dataset)
    assert system.datasets.member_of(number, ids.offer_id(early))[2] == 2
    assert system.datasets.member_of(number, ids.offer_id(late))[2] == 2
    system.datasets.collect(number, [early, late])
    assert system.vault.balance_of(account(system.creator), ETH) == 2
    assert system.vault.balance_of(account(system.dancer), ETH) == 200
    # Back in: what it missed is not made up for.
    joined(system, dataset, early)
    system.datasets.collect(number, [early])
    assert system.datasets.events("Collected") == []
    buy(system, dataset)
    system.datasets.collect(number, [early])
    assert system.vault.balance_of(account(system.creator), ETH) == 3


def test_of_all_spells_together(system: System) -> None:
    dataset, (offer, _) = filled(system)
    number = ids.dataset_id(dataset)
    for _ in range(3):
        buy(system, dataset)
        system.datasets.take_out(system.creator, number, offer, sender=system.creator)
        buy(system, dataset)
        joined(system, dataset, offer)
    buy(system, dataset)
    system.datasets.collect(number, [offer])
    (event,) = system.datasets.events("Collected")
    assert event["settled"] == (entry(offer, 4),)
    assert system.vault.balance_of(account(system.creator), ETH) == 40_000


def test_to_the_split(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    split = declare(system, shares)
    dataset, offer = opened(system), member(system, work=register(system, payee=split), price=10)
    joined(system, dataset, offer)
    buy(system, dataset)
    system.datasets.collect(ids.dataset_id(dataset), [offer])
    assert system.vault.balance_of(split, ETH) == 10
    system.vault.distribute(shares, ZERO_ADDRESS, ETH)
    assert system.vault.balance_of(account(system.dancer), ETH) == 5


def test_uncollected_income_follows_the_claim(system: System) -> None:
    """Who sells a work collects first; the SDK does."""
    dataset, (first, second) = filled(system)
    number = ids.dataset_id(dataset)
    buy(system, dataset)
    system.datasets.collect(number, [first])
    for offer in (first, second):
        system.registry.transferFrom(system.creator, system.heir, offer.work, sender=system.creator)
    system.datasets.collect(number, [first, second])
    assert system.vault.balance_of(account(system.creator), ETH) == 10_000
    assert system.vault.balance_of(account(system.heir), ETH) == 10_000


def test_on_hold_it_waits(system: System) -> None:
    dataset, (held, free) = filled(system)
    number = ids.dataset_id(dataset)
    buy(system, dataset)
    hold(system, held.work)
    with reverts("registry: work is on hold"):
        system.datasets.collect(number, [free, held])
    system.datasets.collect(number, [free])
    system.datasets.expel(number, held)
    with reverts("registry: work is on hold"):
        system.datasets.collect(number, [held])
    assert system.vault.balance_of(account_of(system, dataset), ETH) == 10_000
    hold(system, held.work, 0)
    system.datasets.collect(number, [held])
    assert system.vault.balance_of(account(system.creator), ETH) == 20_000


def test_only_members(system: System) -> None:
    dataset, (offer, _) = filled(system)
    other, _ = filled(system, salt=digest())
    buy(system, dataset)
    buy(system, other)
    for number, what in ((ids.dataset_id(dataset), member(system)), (ids.dataset_id(other), offer), (digest(), offer)):
        with reverts("dataset: never a member"):
            system.datasets.collect(number, [what])


def test_datasets_do_not_pay_for_each_other(system: System) -> None:
    """One offer in two datasets: each owes its own sales, from its own account."""
    offer = member(system, price=3)
    sets = [opened(system, salt=digest()) for _ in range(2)]
    for dataset in sets:
        joined(system, dataset, offer)
    buy(system, sets[0])
    system.datasets.collect(ids.dataset_id(sets[1]), [offer])
    assert system.datasets.events("Collected") == []
    buy(system, sets[1])
    system.datasets.collect(ids.dataset_id(sets[1]), [offer])
    assert system.vault.balance_of(account_of(system, sets[0]), ETH) == 3
    assert system.vault.balance_of(account(system.creator), ETH) == 3


def test_sixty_four_at_once(system: System) -> None:
    dataset = opened(system)
    offers = [member(system, price=number) for number in range(65)]
    joined(system, dataset, *offers[:40])
    joined(system, dataset, *offers[40:])
    buy(system, dataset)
    number = ids.dataset_id(dataset)
    with reverts(""):
        system.datasets.collect(number, offers)
    system.datasets.collect(number, offers[:64])
    assert system.vault.balance_of(account(system.creator), ETH) == sum(range(64))
    assert system.vault.balance_of(account_of(system, dataset), ETH) == 64


def test_paused_or_not(system: System) -> None:
    dataset, offers = filled(system)
    buy(system, dataset)
    system.datasets.set_paused(True, sender=system.owner)
    system.datasets.collect(ids.dataset_id(dataset), offers)


def test_nothing_to_collect(system: System) -> None:
    dataset, _ = filled(system)
    system.datasets.collect(ids.dataset_id(dataset), [])
    assert system.datasets.events("Collected") == []


def test_a_free_member_beside_a_dear_one(system: System) -> None:
    dataset = opened(system)
    free, dear = member(system, price=0), member(system, system.dancer, price=2**96 - 1)
    joined(system, dataset, free, dear)
    buy(system, dataset)
    buy(system, dataset)
    system.datasets.collect(ids.dataset_id(dataset), [free, dear])
    assert system.vault.balance_of(account(system.dancer), ETH) == 2 * (2**96 - 1)
    assert system.datasets.member_of(ids.dataset_id(dataset), ids.offer_id(free)) == (True, 1, 0)
