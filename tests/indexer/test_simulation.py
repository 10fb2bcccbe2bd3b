# SPDX-License-Identifier: Apache-2.0
"""A few seeds of the simulation; `make sim` lives five hundred."""

from __future__ import annotations

import pytest

from tests.indexer.conftest import Databases
from tests.indexer.simulation import live


@pytest.mark.parametrize("seed", [1, 2])
def test_a_life(databases: Databases, seed: int) -> None:
    count = iter(range(1_000))
    live(seed, lambda: databases(f"s{next(count)}"))
