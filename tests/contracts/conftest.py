# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the contract tests."""

from __future__ import annotations

import pytest

from tests.contracts.support.system import System


@pytest.fixture(scope="session")
def system() -> System:
    """Deployed once; titanoboa takes back what each test changes."""
    return System()
