# SPDX-License-Identifier: Apache-2.0
"""Works, offers and licenses."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from indexer.api import ids, models, rendered, shapes
from indexer.api.answers import Answer
from indexer.api.context import Context, answer, fee_bps, now
from indexer.api.pages import Listing, PageQuery, page
from indexer.api.problems import RESPONSES, bad_filter, not_found
from ipto.structs import Aspect, Usage

UsageName = Enum("UsageName", {str(u.name): str(u.name) for u in Usage}, type=str)  # type: ignore[misc]
AspectName = Enum("AspectName", {str(a.name): str(a.name) for a in Aspect}, type=str)  # type: ignore[misc]

_MAX_PRICE = r"^(0|[1-9][0-9]{0,77})$"
TokenId = Annotated[str, Path(max_length=80, description="Decimal or 0x hex.")]


class WorkQuery(PageQuery):
    """Filters of the list of works."""

    owner: str | None = Field(None, description="Address of the present owner.")
    creator: str | None = Field(None, description="Address of the one who registered it.")
    content: str | None = Field(None, description="SHA-256 of the master file, 0x hex: all claims on it.")


class OfferQuery(PageQuery):
    """Filters of the list of offers."""

    work: str | None = Field(None, description="Work id.")
    licensor: str | None = Field(None, description="Address.")
    usage: list[UsageName] = Field([], max_length=8, description="Usages the offer must permit, all of them.")
    aspect: list[AspectName] = Field([], max_length=9, description="Aspects it must cover, all of them.")
    currency: str | None = Field(None, description="ERC-20 address; ETH is 0xEeee…EEeE.")
    max_price: str | None = Field(None, pattern=_MAX_PRICE, description="Smallest unit; needs `currency`.")
    live: bool | None = Field(None, description="Only offers that can be bought now, or only the others.")


class LicenseQuery(PageQuery):
    """Filters of the list of licenses."""

    holder: str | None = Field(None, description="Address of the present holder.")
    work: str | None = Field(None, description="Work id.")
    offer: str | None = Field(None, description="Offer id.")


def works(context: Context) -> APIRouter:
    """Operations under /works."""
    router = APIRouter(tags=["works"], responses=RESPONSES)

    @context.get(router, "/works", operation_id="listWorks", response_model=models.Page[models.Work])
    def list_works(query: Annotated[WorkQuery, Query()]) -> Answer:
        """Works, by owner, creator or content."""
        listing = Listing("works", shapes.WORK_COLUMNS, shapes.WORK_JOINS)
        if query.content is not None:
            listing.equal("content", ids.bytes32(query.content, "a SHA-256"))
        if query.creator is not None:
            listing.equal("creator", ids.address(query.creator))
        if query.owner is not None:
            listing.equal("owner", ids.address(query.owner))
        with context.reader.snapshot() as snapshot:
            return answer(snapshot, page(snapshot, listing, query, lambda row: shapes.work(snapshot, row)))

    @context.get(router, "/works/{work}", operation_id="getWork", response_model=models.Work)
    def get_work(work: TokenId) -> Answer:
        """One work, with its documents."""
        key = ids.token_id(work, "work")
        with context.reader.snapshot() as snapshot:
            row = snapshot.one(
                f"SELECT {shapes.WORK_COLUMNS} FROM works o {shapes.WORK_JOINS} WHERE o.work = ?",  # noqa: S608
                key,
            )
            if row is None:
                raise not_found(f"work {work}")
            return answer(snapshot, shapes.work(snapshot, row, bodies=True))

    return router


def offers(context: Context) -> APIRouter:
    """Operations under /offers."""
    router = APIRouter(tags=["offers"], responses=RESPONSES)

    @context.get(router, "/offers", operation_id="listOffers", response_model=models.Page[models.Offer])
    def list_offers(query: Annotated[OfferQuery, Query()]) -> Answer:
        """Offers, by what they permit, cost and belong to."""
        with context.reader.snapshot() as snapshot:
            at = now(snapshot)
            listing = Listing("offers", shapes.offer_columns(at), shapes.OFFER_JOINS)
            _filter_offers(listing, query, at)
            fee = fee_bps(snapshot)
            return answer(snapshot, page(snapshot, listing, query, lambda row: shapes.offer(snapshot, row, fee)))

    @context.get(router, "/offers/{offer}", operation_id="getOffer", response_model=models.Offer)
    def get_offer(offer: Annotated[str, Path(max_length=80)]) -> Answer:
        """One offer, with its terms, a quote and the struct to pass to `mint`."""
        key = ids.bytes32(offer, "an offer id")
        with context.reader.snapshot() as snapshot:
            columns = shapes.offer_columns(now(snapshot))
            row = snapshot.one(
                f"SELECT {columns} FROM offers o {shapes.OFFER_JOINS} WHERE o.offer_id = ?",  # noqa: S608
                key,
            )
            if row is None:
                raise not_found(f"offer {offer}")
            return answer(snapshot, shapes.offer(snapshot, row, fee_bps(snapshot), bodies=True))

    return router


def _filter_offers(listing: Listing, query: OfferQuery, at: int) -> None:
    if query.work is not None:
        listing.equal("work", ids.token_id(query.work, "work"))
    if query.licensor is not None:
        listing.equal("licensor", ids.address(query.licensor))
    if query.currency is not None:
        listing.equal("currency", ids.address(query.currency))
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
    if query.live is not None:
        live = shapes.is_live(at)
        listing.where(live if query.live else f"NOT ({live})")


def licenses(context: Context) -> APIRouter:
    """Operations under /licenses."""
    router = APIRouter(tags=["licenses"], responses=RESPONSES)

    @context.get(router, "/licenses", operation_id="listLicenses", response_model=models.Page[models.License])
    def list_licenses(query: Annotated[LicenseQuery, Query()]) -> Answer:
        """Licenses, by holder, work or offer."""
        listing = Listing("licenses", rendered.LICENSE_COLUMNS, shapes.LICENSE_JOINS, bare=True)
        if query.offer is not None:
            listing.equal("offer_id", ids.bytes32(query.offer, "an offer id"))
        if query.work is not None:
            listing.equal("work", ids.token_id(query.work, "work"))
        if query.holder is not None:
            listing.equal("holder", ids.address(query.holder))
        with context.reader.snapshot() as snapshot:
            at = now(snapshot)
            return answer(snapshot, page(snapshot, listing, query, lambda row: rendered.license(snapshot, row, at)))

    @context.get(router, "/licenses/{license}", operation_id="getLicense", response_model=models.License)
    def get_license(license: TokenId) -> Answer:
        """One license."""
        key = ids.token_id(license, "license")
        with context.reader.snapshot() as snapshot:
            row = snapshot.one(
                f"SELECT {shapes.LICENSE_COLUMNS} FROM licenses o {shapes.LICENSE_JOINS} WHERE o.license = ?",  # noqa: S608
                key,
            )
            if row is None:
                raise not_found(f"license {license}")
            return answer(snapshot, shapes.license(snapshot, row, now(snapshot)))

    return router
