# SPDX-License-Identifier: Apache-2.0
"""Works, offers and licenses."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from indexer.api import ids, models, rendered, shapes
from indexer.api.answers import Answer
from indexer.api.context import Context, fee_bps, now
from indexer.api.kinds import Kind, Show
from indexer.api.narrow import narrow, of_works
from indexer.api.pages import Listing, PageQuery
from indexer.api.problems import RESPONSES, bad_filter
from indexer.api.reader import Snapshot
from ipto.structs import NEVER, WHOLE_END_MS, Aspect, Usage

UsageName = Enum("UsageName", {str(u.name): str(u.name) for u in Usage}, type=str)  # type: ignore[misc]
AspectName = Enum("AspectName", {str(a.name): str(a.name) for a in Aspect}, type=str)  # type: ignore[misc]

_MAX_PRICE = r"^(0|[1-9][0-9]{0,77})$"
VALID_AT = (
    "UTC seconds: licenses that run then, as `permits` of the market judges by what is known now: one that was ended "
    "by a ruling, or sold before a ruling cleared its work, is valid at no time."
)
RUNS_AT = "o.issued_at <= ? AND o.expires_at > ? AND o.ended = 0"
NOT_CLEANED = "NOT EXISTS (SELECT 1 FROM works v WHERE v.work = {work} AND v.clean_since > o.issued_at)"
# How much of the work an offer is of, in ms; NULL for the whole of a work that does not say how long it is.
_SCENE_MS = (
    "CASE WHEN w.duration_ms > 0 AND w.duration_ms < o.end_ms THEN w.duration_ms - o.start_ms "
    f"WHEN o.end_ms < {WHOLE_END_MS} THEN o.end_ms - o.start_ms END"
)
TokenId = Annotated[str, Path(max_length=80, description="Decimal or 0x hex.")]


_STEWARD = "Address: of works whose steward this is, accepted or not."
_CULTURE = "Community, as the work's cultural notice names it and `/v1/facets` lists it; of resolved notices."
_VERIFIED_BY = "Address: of works about which this attester's word stands. Choose whom you believe; anybody can attest."
_SCHEMA = "Digest of the schema: only attestations that say this. Needs `verified_by`."


class WorkQuery(PageQuery):
    """Filters of the list of works."""

    owner: str | None = Field(None, description="Address of the present owner.")
    creator: str | None = Field(None, description="Address of the one who registered it.")
    content: str | None = Field(None, description="SHA-256 of the master file, 0x hex: all claims on it.")
    steward: str | None = Field(None, description=_STEWARD)
    culture: str | None = Field(None, max_length=100, description=_CULTURE)
    verified_by: str | None = Field(None, description=_VERIFIED_BY)
    verified_schema: str | None = Field(None, description=_SCHEMA)


class OfferQuery(PageQuery):
    """Filters of the list of offers."""

    work: str | None = Field(None, description="Work id.")
    licensor: str | None = Field(None, description="Address.")
    usage: list[UsageName] = Field([], max_length=8, description="Usages the offer must permit, all of them.")
    aspect: list[AspectName] = Field([], max_length=9, description="Aspects it must cover, all of them.")
    currency: str | None = Field(None, description="ERC-20 address; ETH is 0xEeee…EEeE.")
    max_price: str | None = Field(None, pattern=_MAX_PRICE, description="Smallest unit; needs `currency`.")
    live: bool | None = Field(None, description="Only offers that can be bought now, or only the others.")
    min_scene_ms: int | None = Field(None, ge=0, lt=1 << 32, description="Shortest part of the work it is of.")
    max_scene_ms: int | None = Field(None, ge=0, lt=1 << 32, description="Longest part of the work it is of.")
    min_term: int | None = Field(
        None, ge=0, lt=1 << 40, description="Seconds from the sale; perpetual is more than any."
    )
    max_term: int | None = Field(None, ge=0, lt=NEVER, description="Seconds; leaves out perpetual ones.")
    culture: str | None = Field(None, max_length=100, description=_CULTURE)
    steward: str | None = Field(None, description=_STEWARD)
    verified_by: str | None = Field(None, description=_VERIFIED_BY)
    verified_schema: str | None = Field(None, description=_SCHEMA)


class LicenseQuery(PageQuery):
    """Filters of the list of licenses."""

    holder: str | None = Field(None, description="Address of the present holder.")
    work: str | None = Field(None, description="Work id.")
    offer: str | None = Field(None, description="Offer id.")
    valid_at: int | None = Field(None, ge=0, lt=1 << 40, description=VALID_AT)


_WORK = partial(ids.token_id, what="work")
_OFFER = partial(ids.bytes32, what="an offer id")


def _works(snapshot: Snapshot, whole: bool) -> Show:
    return lambda row: shapes.work(snapshot, row, bodies=whole)


def _offers(snapshot: Snapshot, whole: bool) -> Show:
    fee = fee_bps(snapshot)
    return lambda row: shapes.offer(snapshot, row, fee, bodies=whole)


def _licenses(snapshot: Snapshot, whole: bool) -> Show:
    # Lists are asked for most, and are written as text.
    show = shapes.license if whole else rendered.licenses
    return partial(show, snapshot, now=now(snapshot))


WORKS = Kind(
    "works", shapes.WORK_COLUMNS, shapes.WORK_JOINS, _works,
    (
        ("content", "content", partial(ids.bytes32, what="a SHA-256")),
        ("creator", "creator", ids.address),
        ("owner", "owner", ids.address),
    ),
    "work", "work", _WORK,
)  # fmt: skip
OFFERS = Kind(
    "offers", lambda snapshot: shapes.offer_columns(now(snapshot)), shapes.OFFER_JOINS, _offers,
    (("work", "work", _WORK), ("licensor", "licensor", ids.address), ("currency", "currency", ids.address)),
    "offer", "offer_id", _OFFER,
)  # fmt: skip
LICENSES = Kind(
    "licenses", shapes.LICENSE_COLUMNS, shapes.LICENSE_JOINS, _licenses,
    (("offer", "offer_id", _OFFER), ("work", "work", _WORK), ("holder", "holder", ids.address)),
    "license", "license", partial(ids.token_id, what="license"),
)  # fmt: skip
_LICENSE_PAGES = replace(LICENSES, columns=rendered.LICENSE_COLUMNS, bare=True)


def works(context: Context) -> APIRouter:
    """Operations under /works."""
    router = APIRouter(tags=["works"], responses=RESPONSES)

    @context.get(router, "/works", operation_id="listWorks", response_model=models.Page[models.Work])
    def list_works(query: Annotated[WorkQuery, Query()]) -> Answer:
        """Works, by owner, creator or content."""
        listing = WORKS.listing(query)
        beside = of_works(query.steward, query.culture, query.verified_by, query.verified_schema)
        return WORKS.page(context, query, listing, lambda snapshot: narrow(snapshot, listing, beside))

    @context.get(router, "/works/{work}", operation_id="getWork", response_model=models.Work)
    def get_work(work: TokenId) -> Answer:
        """One work, with its documents."""
        return WORKS.one(context, work)

    return router


def offers(context: Context) -> APIRouter:
    """Operations under /offers."""
    router = APIRouter(tags=["offers"], responses=RESPONSES)

    @context.get(router, "/offers", operation_id="listOffers", response_model=models.Page[models.Offer])
    def list_offers(query: Annotated[OfferQuery, Query()]) -> Answer:
        """Offers, by what they permit, cost and belong to."""
        listing = OFFERS.listing(query)
        beside = of_works(query.steward, query.culture, query.verified_by, query.verified_schema)

        def refine(snapshot: Snapshot) -> None:
            _filter_offers(listing, query, now(snapshot))
            narrow(snapshot, listing, beside)

        return OFFERS.page(context, query, listing, refine)

    @context.get(router, "/offers/{offer}", operation_id="getOffer", response_model=models.Offer)
    def get_offer(offer: Annotated[str, Path(max_length=80)]) -> Answer:
        """One offer, with its terms, a quote and the struct to pass to `mint`."""
        return OFFERS.one(context, offer)

    return router


def _filter_offers(listing: Listing, query: OfferQuery, at: int) -> None:
    usages = sum(Usage[name.value] for name in set(query.usage))
    aspects = sum(Aspect[name.value] for name in set(query.aspect))
    if usages:
        listing.where("o.usages & ? = ?", usages, usages)
    if aspects:
        listing.where("o.aspects & ? = ?", aspects, aspects)
    if query.max_price is not None:
        if query.currency is None:
            raise bad_filter("max_price needs currency: amounts of two currencies cannot be compared")
        price = int(query.max_price)
        if price >> 256:
            raise bad_filter("max_price is above 256 bits")
        listing.where("o.price <= ?", price.to_bytes(32))
    for sql, bound in (
        (f"{_SCENE_MS} >= ?", query.min_scene_ms),
        (f"{_SCENE_MS} <= ?", query.max_scene_ms),
        ("o.term >= ?", query.min_term),
        ("o.term <= ?", query.max_term),
    ):
        if bound is not None:
            listing.where(sql, bound)
    if query.live is not None:
        live = shapes.is_live(at)
        listing.where(live if query.live else f"NOT ({live})")


def licenses(context: Context) -> APIRouter:
    """Operations under /licenses."""
    router = APIRouter(tags=["licenses"], responses=RESPONSES)

    @context.get(router, "/licenses", operation_id="listLicenses", response_model=models.Page[models.License])
    def list_licenses(query: Annotated[LicenseQuery, Query()]) -> Answer:
        """Licenses, by holder, work or offer."""
        listing = _LICENSE_PAGES.listing(query)
        if query.valid_at is not None:
            listing.where(f"{RUNS_AT} AND {NOT_CLEANED.format(work='o.work')}", query.valid_at, query.valid_at)
        return _LICENSE_PAGES.page(context, query, listing)

    @context.get(router, "/licenses/{license}", operation_id="getLicense", response_model=models.License)
    def get_license(license: TokenId) -> Answer:
        """One license."""
        return LICENSES.one(context, license)

    return router
