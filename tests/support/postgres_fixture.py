# SPDX-License-Identifier: Apache-2.0
"""The fixture `postgres`: one server for all tests of a worker. Imported by the conftest of whoever needs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.needs import lacking
from tests.support.postgres import PostgresServer, available


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if not available():
        lacking("PostgreSQL is not installed; `make test` installs it as root, else: apt-get install postgresql")
    with PostgresServer() as server:
        yield server
