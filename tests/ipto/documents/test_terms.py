# SPDX-License-Identifier: Apache-2.0
import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipto import documents, terms
from ipto.documents import Document, DocumentError
from ipto.errors import InputError, IntegrityError
from ipto.presets import PRESETS, make_offer
from ipto.structs import NEVER, PERPETUAL, UNLIMITED, WHOLE_END_MS, ZERO32, Offer, OfferFlag, Usage
from ipto.terms import TermsDetails, build_terms, check_terms_match, seal, summary

from .conftest import CREATOR, USDC

DETAILS = TermsDetails(
    work_title="Big Buck Bunny",
    licensor_name="Blender Foundation",
    attribution="(c) Blender Foundation",
    territory=("DE", "FR"),
    prohibited_uses=("political advertising",),
    guidelines=("Ask before showing the burrow.",),
)


def make(name: str, **changes: Any) -> tuple[Offer, Document]:
    preset = PRESETS[name]
    scene = (5_000, 12_500) if preset.needs_scene else None
    details = None if preset.flags & OfferFlag.BUNDLE else DETAILS
    price = 0 if preset.is_free else 25_500_000
    return make_offer(
        name, work=2**255 + 7, licensor=CREATOR, price=price, currency=USDC, scene=scene, details=details, **changes
    )


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    """Any offer the market takes."""
    owes = draw(st.booleans())
    by_unit = owes and draw(st.booleans())
    start = draw(st.integers(0, WHOLE_END_MS - 1))
    opens = draw(st.integers(0, NEVER - 1))
    flags = draw(st.integers(0, 15).filter(lambda flags: flags & 5 != 5))
    return Offer(
        work=draw(st.integers(0, 2**256 - 1)),
        licensor="0x" + draw(st.binary(min_size=20, max_size=20)).hex(),
        usages=draw(st.integers(1, 255)),
        aspects=draw(st.integers(1, 511)),
        forbids=draw(st.integers(0, 127)),
        start_ms=start,
        end_ms=draw(st.integers(start + 1, WHOLE_END_MS)),
        currency=USDC.address,
        price=draw(st.integers(0, 2**96 - 1)),
        term=draw(st.one_of(st.integers(1, PERPETUAL), st.just(PERPETUAL))),
        revenue_share_bps=draw(st.integers(1, 10_000)) if owes and not by_unit else 0,
        unit=draw(st.integers(1, 5)) if by_unit else 0,
        unit_price=draw(st.integers(1, 2**96 - 1)) if by_unit else 0,
        report_every=draw(st.integers(1, 2**32 - 1)) if owes else 0,
        after_term=draw(st.integers(1, 3)),
        supply=draw(st.integers(1, UNLIMITED)),
        licensee="0x" + draw(st.binary(min_size=20, max_size=20)).hex(),
        opens_at=opens,
        closes_at=draw(st.integers(opens + 1, NEVER)),
        flags=flags,
        terms=ZERO32,
    )


@settings(max_examples=40)
@given(offers())
def test_every_offer_has_terms_that_match(offer: Offer) -> None:
    document = build_terms(offer, USDC)
    assert terms.parse_terms(documents.canonical(document), documents.digest(document)) == document
    sealed = seal(offer, document)
    assert sealed.terms == documents.digest(document)
    assert check_terms_match(sealed, document) == []
    assert build_terms(sealed, USDC) == document  # the digest is no part of what it is a digest of
    assert len(document["permission"]) == offer.usages.bit_count()
    assert len(document["prohibition"]) == offer.forbids.bit_count()


@settings(max_examples=40)
@given(offers(), st.sampled_from(sorted(set(Offer.__dataclass_fields__) - {"terms"})), st.data())
def test_every_changed_field_is_found(offer: Offer, name: str, data: st.DataObject) -> None:
    offer = replace(offer, flags=offer.flags & ~OfferFlag.BUNDLE)
    document = build_terms(offer, USDC)
    other = getattr(data.draw(offers()), name)
    if name == "currency":
        other = "0x" + "99" * 20
    if other == getattr(offer, name):
        return
    found = check_terms_match(replace(offer, **{name: other}), document)
    assert any(line.startswith(f"chain.{name}:") for line in found)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets(name: str) -> None:
    offer, document = make(name)
    assert check_terms_match(offer, document) == []
    assert PRESETS[name].title
    assert PRESETS[name].explanation.endswith(".")
    text = summary(offer, USDC, document)
    assert "License to" in text
    if not offer.flags & OfferFlag.BUNDLE:
        assert text == document["summary"]
    assert "the chain prevail" in document["precedence"].replace("fields on chain", "chain")


