# SPDX-License-Identifier: Apache-2.0
"""Verification believes no log it can check, needs no indexer, and what an owner does later cannot spoil evidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ipto import documents, ids
from ipto.chain import Deployment
from ipto.client import OfferPlan, currencies, party_digest
from ipto.devchain import DevChain
from ipto.errors import InputError, IntegrityError, IptoError, NotFoundError
from ipto.quantities import ETHER
from ipto.rpc import Rpc, RpcError
from ipto.structs import Usage
from ipto.verification import Report, utc, verify_license
from tests.ipto.test_client import Scene

DAY = 86_400


class LyingRpc(Rpc):
    """A node that changes what it says of logs, or refuses long ranges."""

    def __init__(self, url: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], widest: int = 10**9):
        super().__init__(url)
        self.change, self.widest, self.refused = change, widest, 0

    def call(self, method: str, *params: Any) -> Any:
        if method != "eth_getLogs":
            return super().call(method, *params)
        (query,) = params
        if int(query["toBlock"], 16) - int(query["fromBlock"], 16) >= self.widest:
            self.refused += 1
            raise RpcError(-32005, "range too wide")
        return self.change(super().call(method, *params))


class Sold(Scene):
    """A license of one film for a year, from an offer of a scene in ETH."""

    def __init__(self, chain: DevChain, deployment: Deployment, folder: Path) -> None:
        super().__init__(chain, deployment, folder)
        self.prepared = self.prepare(
            plans=[
                OfferPlan("inference-scene", 10**15, ETHER, (0, 2_000), {"usages": int(Usage.AI_INPUT | Usage.TRAIN)})
            ]
        )
        self.carry_out(self.prepared)
        self.creator.keep(self.prepared)
        self.fund()
        agreement = self.licensee.agree(self.answer(self.prepared.offers[0], self.prepared))
        self.license, _ = self.licensee.mint(agreement, party_digest("Lab")[0])
        self.chain.set_balance(self.signer.address, 10**18)

    def verify(self, rpc: Rpc | None = None, **options: Any) -> Report:
        known = currencies(self.deployment)
        number = options.pop("license", self.license)
        return verify_license(number, self.deployment, rpc or self.chain.rpc, self.store, currencies=known, **options)

    def failing(self, **options: Any) -> list[str]:
        return [check.name for check in self.verify(**options).checks if not check.holds]

    def set_metadata(self, digest: bytes) -> None:
        registry = self.deployment.contract("WorkRegistry", self.chain.rpc)
        registry.send(self.signer, "set_metadata", self.signer.address, self.prepared.work, digest)


@pytest.fixture
def sold(chain: DevChain, deployment: Deployment, tmp_path: Path) -> Sold:
    return Sold(chain, deployment, tmp_path)


def test_all_that_is_said(sold: Sold) -> None:
    report = sold.verify(file=sold.prepared.film.path)
    assert report.holds
    assert len(report.checks) == 9
    assert (report.license, report.holder, report.offer) == (sold.license, sold.buyer.address, sold.prepared.offers[0])
    assert report.expires_at == report.issued_at + 90 * DAY
    assert report.usages == (Usage.TRAIN, Usage.AI_INPUT)
    assert report.title == "Film"
    assert "scene 0:00–0:02" in report.summary
    assert "0.001 ETH" in report.summary


def test_time(sold: Sold) -> None:
    report = sold.verify()
    assert report.expires_at is not None
    assert sold.failing(at=report.issued_at) == []
    assert sold.failing(at=report.expires_at - 1) == []
    over = ["it is in force", "the contract permits what the offer says"]
    assert sold.failing(at=report.expires_at) == over
    assert sold.failing(at=report.issued_at - 1) == over
    for wrong in (-1, 2**40):
        with pytest.raises(InputError, match="is not a time"):
            sold.verify(at=wrong)
    # A development chain that is ahead of the clock sells licenses issued in its future.
    sold.chain.travel(400 * DAY)
    assert sold.failing() == over
    assert utc(0) == "1970-01-01 00:00 UTC"
    assert "1970" in utc(2**40)


def test_what_does_not_exist(sold: Sold) -> None:
    for number in (0, sold.license + 1, 2**256 - 1):
        with pytest.raises(NotFoundError, match=f"there is no license {number}"):
            sold.verify(license=number)
    for number in (-1, 2**256):
        with pytest.raises(InputError, match="256 bits"):
            sold.verify(license=number)


def test_another_chain(sold: Sold) -> None:
    with DevChain(chain_id=7) as other, pytest.raises(IntegrityError, match="chain 7"):
        sold.verify(other.rpc)


def test_files(sold: Sold, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(sold.prepared.film.path.read_bytes() + b"x")
    wrong = ["the file is the licensed one"]
    assert sold.failing(file=other) == wrong
    assert sold.failing(file=tmp_path / "none") == wrong
    assert sold.failing(file=tmp_path) == wrong


@pytest.mark.parametrize(
    ("number", "check"),
    [(0, "the metadata document"), (1, "the cultural notice"), (2, "the terms document")],
)
def test_documents(sold: Sold, number: int, check: str) -> None:
    digest = documents.digest(documents.parse(sold.prepared.documents[number], "document")).hex()
    block = sold.store.folder / "blocks" / digest[:2] / digest
    good = block.read_bytes()
    block.write_bytes(good.replace(b"Ada", b"Eve") + b" ")
    assert sold.failing() == [f"{check} matches its digest"]
    block.unlink()
    assert sold.failing() == [f"{check} matches its digest"]
    block.write_bytes(good)
    assert sold.failing() == []


def test_metadata_written_later(sold: Sold) -> None:
    """The owner corrects the title, or spoils the document: the evidence is the document of the day of the sale."""
    corrected = documents.canonical({**sold.prepared.metadata, "name": "Film, restored"})
    sold.store.put_document(corrected)
    sold.set_metadata(documents.digest(documents.parse(corrected, "metadata document")))
    report = sold.verify()
    assert report.holds
    assert report.title == "Film"
    assert "the owner has written another since" in str(report.checks)
    sold.set_metadata(b"\x66" * 32)
    assert sold.failing() == []
    # Who buys now gets evidence of what stands now.
    agreement = sold.licensee.agree(sold.answer(sold.prepared.offers[0], sold.prepared))
    later, _ = sold.licensee.mint(agreement, b"\x01" * 32)
    assert sold.failing(license=later) == ["the metadata document matches its digest"]
    assert sold.failing() == []


def test_an_offer_withdrawn_and_a_work_sold_change_nothing(sold: Sold) -> None:
    sold.licensee.market.send(sold.signer, "withdraw_offer", sold.prepared.offers[0])
    registry = sold.deployment.contract("WorkRegistry", sold.chain.rpc)
    registry.send(sold.signer, "transferFrom", sold.signer.address, sold.friend.address, sold.prepared.work)
    report = sold.verify()
    assert report.holds
    assert f"the claim is held by {sold.friend.address}" in str(report.checks)


def test_a_node_that_refuses_long_ranges(sold: Sold) -> None:
    with LyingRpc(sold.chain.url, lambda logs: logs, widest=3) as rpc:
        assert sold.verify(rpc).holds
        assert rpc.refused
    with LyingRpc(sold.chain.url, lambda logs: logs, widest=0) as rpc, pytest.raises(RpcError, match="too wide"):
        sold.verify(rpc)


def replace_word(event: str, old: int, new: int) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """A lie about one 32-byte word in the logs of an event, in topics or data."""

    def lie(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        a, b = f"{old:064x}", f"{new:064x}"
        return [
            {**log, "data": log["data"].replace(a, b), "topics": [topic.replace(a, b) for topic in log["topics"]]}
            if log["topics"][0] == event
            else log
            for log in logs
        ]

    return lie


def test_a_node_that_lies_about_the_offer(sold: Sold) -> None:
    topic = "0x" + sold.licensee.market.abi.event("OfferPosted").topic.hex()
    for old, new in ((10**15, 1), (2_000, 2**32 - 1), (90 * DAY, 2**40 - 1)):
        with LyingRpc(sold.chain.url, replace_word(topic, old, new)) as rpc:
            with pytest.raises(IntegrityError, match="log of the offer is not what its id stands for"):
                sold.verify(rpc)
            assert rpc.call("eth_chainId")


def test_a_node_that_lies_about_the_film(sold: Sold) -> None:
    registry = sold.deployment.contract("WorkRegistry")
    topic = "0x" + registry.abi.event("WorkRegistered").topic.hex()
    content = int.from_bytes(sold.prepared.film.properties.sha256, "big")
    for old, new in ((content, content ^ 1), (int(sold.signer.address, 16), 5)):
        with (
            LyingRpc(sold.chain.url, replace_word(topic, old, new)) as rpc,
            pytest.raises(IntegrityError, match="log of the work is not what its id stands for"),
        ):
            sold.verify(rpc)


def test_a_node_without_logs_or_with_broken_ones(sold: Sold) -> None:
    with LyingRpc(sold.chain.url, lambda logs: []) as rpc, pytest.raises(NotFoundError, match="keeps all logs"):
        sold.verify(rpc)
    with (
        LyingRpc(sold.chain.url, lambda logs: [{**log, "data": "0x1234"} for log in logs]) as rpc,
        pytest.raises(IptoError),
    ):
        sold.verify(rpc)


def test_a_contract_that_permits_less(sold: Sold) -> None:
    """The contract has the last word: what it does not permit is not shown as permitted."""

    class Strict(Rpc):
        def call(self, method: str, *params: Any) -> Any:
            answer = super().call(method, *params)
            permits = "0x" + sold.licensee.market.abi.function("permits").selector.hex()
            if method == "eth_call" and params[0]["data"].startswith(permits):
                usage = params[0]["data"][10 + 64 * 23 : 10 + 64 * 24]
                if int(usage, 16) == Usage.TRAIN:
                    return "0x" + "00" * 32
            return answer

    with Strict(sold.chain.url) as rpc:
        report = sold.verify(rpc)
    assert not report.holds
    assert report.usages == (Usage.AI_INPUT,)
    assert "4 of 8 combinations" in str(report.checks)


def test_ids_bind_the_file_to_the_license(sold: Sold) -> None:
    """License → offer → work → content: each id is the hash of the next, so nothing between can be exchanged."""
    offer = sold.prepared.offers[0]
    assert ids.offer_of_license(sold.license) == ids.offer_id(offer)
    assert ids.work_id(sold.signer.address, sold.prepared.film.properties.sha256) == offer.work
