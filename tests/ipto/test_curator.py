# SPDX-License-Identifier: Apache-2.0
"""A dataset's life by library and command line, against the deployed contracts: nothing is asked of an indexer."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from ipto import ids
from ipto._dataset_commands import dataset as commands
from ipto._dataset_commands import read_fee, read_id
from ipto.accounts import LocalSigner
from ipto.chain import Deployment, RevertedError
from ipto.client import (
    Curator,
    DatasetLicensee,
    collect,
    currencies,
    held_works,
    live_offers,
    read_dataset,
    read_offers,
    take_out,
)
from ipto.datasets import build_dataset
from ipto.devchain import DevChain
from ipto.errors import InputError, IntegrityError, NotFoundError
from ipto.presets import make_offer
from ipto.structs import ZERO32, ZERO_ADDRESS, Authorization, Dataset, Offer, WorkInput

PARTY = b"\x01" * 32


class Life:
    """Two creators with two offers each of equal terms, a curator, a buyer, a keeper."""

    def __init__(self, chain: DevChain, deployment: Deployment) -> None:
        self.chain, self.deployment, self.rpc = chain, deployment, chain.rpc
        self.ada, self.bo, self.curator, self.buyer, self.keeper = (LocalSigner.random() for _ in range(5))
        for signer in (self.ada, self.bo, self.curator, self.buyer, self.keeper):
            chain.set_balance(signer.address, 10**19)
        self.usd = currencies(deployment)[1]
        self.token = deployment.contract("TestUSD", chain.rpc)
        self.token.send(chain.signers[0], "mint", self.buyer.address, 10**9)
        self.offers = [self.offer(signer, price) for signer in (self.ada, self.bo) for price in (1_000_000, 2_000_003)]
        self.desk = Curator(self.curator, deployment, chain.rpc)

    def offer(self, signer: LocalSigner, price: int) -> Offer:
        """A bundle offer of a new work."""
        seed = hashlib.sha256(f"{signer.address} {price}".encode()).digest()
        work = WorkInput(seed, seed, ZERO32, ZERO32, ZERO_ADDRESS, 1_000, 511)
        self.deployment.contract("WorkRegistry", self.rpc).send(signer, "register", signer.address, work)
        number = ids.work_id(signer.address, seed)
        made, self.paper = make_offer(
            "dataset-train-1y", work=number, licensor=signer.address, price=price, currency=self.usd
        )
        self.deployment.contract("LicenseMarket", self.rpc).send(signer, "post", made)
        return made

    def opened(self, count: int = 3, fee_bps: int = 250) -> Dataset:
        """A dataset with the first few offers in it."""
        made = build_dataset(self.offers[0], self.curator.address, curator_fee_bps=fee_bps)
        self.desk.open(made)
        self.desk.add(made, self.offers[:count], batch=2)
        return made

    def booked(self, signer: LocalSigner) -> int:
        """What waits for someone in the vault."""
        vault = self.deployment.contract("RoyaltyVault", self.rpc)
        return int(vault.call("balance_of", ids.address_account(signer.address), self.usd.address))


@pytest.fixture
def life(chain: DevChain, deployment: Deployment) -> Life:
    return Life(chain, deployment)


def test_a_life(life: Life) -> None:
    made = life.opened()
    number = ids.dataset_id(made)
    desk = DatasetLicensee(life.buyer, life.deployment, life.rpc)
    agreement = desk.agree(number)
    assert (agreement.members, agreement.price, agreement.curator_fee) == (3, 4_000_003, 100_000)
    license, receipt = desk.mint(agreement, PARTY)
    assert receipt.gas_used < 200_000
    assert {item.offer for item, _ in read_dataset(life.deployment, life.rpc, number).covered(license)} == {
        ids.offer_id(offer) for offer in life.offers[:3]
    }
    take_out(life.deployment, life.rpc, life.ada, number, life.offers[0])
    with pytest.raises(RevertedError, match="state has changed"):
        desk.mint(agreement, PARTY)
    assert int(life.token.call("allowance", life.buyer.address, desk.market.address)) == 0
    second, _ = desk.mint_at_least(desk.agree(number), PARTY, min_members=2, max_total=10_000_000)
    assert second == license + 1
    assert int(life.token.call("allowance", life.buyer.address, desk.market.address)) == 0
    done = collect(life.deployment, life.rpc, life.keeper, number, batch=2)
    assert done.amounts == {
        ids.offer_id(offer): offer.price * sales for offer, sales in zip(life.offers, (1, 2, 2), strict=False)
    }
    assert done.total == sum(done.accounts.values()) == life.booked(life.ada) + life.booked(life.bo)
    assert life.booked(life.bo) == 2_000_000
    assert collect(life.deployment, life.rpc, life.keeper, number).receipts == []


def test_only_some_are_collected(life: Life) -> None:
    number = ids.dataset_id(life.opened())
    desk = DatasetLicensee(life.buyer, life.deployment, life.rpc)
    desk.mint(desk.agree(number), PARTY)
    chosen = ids.offer_id(life.offers[2])
    done = collect(life.deployment, life.rpc, life.keeper, number, offers=[chosen])
    assert done.amounts == {chosen: 1_000_000}


def test_what_is_good_now(life: Life) -> None:
    made = life.opened()
    market = life.deployment.contract("LicenseMarket", life.rpc)
    assert {ids.offer_id(item) for item in live_offers(life.deployment, life.rpc, made)} >= {
        ids.offer_id(item) for item in life.offers
    }
    market.send(life.ada, "withdraw_offer", life.offers[0])
    good = {ids.offer_id(item) for item in live_offers(life.deployment, life.rpc, made)}
    assert ids.offer_id(life.offers[0]) not in good
    assert life.desk.expel_all(ids.dataset_id(made)) == [ids.offer_id(life.offers[0])]
    assert life.desk.expel_all(ids.dataset_id(made)) == []


def test_reading_what_is_not_there(life: Life) -> None:
    with pytest.raises(NotFoundError, match="no dataset"):
        read_dataset(life.deployment, life.rpc, PARTY)
    with pytest.raises(NotFoundError, match="no log of 1 offers"):
        read_offers(life.deployment, life.rpc, [PARTY])
    assert held_works(life.deployment, life.rpc, [life.offers[0].work]) == set()
    empty = replace(build_dataset(life.offers[0], life.curator.address), salt=PARTY)
    life.desk.open(empty)
    with pytest.raises(InputError, match="no members"):
        DatasetLicensee(life.buyer, life.deployment, life.rpc).agree(ids.dataset_id(empty))


def test_a_node_that_keeps_something_back(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    number = ids.dataset_id(life.opened())
    honest = life.rpc.call

    def lying(method: str, *params: object) -> object:
        answer = honest(method, *params)
        return answer[:-1] if method == "eth_getLogs" and isinstance(answer, list) else answer

    monkeypatch.setattr(life.rpc, "call", lying)
    with pytest.raises(IntegrityError):
        read_dataset(life.deployment, life.rpc, number)


def test_a_signed_order(life: Life) -> None:
    number = ids.dataset_id(life.opened())
    life.chain.set_balance(life.buyer.address, 0)
    desk = DatasetLicensee(life.buyer, life.deployment, life.rpc)
    order = desk.authorize(desk.agree(number), PARTY)
    market = life.deployment.contract("DatasetMarket", life.rpc)
    receipt = market.send(
        life.keeper,
        "mint_with_authorization",
        Dataset.from_mapping(order["dataset"]),
        order["licensee"],
        PARTY,
        bytes.fromhex(order["expected_state"][2:]),
        Authorization.from_mapping(order["authorization"]),
    )
    (minted,) = market.events(receipt, "DatasetLicenseMinted")
    assert (minted.args["payer"], minted.args["licensee"]) == (life.buyer.address, life.buyer.address)


@pytest.mark.parametrize(("text", "fee"), [("0", 0), ("2.5", 250), ("10%", 1_000), ("0.01", 1)])
def test_fees_are_read(text: str, fee: int) -> None:
    assert read_fee(text) == fee


@pytest.mark.parametrize("text", ["", "-1", "1.", ".5", "1.234", "100", "x", "٣"])
def test_fees_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="is not a fee"):
        read_fee(text)


@pytest.mark.parametrize("text", ["", "0x", "0x12", "1" * 64, "0x" + "g" * 64, "0x" + "1" * 66])
def test_ids_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="is not the id of an offer"):
        read_id(text, "an offer")


def test_every_command_explains_itself(tmp_path: Path) -> None:
    for name in ("open", "add", "show", "license", "collect", "take-out", "expel"):
        result = CliRunner().invoke(commands, [name, "--help"])
        assert result.exit_code == 0
        assert "Usage:" in result.output
    refused = CliRunner().invoke(commands, ["show", "0x12", "--home", str(tmp_path)])
    assert refused.exit_code == 1
    assert "is not the id of a dataset" in refused.output