def test_a_creator_can_read_it() -> None:
    offer, document = make("inference-scene")
    lines = document["summary"].splitlines()
    assert lines[0] == "License to “Big Buck Bunny”, scene 0:05–0:12.5."
    assert "It lasts 90 days from the sale." in lines
    assert "Price: 25.5 USDC, paid once, all of it to the work's payees." in lines
    assert "Where: DE, FR." in lines
    assert "Credit on whatever is published: (c) Blender Foundation." in lines
    assert any(line.startswith("Never: ") and "political advertising" in line for line in lines)
    assert "Not included: publishing AI output in which the work can be recognised." in lines
    assert "It costs nothing." in summary(make("evaluate-free")[0], USDC)
    assert "And 5 % of the revenue that the terms name as its base." in make("generate-commercial-share")[1]["summary"]
    assert "Only " + offer.licensor in summary(replace(offer, licensee=offer.licensor), USDC)


def test_rights_language() -> None:
    offer, document = make("generate-commercial-share")
    train, generate = document["permission"]
    assert train["action"][0]["rdf:value"]["@id"] == "ipto:trainGenerative"
    assert train["target"]["source"] == f"urn:ipto:work:{offer.work}"
    purposes = [part["rightOperand"] for part in generate["constraint"] if part["leftOperand"] == "purpose"]
    assert purposes == ["ipto:commercial"]
    assert generate["duty"] == [{"action": "attribute", "ipto:line": "(c) Blender Foundation"}]
    assert "duty" not in train
    price = document["obligation"][0]["action"][0]["refinement"][0]
    assert price["rightOperand"] == {"@type": "xsd:decimal", "@value": "25.5"}
    assert document["obligation"][1]["action"][0]["refinement"][0]["rightOperand"]["@value"] == "5"
    assert document["obligation"][2]["action"] == "inform"
    assert document["obligation"][3]["action"] == "ipto:stopOutput"
    assert document["prohibition"][-1]["constraint"][0]["rightOperand"] == "political advertising"
    assert document["prohibition"][0]["target"] == f"urn:ipto:work:{offer.work}"  # beyond the licensed aspects
    spatial = [part for part in train["constraint"] if part["leftOperand"] == "spatial"]
    assert spatial[0]["rightOperand"] == ["DE", "FR"]
    scene = make("inference-scene")[1]["permission"][0]["target"]["refinement"][1]
    assert scene["rightOperand"] == "t=5,12.5"


def test_members_of_a_dataset_share_one_document() -> None:
    one, shared = make("dataset-train-1y")
    fields = {"work": 1, "licensor": "0x" + "77" * 20, "price": 1, "currency": USDC, "supply": 9, "closes_at": 10}
    two, other = make_offer("dataset-train-1y", **fields)
    assert shared == other
    assert one.terms == two.terms
    assert shared["scope"] == "bundle"
    assert CREATOR not in str(shared)
    # A dataset's masks lie within its members' offers; its forbids hold theirs.
    wider = replace(two, usages=two.usages | Usage.INDEX, forbids=0)
    assert check_terms_match(wider, shared) == []
    narrower = replace(two, aspects=1)
    assert [line.split(":")[0] for line in check_terms_match(narrower, shared)] == ["chain.aspects"]
    single = replace(two, flags=0)
    assert any(line.startswith("scope") for line in check_terms_match(single, shared))
    for name in ("work_title", "licensor_name", "attribution", "contact"):
        with pytest.raises(DocumentError, match=name):
            build_terms(one, USDC, TermsDetails(**{name: "x"}))


