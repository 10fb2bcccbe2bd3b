# SPDX-License-Identifier: Apache-2.0
"""A development chain for the tests that need one: started once a worker, put back after each test."""

from collections.abc import Iterator

import pytest

from ipto.chain import Deployment
from ipto.deploy import Parameters, deploy
from ipto.devchain import DevChain


@pytest.fixture(scope="session")
def running_chain() -> Iterator[tuple[DevChain, Deployment]]:
    """The chain with everything deployed; only to be read, use `chain` and `deployment` to change it."""
    with DevChain() as chain:
        owner = chain.signers[0]
        yield chain, deploy(chain.rpc, owner, Parameters(owner.address), test_token=True)


@pytest.fixture
def chain(running_chain: tuple[DevChain, Deployment]) -> Iterator[DevChain]:
    """A chain that may be changed."""
    chain, _ = running_chain
    snapshot = chain.snapshot()
    yield chain
    chain.revert(snapshot)


@pytest.fixture
def deployment(running_chain: tuple[DevChain, Deployment]) -> Deployment:
    """What is deployed on it."""
    return running_chain[1]
