# SPDX-License-Identifier: Apache-2.0
"""The metadata document of a work and the cultural notice: what people say about a video, in a fixed form.

The chain holds the SHA-256 of each (`WorkInput.metadata`, `WorkInput.cultural`). A metadata document is at once a
schema.org VideoObject and ERC-721 token metadata. Cultural elements are declared by people, never inferred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

from ipto import documents
from ipto.content.cid import Cid
from ipto.documents import Document, DocumentError
from ipto.errors import InputError
from ipto.structs import ZERO32, ZERO_ADDRESS, WorkInput, checksum_address

__all__ = [
    "Audio",
    "CulturalMark",
    "CulturalNotice",
    "Findings",
    "MediaProperties",
    "Person",
    "RightsReservation",
    "build_metadata",
    "check_work_match",
    "parse_cultural",
    "parse_metadata",
    "validate_cultural",
    "validate_metadata",
    "work_input",
]

WORK_SCHEMA = "urn:ipto:schema:work:1"
# Version 2 adds what was found in the film; a document without any of it is still written in version 1.
FOUND_SCHEMA = "urn:ipto:schema:work:2"
_SCHEMAS = {WORK_SCHEMA: "work-1", FOUND_SCHEMA: "work-2"}
CULTURAL_SCHEMA = "urn:ipto:schema:cultural:1"
_CONTEXT = ["https://schema.org", {"ipto": "urn:ipto:vocab:"}]
_METADATA, _NOTICE = "metadata document", "cultural notice"


@dataclass(frozen=True, slots=True)
class Person:
    """Someone to be credited."""

    name: str
    role: str
    address: str | None = None  # EIP-55
    same_as: str | None = None  # https address that identifies them


@dataclass(frozen=True, slots=True)
class Audio:
    """The first sound track."""

    codec: str
    channels: int
    sample_rate: int  # samples per second


@dataclass(frozen=True, slots=True)
class MediaProperties:
    """What was read from a video file; `ipto.media.describe` fills it in."""

    sha256: bytes  # of the file
    size: int  # bytes
    cid: Cid
    cid_profile: str  # an `ipto.content.Profile` by name
    duration_ms: int
    width: int  # pixels as shown, rotation applied
    height: int
    frame_rate: str  # a fraction in lowest terms, frames per second
    codec: str
    container: str
    audio: Audio | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a film; `ipto.media.Description.findings` fills it in once its parts are stored."""

    fingerprint: Document | None = None
    analysis: Document | None = None
    storyboard: Cid | None = None
    preview: Cid | None = None
    choreography: Document | None = None


@dataclass(frozen=True, slots=True)
class RightsReservation:
    """What is reserved beyond the licenses on offer. Mining is reserved unless someone says otherwise."""

    tdm_reservation: bool = True  # EU 2019/790 Art. 4(3)
    policy: str | None = None  # https address
    statement: str | None = None
    copyright_notice: str | None = None


def build_metadata(
    *,
    title: str,
    creators: Sequence[Person],
    media: MediaProperties,
    credits: Sequence[Person] = (),
    description: str | None = None,
    credit_text: str | None = None,
    tags: Sequence[str] = (),
    language: str | None = None,
    created: str | None = None,
    poster: Cid | None = None,
    cultural: bytes | None = None,
    rights: RightsReservation | None = None,
    other_titles: Sequence[str] = (),
    findings: Findings | None = None,
) -> Document:
    """Write a metadata document and check it. `created` is YYYY, YYYY-MM or YYYY-MM-DD; `cultural` a notice's digest.

    Raises DocumentError, naming the field.
    """
    reservation = rights or RightsReservation()
    audio = media.audio
    found = findings or Findings()
    document: Document = {
        "$schema": FOUND_SCHEMA if findings else WORK_SCHEMA,
        "@context": _CONTEXT,
        "@type": "VideoObject",
        "name": title,
        "creator": [_person(person) for person in creators],
        "contentUrl": media.cid.uri,
        "duration": _iso_duration(media.duration_ms),
        "media": {
            "sha256": "0x" + media.sha256.hex(),
            "bytes": media.size,
            "cid_profile": media.cid_profile,
            "duration_ms": media.duration_ms,
            "width": media.width,
            "height": media.height,
            "frame_rate": media.frame_rate,
            "codec": media.codec,
            "container": media.container,
            "audio": None
            if audio is None
            else {"codec": audio.codec, "channels": audio.channels, "sample_rate": audio.sample_rate},
        },
        "rights": _present(
            tdm_reservation=reservation.tdm_reservation,
            policy=reservation.policy,
            statement=reservation.statement,
            copyrightNotice=reservation.copyright_notice,
        ),
        **_present(
            alternateName=list(other_titles) or None,
            description=description,
            contributor=[_person(person) for person in credits] or None,
            creditText=credit_text,
            keywords=list(tags) or None,
            inLanguage=language,
            dateCreated=created,
            image=poster.uri if poster else None,
            cultural="0x" + cultural.hex() if cultural else None,
            fingerprint=found.fingerprint,
            choreography=found.choreography,
            analysis=found.analysis,
            thumbnail={"@type": "ImageObject", "contentUrl": found.storyboard.uri} if found.storyboard else None,
            trailer={"@type": "VideoObject", "contentUrl": found.preview.uri} if found.preview else None,
        ),
    }
    validate_metadata(document)
    return document


