# SPDX-License-Identifier: Apache-2.0
"""permits: every condition by itself turns a yes into a no, and no question reverts."""

from dataclasses import replace
from typing import Any

import pytest

from ipto.structs import ZERO_ADDRESS, Dataset, Offer
from tests.contracts.support.build import YEAR, digest
from tests.contracts.support.datasets import buy, joined, member, opened
from tests.contracts.support.system import System, now, travel

Question = dict[str, Any]


@pytest.fixture
def question(system: System) -> Question:
    """One that is answered with yes."""
    dataset = opened(system, usages=2, aspects=4)
    offer = member(system, usages=3, aspects=6, start_ms=100, end_ms=200)
    joined(system, dataset, offer)
    license = buy(system, dataset)
    return {
        "holder": str(system.licensee),
        "license": license,
        "dataset": dataset,
        "offer": offer,
        "spell": 1,
        "usage": 2,
        "aspect": 4,
        "start_ms": 100,
        "end_ms": 200,
        "at": now(),
    }


def ask(system: System, question: Question) -> bool:
    answer: bool = system.datasets.permits(*question.values())
    return answer


CHANGES: list[Question] = [
    {"holder": ZERO_ADDRESS},
    {"holder": "0x" + "11" * 20},
    {"license": 0},
    {"spell": 0},
    {"spell": 2},
    {"usage": 0},
    {"usage": 1},  # the member's offer permits it, the dataset does not
    {"usage": 3},
    {"usage": 6},
    {"usage": 4},
    {"aspect": 0},
    {"aspect": 2},
    {"aspect": 6},
    {"aspect": 8},
    {"start_ms": 99},
    {"end_ms": 201},
    {"start_ms": 200},
    {"start_ms": 150, "end_ms": 150},
    {"start_ms": 160, "end_ms": 150},
    {"at": 0},
    {"at": 2**256 - 1},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_each_condition(system: System, question: Question, change: Question) -> None:
    assert ask(system, question)
    assert not ask(system, {**question, **change})


@pytest.mark.parametrize("change", [{"start_ms": 101}, {"end_ms": 199}, {"start_ms": 150, "end_ms": 151}], ids=str)
def test_parts_of_a_scene(system: System, question: Question, change: Question) -> None:
    assert ask(system, {**question, **change})


def test_another_dataset_or_offer(system: System, question: Question) -> None:
    dataset, offer = question["dataset"], question["offer"]
    assert isinstance(dataset, Dataset)
    assert isinstance(offer, Offer)
    assert not ask(system, {**question, "dataset": replace(dataset, usages=3)})
    assert not ask(system, {**question, "dataset": replace(dataset, salt=digest())})
    assert not ask(system, {**question, "offer": replace(offer, end_ms=300)})
    assert not ask(system, {**question, "offer": member(system, usages=3, aspects=6, start_ms=100, end_ms=200)})
    assert not ask(system, {**question, "offer": replace(offer, work=2**256 - 1)})


def test_in_its_term(system: System, question: Question) -> None:
    issued = question["at"]
    found = [ask(system, {**question, "at": issued + later}) for later in (-1, 0, YEAR - 1, YEAR)]
    assert found == [False, True, True, False]


def test_ended_by_a_ruling(system: System, question: Question) -> None:
    system.datasets.end_license(question["license"], sender=system.datasets.DISPUTES())
    assert not ask(system, question)


def test_of_a_work_that_was_never_the_licensors(system: System, question: Question) -> None:
    """A ruling says since when a claim is clean: dataset licenses from before stop permitting this work alone."""
    offer = question["offer"]
    other = member(system, usages=3, aspects=6)
    joined(system, question["dataset"], other)
    license = buy(system, question["dataset"])
    both = [{**question, "license": license, "offer": item} for item in (offer, other)]
    assert all(ask(system, item) for item in both)
    travel(10)
    system.registry.reassign(offer.work, system.heir, now(), False, sender=system.registry.DISPUTES())
    assert [ask(system, item) for item in both] == [False, True]
    assert not ask(system, question)


def test_a_license_bought_when_the_claim_was_clean(system: System, question: Question) -> None:
    offer = question["offer"]
    system.registry.reassign(offer.work, system.heir, question["at"], False, sender=system.registry.DISPUTES())
    assert ask(system, question)
