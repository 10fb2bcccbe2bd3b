# SPDX-License-Identifier: Apache-2.0
"""A few seeds of the simulation; `make sim` lives five hundred."""

from __future__ import annotations

import pytest

from tests.indexer.conftest import Databases
from tests.indexer.simulation import live


@pytest.mark.parametrize(
    ("databases", "seed"), [("sqlite", 1), ("sqlite", 2), ("postgresql", 3)], indirect=["databases"]
)
def test_a_life(databases: Databases, seed: int) -> None:
    count = iter(range(1_000))
    live(seed, lambda: databases(f"s{next(count)}"))
