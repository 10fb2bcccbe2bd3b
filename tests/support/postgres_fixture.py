# SPDX-License-Identifier: Apache-2.0
"""The fixture `postgres`: one server for all tests of a worker. Imported by the conftest of whoever needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer, available


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if not available():
        # A gate that lets this pass would say that both databases were tested.
        assert not os.environ.get("CI"), "PostgreSQL is not installed"
        pytest.skip("PostgreSQL is not installed; `make test` installs it as root, else: apt-get install postgresql")
    with PostgresServer() as server:
        yield server
