# SPDX-License-Identifier: Apache-2.0
"""The settlement contract for these tests, wired to the system of all contract tests."""

from __future__ import annotations

import pytest

from tests.contracts.support.system import System
from tests.contracts.support.usage import Usage


@pytest.fixture(scope="session")
def usage(system: System) -> Usage:
    """Deployed once; titanoboa takes back what each test changes."""
    return Usage(system)
