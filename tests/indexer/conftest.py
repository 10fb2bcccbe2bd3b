# SPDX-License-Identifier: Apache-2.0
"""A chain with the real contracts for each worker, put back after every test."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipto.chain import Deployment
from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain
from tests.indexer.sagas import Sagas, Told
from tests.indexer.story import Stories, Story, serve, tell
from tests.indexer.world import World
from tests.support.postgres import PostgresServer, available
from tests.support.postgres_fixture import postgres  # noqa: F401


@pytest.fixture(scope="session")
def deployed() -> Iterator[tuple[DevChain, Deployment]]:
    with DevChain() as chain:
        owner = chain.signers[0]
        install_factory(chain.rpc, owner)
        yield chain, deploy(chain.rpc, owner, Parameters(owner.address), test_token=True)


@pytest.fixture
def world(deployed: tuple[DevChain, Deployment], request: pytest.FixtureRequest) -> Iterator[World]:
    chain, deployment = deployed
    snapshot = chain.snapshot()
    yield World(chain, deployment, random.Random(request.node.name))
    chain.set_automine(True)
    chain.rpc.call("anvil_dropAllTransactions")
    chain.revert(snapshot)


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Stories]:
    if available():
        request.getfixturevalue("postgres")  # it has to outlive what is served from it
    made = Stories(tmp_path_factory.mktemp("stories"))
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def story(stories: Stories, request: pytest.FixtureRequest) -> Story:
    """The story as each database serves it; nobody may change it."""
    if request.param == "sqlite":
        return stories.of("sqlite", lambda: f"sqlite:///{stories.folder / 'story.db'}")
    server: PostgresServer = request.getfixturevalue("postgres")
    return stories.of("postgresql", server.new_database)


@pytest.fixture(scope="session")
def sagas(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Sagas]:
    if available():
        request.getfixturevalue("postgres")  # it has to outlive what is served from it
    made = Sagas(tmp_path_factory.mktemp("sagas"))
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def told(sagas: Sagas, request: pytest.FixtureRequest) -> Told:
    """The saga as each database serves it; nobody may change it."""
    if request.param == "sqlite":
        return sagas.of("sqlite", lambda: f"sqlite:///{sagas.folder / 'saga.db'}")
    server: PostgresServer = request.getfixturevalue("postgres")
    return sagas.of("postgresql", server.new_database)


@pytest.fixture
def told_again(world: World, tmp_path: Path, databases: Databases) -> Iterator[Story]:
    """The story on a chain of the test's own, to go on with."""
    made = serve(tell(world, tmp_path / "content"), tmp_path, databases("a"))
    yield made
    assert made.server.close() == 0


Databases = Callable[[str], str]


# For what does not depend on which database it is: there are enough tests of both.
on_files = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """Empty databases by name, as URLs, of both kinds."""
    if request.param == "sqlite":
        yield lambda name: f"sqlite:///{tmp_path / name}.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    made: dict[str, str] = {}

    def named(name: str) -> str:
        if name not in made:
            made[name] = server.new_database()
        return made[name]

    yield named
    for url in made.values():
        server.drop(url)
