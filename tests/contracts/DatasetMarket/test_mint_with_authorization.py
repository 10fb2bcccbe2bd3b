# SPDX-License-Identifier: Apache-2.0
"""mint_with_authorization: whoever submits it can change nothing, and it buys one license once."""

from dataclasses import replace

from ipto import ids
from ipto.structs import ZERO32, Dataset
from tests.contracts.support.build import account, digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import account_of, authorize, filled, joined, member, opened, state_of
from tests.contracts.support.system import System, balance

PARTY = digest("party")


def offered(system: System, **changes: object) -> Dataset:
    system.usd.mint(system.licensee, 100_000)
    dataset, _ = filled(system, price=5_000, currency=system.usd.address, **changes)
    return dataset


def test_buys_for_whoever_signed(system: System) -> None:
    system.datasets.set_fee(250, system.treasury, sender=system.owner)
    dataset = offered(system, curator_fee_bps=1_000)
    proof, state = authorize(system, system.licensee, dataset, system.heir, PARTY), state_of(system, dataset)
    license = system.datasets.mint_with_authorization(dataset, system.heir, PARTY, state, proof, sender=system.relayer)
    (minted,) = system.datasets.events("DatasetLicenseMinted")
    assert (minted["payer"], minted["licensee"], minted["party"]) == (system.licensee, system.heir, PARTY)
    assert (minted["price"], minted["curator_fee"], minted["fee"]) == (10_000, 1_000, 250)
    assert system.datasets.ownerOf(license) == system.heir
    money = system.usd.address
    assert system.vault.balance_of(account_of(system, dataset), money) == 10_000
    assert system.vault.balance_of(account(system.curator), money) == 1_000
    assert system.vault.balance_of(account(system.treasury), money) == 250
    assert balance(money, system.licensee) == 100_000 - 11_250


def test_once(system: System) -> None:
    dataset = offered(system)
    proof, state = authorize(system, system.licensee, dataset, system.licensee), state_of(system, dataset)
    system.datasets.mint_with_authorization(dataset, system.licensee, ZERO32, state, proof)
    with reverts("token: authorization used"):
        system.datasets.mint_with_authorization(dataset, system.licensee, ZERO32, state, proof)


def test_the_submitter_changes_nothing(system: System) -> None:
    dataset = offered(system)
    twin = opened(system, currency=dataset.currency, salt=digest())
    joined(system, twin, member(system, price=10_000, currency=dataset.currency))
    proof, state = authorize(system, system.licensee, dataset, system.licensee, PARTY), state_of(system, dataset)
    for changed in (
        (dataset, system.thief, PARTY, state, proof),
        (twin, system.licensee, PARTY, state_of(system, twin), proof),
        (dataset, system.licensee, ZERO32, state, proof),
        (dataset, system.licensee, PARTY, state, replace(proof, payer=str(system.creator))),
        (dataset, system.licensee, PARTY, state, replace(proof, valid_before=proof.valid_before + 1)),
        (dataset, system.licensee, PARTY, state, replace(proof, r=digest())),
    ):
        with reverts("token: bad signature"):
            system.datasets.mint_with_authorization(*changed, sender=system.thief)


def test_in_the_state_and_at_the_total_that_were_signed(system: System) -> None:
    dataset = offered(system)
    proof, state = authorize(system, system.licensee, dataset, system.licensee), state_of(system, dataset)
    joined(system, dataset, member(system, price=0, currency=dataset.currency))
    with reverts("dataset: state has changed"):
        system.datasets.mint_with_authorization(dataset, system.licensee, ZERO32, state, proof)
    with reverts("token: bad signature"):
        system.datasets.mint_with_authorization(dataset, system.licensee, ZERO32, state_of(system, dataset), proof)
    proof = authorize(system, system.licensee, dataset, system.licensee)
    system.datasets.set_fee(1, system.treasury, sender=system.owner)
    with reverts("token: bad signature"):
        system.datasets.mint_with_authorization(dataset, system.licensee, ZERO32, state_of(system, dataset), proof)


def test_an_order_of_the_license_market_buys_no_dataset(system: System) -> None:
    """Orders of both markets have the same form; the nonce names the market."""
    dataset = offered(system)
    proof = authorize(system, system.licensee, dataset, system.licensee, market=system.market.address)
    with reverts("token: bad signature"):
        system.datasets.mint_with_authorization(dataset, system.licensee, ZERO32, state_of(system, dataset), proof)


def test_free_needs_a_signature_too(system: System) -> None:
    """Over nothing, but then the payer named in the event is who signed."""
    dataset, _ = filled(system, price=0, currency=system.usd.address)
    state = state_of(system, dataset)
    proof = authorize(system, system.licensee, dataset, system.licensee)
    with reverts("token: bad signature"):
        forged = replace(proof, payer=str(system.creator))
        system.datasets.mint_with_authorization(dataset, system.licensee, ZERO32, state, forged)
    license = system.datasets.mint_with_authorization(dataset, system.licensee, ZERO32, state, proof)
    assert license == ids.license_id(ids.dataset_id(dataset), 1)
