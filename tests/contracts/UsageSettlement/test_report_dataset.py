# SPDX-License-Identifier: Apache-2.0
"""report_dataset: one report for all works of a dataset."""

from ipto.structs import ETH, ZERO32, ZERO_ADDRESS, Dataset
from tests.contracts.support.build import YEAR, digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now
from tests.contracts.support.usage import MANIFEST, MONTH, Usage


def dataset_of(system: System, **changes: object) -> Dataset:
    fields = {
        "curator": str(system.creator),
        "currency": ETH,
        "usages": 1,
        "aspects": 2**9 - 1,
        "forbids": 0,
        "term": YEAR,
        "revenue_share_bps": 300,
        "unit": 0,
        "unit_price": 0,
        "report_every": MONTH,
        "after_term": 1,
        "curator_fee_bps": 0,
        "licensee": ZERO_ADDRESS,
        "terms": digest("terms"),
        "salt": ZERO32,
    }
    return Dataset(**{**fields, **changes})  # type: ignore[arg-type]


def test_the_dataset_must_be_the_licenses(usage: Usage) -> None:
    _, license = usage.sell()
    dataset = dataset_of(usage.system)
    said = usage.reported(license, through=now())
    proof = usage.authorize(usage.system.licensee, usage.system.usd.address, said)
    with reverts("usage: not the license's dataset"):
        usage.report(dataset, said)
    with reverts("usage: not the license's dataset"):
        usage.contract.report_dataset_with_authorization(dataset, said, proof)
    for view in (usage.contract.due_at_dataset, usage.contract.in_good_standing_dataset):
        with reverts("usage: not the license's dataset"):
            view(license, dataset)
    assert said.manifest == MANIFEST
