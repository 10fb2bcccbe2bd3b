# SPDX-License-Identifier: Apache-2.0
"""What a person does, in one call each: a creator describes, signs and hands in; a licensee reads, checks and pays.

A `Creator` never needs a coin: what it signs goes to a relayer. A `Licensee` pays from its own account, or signs a
payment that a relayer carries.
"""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipto import documents, ids, media, presets, terms, typed_data, works
from ipto._curator import Collected, Curator, collect, held_works, live_offers, read_dataset, read_offers, take_out
from ipto._dataset_licensee import DatasetAgreement, DatasetLicensee
from ipto._licensee import Agreement, Licensee, currencies, currency_at, license_in, party_digest, pay_out
from ipto._reporter import (
    Claimed,
    LicenseTerms,
    PreparedReport,
    Reporter,
    StoredReport,
    claim_shares,
    find_license,
    find_report,
    members_of,
)
from ipto.accounts import Signer
from ipto.chain import Deployment
from ipto.content import Cid, ContentStore, describe
from ipto.documents import Document
from ipto.errors import InputError
from ipto.media import pose
from ipto.media.moving import describe_choreography, read_choreography
from ipto.quantities import Currency
from ipto.services import Relayer
from ipto.structs import (
    SHARE_TOTAL,
    WHOLE_END_MS,
    ZERO32,
    ZERO_ADDRESS,
    Aspect,
    Offer,
    Share,
    WorkInput,
)
from ipto.typed_data import Onboard, PostOffers, TypedData, WithdrawOffer

__all__ = [
    "Agreement",
    "Claimed",
    "Collected",
    "Contribution",
    "Creator",
    "Curator",
    "DatasetAgreement",
    "DatasetLicensee",
    "Film",
    "LicenseTerms",
    "Licensee",
    "OfferPlan",
    "Prepared",
    "PreparedReport",
    "Reporter",
    "StoredReport",
    "check_scene",
    "claim_shares",
    "collect",
    "currencies",
    "currency_at",
    "find_license",
    "find_report",
    "held_works",
    "license_in",
    "live_offers",
    "members_of",
    "party_digest",
    "pay_out",
    "read_dataset",
    "read_offers",
    "split_of",
    "take_out",
]

_DEADLINE_SECONDS = 3600
_ALL_ASPECTS = int(sum(Aspect))
_MOST_UPLOADED = 2 * 1024 * 1024  # bytes; a relayer takes no more in one piece
_WATCH = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Contribution:
    """One person behind a film: what they did, where they are paid, and their part of the income."""

    name: str
    role: str
    address: str
    share: int  # parts of 1,000,000

    @property
    def person(self) -> works.Person:
        """As the metadata document credits them."""
        return works.Person(self.name, self.role, self.address)


@dataclass(frozen=True, slots=True)
class OfferPlan:
    """An offer before its work has an id. price: smallest unit; scene: milliseconds; changes: other fields."""

    preset: str
    price: int
    currency: Currency
    scene: tuple[int, int] | None = None
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Film:
    """A video file that was read and hashed; nothing of it is stored yet."""

    path: Path
    properties: works.MediaProperties
    poster: bytes  # JPEG
    description: media.Description | None = None  # scenes, statistics, fingerprint; None: not asked for

    def blobs(self) -> tuple[bytes, ...]:
        """What belongs into content stores beside the film itself."""
        return self.description.blobs() if self.description else (self.poster,)

    @property
    def poster_cid(self) -> Cid:
        """The poster's address in a content store."""
        return describe(self.poster).cid


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that one signature settles, ready to be signed."""

    message: Onboard
    film: Film
    metadata: Document
    documents: tuple[bytes, ...]  # canonical bytes: metadata, cultural notice if any, terms of each offer
    work: int
    split: tuple[Share, ...]
    controller: str
    payee: bytes  # the account that licenses pay

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The offers it posts."""
        return self.message.offers


