# SPDX-License-Identifier: Apache-2.0
"""A relayer that takes films, and somebody who sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipto.chain import Deployment
from ipto.devchain import DevChain
from tests.relayer.films.stage import MIB, Start
from tests.relayer.people import Person
from tests.relayer.stages import shared_world
from tests.relayer.world import RelayerProcess, World


@pytest.fixture(scope="module")
def world(deployed: tuple[DevChain, Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with shared_world(deployed, tmp_path_factory.mktemp("films")) as here:
        yield here


@pytest.fixture(scope="module")
def relayer(world: World) -> Iterator[RelayerProcess]:
    process = RelayerProcess(
        world, film_folder=world.folder / "films", film_account_open=6, film_idle_seconds=20, film_limit=64 * MIB
    ).start()
    yield process
    process.stop()


@pytest.fixture
def creator(relayer: RelayerProcess) -> Person:
    return Person(relayer).sign_in()


@pytest.fixture
def own(world: World, tmp_path: Path, start: Start) -> Callable[..., RelayerProcess]:
    """Starts a relayer with a folder and a database of the test's own."""

    def begin(**settings: object) -> RelayerProcess:
        values: dict[str, object] = {"film_folder": tmp_path / "films", "database": tmp_path / "own.sqlite"}
        return start(**(values | settings))

    return begin
