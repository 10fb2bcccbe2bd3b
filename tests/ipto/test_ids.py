# SPDX-License-Identifier: Apache-2.0
"""Identifiers: ours are the contracts'."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipto import ids
from ipto.chain import Deployment
from ipto.devchain import DevChain
from ipto.errors import InputError
from ipto.structs import ZERO32, ZERO_ADDRESS, Offer, Share
from tests.ipto.strategies import actors, addresses, digests, splits, structures, uints

# One chain serves all examples; nothing is changed on it.
on_chain = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Running = tuple[DevChain, Deployment]


@given(creator=addresses, content=digests)
@on_chain
def test_work_id(running_chain: Running, creator: str, content: bytes) -> None:
    chain, deployment = running_chain
    registry = deployment.contract("WorkRegistry", chain.rpc)
    assert registry.call("work_id", creator, content) == ids.work_id(creator, content)


@given(offer=structures(Offer), licensee=addresses, party=digests, acknowledged=digests)
@on_chain
def test_order_hash(running_chain: Running, offer: Offer, licensee: str, party: bytes, acknowledged: bytes) -> None:
    chain, deployment = running_chain
    market = deployment.contract("LicenseMarket", chain.rpc)
    number = ids.offer_id(offer)
    assert number[28:] == bytes(4)
    order = ids.order_hash(deployment.chain_id, number, licensee, party, acknowledged)
    assert market.call("order_hash", number, licensee, party, acknowledged) == order


@given(shares=splits(), controller=addresses)
@on_chain
def test_split_account(running_chain: Running, shares: tuple[Share, ...], controller: str) -> None:
    chain, deployment = running_chain
    vault = deployment.contract("RoyaltyVault", chain.rpc)
    account = ids.split_account(shares, controller)
    assert vault.call("split_of", shares, controller) == account
    assert ids.is_split_account(account)


@given(caller=addresses, salt=digests)
@on_chain
def test_sub_account(running_chain: Running, caller: str, salt: bytes) -> None:
    chain, deployment = running_chain
    vault = deployment.contract("RoyaltyVault", chain.rpc)
    assert vault.call("sub_account", caller, salt) == ids.sub_account(caller, salt)
    assert not ids.is_split_account(ids.sub_account(caller, salt))


@given(offer=digests, sale=uints(32).filter(bool))
def test_a_license_names_its_offer_and_sale(offer: bytes, sale: int) -> None:
    offer = offer[:28] + bytes(4)
    license = ids.license_id(offer, sale)
    assert ids.offer_of_license(license) == offer
    assert ids.sale_of_license(license) == sale


@pytest.mark.parametrize("sale", [-1, 0, 2**32])
def test_sale_numbers_out_of_range(sale: int) -> None:
    with pytest.raises(InputError, match="sale number"):
        ids.license_id(ZERO32, sale)


def test_what_is_no_offer_id_or_license() -> None:
    with pytest.raises(InputError, match="last four"):
        ids.license_id(b"\x01" * 32, 1)
    with pytest.raises(InputError, match="32 bytes"):
        ids.license_id(b"\x01", 1)
    for bad in (-1, 2**256):
        with pytest.raises(InputError):
            ids.offer_of_license(bad)


@given(actors)
def test_accounts_of_addresses(address: str) -> None:
    account = ids.address_account(address)
    assert account[:12] == bytes(12)
    assert ids.account_address(account) == address
    assert not ids.is_split_account(account)


@given(digests.filter(lambda raw: raw[:12] != bytes(12)))
def test_other_accounts_have_no_address(account: bytes) -> None:
    assert ids.account_address(account) is None


def test_nobody_is_not_an_account() -> None:
    assert ids.account_address(ZERO32) is None


def _share(number: int, part: int) -> Share:
    return Share(number.to_bytes(32, "big"), part)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ([], "1 to 64"),
        ([_share(n + 1, 15_384) for n in range(65)], "1 to 64"),
        ([_share(2, 500_000), _share(1, 500_000)], "ascending"),
        ([_share(1, 500_000), _share(1, 500_000)], "ascending"),
        ([_share(1, 0), _share(2, 1_000_000)], "at least 1"),
        ([_share(1, 999_999)], "sum to 1000000"),
        ([_share(1, 1_000_000), _share(2, 1)], "sum to 1000000"),
    ],
)
def test_what_is_no_split(running_chain: Running, shares: list[Share], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ids.split_account(shares, ZERO_ADDRESS)


@given(st.tuples(digests, digests, uints(1)), st.tuples(digests, digests, uints(1)))
def test_acknowledgements_differ_when_what_is_acknowledged_does(
    one: tuple[bytes, bytes, int], other: tuple[bytes, bytes, int]
) -> None:
    assert (ids.acknowledgement(*one) == ids.acknowledgement(*other)) == (one == other)
