# SPDX-License-Identifier: Apache-2.0
import copy
from dataclasses import replace
from typing import Any

import pytest

from ipto import documents, works
from ipto.content import Cid
from ipto.documents import DocumentError
from ipto.errors import IntegrityError
from ipto.structs import ZERO32
from ipto.works import CulturalMark, CulturalNotice, Person, RightsReservation, build_metadata

from .conftest import media_properties


def test_round_trip(metadata: dict[str, Any]) -> None:
    data = documents.canonical(metadata)
    digest = documents.digest(metadata)
    assert works.parse_metadata(data, digest) == metadata
    with pytest.raises(IntegrityError):
        works.parse_metadata(data, bytes(32))
    # A wallet and a search engine find what they look for.
    assert metadata["name"] == "Big Buck Bunny"
    assert metadata["@type"] == "VideoObject"
    assert metadata["image"].startswith("ipfs://b")
    assert metadata["duration"] == "PT5.28S"


def test_the_digest_never_changes_by_accident(metadata: dict[str, Any]) -> None:
    """Registered works name this digest: a change here means a new schema version."""
    assert documents.digest(metadata).hex() == DIGEST


DIGEST = "0fcf63f8b498b327bc2535370891052bc913a96f869270df900e3724f05b7cb9"


def test_what_goes_on_chain(metadata: dict[str, Any]) -> None:
    work = works.work_input(metadata, cleared=3)
    assert work.content == b"\1" * 32
    assert work.metadata == documents.digest(metadata)
    assert work.cultural == b"\2" * 32
    assert work.payee == ZERO32
    assert (work.duration_ms, work.cleared) == (5280, 3)
    assert works.check_work_match(metadata, content=work.content, duration_ms=5280) == []
    found = works.check_work_match(metadata, content=bytes(32), duration_ms=1)
    assert [line.split(" ")[0] for line in found] == ["media.sha256", "media.duration_ms"]


def test_mining_is_reserved_unless_someone_says_otherwise() -> None:
    document = build_metadata(title="x", creators=[Person("a", "b")], media=media_properties())
    assert document["rights"] == {"tdm_reservation": True}
    rights = RightsReservation(False, "https://example.org/policy", "Ask us.", "(c) us")
    document = build_metadata(title="x", creators=[Person("a", "b")], media=media_properties(), rights=rights)
    assert document["rights"]["policy"] == "https://example.org/policy"


WRONG: list[tuple[str, Any, str]] = [
    ("name", None, "is missing"),
    ("name", "", "is empty"),
    ("name", " \u2003", "cannot be"),
    ("name", "two\nlines", "cannot be"),
    ("name", "line end\n", "cannot be"),
    ("name", "reversed \u202e", "cannot be"),
    ("name", "x" * 301, "too long"),
    ("name", 5, "must be text"),
    ("description", "bell \x07", "cannot be"),
    ("creator", [], "is empty"),
    ("creator", "me", "must be a list"),
    ("creator[0].name", None, "is missing"),
    ("creator[0].address", "0x" + "Ee" * 20, "checksum"),
    ("creator[0].address", "0x" + "ee" * 20, "checksum"),
    ("creator[0].address", "vitalik.eth", "cannot be"),
    ("creator[0].age", 5, "is not a field"),
    ("keywords", ["a", "a"], "cannot be"),
    ("inLanguage", "English please", "cannot be"),
    ("dateCreated", "31.5.2008", "cannot be"),
    ("contentUrl", "https://example.org/film.mp4", "cannot be"),
    ("contentUrl", "ipfs://b" + "a" * 58, "not a CID"),
    ("image", "ipfs://" + str(Cid.of_block(b"")).upper(), "cannot be"),
    ("duration", "PT5S", "must be PT5.28S"),
    ("media.sha256", "0x" + "AB" * 32, "cannot be"),
    ("media.sha256", "0x" + "ab" * 32 + "\n", "cannot be"),
    ("media.bytes", 0, "cannot be"),
    ("media.bytes", "1", "whole number"),
    ("media.bytes", True, "whole number"),
    ("media.duration_ms", 2**32 - 1, "cannot be"),
    ("media.frame_rate", "25", "cannot be"),
    ("media.frame_rate", "50/2", "reduced"),
    ("media.frame_rate", "25/0", "cannot be"),
    ("media.width", -1, "cannot be"),
    ("media.cid_profile", "mine", "cannot be"),
    ("cultural", "0x12", "cannot be"),
    ("rights", None, "is missing"),
    ("rights.tdm_reservation", "yes", "must be a boolean"),
    ("rights.policy", "javascript:alert(1)", "cannot be"),
    ("@context", "https://schema.org", "cannot be"),
    ("$schema", "urn:ipto:schema:work:3", "cannot be"),
    ("extra", 1, "is not a field"),
]


@pytest.mark.parametrize(("field", "value", "message"), WRONG, ids=lambda part: str(part)[:24])
def test_errors_name_the_field(metadata: dict[str, Any], field: str, value: Any, message: str) -> None:
    document = copy.deepcopy(metadata)
    *above, name = field.replace("[0]", ".0").split(".")
    place: Any = document
    for step in above:
        place = place[int(step) if step.isdigit() else step]
    if value is None:
        del place[name]
    else:
        place[name] = value
    with pytest.raises(DocumentError, match=message) as caught:
        works.parse_metadata(documents.canonical(document))
    assert caught.value.field.startswith(field)
    assert field in str(caught.value)


NOTICE = CulturalNotice(
    declared_by="Elders of the river",
    capacity="community",
    community="People of the river",
    context="A harvest dance, shown only after the rains.",
    origin="Upper valley",
    elements=["harvest dance"],
    attribution="Dance of the People of the river",
    guidelines=["Not for advertising."],
    project_id="259854f7-b261-4c8c-8556-4b153deebc18",
    labels=[CulturalMark("TK Attribution", "This label asks users to give credit.")],
    created="2024-05-31",
    language="en",
)


def test_cultural_notice_round_trip() -> None:
    document = NOTICE.document()
    digest = documents.digest(document)
    assert works.parse_cultural(documents.canonical(document), digest) == document


def test_labels_are_applied_by_communities_only() -> None:
    with pytest.raises(DocumentError, match="community only"):
        replace(NOTICE, capacity="creator").document()
    notices = replace(NOTICE, capacity="creator", labels=(), notices=NOTICE.labels)
    assert "notices" in notices.document()["local_contexts"]


def test_a_notice_names_who_declares_what() -> None:
    for name, value, message in [
        ("capacity", "expert", "cannot be"),
        ("declared_by", "", "is empty"),
        ("context", "", "is empty"),
        ("project_id", None, "is missing"),
        ("project_id", "259854F7-b261-4c8c-8556-4b153deebc18", "cannot be"),
        ("address", "0x" + "ee" * 20, "checksum"),
    ]:
        with pytest.raises(DocumentError, match=message):
            replace(NOTICE, **{name: value}).document()
