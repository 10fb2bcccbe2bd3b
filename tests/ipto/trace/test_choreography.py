# SPDX-License-Identifier: Apache-2.0
"""A dance is found when others dance it, and strangers are not; what a finding says."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from ipto import documents, media, works
from ipto.content import LocalStore
from ipto.media.choreography import Choreography, compute
from ipto.media.moving import describe_choreography
from ipto.trace import catalogs, choreography
from ipto.trace.choreography import ALARMS, TEMPOS, ChoreographyIndex, alike, log_p
from ipto.works import Person
from tests.support.dancers import dancer, mirror, recorded, registered


@pytest.fixture(scope="module")
def index() -> ChoreographyIndex:
    return registered(8)


def test_another_dancer_as_the_real_model_saw_them_is_found(index: ChoreographyIndex) -> None:
    (match,) = index.search(compute(recorded("second")))
    assert match.work == "recorded"
    assert not match.is_mirrored
    assert match.false_alarms < ALARMS
    assert abs(match.query_ms[0] - match.work_ms[0]) < 1000


@pytest.mark.parametrize("tempo", TEMPOS)
def test_a_dance_is_found_at_another_tempo(index: ChoreographyIndex, tempo: float) -> None:
    (match,) = index.search(compute(dancer(3, 12, tempo, noise=0.02)))
    assert match.work == "3"
    assert match.tempo == tempo


def test_a_mirrored_dance_is_found_and_said_to_be(index: ChoreographyIndex) -> None:
    (match,) = index.search(compute(mirror(recorded("second"))))
    assert match.work == "recorded"
    assert match.is_mirrored


def test_noise_makes_a_match_less_sure_and_never_surer_than_the_film_itself(index: ChoreographyIndex) -> None:
    sure = [index.search(compute(dancer(2, 12, noise=noise)))[0].false_alarms for noise in (0.0, 0.05)]
    assert sure[0] < sure[1] <= ALARMS


def test_strangers_raise_no_alarm(index: ChoreographyIndex) -> None:
    assert [match for seed in range(100, 110) for match in index.search(compute(dancer(seed, 12)))] == []


def test_an_empty_query_and_an_empty_index_find_nothing(index: ChoreographyIndex) -> None:
    assert index.search(Choreography(())) == []
    assert ChoreographyIndex().search(compute(dancer(1, 8))) == []
    assert index.search(compute(dancer(101, 4.2))) == []  # at most tempos shorter than a window


def test_compared_in_parts_it_finds_the_same(index: ChoreographyIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    query = compute(dancer(3, 8, noise=0.02))
    whole = index.search(query)
    assert whole
    monkeypatch.setattr(choreography, "_AT_ONCE", 700)  # of some thousands
    assert index.search(query) == whole


def test_likeness_is_symmetric_and_highest_for_the_same() -> None:
    rows = compute(dancer(1, 10)).windows().rows
    same, other = alike(rows, rows), alike(rows[:-1], rows[1:])
    assert (same > 3).all()
    assert np.allclose(other, alike(rows[1:], rows[:-1]), atol=1e-4)


def test_the_null_distribution_is_counted_on_more_than_a_million_pairs() -> None:
    table = json.loads(resources.files("ipto").joinpath("trace", "choreography-null-1.json").read_text("utf-8"))
    assert table["pairs"] >= 1_000_000
    values = log_p(np.linspace(0, 3, 300))
    assert (np.diff(values) <= 1e-12).all()
    assert values[0] == 0
    # Chance is not thought rarer than what was counted.
    assert log_p(table["largest_thousandths"][0] / 1000) > np.log(1 / table["pairs"]) - np.log(2)


def test_words_and_json_say_alike_and_nothing_more(index: ChoreographyIndex) -> None:
    (match,) = index.search(compute(recorded("second")))
    assert match.line().startswith("Moves alike work recorded")
    assert match.to_json()["aspect"] == "CHOREOGRAPHY"
    assert "copied" not in match.line()
    assert replace(match, false_alarms=1e-3).line().endswith("by chance once in 1,000 such queries")
    assert replace(match, false_alarms=1e-16).line().endswith("once in more than a million million such queries")
    assert not any(isinstance(value, float) for value in match.to_json().values())


def test_a_work_carries_its_choreography_and_a_catalog_reads_it(tmp_path: Path) -> None:
    described = describe_choreography(
        media.analyse(media.sample_path(), with_pictures=False), compute(recorded("first"))
    )
    store = LocalStore(tmp_path)
    document = works.build_metadata(
        title="A dance",
        creators=[Person("A Person", "director")],
        media=described.properties,
        findings=described.keep(store),
    )
    data = documents.canonical(document)
    digest = store.put_document(data).digest
    found = catalogs.choreographies([("7", digest)], store)
    assert [match.work for match in found.search(compute(recorded("second")))] == ["7"]
    assert catalogs.build([("7", digest)], store).works[0] is not None
    for break_it in (
        lambda part: part["windows"].reverse(),
        lambda part: part.update(data="ipfs://nothing"),
        lambda part: part.update(version="urn:ipto:choreography:2"),
        lambda part: part["windows"][0].update(code="00"),
    ):
        broken = copy.deepcopy(document)
        break_it(broken["choreography"])
        with pytest.raises(documents.DocumentError, match="choreography"):
            works.validate_metadata(broken)
    without = {key: value for key, value in document.items() if key != "choreography"}
    works.validate_metadata(without)


def test_a_choreography_that_cannot_be_had_is_left_out_and_reported(tmp_path: Path) -> None:
    said: list[str] = []
    assert len(catalogs.choreographies([("7", bytes(32))], LocalStore(tmp_path), said.append)) == 0
    assert "work 7 is left out" in said[0]


def test_a_work_made_to_be_like_everything_takes_neither_memory_nor_the_place_of_others() -> None:
    """Of one work few windows are compared again with each of the query, however many were registered."""
    query = compute(recorded("second"))
    asked = query.windows(step=0.25)
    crowd, honest = np.repeat(asked.rows, 200, axis=0), compute(recorded("first")).windows().rows
    starts = np.cumsum([0, len(crowd), len(honest)])
    own, columns, likeness = choreography._pairs(asked.rows, np.concatenate([crowd, honest]), starts)
    in_crowd = columns < len(crowd)
    assert np.bincount(own[in_crowd]).max() == choreography._MOST_ALIKE
    alone = choreography._pairs(asked.rows, honest, np.array([0, len(honest)]))
    assert np.array_equal(columns[~in_crowd] - len(crowd), alone[1])
    assert np.allclose(likeness[~in_crowd], alone[2])
