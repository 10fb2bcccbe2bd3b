# SPDX-License-Identifier: Apache-2.0
"""A chain with the real contracts for each worker, put back after every test."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from ipto.chain import Deployment
from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain
from tests.indexer.world import World


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
