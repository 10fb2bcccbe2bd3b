# SPDX-License-Identifier: Apache-2.0
"""A chain with the real contracts for each worker, put back after every test; a relayer process for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipto.chain import Deployment
from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain, dev_signer
from tests.relayer.chaos import ChaosProxy
from tests.relayer.stages import shared_world
from tests.relayer.world import RelayerProcess, World
from tests.support.postgres_fixture import postgres  # noqa: F401


@pytest.fixture(scope="session")
def deployed() -> Iterator[tuple[DevChain, Deployment]]:
    with DevChain() as chain:
        owner = dev_signer(0)
        install_factory(chain.rpc, owner)
        yield chain, deploy(chain.rpc, owner, Parameters(owner.address), test_token=True)


@pytest.fixture
def world(deployed: tuple[DevChain, Deployment], tmp_path: Path) -> Iterator[World]:
    with shared_world(deployed, tmp_path) as here:
        yield here
        here.chain.set_automine(True)
        here.chain.rpc.call("anvil_dropAllTransactions")


@pytest.fixture
def start(world: World) -> Iterator[Callable[..., RelayerProcess]]:
    """Starts relayers; all of them are ended with the test."""
    started: list[RelayerProcess] = []

    def begin(rpc_url: str = "", **settings: Any) -> RelayerProcess:
        process = RelayerProcess(world, rpc_url, **settings)
        started.append(process)
        return process.start()

    yield begin
    for process in started:
        process.stop()


@pytest.fixture
def relayer(start: Callable[..., RelayerProcess]) -> RelayerProcess:
    return start()


@pytest.fixture
def chaos(world: World) -> Iterator[ChaosProxy]:
    with ChaosProxy(world.chain.url) as proxy:
        yield proxy