def check_scene(scene: tuple[int, int] | None, duration_ms: int) -> None:
    """Raise InputError for a scene (start, end in milliseconds) that the film does not have; None is the whole."""
    if scene is not None and scene[1] != WHOLE_END_MS and scene[1] > duration_ms:
        raise InputError(
            f"the scene ends at {scene[1] / 1000:g} s, the film at {duration_ms / 1000:g} s; choose an earlier end"
        )


def split_of(people: Sequence[Contribution]) -> tuple[Share, ...]:
    """The split that pays these people. Raises InputError unless their parts sum to 1,000,000."""
    if len({person.address for person in people}) != len(people):
        raise InputError("two people share one address; add their parts up, or name another address")
    if (total := sum(person.share for person in people)) != SHARE_TOTAL:
        raise InputError(f"the parts sum to {total / 10_000:g} %, not to 100 %")
    shares = [Share(ids.address_account(person.address), person.share) for person in people]
    return tuple(sorted(shares, key=lambda share: share.account))


class Creator:
    """Registers works and posts offers by signature alone."""

    def __init__(self, signer: Signer, deployment: Deployment, store: ContentStore) -> None:
        """store: where the creator keeps films and documents."""
        self.signer, self.deployment, self.store = signer, deployment, store
        # Nonces next to each other share a storage word on chain, so later actions are cheaper.
        self._nonce = secrets.randbits(248) << 8

    def read(self, path: Path, progress: _WATCH | None = None) -> Film:
        """Read a video's properties, hash it and make a poster. Stores nothing.

        Raises media.MediaError, saying what to do, for whatever is not a whole video.
        """
        return Film(path, media.describe(path, progress=progress), media.poster(path))

    def study(
        self, path: Path, progress: Callable[[float], object] | None = None, *, choreography: bool = False
    ) -> Film:
        """`read`, and look at every frame: scenes, statistics, fingerprint, storyboard, preview. Stores nothing.

        progress: called with the part done, 0 to 1. choreography: read how people move, too; needs the pose
        environment. The fingerprint lets `ipto trace` find the film again. Raises media.MediaError, and NoPoseError.
        """
        if choreography:
            pose.python()  # says at once when it is missing
        found = media.analyse(path, progress=progress)
        if choreography:
            found = describe_choreography(found, read_choreography(path))
        assert found.pictures.poster is not None
        return Film(path, found.properties, found.pictures.poster, found)

    def prepare(
        self,
        film: Film,
        *,
        title: str,
        people: Sequence[Contribution],
        plans: Sequence[OfferPlan],
        credit_line: str | None = None,
        cultural: works.CulturalNotice | None = None,
        steward: str = ZERO_ADDRESS,
        cleared: int = _ALL_ASPECTS,
        rights: works.RightsReservation | None = None,
        details: terms.TermsDetails | None = None,
        deadline: int | None = None,
        **metadata: Any,
    ) -> Prepared:
        """Write all documents and the message that registers the film, splits its income and posts its offers.

        people: the first is named as the creator, the others as contributors; their parts sum to 1,000,000.
        metadata: further fields of `works.build_metadata`. deadline: UTC seconds; one hour from now when not given.
        Raises InputError naming what to correct; nothing is signed or sent.
        """
        if not people:
            raise InputError("name at least one person who is paid")
        controller = self.signer.address
        only = len(people) == 1 and people[0].address == controller
        split = () if only else split_of(people)
        payee = ids.split_account(split, controller) if split else ZERO32
        notice = cultural.document() if cultural else None
        document = works.build_metadata(
            title=title,
            creators=[people[0].person],
            credits=[person.person for person in people[1:]],
            media=film.properties,
            poster=film.poster_cid,
            credit_text=credit_line,
            rights=rights,
            cultural=documents.digest(notice) if notice else None,
            findings=film.description.findings() if film.description else None,
            **metadata,
        )
        work_input = works.work_input(document, cleared=cleared, payee=payee, steward=steward)
        work = ids.work_id(controller, work_input.content)
        offers, papers = self._offers(work, work_input, plans, title, credit_line, details)
        message = Onboard(
            actor=controller,
            registry=self.deployment.address("WorkRegistry"),
            vault=self.deployment.address("RoyaltyVault"),
            market=self.deployment.address("LicenseMarket"),
            split=split,
            controller=controller,
            work=work_input,
            offers=offers,
            nonce=self._take_nonce(),
            deadline=deadline or int(time.time()) + _DEADLINE_SECONDS,
        )
        written = [document, *([notice] if notice else []), *papers]
        return Prepared(
            message=message,
            film=film,
            metadata=document,
            documents=tuple(documents.canonical(item) for item in written),
            work=work,
            split=split,
            controller=controller,
            payee=payee if split else ids.address_account(controller),
        )

    def keep(self, prepared: Prepared) -> None:
        """Put film, poster and documents into the creator's own store. Raises InputError when the film has changed."""
        film = prepared.film
        if self.store.ingest(film.path).sha256 != film.properties.sha256:
            raise InputError(f"{film.path} changed while it was read; wait until it is finished, then try again")
        for blob in film.blobs():
            self.store.put(blob)
        for data in prepared.documents:
            self.store.put_document(data)

    def hand_in(self, prepared: Prepared, relayer: Relayer) -> str:
        """Keep everything, give the operator poster and documents, sign, and hand the message in; the action's id."""
        self.keep(prepared)
        for data in prepared.documents:
            relayer.upload(Cid.of_block(data), data)
        for blob in prepared.film.blobs():
            # What is too large for the operator's store is served from the creator's own.
            if len(blob) <= _MOST_UPLOADED:
                relayer.upload(describe(blob).cid, blob)
        return self._submit(relayer, prepared.message)

    def post(self, offers: Sequence[Offer], papers: Sequence[Document], relayer: Relayer) -> str:
        """Post more offers of a work; the action's id. papers: their terms documents."""
        for paper in papers:
            data = documents.canonical(paper)
            relayer.upload(self.store.put_document(data), data)
        deadline = int(time.time()) + _DEADLINE_SECONDS
        market = self.deployment.address("LicenseMarket")
        message = PostOffers(self.signer.address, market, tuple(offers), self._take_nonce(), deadline)
        return self._submit(relayer, message)

    def withdraw(self, offer: Offer, relayer: Relayer) -> str:
        """Withdraw an offer; the action's id."""
        deadline = int(time.time()) + _DEADLINE_SECONDS
        market = self.deployment.address("LicenseMarket")
        return self._submit(relayer, WithdrawOffer(self.signer.address, market, offer, self._take_nonce(), deadline))

    def typed(self, message: Onboard | PostOffers | WithdrawOffer) -> TypedData:
        """A message in its domain: what the wallet shows and signs."""
        signed_actions = self.deployment.address("SignedActions")
        return TypedData(typed_data.signed_actions_domain(self.deployment.chain_id, signed_actions), message)

    def _submit(self, relayer: Relayer, message: Onboard | PostOffers | WithdrawOffer) -> str:
        signature = self.signer.sign_typed_data(self.typed(message))
        return relayer.submit(type(message).__name__, message.to_json(), signature)

    def _offers(
        self,
        work: int,
        work_input: WorkInput,
        plans: Sequence[OfferPlan],
        title: str,
        credit_line: str | None,
        details: terms.TermsDetails | None,
    ) -> tuple[tuple[Offer, ...], list[Document]]:
        offers, papers = [], []
        for plan in plans:
            check_scene(plan.scene, work_input.duration_ms)
            words = details or presets.words_for(
                plan.preset, title=title, attribution=credit_line, flags=plan.changes.get("flags")
            )
            offer, paper = presets.make_offer(
                plan.preset,
                work=work,
                licensor=self.signer.address,
                price=plan.price,
                currency=plan.currency,
                scene=plan.scene,
                details=words,
                **plan.changes,
            )
            offers.append(offer)
            papers.append(paper)
        return tuple(offers), papers

    def _take_nonce(self) -> int:
        self._nonce += 1
        return self._nonce
