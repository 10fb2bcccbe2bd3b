# SPDX-License-Identifier: Apache-2.0
"""open: by the curator, once, with terms that members can equal."""

from dataclasses import replace

import pytest

from ipto import ids
from ipto.structs import Dataset
from tests.contracts.support.build import digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.datasets import dataset_of, opened
from tests.contracts.support.system import System


def test_opens(system: System) -> None:
    dataset = dataset_of(system.curator, curator_fee_bps=1_000, salt=digest())
    number = system.datasets.open(dataset, sender=system.curator)
    assert number == ids.dataset_id(dataset) == system.datasets.dataset_id(dataset)
    assert number[28:] == bytes(4)
    (event,) = system.datasets.events("DatasetOpened")
    assert (event["dataset_id"], event["curator"]) == (number, system.curator)
    assert Dataset.from_tuple(event["dataset"]) == dataset
    assert system.datasets.dataset_of(number) == (number, 0, 0, 0)


def test_not_open_before(system: System) -> None:
    dataset = dataset_of(system.curator, salt=digest())
    for name, *arguments in (("dataset_of", ids.dataset_id(dataset)), ("quote", dataset)):
        with reverts("dataset: not open"):
            getattr(system.datasets, name)(*arguments)


def test_once(system: System) -> None:
    dataset = opened(system)
    with reverts("dataset: open already"):
        system.datasets.open(dataset, sender=system.curator)


def test_by_the_curator_alone(system: System) -> None:
    dataset = dataset_of(system.curator)
    for stranger in (system.thief, system.owner, system.creator):
        with reverts("market: not the actor"):
            system.datasets.open(dataset, sender=stranger)
    system.datasets.open(dataset, sender=system.signed.address)


def test_every_field_names_the_dataset(system: System) -> None:
    first = dataset_of(system.curator)
    others = {
        "curator": str(system.thief), "currency": system.usd.address, "usages": 3, "aspects": 1, "forbids": 1,
        "term": 1, "revenue_share_bps": 1, "unit": 1, "unit_price": 1, "report_every": 1, "after_term": 2,
        "curator_fee_bps": 1, "licensee": str(system.licensee), "terms": digest(), "salt": digest(),
    }  # fmt: skip
    assert set(others) == {spec.name for spec in Dataset.fields()}
    for name, value in others.items():
        changed = replace(first, **{name: value})
        assert system.datasets.dataset_id(changed) == ids.dataset_id(changed) != ids.dataset_id(first)


@pytest.mark.parametrize("mask", ["usages", "aspects"])
def test_permits_something(system: System, mask: str) -> None:
    with reverts("dataset: permits nothing"):
        system.datasets.open(dataset_of(system.curator, **{mask: 0}), sender=system.curator)


def test_the_curators_fee_is_capped(system: System) -> None:
    with reverts("dataset: curator's fee above cap"):
        opened(system, curator_fee_bps=1_001)
    opened(system, curator_fee_bps=1_000)


def test_paused_or_not(system: System) -> None:
    system.datasets.set_paused(True, sender=system.owner)
    opened(system)
