# SPDX-License-Identifier: Apache-2.0
"""mint: one payment for all members, in exactly the state that the buyer read."""

from dataclasses import replace

import pytest

from ipto import ids
from ipto.datasets import totals
from ipto.structs import ETH, PERPETUAL, ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import YEAR, account, digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import (
    account_of,
    buy,
    dataset_of,
    filled,
    joined,
    member,
    opened,
    sales_so_far,
    state_of,
)
from tests.contracts.support.system import System, balance, now


@pytest.mark.parametrize("currency", ["eth", "usd"])
def test_mints(system: System, currency: str) -> None:
    system.datasets.set_fee(250, system.treasury, sender=system.owner)
    money = ETH if currency == "eth" else system.usd.address
    dataset, _ = filled(system, 3, price=333, currency=money, curator_fee_bps=1_000)
    number, state, party = ids.dataset_id(dataset), state_of(system, dataset), digest()
    before = balance(money, system.keeper)
    license = buy(system, dataset, payer=system.keeper, party=party)
    minted_by_test = 0 if money == ETH else 1_122
    total, curator_fee, fee = totals(999, 1_000, 250)
    assert (total, curator_fee, fee) == (1_122, 99, 24)
    assert balance(money, system.keeper) == before - total + minted_by_test
    (event,) = system.datasets.events("DatasetLicenseMinted")
    assert event == {
        "license": license,
        "licensee": system.licensee,
        "dataset_id": number,
        "payer": system.keeper,
        "currency": money,
        "price": 999,
        "curator_fee": 99,
        "fee": 24,
        "members": 3,
        "expires_at": now() + YEAR,
        "party": party,
        "state": state,
    }
    assert license == ids.license_id(number, 1)
    assert system.datasets.events("Locked") == [{"tokenId": license}]
    (term,) = system.datasets.events("TokenExpiryUpdated")
    assert term == {"tokenId": license, "startTime": now(), "endTime": now() + YEAR}
    assert system.datasets.license_of(license) == (system.licensee, now(), now() + YEAR, 1, number)
    assert system.vault.balance_of(account_of(system, dataset), money) == 999
    assert system.vault.balance_of(account(system.curator), money) == 99
    assert system.vault.balance_of(account(system.treasury), money) == 24
    # Buying changes no member, so the next buyer names the same state.
    assert system.datasets.dataset_of(number) == (state, 1, 3, 999)
    assert buy(system, dataset) == license + 1


def test_in_the_state_that_was_read(system: System) -> None:
    """Whatever happens to the members between reading and buying stops the sale."""
    dataset, (offer, _) = filled(system)
    number, read = ids.dataset_id(dataset), state_of(system, dataset)
    other = member(system, price=0)

    def changed() -> bytes:
        with reverts("dataset: state has changed"):
            buy(system, dataset, expected_state=read, max_total=2**256 - 1)
        return state_of(system, dataset)

    joined(system, dataset, other)
    first = changed()
    # Out and in again: the members are as before, the state is not.
    system.datasets.take_out(system.creator, number, other, sender=system.creator)
    second = changed()
    system.datasets.take_out(system.creator, number, offer, sender=system.creator)
    joined(system, dataset, offer)
    assert len({read, first, second, changed()}) == 4
    with reverts("dataset: state has changed"):
        buy(system, dataset, expected_state=ZERO32)
    buy(system, dataset)


def test_never_above_the_highest_total(system: System) -> None:
    dataset, _ = filled(system, curator_fee_bps=500)
    buy(system, dataset, max_total=21_000)
    with reverts("market: price above max"):
        buy(system, dataset, max_total=20_999)
    # The protocol's fee is raised between reading and buying.
    system.datasets.set_fee(1, system.treasury, sender=system.owner)
    with reverts("market: price above max"):
        buy(system, dataset, max_total=21_000)


def test_the_value_is_the_total(system: System) -> None:
    dataset, _ = filled(system)
    for value in (19_999, 20_001, 0):
        with reverts("market: ETH sent differs from the total"):
            buy(system, dataset, value=value)
    in_usd, _ = filled(system, currency=system.usd.address)
    with reverts("dataset: not in ETH"):
        buy(system, in_usd, value=1)


