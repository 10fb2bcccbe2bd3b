# SPDX-License-Identifier: Apache-2.0
"""Full-text search over what works say of themselves, and counts by facet."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from indexer.api import models, shapes
from indexer.api.answers import Answer
from indexer.api.context import Context, answer, now
from indexer.api.problems import RESPONSES, bad_filter
from indexer.api.reader import Snapshot
from indexer.text import FACETS, facet_value
from ipto.structs import Aspect, Usage

_MAX_WORDS = 12
_WORD = re.compile(r"\w+", re.UNICODE)
_COUNTED = 20_000  # offers that facets of offers are counted over
_VALUES = 50
_RANKED = 5_000  # matches that are compared; of a word that every work has, the newest
_BEST = 500


class SearchQuery(BaseModel):
    """A search."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(min_length=1, max_length=200, description="Words; all must occur. The last may be incomplete.")
    limit: int = Field(20, ge=1, le=50)
    culture: str | None = Field(None, max_length=100, description="Only works of this culture, as facets name it.")
    tag: str | None = Field(None, max_length=100)


class Found(models._Model):
    """Works, best match first."""

    items: list[models.Work]
    indexed: models.Indexed


class Count(models._Model):
    """How many have a value."""

    value: str
    count: int


class Facets(models._Model):
    """What there is, by how many works (or live offers) have it."""

    cultures: list[Count]
    tags: list[Count]
    languages: list[Count]
    usages: list[Count] = Field(description=f"Of live offers; counted over the newest {_COUNTED}.")
    aspects: list[Count]


def router(context: Context) -> APIRouter:
    """/search and /facets."""
    api = APIRouter(tags=["works"], responses=RESPONSES)

    @context.get(api, "/search", operation_id="searchWorks", response_model=Found)
    def search(query: Annotated[SearchQuery, Query()]) -> Answer:
        """Works whose title, credits, culture or tags have all the words."""
        words = _WORD.findall(query.q.lower())[:_MAX_WORDS]
        if not words:
            raise bad_filter("q has no word to look for")
        with context.reader.snapshot() as snapshot:
            rows = snapshot.all(*_statement(context, query, words))
            body = {"items": [shapes.work(snapshot, row) for row in rows], "indexed": indexed(snapshot)}
            return answer(snapshot, body)

    @context.get(api, "/facets", operation_id="getFacets", response_model=Facets)
    def facets() -> Answer:
        """What can be filtered by, and how much there is of it."""
        with context.reader.snapshot() as snapshot:
            counted = {
                plural: [
                    {"value": row["value"], "count": row["count"]}
                    for row in snapshot.all(
                        "SELECT value, works AS count FROM facets WHERE facet = ? ORDER BY works DESC, value LIMIT ?",
                        (facet, _VALUES),
                    )
                ]
                for facet, plural in (("culture", "cultures"), ("tag", "tags"), ("language", "languages"))
            }
            return answer(snapshot, counted | _offer_facets(snapshot))

    return api


def indexed(snapshot: Snapshot) -> dict[str, Any]:
    """models.Indexed"""
    return {"block": snapshot.at.number, "hash": "0x" + snapshot.at.hash.hex()}


def _statement(context: Context, query: SearchQuery, words: list[str]) -> tuple[str, list[Any]]:
    assert {"culture", "tag"} <= set(FACETS)
    conditions, values = [], []
    for facet, value in (("culture", query.culture), ("tag", query.tag)):
        if value is not None:
            conditions.append(
                "EXISTS (SELECT 1 FROM document_facets a WHERE a.digest IN (o.metadata, o.cultural) "
                "AND a.facet = ? AND a.value = ?)"
            )
            values += [facet, facet_value(value)]
    more = "".join(f" AND {condition}" for condition in conditions)
    if context.reader.remote:
        terms = " & ".join([*words[:-1], f"{words[-1]}:*"])
        matches = f"SELECT digest, words FROM texts WHERE words @@ to_tsquery('simple', ?) LIMIT {_RANKED}"  # noqa: S608
        ranked = f"SELECT digest, ts_rank(words, to_tsquery('simple', ?)) AS rank FROM ({matches}) m"  # noqa: S608
        found = f"({ranked} ORDER BY rank DESC LIMIT {_BEST}) t"
        values = [terms, terms, *values]
        order = "t.rank DESC, o.seq DESC"
    else:
        terms = " ".join([f'"{word}"' for word in words[:-1]] + [f'"{words[-1]}"*'])
        matches = f"SELECT digest, rank FROM texts WHERE texts MATCH ? ORDER BY rowid DESC LIMIT {_RANKED}"  # noqa: S608
        found = f"(SELECT digest, rank FROM ({matches}) m ORDER BY rank LIMIT {_BEST}) t"  # noqa: S608
        values = [terms, *values]
        order = "t.rank, o.seq DESC"
    sql = (
        f"SELECT {shapes.WORK_COLUMNS} FROM {found} "  # noqa: S608
        f"JOIN works o ON (o.metadata = t.digest OR o.cultural = t.digest) {shapes.WORK_JOINS} "
        f"WHERE TRUE{more} ORDER BY {order} LIMIT ?"
    )
    return sql, [*values, query.limit]


def _offer_facets(snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
    live = shapes.is_live(now(snapshot))
    rows = snapshot.all(
        "SELECT o.usages, o.aspects, count(*) AS count FROM "  # noqa: S608
        f"(SELECT * FROM offers ORDER BY seq DESC LIMIT {_COUNTED}) o LEFT JOIN works w ON w.work = o.work "
        f"WHERE {live} GROUP BY o.usages, o.aspects LIMIT {_COUNTED}"
    )
    out: dict[str, list[dict[str, Any]]] = {}
    for column, kind in (("usages", Usage), ("aspects", Aspect)):
        counts = {str(bit.name): sum(row["count"] for row in rows if row[column] & bit) for bit in kind}
        out[column] = [
            {"value": name, "count": count}
            for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            if count
        ]
    return out
