# SPDX-License-Identifier: Apache-2.0
"""One statement in every format: what is written is what is read, and where signals disagree the strictest wins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto import documents, presets
from ipto.errors import InputError
from ipto.media.rights import Answer, Statement, Use, merge, of_terms, rsl, web, xmp
from ipto.quantities import Currency
from ipto.terms import TermsDetails

URL = "https://example.org/films/7/terms"
_WORDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)
_DIGESTS = st.binary(min_size=32, max_size=32).map(lambda data: "0x" + data.hex())
STATEMENTS = st.builds(
    Statement,
    answers=st.dictionaries(st.sampled_from(Use), st.sampled_from(Answer)),
    terms_url=st.sampled_from([None, URL, "https://a.example/?a=1&b='2'%22"]),
    terms_digest=st.none() | _DIGESTS,
    credit=st.none() | _WORDS,
    copyright=st.none() | _WORDS,
    cultural=st.none() | _DIGESTS,
).map(lambda said: replace(said, credit=_nfc(said.credit), copyright=_nfc(said.copyright)))


def _nfc(text: str | None) -> str | None:
    import unicodedata

    return unicodedata.normalize("NFC", text) if text else text


@given(STATEMENTS)
def test_xmp_round_trip(said: Statement) -> None:
    assert xmp.read(xmp.write(said)) == said.strict()


@given(STATEMENTS, st.sampled_from(["ALLOWED", "UNSPECIFIED", "PROHIBITED", "PROHIBITED-AIMLTRAINING", "NEW-WORD"]))
def test_a_changed_plus_value_can_only_restrict(said: Statement, value: str) -> None:
    packet = xmp.write(said)
    if b"ldf/vocab/" not in packet:
        return
    start = packet.index(b"ldf/vocab/") + len(b"ldf/vocab/")
    changed = packet[:start] + f"DMI-{value}".encode() + packet[packet.index(b'"', start) :]
    if changed == packet:
        return
    read = xmp.read(changed)
    for use, answer in said.strict().answers.items():
        assert read.answers[use] >= answer
    if value in ("PROHIBITED", "NEW-WORD"):
        assert set(read.answers.values()) == {Answer.NOT_ALLOWED}


@given(STATEMENTS)
def test_rsl_round_trip(said: Statement) -> None:
    assert rsl.read(rsl.write(said, "https://example.org/film.mp4#t=5,12", ("10.5", "USDC"))) == _as_read(said)


def _as_read(said: Statement) -> Statement:
    projected = rsl.project(said)
    return merge([projected])


@given(STATEMENTS)
def test_the_others_round_trip(said: Statement) -> None:
    strict = said.strict()
    row = web.write_croissant(said, name="A film", content_url="https://example.org/film.mp4#t=5,12", sha256="00")
    assert web.read_croissant(row) == strict
    read = web.read_erc7517(web.write_erc7517(said))
    assert read.answers == strict.answers
    assert read.terms_url == (strict.terms_url if Answer.CONSTRAINED in strict.answers.values() else None)
    assert web.read_cawg(web.write_cawg(said)).answers == strict.answers
    entry = web.write_tdmrep(said, "/film.mp4")
    assert web.read_tdmrep(entry) == web.project_tdmrep(said)
    assert web.read_tdmrep({name: str(value) for name, value in entry.items()}) == web.project_tdmrep(said)
    plain = web.read_schema_org(web.write_schema_org(said))
    assert (plain.terms_url, plain.credit, plain.copyright) == (strict.terms_url, strict.credit, strict.copyright)


@given(st.lists(STATEMENTS, max_size=4))
def test_the_most_restrictive_wins(several: list[Statement]) -> None:
    together = merge(several)
    for use in Use:
        given_answers = [said.strict().answers[use] for said in several if use in said.answers]
        assert together.answers.get(use) == (max(given_answers) if given_answers else None)
    assert merge(reversed(several)).answers == together.answers
    assert merge([together, together]).answers == together.answers


def test_constrained_without_an_address_is_no() -> None:
    assert web.read_cawg({"entries": {"cawg.ai_training": {"use": "constrained"}}}).answers == {
        Use.AI_TRAINING: Answer.NOT_ALLOWED
    }
    assert web.read_cawg({"entries": {"c2pa.ai_training": {"use": "notAllowed"}}}).answers == {
        Use.AI_TRAINING: Answer.NOT_ALLOWED
    }
    assert Statement({Use.DATA_MINING: Answer.CONSTRAINED}).strict().answers == {Use.DATA_MINING: Answer.NOT_ALLOWED}


def test_a_statement_comes_from_terms() -> None:
    dollar = Currency("USDC", "0x" + "11" * 20, 6)
    offer, paper = presets.make_offer(
        "train-nonexclusive-1y", work=7, licensor="0x" + "22" * 20, price=10_000_000, currency=dollar,
        details=TermsDetails(attribution="A film by A Person"),
    )  # fmt: skip
    said = of_terms([paper], terms_url=URL, metadata={"cultural": "0x" + "ab" * 32})
    assert said.answers[Use.AI_GENERATIVE_TRAINING] == Answer.CONSTRAINED
    assert said.answers[Use.AI_INFERENCE] == Answer.NOT_ALLOWED
    assert said.terms_digest == "0x" + documents.digest(paper).hex() == "0x" + offer.terms.hex()
    assert said.credit == "A film by A Person"
    assert said.cultural == "0x" + "ab" * 32
    assert set(of_terms([], terms_url=URL).answers.values()) == {Answer.NOT_ALLOWED}
    with pytest.raises(InputError, match="https"):
        of_terms([paper], terms_url="http://example.org")


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'


HOSTILE_XML = [
    b"<?xml version='1.0' encoding='UTF-5'?><rsl/>",
    b"", b"<", BOMB,
    b"<a>" * 100 + b"</a>" * 100, b"<a>" + b"<b/>" * 30_000 + b"</a>", b"\xff\xfe\x00", b"<rsl/>", b"{}",
    b"<a b='" + b"x" * 2**20 + b"'/>",
]  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE_XML, ids=range(len(HOSTILE_XML)))
def test_hostile_xml_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(InputError, match="RSL"):
        rsl.read(data)


@given(st.binary(max_size=300))
def test_no_bytes_harm_the_readers(data: bytes) -> None:
    for read in (xmp.read, rsl.read):
        try:
            read(data)
        except InputError:
            continue


_KEYS = st.sampled_from(
    ["entries", "dataMiningPreference", "tdm-reservation", "tdm-policy", "use", "constraint_info", "aiTraining",
     "cawg.ai_training", "films/ai_training"]
)  # fmt: skip
_LEAVES = st.sampled_from(
    [None, True, 0, 1, 2.5, "", "0", "allowed", "constrained", "https://a.example", [], ["allowed"], {}]
)
_INNER = st.dictionaries(
    _KEYS, _LEAVES | st.fixed_dictionaries({"use": _LEAVES, "constraint_info": _LEAVES}), max_size=4
)


@given(st.dictionaries(_KEYS, _LEAVES | _INNER, max_size=5))
def test_no_json_harms_the_readers(data: dict[str, object]) -> None:
    for read in (web.read_cawg, web.read_croissant, web.read_erc7517, web.read_schema_org):
        read(data)
    try:
        web.read_tdmrep(data)
    except InputError:
        return
