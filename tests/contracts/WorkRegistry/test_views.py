# SPDX-License-Identifier: Apache-2.0
"""sale_terms, work_of, work_id, first_claim, tokenURI, contractURI, royaltyInfo, supportsInterface, wiring."""

import json

import pytest

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import declare, digest, even_split, hold, register, work_input
from tests.contracts.support.contract import Contract, deploy, hostile, reverts
from tests.contracts.support.system import CONTRACTS, System, now


def test_sale_terms(system: System) -> None:
    payee = declare(system, even_split(system.creator, system.dancer))
    notice = digest()
    work = register(system, payee=payee, steward=str(system.steward), cultural=notice, cleared=3)
    assert system.registry.sale_terms(work) == (
        system.creator,
        now(),
        payee,
        system.steward,
        notice,
        3,
        4 | 8 | 32,
    )
    assert system.registry.sale_terms(register(system))[2:5] == (ZERO32, ZERO_ADDRESS, ZERO32)


def test_sale_terms_of_unknown_and_held(system: System) -> None:
    with reverts("erc721: no such token"):
        system.registry.sale_terms(1)
    work = register(system)
    hold(system, work)
    with reverts("registry: work is on hold"):
        system.registry.sale_terms(work)
    assert system.registry.work_of(work)[4] == 1


def test_work_of_unknown(system: System) -> None:
    with reverts("erc721: no such token"):
        system.registry.work_of(1)


def test_first_claim_of_nothing(system: System) -> None:
    assert system.registry.first_claim(digest()) == (0, 0)


def test_token_uri_follows_the_metadata(system: System) -> None:
    work = register(system)
    before = system.registry.tokenURI(work)
    system.registry.set_metadata(system.creator, work, digest(), sender=system.creator)
    assert system.registry.tokenURI(work) != before
    with reverts("erc721: no such token"):
        system.registry.tokenURI(1)


def test_contract_uri_is_json(system: System) -> None:
    head, body = system.registry.contractURI().split(",", 1)
    assert head == "data:application/json;utf8"
    data = json.loads(body)
    assert (
        (data["name"], data["symbol"]) == (system.registry.name(), system.registry.symbol()) == ("IPTO works", "WORK")
    )


@pytest.mark.parametrize("price", [0, 1, 2**256 - 1])
def test_the_resale_of_a_work_without_split_owes_nothing(system: System, price: int) -> None:
    assert system.registry.royaltyInfo(register(system), price) == (system.creator, 0)


def registry_with(system: System, receivers: str) -> Contract:
    arguments = (system.owner, system.vault.address, system.signed.address, ZERO_ADDRESS, receivers)
    return deploy(CONTRACTS / "WorkRegistry.vy", *arguments)


@pytest.mark.parametrize("price", [0, 1, 19, 20, 10_000, 123_456_789, 2**256 - 1])
def test_a_resale_owes_five_percent_to_the_splits_receiving_address(system: System, price: int) -> None:
    payee = declare(system, even_split(system.creator, system.dancer))
    receivers = hostile("Forwarders")
    registry = registry_with(system, receivers.address)
    work = registry.register(system.creator, work_input(payee=payee), sender=system.creator)
    assert registry.royaltyInfo(work, price) == (receivers.receiver_of(payee), price * 5 // 100)


def test_without_receiving_addresses_a_resale_owes_nothing(system: System) -> None:
    registry = registry_with(system, ZERO_ADDRESS)
    payee = declare(system, even_split(system.creator, system.dancer))
    work = registry.register(system.creator, work_input(payee=payee), sender=system.creator)
    assert registry.royaltyInfo(work, 100) == (system.creator, 0)


def test_royalty_of_unknown(system: System) -> None:
    with reverts("erc721: no such token"):
        system.registry.royaltyInfo(1, 1)


def test_wiring(system: System) -> None:
    assert system.registry.VAULT() == system.vault.address
    assert system.registry.SIGNED_ACTIONS() == system.signed.address
    assert system.registry.DISPUTES() == system.disputes.address
    assert system.registry.RECEIVERS() == system.receivers.address
    assert system.registry.owner() == system.owner


def test_bad_wiring(system: System) -> None:
    good = [str(system.owner), system.vault.address, system.signed.address, ZERO_ADDRESS, ZERO_ADDRESS]
    for place, wrong in ((0, ZERO_ADDRESS), (1, str(system.thief)), (2, ZERO_ADDRESS)):
        arguments = list(good)
        arguments[place] = wrong
        with reverts("registry: bad wiring"):
            deploy(CONTRACTS / "WorkRegistry.vy", *arguments)