def tamper(document: Document, path: str, value: Any) -> Document:
    changed = copy.deepcopy(document)
    place: Any = changed
    *above, last = path.split(".")
    for step in above:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("permission.0.action", "sell"),
        ("permission.0.target.source", "urn:ipto:work:1"),
        ("prohibition", []),
        ("obligation", []),
        ("summary", "Everything is free."),
        ("territory", ["worldwide"]),
        ("prohibited_uses", []),
        ("currency.decimals", 5),
        ("assigner", "urn:ipto:account:0x" + "99" * 20),
        ("uid", "urn:ipto:terms:" + "0" * 64),
        ("@type", "Set"),
        ("chain.price", "1"),
        ("chain.usages", 255),
    ],
)
def test_a_document_that_says_two_things(path: str, value: Any) -> None:
    offer, document = make("train-nonexclusive-1y")
    changed = tamper(document, path, value)
    assert check_terms_match(replace(offer, terms=ZERO32), changed)
    with pytest.raises(InputError, match="contradicts"):
        seal(offer, changed)


def test_another_document_than_the_digest_names() -> None:
    offer, _ = make("index")
    other = build_terms(offer, USDC, replace(DETAILS, governing_law="Law of the sea"))
    assert [line.split(":")[0] for line in check_terms_match(offer, other)] == ["digest"]
    with pytest.raises(IntegrityError):
        terms.parse_terms(documents.canonical(other), offer.terms)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("chain.usages", 0, "usages"),
        ("chain.usages", 256, "usages"),
        ("chain.price", 25, "price"),
        ("chain.price", "025", "decimal"),
        ("chain.price", str(2**96), "price"),
        ("chain.licensor", "0x" + "Ab" * 20, "checksum"),
        ("chain.terms", "0x" + "00" * 32, "does not belong"),
        ("territory", ["Germany"], "territory"),
        ("territory", [], "territory"),
        ("precedence", "This document prevails.", "precedence"),
        ("conflict", "perm", "conflict"),
        ("prohibited_uses", [""], "prohibited_uses"),
        ("scope", "bundle", "scope bundle"),
        ("currency.decimals", -1, "decimals"),
        ("extra", 1, "not a field"),
    ],
)
def test_malformed_documents_name_the_field(path: str, value: Any, message: str) -> None:
    _, document = make("train-nonexclusive-1y")
    with pytest.raises(DocumentError, match=message):
        terms.validate_terms(tamper(document, path, value))


@pytest.mark.parametrize(
    "changes",
    [
        {"usages": 0}, {"usages": 256}, {"aspects": 0}, {"aspects": 512}, {"forbids": 128},
        {"start_ms": 9, "end_ms": 9},
        {"term": 0}, {"revenue_share_bps": 10_001, "report_every": 1}, {"unit": 6, "unit_price": 1, "report_every": 1},
        {"unit": 1, "report_every": 1}, {"unit_price": 1}, {"report_every": 1}, {"revenue_share_bps": 1},
        {"after_term": 0}, {"after_term": 4}, {"supply": 0}, {"opens_at": 5, "closes_at": 5}, {"flags": 16},
        {"flags": 5},
        {"currency": "0x" + "00" * 20},
    ],
    ids=str,
)  # fmt: skip
def test_offers_no_market_takes(changes: dict[str, Any]) -> None:
    offer, _ = make("train-nonexclusive-1y")
    with pytest.raises(InputError, match="offer, "):
        terms.check_offer(replace(offer, **changes))


def test_presets_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="choose one of train-nonexclusive-1y"):
        make_offer("rent", work=1, licensor=CREATOR, price=1, currency=USDC)
    with pytest.raises(InputError, match="one scene"):
        make_offer("inference-scene", work=1, licensor=CREATOR, price=1, currency=USDC)
    with pytest.raises(InputError, match="free"):
        make_offer("evaluate-free", work=1, licensor=CREATOR, price=1, currency=USDC)
    for wrong in ({"terms": ZERO32}, {"colour": 1}):
        with pytest.raises(InputError, match="cannot be set"):
            make("index", **wrong)
    with pytest.raises(InputError, match="pass its currency"):
        summary(make("index")[0], replace(USDC, address="0x" + "98" * 20))
