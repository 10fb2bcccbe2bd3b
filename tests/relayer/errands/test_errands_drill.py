# SPDX-License-Identifier: Apache-2.0
"""A few drills of each; `RUNS=2000 python -m pytest tests/relayer/errands/test_errands_drill.py` for many."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.relayer.errands.drill import ErrandDrill

RUNS = int(os.environ.get("RUNS", "12"))


@pytest.mark.parametrize("what", ["keeper", "treasury"])
def test_drills(what: str) -> None:
    counts: Counter[str] = Counter()
    for seed in range(RUNS):
        try:
            counts += ErrandDrill(seed, what).run()
        except BaseException as error:
            error.add_note(f"{what}, seed {seed}")
            raise
    # The drills have to reach what they are for.
    assert counts["killed"] > 0
    assert counts["reorg"] > 0
    assert counts["rows"] > RUNS