def validate_metadata(document: Mapping[str, Any]) -> None:
    """Check a metadata document: its schema, and what a schema cannot say. Raises DocumentError naming the field."""
    schema = document.get("$schema")
    documents.validate(document, _SCHEMAS.get(schema, "work-1") if isinstance(schema, str) else "work-1", _METADATA)
    media = document["media"]
    numerator, denominator = (int(part) for part in media["frame_rate"].split("/"))
    if gcd(numerator, denominator) != 1:
        _refuse(_METADATA, "media.frame_rate", f"{media['frame_rate']} can be reduced; write it in lowest terms")
    if document.get("duration", _iso_duration(media["duration_ms"])) != _iso_duration(media["duration_ms"]):
        _refuse(_METADATA, "duration", f"must be {_iso_duration(media['duration_ms'])}, as media.duration_ms says")
    for field in ("contentUrl", "image"):
        if field in document:
            try:
                Cid.parse_uri(document[field])
            except InputError as error:
                _refuse(_METADATA, field, str(error), error)
    _check_findings(document)
    for group in ("creator", "contributor"):
        for index, person in enumerate(document.get(group, ())):
            _check_address(_METADATA, person, f"{group}[{index}].address")


def _check_findings(document: Mapping[str, Any]) -> None:
    """What the schema cannot say of version 2: addresses that parse, scenes in order and within the film."""
    fingerprint = document.get("fingerprint", {})
    addresses = {
        "fingerprint.data": fingerprint.get("data"),
        "choreography.data": document.get("choreography", {}).get("data"),
        "thumbnail.contentUrl": document.get("thumbnail", {}).get("contentUrl"),
        "trailer.contentUrl": document.get("trailer", {}).get("contentUrl"),
    }
    for field, address in addresses.items():
        if address is not None:
            try:
                Cid.parse_uri(address)
            except InputError as error:
                _refuse(_METADATA, field, str(error), error)
    before = 0
    for index, scene in enumerate(fingerprint.get("scenes", ())):
        field = f"fingerprint.scenes[{index}]"
        if not before <= scene["start_ms"] < scene["end_ms"] <= document["media"]["duration_ms"]:
            _refuse(_METADATA, field, "must begin after the one before, end after it begins, and within the film")
        before = scene["end_ms"]
    before = 0
    for index, window in enumerate(document.get("choreography", {}).get("windows", ())):
        field = f"choreography.windows[{index}]"
        if not before <= window["start_ms"] < window["end_ms"]:
            _refuse(_METADATA, field, "must begin after the one before, and end after it begins")
        before = window["start_ms"]


def parse_metadata(data: bytes, expected: bytes | None = None) -> Document:
    """Read a metadata document; with `expected`, the one this digest stands for, byte for byte.

    Raises IntegrityError when the digest is another's, DocumentError otherwise.
    """
    document = _parse(data, expected, _METADATA)
    validate_metadata(document)
    return document


