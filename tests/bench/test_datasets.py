# SPDX-License-Identifier: Apache-2.0
"""What the bench writes into storage is where the compiler keeps it."""

from bench.datasets import DATASETS_SLOT
from tests.contracts.support.contract import ROOT, build


def test_the_datasets_words_are_where_the_bench_writes() -> None:
    assert build(ROOT / "contracts" / "DatasetMarket.vy").slots["datasets"] == DATASETS_SLOT