def test_nothing_to_buy(system: System) -> None:
    dataset, offers = filled(system)
    for offer in offers:
        system.datasets.take_out(system.creator, ids.dataset_id(dataset), offer, sender=system.creator)
    with reverts("dataset: no members"):
        buy(system, dataset)
    with reverts("dataset: not open"):
        system.datasets.mint(dataset_of(system.thief), system.licensee, ZERO32, 0, ZERO32)


def test_another_dataset_of_the_same_members_is_not_this_one(system: System) -> None:
    """A thief who copies the dataset with itself as curator gets nothing."""
    dataset, _ = filled(system, curator_fee_bps=1_000)
    copied = replace(dataset, curator=str(system.thief))
    with reverts("dataset: not open"):
        system.datasets.mint(copied, system.licensee, ZERO32, 10**30, state_of(system, dataset))


def test_paused(system: System) -> None:
    dataset, _ = filled(system)
    system.datasets.set_paused(True, sender=system.owner)
    with reverts("market: paused"):
        buy(system, dataset)
    system.datasets.set_paused(False, sender=system.owner)
    buy(system, dataset)


def test_for_somebody(system: System) -> None:
    dataset, _ = filled(system)
    with reverts("market: licensee is zero"):
        buy(system, dataset, ZERO_ADDRESS, system.keeper)


def test_private(system: System) -> None:
    dataset, _ = filled(system, licensee=str(system.licensee))
    with reverts("dataset: private"):
        buy(system, dataset, system.thief)
    license = buy(system, dataset, system.licensee, payer=system.keeper)
    assert system.datasets.ownerOf(license) == system.licensee


def test_free(system: System) -> None:
    for currency in (ETH, system.usd.address):
        dataset, _ = filled(system, price=0, currency=currency, curator_fee_bps=1_000, salt=digest())
        buy(system, dataset)
        assert system.vault.balance_of(account_of(system, dataset), currency) == 0


@pytest.mark.parametrize(
    ("price", "curator_fee_bps", "fee_bps"), [(1, 1_000, 250), (9, 1_000, 250), (39, 255, 249), (2**96 - 1, 1_000, 250)]
)
def test_every_part_to_the_unit(system: System, price: int, curator_fee_bps: int, fee_bps: int) -> None:
    system.datasets.set_fee(fee_bps, system.treasury, sender=system.owner)
    dataset, _ = filled(system, 1, price, currency=system.usd.address, curator_fee_bps=curator_fee_bps)
    buy(system, dataset)
    total, curator_fee, fee = totals(price, curator_fee_bps, fee_bps)
    booked = [account_of(system, dataset), account(system.curator), account(system.treasury)]
    found = [system.vault.balance_of(name, system.usd.address) for name in booked]
    assert found == [price, curator_fee, fee]
    assert balance(system.usd.address, system.vault.address) == sum(found) == total


def test_the_curator_may_be_the_treasury(system: System) -> None:
    system.datasets.set_fee(250, system.curator, sender=system.owner)
    dataset, _ = filled(system, 1, curator_fee_bps=1_000)
    buy(system, dataset)
    assert system.vault.balance_of(account(system.curator), ETH) == 1_250


def test_a_term_without_end(system: System) -> None:
    dataset = opened(system, term=PERPETUAL)
    joined(system, dataset, member(system, term=PERPETUAL))
    assert system.datasets.license_of(buy(system, dataset))[2] == 2**40 - 1
    assert system.datasets.events("TokenExpiryUpdated")[0]["endTime"] == 2**256 - 1


def test_the_last_sale(system: System) -> None:
    """The highest number means that a spell goes on; it is never sold."""
    dataset = opened(system)
    sales_so_far(system, dataset, 2**32 - 3)
    offer = member(system, price=2**96 - 1)
    joined(system, dataset, offer)
    license = buy(system, dataset)
    assert ids.sale_of_license(license) == 2**32 - 2
    number, name = ids.dataset_id(dataset), ids.offer_id(offer)
    assert system.datasets.dataset_of(number)[1:] == (2**32 - 2, 1, 2**96 - 1)
    assert system.datasets.covers(license, name, 1)
    with reverts("dataset: sold out"):
        buy(system, dataset)
    system.datasets.take_out(system.creator, number, offer, sender=system.creator)
    assert system.datasets.covers(license, name, 1)
    assert system.datasets.member_of(number, name) == (False, 1, 1)
