# SPDX-License-Identifier: Apache-2.0
"""An invented catalog for development: works, splits, offers and sales that follow from one number.

No chain and no clock in here: the same number, currencies and market give the same catalog on every machine.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ipto import content, documents, ids
from ipto.accounts import LocalSigner
from ipto.presets import make_offer
from ipto.quantities import Currency
from ipto.structs import SHARE_TOTAL, ZERO32, ZERO_ADDRESS, Aspect, Offer, Share, WorkInput
from ipto.terms import TermsDetails
from ipto.works import Audio, MediaProperties, Person, build_metadata, work_input

_FIRST = ("Silent", "Amber", "Restless", "Borrowed", "Electric", "Distant", "Paper", "Hollow", "Salt", "Midnight")
_SECOND = ("Harbour", "Orchard", "Machine", "River", "Carnival", "Garden", "Signal", "Parade", "Staircase", "Tide")
_GIVEN = ("Amara", "Bo", "Chandra", "Davi", "Elif", "Femi", "Greta", "Hiro", "Ines", "Jun", "Kofi", "Lena", "Mateo")
_FAMILY = ("Abiodun", "Berg", "Costa", "Dube", "Eriksen", "Fofana", "Gupta", "Haddad", "Ivanova", "Joubert", "Kim")
_TAGS = ("short film", "dance", "music video", "documentary", "animation", "landscape", "street", "theatre", "sport")
_ROLES = ("editor", "camera", "choreographer", "performer", "composer")
_SIZES = ((1280, 720), (1920, 1080), (3840, 2160), (1080, 1920))
_RATES = ("24/1", "25/1", "30/1", "24000/1001", "60/1")
# Preset and how often it is chosen.
_PRESETS = {
    "train-nonexclusive-1y": 5,
    "train-generate-1y": 2,
    "fine-tune": 3,
    "inference-scene": 4,
    "evaluate-free": 1,
    "index": 2,
    "generate-commercial-share": 1,
}
_ALL_ASPECTS = sum(Aspect)
_MAX_PEOPLE = 5
_MAX_OFFERS = 3


@dataclass(frozen=True, slots=True)
class Sale:
    """One license to be bought."""

    offer: int  # which of the work's offers
    buyer: int  # which of the buyers


@dataclass(frozen=True, slots=True)
class CatalogWork:
    """One work with all that is to be done with it."""

    number: int
    creator: LocalSigner
    nonce: int  # of the creator's signature
    film: bytes  # stands for the video file
    work: WorkInput
    split: tuple[Share, ...]  # empty: the creator is paid
    controller: str
    offers: tuple[Offer, ...]
    sales: tuple[Sale, ...]
    documents: tuple[bytes, ...]  # metadata and terms, canonical

    @property
    def id(self) -> int:
        """The work's id."""
        return ids.work_id(self.creator.address, self.work.content)


def account(seed: int, role: str, number: int) -> LocalSigner:
    """An account of the catalog. Its key is public knowledge, as everything here."""
    return LocalSigner(hashlib.sha256(f"ipto seed {seed} {role} {number}".encode()).digest())


def catalog(seed: int, works: int, currencies: Sequence[Currency], buyers: int) -> Iterator[CatalogWork]:
    """The works in order. The first n of a longer catalog are the catalog of n."""
    # About twenty-five works a creator, in any length of catalog the same for the same work.
    for number in range(works):
        chance = random.Random(f"ipto catalog {seed} work {number}")  # noqa: S311
        yield _work(seed, number, chance, currencies, buyers)


