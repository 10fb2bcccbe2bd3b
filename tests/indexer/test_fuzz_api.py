# SPDX-License-Identifier: Apache-2.0
"""A short round of what `make fuzz-api` does at length, on both databases."""

from __future__ import annotations

from indexer.api.links import _LINKS
from indexer.typescript import description
from tests.indexer.fuzzing import along_links, each_operation, loaded
from tests.indexer.sagas import Told


def test_every_operation_keeps_to_its_description(told: Told) -> None:
    seen = each_operation(loaded(told.server.url), 2, number=1)
    assert len(seen) >= 39
    assert all(counts for counts in seen.values())
    assert sum(counts[400] for counts in seen.values()) > 20


def test_what_one_operation_answers_another_takes(told: Told) -> None:
    reached = along_links(loaded(told.server.url), chains=4, steps=6)
    assert sum(reached.values()) >= 8


def test_links_name_operations_and_parameters() -> None:
    operations = {op["operationId"]: op for item in description()["paths"].values() for op in item.values()}
    for source, links in _LINKS.items():
        assert source in operations
        for target, parameter, _ in links:
            assert parameter in {part["name"] for part in operations[target]["parameters"]}, (source, target)
