# SPDX-License-Identifier: Apache-2.0
"""The saga, told once for each worker on a chain of its own, and served from a database of each kind.

Nobody may change it: tests of several files ask the same two servers.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipto.content import LocalStore
from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain
from tests.indexer.saga import Saga, tell
from tests.indexer.served import STILL, Served
from tests.indexer.world import World


@dataclass
class Told:
    """The saga, and an indexer that serves it."""

    saga: Saga
    server: Served
    url: str

    def get(self, path: str, **params: Any) -> Any:
        return self.server.get(path, **params)


class Sagas:
    """One saga; each part is made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._saga: Saga | None = None
        self._told: dict[str, Told] = {}

    def saga(self) -> Saga:
        """What happened on the chain."""
        if self._saga is None:
            chain = self._stack.enter_context(DevChain())
            owner = chain.signers[0]
            install_factory(chain.rpc, owner)
            deployment = deploy(chain.rpc, owner, Parameters(owner.address), test_token=True)
            self._saga = tell(World(chain, deployment, random.Random("saga")))
        return self._saga

    def of(self, kind: str, new_url: Callable[[], str]) -> Told:
        """The saga served from this kind of database; new_url: where to put it, if it is the first time."""
        if kind not in self._told:
            saga, folder, url = self.saga(), self.folder / kind, new_url()
            folder.mkdir()
            LocalStore(folder / "content").put_document(saga.notice)
            content = str(folder / "content")
            served = Served(saga.world, folder, DATABASE=url, CONTENT_FOLDER=content, RATE_LIMIT="0", **STILL)
            served.catch_up()
            self._told[kind] = Told(saga, served, url)
        return self._told[kind]

    def close(self) -> None:
        """End everything; what was served ended in order."""
        codes = [told.server.close() for told in self._told.values()]
        self._stack.close()
        assert set(codes) <= {0}