def _work(seed: int, number: int, chance: random.Random, currencies: Sequence[Currency], buyers: int) -> CatalogWork:
    creator_number = chance.randrange(1 + number // 25)
    creator = account(seed, "creator", creator_number)
    people = random.Random(f"ipto catalog {seed} person {creator_number}")  # noqa: S311
    name = f"{people.choice(_GIVEN)} {people.choice(_FAMILY)}"
    film = f"IPTO sample film {number} of catalog {seed}: not a video, only bytes to stand for one.\n".encode()
    title = f"{chance.choice(_FIRST)} {chance.choice(_SECOND)} {number + 1}"
    split, credits = _split(seed, chance, creator)
    controller = creator.address if split else ZERO_ADDRESS
    described = content.describe(film)
    width, height = chance.choice(_SIZES)
    duration_ms = chance.randrange(4_000, 900_000)
    metadata = build_metadata(
        title=title,
        creators=[Person(name, "director", creator.address)],
        credits=credits,
        description="An invented work for development; there is no film behind it.",
        credit_text=f"{title} by {name}",
        tags=sorted(chance.sample(_TAGS, 2)),
        language="en",
        created=f"{chance.randrange(1995, 2025)}-{chance.randrange(1, 13):02}",
        media=MediaProperties(
            sha256=described.sha256,
            size=described.size,
            cid=described.cid,
            cid_profile=described.profile,
            duration_ms=duration_ms,
            width=width,
            height=height,
            frame_rate=chance.choice(_RATES),
            codec="h264",
            container="mp4",
            audio=Audio("aac", 2, 48_000) if chance.random() < 0.8 else None,
        ),
    )
    payee = ids.split_account(split, controller) if split else ZERO32
    work = work_input(metadata, cleared=_ALL_ASPECTS, payee=payee)
    work_id = ids.work_id(creator.address, work.content)
    offers, papers = _offers(chance, work_id, creator.address, duration_ms, currencies, TermsDetails(work_title=title))
    stored = (documents.canonical(metadata), *papers)
    nonce = int.from_bytes(hashlib.sha256(f"ipto seed {seed} nonce {number}".encode()).digest(), "big")
    sales = tuple(
        Sale(index, chance.randrange(buyers))
        for index in range(len(offers))
        for _ in range(chance.choice((0, 0, 1, 1, 2)))
    )
    return CatalogWork(number, creator, nonce, film, work, split, controller, offers, sales, stored)


def _split(seed: int, chance: random.Random, creator: LocalSigner) -> tuple[tuple[Share, ...], list[Person]]:
    """Nobody but the creator, or the creator and up to four others with shares in whole percent."""
    others = chance.choice((0, 0, 1, 2, 2, 3, _MAX_PEOPLE - 1))
    if not others:
        return (), []
    people = [account(seed, "person", n) for n in chance.sample(range(200), others)]
    credits = [
        Person(f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}", chance.choice(_ROLES), person.address)
        for person in people
    ]
    percents = [chance.randrange(5, 20) for _ in people]
    percents.append(100 - sum(percents))
    accounts = [ids.address_account(signer.address) for signer in (*people, creator)]
    unit = SHARE_TOTAL // 100
    return tuple(Share(*pair) for pair in sorted(zip(accounts, (p * unit for p in percents), strict=True))), credits


def _offers(
    chance: random.Random,
    work: int,
    licensor: str,
    duration_ms: int,
    currencies: Sequence[Currency],
    details: TermsDetails,
) -> tuple[tuple[Offer, ...], list[bytes]]:
    offers: list[Offer] = []
    papers: list[bytes] = []
    names = chance.choices(list(_PRESETS), list(_PRESETS.values()), k=chance.randrange(1, _MAX_OFFERS + 1))
    for name in dict.fromkeys(names):
        currency = chance.choice(currencies)
        # 1.00 to 500.00 of a stablecoin, 0.0001 to 0.05 of what has 18 decimals.
        cents = 10 ** (currency.decimals - 2) if currency.decimals < 18 else 10**14
        start = chance.randrange(0, duration_ms - 2_000)
        offer, document = make_offer(
            name,
            work=work,
            licensor=licensor,
            price=0
            if name == "evaluate-free"
            else chance.randrange(100, 50_000) * cents // (1 if cents < 10**14 else 100),
            currency=currency,
            scene=(start, start + 2_000) if name == "inference-scene" else None,
            details=details,
        )
        offers.append(offer)
        papers.append(documents.canonical(document))
    return tuple(offers), papers
