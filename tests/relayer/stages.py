# SPDX-License-Identifier: Apache-2.0
"""A world that the tests of one file share, put back after the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ipto.chain import Deployment
from ipto.devchain import DevChain
from tests.relayer.world import World


@contextmanager
def shared_world(deployed: tuple[DevChain, Deployment], folder: Path) -> Iterator[World]:
    """The deployed contracts, with a lane that has 100 ETH; its files are in `folder`."""
    chain, deployment = deployed
    snapshot = chain.snapshot()
    deployment.save(folder)
    here = World(chain, deployment, folder)
    chain.set_balance(here.lane.address, 100 * 10**18)
    yield here
    chain.revert(snapshot)
