# SPDX-License-Identifier: Apache-2.0
"""Datasets, their members, and their licenses."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from indexer.api import ids, models, records, shapes
from indexer.api.answers import Answer
from indexer.api.catalog import NOT_CLEANED, RUNS_AT, VALID_AT, AspectName, TokenId, UsageName
from indexer.api.context import Context, fee_bps, now
from indexer.api.ids import show_address, show_amount, show_digest, show_some_address, show_some_digest
from indexer.api.kinds import Kind, Show, each
from indexer.api.narrow import narrow, of_dataset_licenses
from indexer.api.pages import PageQuery
from indexer.api.problems import RESPONSES
from indexer.api.reader import Row, Snapshot
from indexer.datasets import dataset_of, sale_of
from ipto.structs import NEVER, Aspect, Forbid, Unit, Usage

_BLOCK = "JOIN blocks b ON b.number = o.changed >> 20"
_MONEY = "LEFT JOIN currencies y ON y.currency = o.currency"
_COLUMNS = "o.*, b.hash AS block_hash, y.symbol, y.decimals"
_LEFT = {2: "taken_out", 3: "expelled"}
DatasetId = Annotated[str, Path(max_length=80, description="0x and 64 hex digits.")]


class DatasetQuery(PageQuery):
    """Filters of the list of datasets."""

    curator: str | None = Field(None, description="Address.")
    currency: str | None = Field(None, description="ERC-20 address; ETH is 0xEeee…EEeE.")
    usage: list[UsageName] = Field([], max_length=8, description="Usages it must permit, all of them.")
    aspect: list[AspectName] = Field([], max_length=9, description="Aspects it must cover, all of them.")
    min_members: int | None = Field(None, ge=0, lt=1 << 32)


class MemberQuery(PageQuery):
    """Filters of the list of members."""

    current: bool | None = Field(None, description="Only present members, or only former ones.")
    work: str | None = Field(None, description="Work id.")


class DatasetLicenseQuery(PageQuery):
    """Filters of the list of dataset licenses."""

    holder: str | None = Field(None, description="Address of the present holder.")
    dataset: str | None = Field(None, description="Dataset id.")
    work: str | None = Field(None, description="Work id: licenses that cover it.")
    valid_at: int | None = Field(None, ge=0, lt=1 << 40, description=VALID_AT)


def _dataset(snapshot: Snapshot, row: Row, fee: int, *, bodies: bool = False) -> dict[str, Any]:
    money = (row["currency"], row["symbol"], row["decimals"])
    price = int.from_bytes(row["price"])
    curator_fee, protocol_fee = price * row["curator_fee_bps"] // 10_000, price * fee // 10_000
    terms = shapes.body_of(snapshot, row["terms"], "terms") if bodies else None
    return {
        "id": show_digest(row["dataset_id"]),
        "curator": show_address(row["curator"]),
        "usages": shapes.names_of(Usage, row["usages"]),
        "aspects": shapes.names_of(Aspect, row["aspects"]),
        "forbids": shapes.names_of(Forbid, row["forbids"]),
        "term_seconds": None if row["term"] == NEVER else row["term"],
        "revenue_share_bps": row["revenue_share_bps"],
        "unit": Unit(row["unit"]).name if row["unit"] else None,
        "unit_price": show_amount(row["unit_price"], *money) if row["unit"] else None,
        "report_every_seconds": row["report_every"] or None,
        "after_term": shapes.after_term(row["after_term"]),
        "curator_fee_bps": row["curator_fee_bps"],
        "licensee": show_some_address(row["licensee"]),
        "terms": shapes.document(row, row["terms"], "d", terms),
        "salt": show_digest(row["salt"]),
        "opened_at": row["opened_at"],
        "state": show_digest(row["state"]),
        "members": row["members"],
        "price": show_amount(price, *money),
        "curator_fee": show_amount(curator_fee, *money),
        "fee": show_amount(protocol_fee, *money),
        "total": show_amount(price + curator_fee + protocol_fee, *money),
        "sales": row["sales"],
        "earned": show_amount(row["earned"], *money),
        "collected": show_amount(row["collected"], *money),
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _member(snapshot: Snapshot, row: Row) -> dict[str, Any]:
    left = row["last"] is not None
    return {
        "dataset": show_digest(row["dataset_id"]),
        "offer": show_digest(row["offer_id"]),
        "work": str(int.from_bytes(row["work"])),
        "work_hex": show_digest(row["work"]),
        "spell": row["spell"],
        "joined": row["joined"],
        "last": row["last"],
        "price": show_amount(row["price"], row["currency"], row["symbol"], row["decimals"]),
        "cultural": show_some_digest(row["cultural"]),
        "joined_at": row["joined_at"],
        "left_at": row["left_at"] if left else None,
        "left_because": _LEFT.get(row["action"]) if left else None,
        "scene": shapes.scene(row) if row["end_ms"] is not None else None,
        "usages": shapes.names_of(Usage, row["usages"] or 0),
        "aspects": shapes.names_of(Aspect, row["aspects"] or 0),
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _license(snapshot: Snapshot, row: Row, at: int) -> dict[str, Any]:
    money = (row["currency"], row["symbol"], row["decimals"])
    expires_at = None if row["expires_at"] == NEVER else row["expires_at"]
    return {
        "id": str(int.from_bytes(row["license"])),
        "id_hex": show_digest(row["license"]),
        "dataset": show_digest(row["dataset_id"]),
        "number": row["number"],
        "holder": show_address(row["holder"]),
        "licensee": show_address(row["licensee"]),
        "payer": show_address(row["payer"]),
        "members": row["members"],
        "price": show_amount(row["price"], *money),
        "curator_fee": show_amount(row["curator_fee"], *money),
        "fee": show_amount(row["fee"], *money),
        "issued_at": row["issued_at"],
        "expires_at": expires_at,
        "running": (expires_at is None or at < expires_at) and not row["ended"],
        "ended": bool(row["ended"]),
        "transferable": not row["locked"],
        "party": show_digest(row["party"]),
        "state": show_digest(row["state"]),
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _datasets(snapshot: Snapshot, whole: bool) -> Show:
    fee = fee_bps(snapshot, "dataset_fee_bps")
    return lambda row: _dataset(snapshot, row, fee, bodies=whole)


def _licenses(snapshot: Snapshot, _whole: bool) -> Show:
    at = now(snapshot)
    return lambda row: _license(snapshot, row, at)


_DATASET, _WORK = partial(ids.bytes32, what="a dataset id"), partial(ids.token_id, what="work")

DATASETS = Kind(
    "datasets",
    f"{_COLUMNS}, d.state AS d_state, d.title AS d_title, d.error AS d_error",
    f"{_BLOCK} {_MONEY} LEFT JOIN documents d ON d.digest = o.terms AND d.kind = 'terms'",
    _datasets,
    (("curator", "curator", ids.address), ("currency", "currency", ids.address)),
    "dataset", "dataset_id", _DATASET,
)  # fmt: skip
MEMBERS = Kind(
    "spells",
    "o.*, b.hash AS block_hash, s.currency, y.symbol, y.decimals, f.usages, f.aspects, f.start_ms, f.end_ms",
    f"{_BLOCK} JOIN datasets s ON s.dataset_id = o.dataset_id LEFT JOIN currencies y ON y.currency = s.currency "
    "LEFT JOIN offers f ON f.offer_id = o.offer_id",
    each(_member),
)
LICENSES = Kind(
    "dataset_licenses", _COLUMNS, f"{_BLOCK} {_MONEY}", _licenses,
    (("dataset", "dataset_id", _DATASET), ("holder", "holder", ids.address)),
    "dataset license", "license", partial(ids.token_id, what="license"),
)  # fmt: skip


def router(context: Context) -> APIRouter:
    """Operations under /datasets and /dataset-licenses."""
    api = APIRouter(tags=["datasets"], responses=RESPONSES)

    @context.get(api, "/datasets", operation_id="listDatasets", response_model=models.Page[records.Dataset])
    def list_datasets(query: Annotated[DatasetQuery, Query()]) -> Answer:
        """Datasets, by curator, currency and what they permit."""
        listing = DATASETS.listing(query)
        for column, wanted in (
            ("usages", sum(Usage[name.value] for name in set(query.usage))),
            ("aspects", sum(Aspect[name.value] for name in set(query.aspect))),
        ):
            if wanted:
                listing.where(f"o.{column} & ? = ?", wanted, wanted)
        if query.min_members is not None:
            listing.where("o.members >= ?", query.min_members)
        return DATASETS.page(context, query, listing)

    @context.get(api, "/datasets/{dataset}", operation_id="getDataset", response_model=records.Dataset)
    def get_dataset(dataset: DatasetId) -> Answer:
        """One dataset, with its terms and what a license costs now."""
        return DATASETS.one(context, dataset)

    @context.get(
        api, "/datasets/{dataset}/members", operation_id="listMembers", response_model=models.Page[records.Member]
    )
    def list_members(dataset: DatasetId, query: Annotated[MemberQuery, Query()]) -> Answer:
        """A dataset's members, present and former, each stay by itself."""
        listing = MEMBERS.listing(query)
        if query.work is not None:
            listing.equal("work", _WORK(query.work))
        listing.equal("dataset_id", _DATASET(dataset))
        if query.current is not None:
            listing.where("o.last IS NULL" if query.current else "o.last IS NOT NULL")
        return MEMBERS.page(context, query, listing)

    @context.get(
        api,
        "/dataset-licenses",
        operation_id="listDatasetLicenses",
        response_model=models.Page[records.DatasetLicense],
    )
    def list_licenses(query: Annotated[DatasetLicenseQuery, Query()]) -> Answer:
        """Licenses of datasets, by holder or dataset."""
        listing = LICENSES.listing(query)
        if query.valid_at is not None:
            listing.where(RUNS_AT, query.valid_at, query.valid_at)

        def refine(snapshot: Snapshot) -> None:
            if query.work is not None:
                work = _WORK(query.work)
                narrow(snapshot, listing, [of_dataset_licenses(work)])
                if query.valid_at is not None:
                    listing.where(NOT_CLEANED.format(work="?"), work)

        return LICENSES.page(context, query, listing, refine)

    @context.get(
        api, "/dataset-licenses/{license}", operation_id="getDatasetLicense", response_model=records.DatasetLicense
    )
    def get_license(license: TokenId) -> Answer:
        """One license of a dataset."""
        return LICENSES.one(context, license)

    @context.get(
        api,
        "/dataset-licenses/{license}/members",
        operation_id="listCovered",
        response_model=models.Page[records.Member],
    )
    def list_covered(license: TokenId, query: Annotated[PageQuery, Query()]) -> Answer:
        """What a license of a dataset covers: the members at its sale, as `covers` of the market says."""
        key = LICENSES.read(license)
        number = sale_of(key)
        listing = MEMBERS.listing(query)
        listing.equal("dataset_id", dataset_of(key))
        listing.where("o.joined < ? AND (o.last IS NULL OR o.last >= ?)", number, number)
        return MEMBERS.page(context, query, listing, lambda snapshot: LICENSES.row(snapshot, key, license))

    return api
