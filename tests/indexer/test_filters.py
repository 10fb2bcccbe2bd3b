# SPDX-License-Identifier: Apache-2.0
"""Filters of works, offers and licenses, in both databases, against what the saga says and what the chain permits."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.api import narrow
from indexer.api.pages import Listing, PageQuery, page
from indexer.api.reader import Reader
from ipto.attestations import schema_digest
from ipto.ids import dataset_id, offer_id
from tests.indexer.saga import COMMUNITY
from tests.indexer.sagas import Told
from tests.indexer.world import SCHEMA


def found(told: Told, path: str, **params: Any) -> set[str]:
    """The ids of a whole list, page by page."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        body = told.get(f"/v1/{path}", limit=3, **params, **cursor)
        ids += [item["id"] for item in body["items"]]
        if body["next"] is None:
            assert len(ids) == len(set(ids))
            return set(ids)
        cursor = {"cursor": body["next"]}


def offers(told: Told, *names: str) -> set[str]:
    return {"0x" + offer_id(told.saga.offers[name]).hex() for name in names}


def works(told: Told, *names: str) -> set[str]:
    return {str(told.saga.works[name]) for name in names}


def licenses(told: Told, *names: str) -> set[str]:
    return {str(told.saga.licenses[name]) for name in names}


def test_offers_by_scene_and_term(told: Told) -> None:
    everything = found(told, "offers")
    assert found(told, "offers", max_scene_ms=4_000) == offers(told, "movable")
    assert found(told, "offers", min_scene_ms=4_000) == everything
    # The whole of a work is as long as the work, here a minute.
    assert found(told, "offers", min_scene_ms=4_001) == everything - offers(told, "movable")
    assert found(told, "offers", min_scene_ms=60_000, max_scene_ms=60_000) == everything - offers(told, "movable")
    assert found(told, "offers", min_scene_ms=60_001) == set()
    year = 365 * 86_400
    assert found(told, "offers", min_term=year) == everything
    assert found(told, "offers", max_term=year) == everything - offers(told, "forever")
    assert found(told, "offers", min_term=year + 1) == offers(told, "forever")
    assert found(told, "offers", max_term=2**40 - 2) == everything - offers(told, "forever")


def test_by_steward(told: Told) -> None:
    saga = told.saga
    assert found(told, "works", steward=saga.attester) == works(told, "film")
    assert found(told, "offers", steward=saga.attester.lower()) == offers(told, "plain")
    assert found(told, "offers", steward=saga.challenger) == offers(told, "movable", "metered")
    assert found(told, "offers", steward=saga.curator) == set()
    told.server.problem(400, "bad-filter", "/v1/offers", steward="0x" + "00" * 20)
    told.server.problem(400, "bad-id", "/v1/works", steward="somebody")


def test_by_culture(told: Told) -> None:
    name = COMMUNITY.upper()
    while not found(told, "works", culture=name):
        pass  # the notice is still being looked for
    assert found(told, "works", culture=name) == works(told, "film")
    assert found(told, "offers", culture=f" {name} ") == offers(told, "plain")
    assert found(told, "offers", culture=name, live="true") == offers(told, "plain") & found(
        told, "offers", live="true"
    )
    for strange in ("' OR 1=1 --", "\0", f"{name}\0", "é\x1d\0þ"):
        assert found(told, "offers", culture=strange) == set()
        assert told.get("/v1/search", q="river", culture=strange, tag=strange)["items"] == []


def test_by_who_vouches(told: Told) -> None:
    saga = told.saga
    assert found(told, "works", verified_by=saga.attester) == works(told, "film")
    assert found(told, "offers", verified_by=saga.attester) == offers(told, "plain")
    by = {"verified_by": saga.attester}
    checked, claimed = ("0x" + schema_digest(name).hex() for name in ("rights-checked", "community-claim"))
    assert found(told, "offers", **by, verified_schema=checked) == offers(told, "plain")
    # It was taken back.
    assert found(told, "offers", **by, verified_schema=claimed) == set()
    assert found(told, "offers", verified_by=saga.owner) == set()
    assert found(told, "offers", **by, steward=saga.attester, licensor=saga.creator) == offers(told, "plain")
    assert found(told, "offers", **by, steward=saga.challenger) == set()
    told.server.problem(400, "bad-filter", "/v1/offers", verified_schema=checked)
    told.server.problem(400, "bad-id", "/v1/offers", **by, verified_schema="rights-checked")


def test_licenses_that_were_valid_at_a_time(told: Told) -> None:
    saga = told.saga
    everything = found(told, "licenses")
    assert everything == licenses(told, "plain", "moved", "sole", "metered", "disputed")
    shown = {item["id"]: item for item in told.get("/v1/licenses")["items"]}
    times = sorted({item[name] for item in shown.values() for name in ("issued_at", "expires_at")})
    for at in (0, *(time + step for time in times for step in (-1, 0, 1)), 2**40 - 1):
        valid = found(told, "licenses", valid_at=at)
        for name, offer in (("plain", "plain"), ("moved", "movable"), ("sole", "sole"), ("metered", "metered")):
            number = saga.licenses[name]
            struct = saga.offers[offer]
            asked = (shown[str(number)]["holder"], number, struct, 1, 1, struct.start_ms, struct.start_ms + 1, at)
            assert (str(number) in valid) == saga.ask("LicenseMarket", "permits", *asked), (name, at)
    issued = shown[str(saga.licenses["plain"])]["issued_at"]
    assert found(told, "licenses", work=saga.works["film"], valid_at=issued) == licenses(told, "plain")
    assert found(told, "licenses", holder=saga.world.people[6], valid_at=issued) == set()
    assert found(told, "licenses", holder=saga.world.people[6]) == licenses(told, "moved")
    assert found(told, "licenses", work=saga.works["song"], valid_at=issued + 100) == set()


