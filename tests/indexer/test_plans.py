# SPDX-License-Identifier: Apache-2.0
"""Hot questions are answered from indexes: the plan of every statement they send, on both databases.

`make bench-indexer PART=api` looks at the same plans at a million works, with nothing forced.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.indexer import api as bench
from bench.indexer import synthetic
from bench.indexer.plans import Planner
from indexer.database import open_writer
from indexer.service import INDEXED, chain_of, schema_of
from indexer.settings import Settings
from ipto.deployment import Deployment

DEPLOYMENT = Deployment(31337, {name: f"0x{number:040x}" for number, name in enumerate(INDEXED, 1)}, 1, "0x")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def planner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planner]:
    url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'a.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    synthetic.fill(url, schema_of(DEPLOYMENT), chain_of(DEPLOYMENT), 500)
    made = Planner(Settings(database=url), DEPLOYMENT)
    yield made
    made.close()


@pytest.mark.parametrize(("path", "query"), bench.questions())
def test_an_index_serves(planner: Planner, path: str, query: str) -> None:
    try:
        asked = planner.asked(path, query)
    except Exception as error:
        # Objects the made-up database has none of.
        assert "is not on the chain" in str(error)  # noqa: PT017
        return
    assert asked
    assert planner.faults(path, query, force=True) == []


def test_a_missing_index_is_noticed(planner: Planner) -> None:
    holder = "0x" + synthetic.person(7).hex()
    with open_writer(planner.url, schema_of(DEPLOYMENT)) as writer:
        writer.run("DROP INDEX licenses_holder")
        # Another connection: SQLite explains a statement it has prepared before as it was then.
        again = Planner(Settings(database=planner.url), DEPLOYMENT)
        try:
            (fault,) = again.faults("/v1/licenses", f"holder={holder}", force=True)
            assert "no index for holder" in fault
        finally:
            again.close()
            writer.run("CREATE INDEX licenses_holder ON licenses (holder, seq)")
