# SPDX-License-Identifier: Apache-2.0
"""While a sale takes the buyer's money, nobody reaches any function of the dataset market, views included."""

from typing import Any

import pytest

from ipto import ids
from ipto.structs import ZERO32, ZERO_ADDRESS, Dataset, Offer
from tests.contracts.support.build import digest
from tests.contracts.support.contract import Contract, hostile
from tests.contracts.support.datasets import dataset_of, joined, member, opened, state_of
from tests.contracts.support.money import call
from tests.contracts.support.system import System

MOVES = {"transferFrom", "safeTransferFrom"}
TOKEN = {
    "approve", "setApprovalForAll", "balanceOf", "ownerOf", "getApproved", "isApprovedForAll", "locked",
    "isTransferable", "startTime", "endTime", "isTokenExpired", "expiryType",
}  # fmt: skip


def arguments(system: System, dataset: Dataset, free: Dataset, offer: Offer, payer: Contract) -> dict[str, Any]:
    """A call of every function of its own that would go through, or be answered, outside."""
    number, nothing = ids.dataset_id(free), (str(system.thief), 0, 0, 27, ZERO32, ZERO32)
    state = state_of(system, free)
    return {
        "open": (dataset_of(payer.address, salt=digest()),),
        "add": (free, []),
        "take_out": (payer.address, number, offer),
        "expel": (number, offer),
        "collect": (number, [offer]),
        "mint": (free, payer.address, ZERO32, 0, state),
        "mint_at_least": (free, payer.address, ZERO32, 0, 1),
        "mint_with_authorization": (free, payer.address, ZERO32, state, nothing),
        "end_license": (1,),
        "dataset_id": (dataset,),
        "dataset_of": (number,),
        "member_of": (number, ZERO32),
        "spell_of": (number, ZERO32, 1),
        "covers": (1, ZERO32, 1),
        "permits": (payer.address, 1, dataset, offer, 1, 1, 1, 0, 1, 0),
        "license_of": (1,),
        "quote": (dataset,),
        "set_fee": (0, ZERO_ADDRESS),
        "set_paused": (True,),
        "fee": (),
        "sales_paused": (),
        "royaltyInfo": (1, 1),
        "tokenURI": (1,),
        "transferFrom": (payer.address, system.thief, 1),
    }


NAMES = [
    "add", "collect", "covers", "dataset_id", "dataset_of", "end_license", "expel", "fee", "license_of", "member_of",
    "mint", "mint_at_least", "mint_with_authorization", "open", "permits", "quote", "royaltyInfo", "sales_paused",
    "set_fee", "set_paused", "spell_of", "take_out", "tokenURI",
]  # fmt: skip
CONSTANT = {
    "VAULT", "REGISTRY", "SIGNED_ACTIONS", "DISPUTES", "MARKET", "CERTIFICATES", "name", "symbol", "contractURI",
    "supportsInterface", "owner", "pending_owner", "transfer_ownership", "accept_ownership",
}  # fmt: skip


def test_knows_every_function(system: System) -> None:
    assert {name for name, _ in system.datasets.functions} == {*NAMES, *CONSTANT, *TOKEN, *MOVES}


@pytest.mark.parametrize("name", NAMES)
def test_a_payers_hook_meets_the_lock(system: System, name: str) -> None:
    token, payer = hostile("Hooked"), hostile("Reenterer")
    dataset, free = opened(system, currency=token.address), opened(system, curator=payer.address, salt=digest())
    offer = member(system, price=0)
    joined(system, dataset, member(system, currency=token.address, price=100))
    system.datasets.add(free, [offer], sender=payer.address)
    system.registry.transferFrom(system.creator, payer.address, offer.work, sender=system.creator)
    token.hook(payer.address, True)
    payer.prepare(*call(system.datasets, name, *arguments(system, dataset, free, offer, payer)[name]), False)
    token.mint(payer.address, 100)
    token.approve(system.datasets.address, 100, sender=payer.address)
    state = state_of(system, dataset)
    system.datasets.mint(dataset, payer.address, ZERO32, 100, state, sender=payer.address)
    assert payer.outcome() == 2
    assert payer.gas_left() > 1_000_000  # refused, not exhausted
    assert system.datasets.balanceOf(payer.address) == 1


@pytest.mark.parametrize("name", ["open", "add", "take_out", "expel", "collect", "mint", "mint_at_least", "quote"])
def test_the_same_call_succeeds_outside(system: System, name: str) -> None:
    payer = hostile("Reenterer")
    free = opened(system, curator=payer.address, salt=digest())
    offer = member(system, price=0)
    system.datasets.add(free, [offer], sender=payer.address)
    system.registry.transferFrom(system.creator, payer.address, offer.work, sender=system.creator)
    payer.prepare(*call(system.datasets, name, *arguments(system, free, free, offer, payer)[name]), True)
    payer.on_hook()
    assert payer.outcome() == 1
