# SPDX-License-Identifier: Apache-2.0
"""What creators prepare and licensees agree to, against the real contracts. A keeper plays the relayer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto import documents, ids, terms, works
from ipto.accounts import LocalSigner
from ipto.chain import Deployment, RevertedError
from ipto.client import (
    Agreement,
    Contribution,
    Creator,
    Film,
    Licensee,
    OfferPlan,
    Prepared,
    check_scene,
    currencies,
    currency_at,
    license_in,
    party_digest,
    pay_out,
    split_of,
)
from ipto.content import Cid, LocalStore, describe
from ipto.devchain import DevChain
from ipto.errors import InputError, IntegrityError
from ipto.media import sample_path
from ipto.quantities import ETHER
from ipto.structs import ETH, WHOLE_END_MS, ZERO32, Authorization, Offer, OfferFlag


def a_film(folder: Path) -> Film:
    """A film as if it had been read: no decoder is needed for what follows."""
    path = folder / "film.mp4"
    path.write_bytes(b"the film" * 1000)
    content = describe(path)
    properties = works.MediaProperties(
        content.sha256, content.size, content.cid, content.profile, 60_000, 640, 360, "25/1", "h264", "mp4"
    )
    return Film(path, properties, b"\xff\xd8\xff a poster")


class Scene:
    """A creator with a prepared film, and a buyer."""

    def __init__(self, chain: DevChain, deployment: Deployment, folder: Path) -> None:
        self.chain, self.deployment, self.folder = chain, deployment, folder
        self.store = LocalStore(folder / "content")
        self.signer, self.friend, self.buyer = (LocalSigner.random() for _ in range(3))
        self.creator = Creator(self.signer, deployment, self.store)
        self.licensee = Licensee(self.buyer, deployment, chain.rpc)
        self.usd = currencies(deployment)[1]
        self.people = (
            Contribution("Ada", "director", self.signer.address, 600_000),
            Contribution("Mei", "composer", self.friend.address, 400_000),
        )

    def prepare(self, **changes: Any) -> Prepared:
        values: dict[str, Any] = {
            "title": "Film",
            "people": self.people,
            "plans": [
                OfferPlan("train-nonexclusive-1y", 5_000_000, self.usd),
                OfferPlan("inference-scene", 10**15, ETHER, (0, 2_000)),
            ],
            "cultural": works.CulturalNotice(
                declared_by="Ada", capacity="creator", community="Hers", context="Made at home."
            ),
        }
        return self.creator.prepare(a_film(self.folder), **{**values, **changes})

    def carry_out(self, prepared: Prepared) -> None:
        """As a relayer would."""
        signature = self.signer.sign_typed_data(self.creator.typed(prepared.message))
        actions = self.deployment.contract("SignedActions", self.chain.rpc)
        actions.send(self.chain.signers[1], "onboard", prepared.message, signature)

    def answer(self, offer: Offer, prepared: Prepared) -> dict[str, Any]:
        """What an honest indexer says of an offer."""
        cultural = "0x" + prepared.message.work.cultural.hex()
        return {
            "id": "0x" + ids.offer_id(offer).hex(),
            "chain": offer.to_json(),
            "quote": {"acknowledge": {"cultural": cultural, "claim_rank": 0}},
        }

    def fund(self, *, ether: int = 10**18, dollars: int = 0) -> None:
        self.chain.set_balance(self.buyer.address, ether)
        if dollars:
            self.token.send(self.chain.signers[0], "mint", self.buyer.address, dollars)

    @property
    def token(self) -> Any:
        return self.deployment.contract("TestUSD", self.chain.rpc)


@pytest.fixture
def scene(chain: DevChain, deployment: Deployment, tmp_path: Path) -> Scene:
    return Scene(chain, deployment, tmp_path)


def test_offers_for_datasets_name_no_work(scene: Scene) -> None:
    """Two films, two creators: the same digest of terms, so that a dataset can hold both."""
    plan = OfferPlan("dataset-train-1y", 5_000_000, scene.usd)
    own = OfferPlan("index", 5_000_000, scene.usd, changes={"flags": int(OfferFlag.BUNDLE)})
    first, second = (scene.prepare(title=title, credit_line=title, plans=[plan, own]) for title in ("One", "Two"))
    assert [offer.terms for offer in first.offers] == [offer.terms for offer in second.offers]


def test_one_signature_settles_everything(scene: Scene) -> None:
    prepared = scene.prepare()
    assert not any((scene.store.folder / "blocks").iterdir())  # preparing keeps nothing
    scene.carry_out(prepared)
    registry = scene.deployment.contract("WorkRegistry", scene.chain.rpc)
    owner, _, duration, *_, metadata, cultural, payee, _ = registry.call("work_of", prepared.work)
    assert (owner, duration, payee) == (scene.signer.address, 60_000, prepared.payee)
    assert metadata == documents.digest(prepared.metadata)
    assert cultural == documents.digest(documents.parse(prepared.documents[1], "cultural notice"))
    market = scene.deployment.contract("LicenseMarket", scene.chain.rpc)
    for offer, paper in zip(prepared.offers, prepared.documents[2:], strict=True):
        assert market.call("offer_status", ids.offer_id(offer))[0]
        assert terms.check_terms_match(offer, terms.parse_terms(paper, offer.terms)) == []


def test_who_works_alone_is_paid_at_their_address(scene: Scene) -> None:
    alone = scene.prepare(people=[Contribution("Ada", "director", scene.signer.address, 1_000_000)])
    assert alone.split == ()
    assert alone.message.work.payee == ZERO32
    assert alone.payee == ids.address_account(scene.signer.address)
    # Somebody else's address alone is a split of one: the owner is not who is paid.
    other = scene.prepare(people=[Contribution("Mei", "composer", scene.friend.address, 1_000_000)])
    assert other.payee == other.message.work.payee == ids.split_account(other.split, scene.signer.address)


def test_keeping(scene: Scene) -> None:
    prepared = scene.prepare()
    scene.creator.keep(prepared)
    film = prepared.film
    assert scene.store.get(film.properties.cid) == film.path.read_bytes()
    assert scene.store.get(film.poster_cid) == film.poster
    assert all(scene.store.has(Cid.of_block(data)) for data in prepared.documents)
    film.path.write_bytes(b"another cut")
    with pytest.raises(InputError, match="changed while it was read"):
        scene.creator.keep(prepared)


def test_reading_a_real_film(scene: Scene) -> None:
    film = scene.creator.read(sample_path())
    assert (film.properties.width, film.properties.duration_ms) == (1280, 5280)
    assert film.poster.startswith(b"\xff\xd8")
    assert not any((scene.store.folder / "blocks").iterdir())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"people": ()}, "at least one person"),
        ({"title": ""}, "metadata document, name"),
        ({"plans": [OfferPlan("nothing", 0, ETHER)]}, "there is no preset"),
        ({"plans": [OfferPlan("inference-scene", 1, ETHER, (0, 60_001))]}, "the film at 60 s"),
        ({"plans": [OfferPlan("fine-tune", 1, ETHER, changes={"supply": 0})]}, "supply"),
        ({"plans": [OfferPlan("fine-tune", 1, ETHER, changes={"terms": b""})]}, "cannot be set here"),
        ({"cleared": 0}, None),
    ],
)
def test_what_cannot_be_prepared(scene: Scene, changes: dict[str, Any], words: str | None) -> None:
    if words is None:  # left to the chain, which says it in words
        with pytest.raises(RevertedError, match="cleared"):
            scene.carry_out(scene.prepare(**changes))
        return
    with pytest.raises(InputError, match=words):
        scene.prepare(**changes)


def test_nonces_differ(scene: Scene) -> None:
    nonces = [scene.prepare().message.nonce for _ in range(3)]
    assert len(set(nonces)) == 3
    assert nonces[0] >> 8 == nonces[2] >> 8  # one storage word


@given(st.lists(st.integers(1, 999_999), min_size=1, max_size=8), st.randoms())
def test_splits_sum_or_are_refused(parts: list[int], random: Any) -> None:
    people = [Contribution(str(n), "x", f"0x{n + 1:040x}", part) for n, part in enumerate(parts)]
    random.shuffle(people)
    if sum(parts) != 1_000_000:
        with pytest.raises(InputError, match="not to 100 %"):
            split_of(people)
    rest = 1_000_000 - sum(parts)
    if rest > 0:
        whole = [*people, Contribution("rest", "x", "0x" + "11" * 20, rest)]
        split = split_of(whole)
        assert sum(share.share for share in split) == 1_000_000
        ids.split_account(split, "0x" + "22" * 20)  # in the order the vault wants
        with pytest.raises(InputError, match="share one address"):
            split_of([*whole, whole[0]])


def test_scenes() -> None:
    check_scene(None, 10)
    check_scene((0, 10), 10)
    check_scene((0, WHOLE_END_MS), 10)
    with pytest.raises(InputError, match="choose an earlier end"):
        check_scene((0, 11), 10)


def test_party_digests_hide_and_open() -> None:
    digest, document = party_digest("Lab", "HRB 1")
    assert documents.digest(document) == digest
    assert party_digest("Lab", "HRB 1")[0] != digest
    assert party_digest("Lab", "HRB 1", bytes.fromhex(document["salt"][2:]))[0] == digest


# ---- buying ----------------------------------------------------------------------------------------------------------


def test_buying_in_both_currencies(scene: Scene) -> None:
    prepared = scene.prepare()
    scene.carry_out(prepared)
    scene.fund(dollars=5_000_000)
    party, _ = party_digest("Lab")
    for offer in prepared.offers:
        agreement = scene.licensee.agree(scene.answer(offer, prepared))
        assert agreement.total == offer.price
        license, receipt = scene.licensee.mint(agreement, party)
        market = scene.licensee.market
        assert license_in(market, receipt.logs) == license == ids.license_id(ids.offer_id(offer), 1)
        assert market.call("license_of", license)[0] == scene.buyer.address
        minted = market.events(receipt, "LicenseMinted")[0].args
        assert (minted["party"], minted["cultural"]) == (party, prepared.message.work.cultural)
        before = [_held(scene, who, offer.currency) for who in (scene.signer, scene.friend)]
        pay_out(scene.chain.rpc, scene.deployment, scene.chain.signers[2], prepared.split, prepared.controller,
                offer.currency)  # fmt: skip
        after = [_held(scene, who, offer.currency) for who in (scene.signer, scene.friend)]
        assert [now - then for now, then in zip(after, before, strict=True)] == [
            offer.price * 6 // 10,
            offer.price * 4 // 10,
        ]


def _held(scene: Scene, who: LocalSigner, currency: str) -> int:
    return scene.chain.rpc.balance(who.address) if currency == ETH else scene.token.call("balanceOf", who.address)


def test_an_authorization_is_good_for_one_order(scene: Scene) -> None:
    prepared = scene.prepare()
    scene.carry_out(prepared)
    scene.fund(ether=0, dollars=5_000_000)
    training, inference = (scene.answer(offer, prepared) for offer in prepared.offers)
    party, _ = party_digest("Lab")
    order = scene.licensee.authorize(scene.licensee.agree(training), party)
    keeper, market = scene.chain.signers[1], scene.licensee.market
    offer = Offer.from_mapping(order["offer"])
    arguments = [offer, scene.buyer.address, party, bytes.fromhex(order["acknowledged"][2:])]
    authorization = Authorization.from_mapping(order["authorization"])
    stolen = [arguments[0], keeper.address, *arguments[2:]]
    with pytest.raises(RevertedError):
        market.send(keeper, "mint_with_authorization", *stolen, authorization)
    receipt = market.send(keeper, "mint_with_authorization", *arguments, authorization)
    assert market.call("license_of", license_in(market, receipt.logs))[0] == scene.buyer.address
    assert scene.token.call("balanceOf", scene.buyer.address) == 0
    with pytest.raises(RevertedError):
        market.send(keeper, "mint_with_authorization", *arguments, authorization)
    scene.fund()
    with pytest.raises(InputError, match="cannot be paid by authorization"):
        scene.licensee.authorize(scene.licensee.agree(inference), party)


def test_a_free_offer_has_nothing_to_authorize(scene: Scene) -> None:
    prepared = scene.prepare(plans=[OfferPlan("evaluate-free", 0, scene.usd)])
    scene.carry_out(prepared)
    agreement = scene.licensee.agree(scene.answer(prepared.offers[0], prepared))
    with pytest.raises(InputError, match="is free"):
        scene.licensee.authorize(agreement, ZERO32)
    scene.fund()
    scene.licensee.mint(agreement, ZERO32)


def test_an_indexer_that_lies(scene: Scene) -> None:
    prepared = scene.prepare()
    scene.carry_out(prepared)
    honest = scene.answer(prepared.offers[0], prepared)
    agree = scene.licensee.agree
    agree(honest)
    with pytest.raises(IntegrityError, match="id it is shown under"):
        agree({**honest, "chain": {**honest["chain"], "price": "1"}})
    with pytest.raises(IntegrityError, match="not what was read"):
        agree({**honest, "quote": {"acknowledge": {"cultural": "0x" + "00" * 32, "claim_rank": 0}}})
    with pytest.raises(IntegrityError, match="not what was read"):
        agree({**honest, "quote": {"acknowledge": {**honest["quote"]["acknowledge"], "claim_rank": 1}}})
    with pytest.raises(InputError, match="does not know the work"):
        agree({**honest, "quote": None})
    for missing in ("id", "chain", "quote"):
        with pytest.raises(IntegrityError, match="incomplete"):
            agree({name: value for name, value in honest.items() if name != missing})
    invented = dataclasses.replace(prepared.offers[0], price=1)
    with pytest.raises(InputError, match="not live"):
        agree(scene.answer(invented, prepared))


def test_nothing_is_left_of_a_sale_that_does_not_happen(scene: Scene) -> None:
    prepared = scene.prepare()
    scene.carry_out(prepared)
    offer = prepared.offers[0]
    agreement = scene.licensee.agree(scene.answer(offer, prepared))
    with pytest.raises(InputError, match=r"holds 0 tUSD, the license costs 5 tUSD"):
        scene.licensee.mint(agreement, ZERO32)
    with pytest.raises(InputError, match="holds 0 tUSD"):
        scene.licensee.authorize(agreement, ZERO32)
    scene.fund(dollars=5_000_000)
    # Withdrawn between reading and paying.
    scene.chain.set_balance(scene.signer.address, 10**18)
    scene.licensee.market.send(scene.signer, "withdraw_offer", offer)
    with pytest.raises(RevertedError, match="offer not live"):
        scene.licensee.mint(agreement, ZERO32)
    market = scene.licensee.market.address
    assert scene.token.call("allowance", scene.buyer.address, market) == 0
    assert scene.token.call("balanceOf", scene.buyer.address) == 5_000_000
    with pytest.raises(InputError, match="not live"):
        scene.licensee.agree(scene.answer(offer, prepared))


def test_the_price_agreed_to_is_the_most_that_is_paid(scene: Scene) -> None:
    """The protocol's fee rises between reading and paying."""
    prepared = scene.prepare()
    scene.carry_out(prepared)
    scene.fund(dollars=10_000_000)
    agreements = [scene.licensee.agree(scene.answer(offer, prepared)) for offer in prepared.offers]
    owner = scene.chain.signers[0]
    scene.licensee.market.send(owner, "set_fee", 250, owner.address)
    for agreement in agreements:
        with pytest.raises(RevertedError):
            scene.licensee.mint(agreement, ZERO32)
    again = scene.licensee.agree(scene.answer(prepared.offers[0], prepared))
    assert again.total == 5_125_000
    assert isinstance(again, Agreement)
    scene.licensee.mint(again, ZERO32)
    assert scene.token.call("balanceOf", scene.buyer.address) == 10_000_000 - 5_125_000


def test_currencies(scene: Scene) -> None:
    assert [item.symbol for item in currencies(scene.deployment)] == ["ETH", "tUSD"]
    assert currency_at(scene.deployment, ETH) == ETHER
    with pytest.raises(InputError, match="not listed"):
        currency_at(scene.deployment, "0x" + "11" * 20)
    with pytest.raises(IntegrityError, match="minted no license"):
        license_in(scene.licensee.market, [])