def test_dataset_licenses_by_work_and_time(told: Told) -> None:
    saga = told.saga
    assert saga.dataset is not None
    shown = {item["id"]: item for item in told.get("/v1/dataset-licenses")["items"]}
    assert set(shown) == licenses(told, "first", "second", "third")
    last = max(item["issued_at"] for item in shown.values())
    for number in (1, 2, 3):
        work = saga.works[f"part {number}"]
        covering = found(told, "dataset-licenses", work=work)
        valid = found(told, "dataset-licenses", work=work, valid_at=last)
        for name in ("first", "second", "third"):
            license = saga.licenses[name]
            spells = [
                item["spell"]
                for item in told.get(f"/v1/datasets/0x{dataset_id(saga.dataset).hex()}/members", work=work)["items"]
            ]
            offer = saga.offers[f"part {number}"]
            covers = [saga.ask("DatasetMarket", "covers", license, offer_id(offer), spell) for spell in spells]
            assert (str(license) in covering) == any(covers), (name, number)
            holder = shown[str(license)]["holder"]
            permits = [
                saga.ask("DatasetMarket", "permits", holder, license, saga.dataset, offer, spell, 1, 1, 0, 5, last)
                for spell in spells
            ]
            assert (str(license) in valid) == any(permits), (name, number)
    assert found(told, "dataset-licenses", work=saga.works["film"]) == set()
    assert found(told, "dataset-licenses", holder=saga.licensee, valid_at=last) == licenses(told, "first", "third")
    assert found(told, "dataset-licenses", valid_at=last - 365 * 86_400) == set()


def test_few_matches_and_many_are_found_alike(told: Told) -> None:
    saga = told.saga
    reader = Reader(told.url, SCHEMA)
    work = saga.works["part 2"].to_bytes(32)
    filters = {
        "works": narrow.of_works(saga.attester, COMMUNITY, saga.attester, None),
        "offers": narrow.of_works(saga.attester, None, saga.attester, "0x" + schema_digest("rights-checked").hex()),
        "dataset_licenses": [narrow.of_dataset_licenses(work)],
    }
    for table, all_of in filters.items():
        for chosen in ([beside] for beside in all_of) if len(all_of) == 1 else (all_of, all_of[::-1], all_of[:1]):
            answers = []
            for most in (narrow.SCAN, 0):
                with reader.snapshot() as snapshot:
                    listing = Listing(table, "o.*")
                    narrow.narrow(snapshot, listing, chosen, most)
                    assert listing.source.startswith("(SELECT") == (most > 0)
                    answers.append(page(snapshot, listing, PageQuery(), lambda row: {"seq": row["seq"]})["items"])
            assert answers[0] == answers[1], table
            assert answers[0], table
    reader.close()


# What has to be looked up through an index, whatever the size: the statement, and the index SQLite names for it.
LOOKUPS = [
    ("steward", "works_steward"),
    ("attester", "attestations_attester"),
    ("attester of one work", "attestations_subject_attester"),
    ("culture", "document_facets_facet"),
    ("work in datasets", "spells_work"),
    ("work in one dataset", "spells_work_dataset_id"),
]


@pytest.mark.parametrize(("what", "index"), LOOKUPS)
def test_filters_have_an_index(told: Told, what: str, index: str) -> None:
    who, digest = b"\x01" * 20, b"\x02" * 32
    statements = {
        "steward": narrow.by_steward("0x" + who.hex()).found,
        "attester": narrow.by_attester("0x" + who.hex(), None).found,
        "attester of one work": "SELECT 1 FROM attestations t WHERE t.subject = ? AND t.attester = ?",
        "culture": narrow.by_culture("x").found,
        "work in datasets": narrow.of_dataset_licenses(digest).found,
        "work in one dataset": "SELECT 1 FROM spells s WHERE s.dataset_id = ? AND s.work = ?",
    }
    sql = statements[what]
    values = [digest, who][: sql.count("?")] if "attester of" in what else [digest] * sql.count("?")
    values = [who] if what in ("steward", "attester") else ["x"] if what == "culture" else values
    reader = Reader(told.url, SCHEMA)
    with reader.snapshot() as snapshot:
        if reader.remote:
            # Of small tables it would rather read the whole.
            snapshot.all("SELECT set_config('enable_seqscan', 'off', true)")
            plan = str([dict(row) for row in snapshot.all(f"EXPLAIN {sql}", values)])
            assert "Seq Scan" not in plan, plan
        else:
            plan = " ".join(row["detail"] for row in snapshot.all(f"EXPLAIN QUERY PLAN {sql}", values))
            assert index in plan, plan
            assert "SCAN" not in plan, plan
    reader.close()
