# SPDX-License-Identifier: Apache-2.0
"""quote, dataset_of, license_of, texts, interfaces, wiring."""

import json

import pytest

from ipto import ids
from ipto.datasets import totals
from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import offer_for, register
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.datasets import buy, dataset_of, filled, state_of
from tests.contracts.support.system import System


def test_quote(system: System) -> None:
    dataset, _ = filled(system, 3, 333, curator_fee_bps=255)
    total, curator_fee, fee = totals(999, 255, 0)
    assert system.datasets.quote(dataset) == (total, 999, curator_fee, fee, 3, state_of(system, dataset))
    system.datasets.set_fee(250, system.treasury, sender=system.owner)
    total, curator_fee, fee = totals(999, 255, 250)
    assert system.datasets.quote(dataset) == (total, 999, curator_fee, fee, 3, state_of(system, dataset))
    system.datasets.set_paused(True, sender=system.owner)
    assert system.datasets.quote(dataset)[0] == total


def test_unknown_licenses(system: System) -> None:
    for name, *arguments in (
        ("license_of", 1),
        ("locked", 1),
        ("endTime", 1),
        ("tokenURI", 1),
        ("royaltyInfo", 1, 1),
        ("ownerOf", 1),
    ):
        with reverts("erc721: no such token"):
            getattr(system.datasets, name)(*arguments)


def test_texts(system: System) -> None:
    dataset, _ = filled(system)
    license = buy(system, dataset)
    assert system.datasets.tokenURI(license) == system.certificates.dataset_uri(system.datasets.address, license)
    head, body = system.datasets.contractURI().split(",", 1)
    assert head == "data:application/json;utf8"
    data = json.loads(body)
    assert (data["name"], data["symbol"]) == ("IPTO dataset licenses", "DSET")
    assert (system.datasets.name(), system.datasets.symbol()) == ("IPTO dataset licenses", "DSET")
    assert system.datasets.royaltyInfo(license, 2**256 - 1) == (system.licensee, 0)


def test_a_renderer_is_asked(system: System) -> None:
    renderer, market = hostile("Renderer"), system.new_market()
    datasets = system.new_datasets(certificates=renderer.address, market=market.address)
    market.set_dataset_market(datasets.address, sender=system.owner)
    offer = offer_for(register(system), system.creator, price=0, flags=1)
    market.post(offer, sender=system.creator)
    dataset = dataset_of(system.curator)
    datasets.open(dataset, sender=system.curator)
    datasets.add(dataset, [offer], sender=system.curator)
    license = datasets.mint_at_least(dataset, system.licensee, ZERO32, 0, 1)
    assert datasets.tokenURI(license) == "certificate of a dataset"


@pytest.mark.parametrize(
    "interface", ["01ffc9a7", "80ac58cd", "5b5e139f", "2a55205a", "49064906", "b45a3c0e", "91a6262f", "3ebdfa31",
                  "e8a3d485"],
)  # fmt: skip
def test_interfaces(system: System, interface: str) -> None:
    assert system.datasets.supportsInterface(bytes.fromhex(interface))


@pytest.mark.parametrize("interface", ["ffffffff", "00000000", "01ffc9a6", "ffc9a780", "0000a7a7"])
def test_no_interface_that_is_not_there(system: System, interface: str) -> None:
    assert not system.datasets.supportsInterface(bytes.fromhex(interface))


def test_wiring(system: System) -> None:
    names = ("VAULT", "REGISTRY", "SIGNED_ACTIONS", "DISPUTES", "MARKET", "CERTIFICATES")
    wired = [system.vault.address, system.registry.address, system.signed.address]
    found = [getattr(system.datasets, name)() for name in names]
    assert found[:3] == wired
    assert found[4] == system.market.address
    assert system.datasets.owner() == system.owner
    assert system.market.dataset_market() == system.datasets.address


@pytest.mark.parametrize("part", ["owner", "vault", "registry", "signed", "market"])
def test_bad_wiring(system: System, part: str) -> None:
    with reverts("market: bad wiring"):
        system.new_datasets(**{part: ZERO_ADDRESS})


def test_the_owner_moves_in_two_steps(system: System) -> None:
    system.datasets.transfer_ownership(system.heir, sender=system.owner)
    assert (system.datasets.owner(), system.datasets.pending_owner()) == (system.owner, system.heir)
    system.datasets.accept_ownership(sender=system.heir)
    assert system.datasets.owner() == system.heir


def test_ids_are_the_contracts(system: System) -> None:
    dataset, _ = filled(system)
    assert ids.offer_of_license(buy(system, dataset)) == system.datasets.dataset_id(dataset)