@dataclass(frozen=True, slots=True)
class CulturalMark:
    """A Local Contexts Label or Notice: its name and its text, word for word."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class CulturalNotice:
    """What people declare about elements of their culture in a video.

    `capacity` is `community`, `creator` or `institution`. Labels are applied by communities only; others use notices.
    """

    declared_by: str
    capacity: str
    community: str
    context: str
    address: str | None = None  # of who declares, EIP-55
    origin: str | None = None
    elements: Sequence[str] = ()
    attribution: str | None = None
    guidelines: Sequence[str] = ()
    contact: str | None = None
    project_id: str | None = None  # in the Local Contexts Hub
    labels: Sequence[CulturalMark] = ()
    notices: Sequence[CulturalMark] = ()
    created: str | None = None  # YYYY-MM-DD
    language: str | None = None

    def document(self) -> Document:
        """The notice in its canonical shape, checked; its digest is `documents.digest` of it."""
        marks = {"labels": self.labels, "notices": self.notices}
        given = {
            key: [{"name": mark.name, "text": mark.text} for mark in group] for key, group in marks.items() if group
        }
        if given and self.project_id is None:
            _refuse(
                _NOTICE, "local_contexts.project_id", "is missing; labels and notices belong to a project in the Hub"
            )
        document: Document = {
            "$schema": CULTURAL_SCHEMA,
            "declared_by": _present(name=self.declared_by, capacity=self.capacity, address=self.address),
            "community": self.community,
            "context": self.context,
            **_present(
                origin=self.origin,
                elements=list(self.elements) or None,
                attribution=self.attribution,
                guidelines=list(self.guidelines) or None,
                contact=self.contact,
                local_contexts={"project_id": self.project_id, **given} if self.project_id else None,
                dateCreated=self.created,
                inLanguage=self.language,
            ),
        }
        validate_cultural(document)
        return document


def validate_cultural(document: Mapping[str, Any]) -> None:
    """Check a cultural notice. Raises DocumentError naming the field."""
    documents.validate(document, "cultural-1", _NOTICE)
    _check_address(_NOTICE, document["declared_by"], "declared_by.address")
    if document.get("local_contexts", {}).get("labels") and document["declared_by"]["capacity"] != "community":
        _refuse(_NOTICE, "local_contexts.labels", "labels are applied by a community only; use notices instead")


def parse_cultural(data: bytes, expected: bytes | None = None) -> Document:
    """Read a cultural notice; with `expected`, the one this digest stands for. Raises like `parse_metadata`."""
    document = _parse(data, expected, _NOTICE)
    validate_cultural(document)
    return document


def work_input(
    metadata: Mapping[str, Any],
    *,
    cleared: int,
    payee: bytes = ZERO32,
    steward: str = ZERO_ADDRESS,
) -> WorkInput:
    """What goes on chain for a work, from its metadata document. `cleared` = Aspect bits the claimant controls."""
    validate_metadata(metadata)
    media = metadata["media"]
    cultural = metadata.get("cultural")
    return WorkInput(
        content=bytes.fromhex(media["sha256"][2:]),
        metadata=documents.digest(metadata),
        cultural=bytes.fromhex(cultural[2:]) if cultural else ZERO32,
        payee=payee,
        steward=steward,
        duration_ms=media["duration_ms"],
        cleared=cleared,
    )


def check_work_match(metadata: Mapping[str, Any], *, content: bytes, duration_ms: int) -> list[str]:
    """Where a metadata document contradicts what the chain says of its work; the chain prevails. Empty: nowhere."""
    media = metadata["media"]
    found = []
    if media["sha256"] != "0x" + content.hex():
        found.append(f"media.sha256 is {media['sha256']}, the work's content is 0x{content.hex()}")
    if media["duration_ms"] != duration_ms:
        found.append(f"media.duration_ms is {media['duration_ms']}, the work's duration is {duration_ms}")
    return found


def _parse(data: bytes, expected: bytes | None, what: str) -> Document:
    return documents.parse(data, what) if expected is None else documents.parse_stored(data, expected, what)


def _person(person: Person) -> Document:
    return _present(name=person.name, role=person.role, address=person.address, sameAs=person.same_as)


def _present(**fields: Any) -> Document:
    return {name: value for name, value in fields.items() if value is not None}


def _iso_duration(duration_ms: int) -> str:
    seconds, rest = divmod(duration_ms, 1000)
    return f"PT{seconds}" + (f".{rest:03}".rstrip("0") if rest else "") + "S"


def _check_address(what: str, holder: Mapping[str, Any], field: str) -> None:
    if "address" in holder and checksum_of(what, holder["address"], field) != holder["address"]:
        _refuse(what, field, f"has no checksum; write {checksum_of(what, holder['address'], field)}")


def checksum_of(what: str, address: str, field: str) -> str:
    """EIP-55 form of an address in a document; DocumentError names the field."""
    try:
        return checksum_address(address, field)
    except InputError as error:
        raise DocumentError(f"{what}, {error}", field) from error


def _refuse(what: str, field: str, problem: str, cause: Exception | None = None) -> None:
    raise DocumentError(f"{what}, {field}: {problem}", field) from cause
