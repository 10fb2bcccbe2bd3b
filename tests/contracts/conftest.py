# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the contract tests."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.contracts.support import trace
from tests.contracts.support.system import System


@pytest.fixture(scope="session")
def system() -> System:
    """Deployed once; titanoboa takes back what each test changes."""
    return System()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """What a test runs is told from what others run."""
    with trace.test(item.nodeid):
        return (yield)
