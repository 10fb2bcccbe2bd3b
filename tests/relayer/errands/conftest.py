# SPDX-License-Identifier: Apache-2.0
"""A chain and an indexer of their own for these tests: they let months pass, which the others' signatures would not
survive. People are new in each test; what earlier ones left in the vault is somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain, dev_signer
from tests.indexer.served import Served
from tests.relayer.errands.stage import Stage


@pytest.fixture(scope="session")
def whole_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("errands")
    with DevChain() as chain:
        owner = dev_signer(0)
        install_factory(chain.rpc, owner)
        deployment = deploy(chain.rpc, owner, Parameters(owner.address), test_token=True)
        stage = Stage(chain, deployment, None)  # type: ignore[arg-type]  # which needs the stage
        stage.indexer = Served(stage, folder, FINALITY_BLOCKS="1")  # type: ignore[arg-type]
        yield stage
        assert stage.indexer.close() == 0


@pytest.fixture
def stage(whole_stage: Stage, tmp_path: Path) -> Stage:
    whole_stage.folder = tmp_path
    whole_stage.chain.set_balance(whole_stage.keeper.address, 10**18)
    return whole_stage
