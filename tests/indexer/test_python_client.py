# SPDX-License-Identifier: Apache-2.0
"""The typed Python client: up to date with the API, and works against the running server."""

from __future__ import annotations

import inspect
import itertools
from pathlib import Path

import pytest

from indexer.python import python
from indexer.typescript import description
from ipto.errors import IptoError
from ipto.ids import dataset_id, offer_id
from ipto.indexer_api import Operations
from ipto.services import Indexer, RefusedError, UnknownError
from ipto.structs import Offer
from tests.indexer.sagas import Told

MODULE = Path(__file__).parents[2] / "ipto" / "indexer_api.py"
FIRST_BASE = pytest.mark.parametrize("told", ["sqlite"], indirect=True)


def test_the_client_is_up_to_date() -> None:
    assert MODULE.read_text() == python(description()), "run: python -m indexer python > ipto/indexer_api.py"


def test_the_client_has_every_operation() -> None:
    asked = {op["operationId"] for item in description()["paths"].values() for op in item.values()} - {"streamEvents"}
    methods = [name for name, _ in inspect.getmembers(Operations, inspect.isfunction) if not name.startswith("_")]
    assert {name.replace("_", "") for name in methods} == {name.lower() for name in asked}


@FIRST_BASE
def test_questions_and_answers(told: Told) -> None:
    saga = told.saga
    with Indexer(told.server.url) as indexer:
        work = indexer.get_work(hex(saga.works["film"]))
        assert (int(work["id"]), work["creator"]) == (saga.works["film"], saga.creator)
        assert indexer.block == indexer.get_status()["head"]
        number = "0x" + offer_id(saga.offers["movable"]).hex()
        assert Offer.from_mapping(indexer.get_offer(number)["chain"]) == saga.offers["movable"]
        found = indexer.list_offers(usage=["TRAIN", "FINE_TUNE"], max_scene_ms=4_000, live=None)
        assert [item["id"] for item in found["items"]] == [number]
        verdict = indexer.verify(
            {"holder": saga.licensee, "work": str(saga.works["film"]), "usage": "TRAIN", "aspect": "FOOTAGE"}
        )
        assert verdict["permitted"] is True
        assert saga.dataset is not None
        members = list(indexer.every(indexer.list_members, "0x" + dataset_id(saga.dataset).hex(), limit=1))
        assert len(members) == 4
        assert indexer.list_works(min_block=indexer.block)["items"]


@FIRST_BASE
def test_lists_are_read_as_far_as_asked(told: Told) -> None:
    with Indexer(told.server.url) as indexer:
        everything = [item["id"] for item in indexer.every(indexer.list_offers, limit=100)]
        assert [item["id"] for item in indexer.every(indexer.list_offers, limit=2)] == everything
        first = [item["id"] for item in itertools.islice(indexer.every(indexer.list_offers, limit=2), 3)]
        assert first == everything[:3]


@FIRST_BASE
def test_what_it_knows_is_not_sent_again(told: Told) -> None:
    with Indexer(told.server.url) as indexer:
        sizes: list[tuple[int, int]] = []

        def note(response: object) -> None:
            response.read()  # type: ignore[attr-defined]
            sizes.append((response.status_code, len(response.content)))  # type: ignore[attr-defined]

        indexer._http.event_hooks = {"response": [note]}
        first, again = indexer.list_events(limit=5), indexer.list_events(limit=5)
        assert first == again
        assert [status for status, _ in sizes] == [200, 304]
        assert sizes[1][1] == 0
        again["items"].clear()  # what a caller does with an answer is its own affair
        assert indexer.list_events(limit=5) == first


@FIRST_BASE
def test_problems_are_errors_of_the_library(told: Told) -> None:
    with Indexer(told.server.url) as indexer:
        with pytest.raises(RefusedError, match="write it in decimal") as refused:
            indexer.get_work("abc")
        assert refused.value.problem is not None
        assert (refused.value.problem.status, refused.value.problem.type) == (400, "urn:ipto:indexer:bad-id")
        with pytest.raises(UnknownError, match="not on the chain") as unknown:
            indexer.get_work("1")
        # An id never leads to another resource.
        with pytest.raises(UnknownError, match="/v1/works/"):
            indexer.get_work("../../status?x=")
        assert unknown.value.problem is not None
        assert unknown.value.problem.type == "urn:ipto:indexer:not-found"
        with pytest.raises(IptoError):
            indexer.list_offers(limit=1_000)
