# SPDX-License-Identifier: Apache-2.0
"""The indexer as a process with its API, for tests that ask it over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from tests.indexer.world import World

# For a chain on which nothing happens any more. Whoever looks fifty times a second takes a tenth of a core.
STILL = {"POLL_SECONDS": "2"}
ROOT = Path(__file__).parents[2]


class Served:
    """`python -m indexer run` on a free port."""

    def __init__(self, world: World, folder: Path, *, command: str = "run", **settings: str) -> None:
        world.deployment.save(folder)
        self._world = world
        env = {
            "RPC_URL": world.chain.url,
            "DATABASE": f"sqlite:///{folder / 'a.db'}",
            "DEPLOYMENT": str(folder / f"{world.deployment.chain_id}.json"),
            "POLL_SECONDS": "0.02",
            "PORT": "0",
            **settings,
        }
        self._log = (folder / f"{command}.log").open("wb+")
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "indexer", command],
            env=os.environ | {f"IPTO_INDEXER_{name}": value for name, value in env.items()},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        assert "http://" in line, (folder / f"{command}.log").read_text()
        self.url = line.split()[-1].removesuffix("/v1")
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=10)

    def close(self) -> int:
        self.http.close()
        self.process.terminate()
        code = self.process.wait(15)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()
        return code

    def get(self, path: str, **params: Any) -> Any:
        response = self.http.get(path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def problem(self, status: int, kind: str, path: str, **params: Any) -> dict[str, Any]:
        response = self.http.get(path, params=params)
        assert response.headers["content-type"] == "application/problem+json", response.text
        body: dict[str, Any] = response.json()
        assert (response.status_code, body["status"], body["type"]) == (status, status, f"urn:ipto:indexer:{kind}")
        assert set(body) == {"type", "title", "status", "detail"}
        assert body["detail"]
        return body

    def catch_up(self) -> None:
        """Until everything on the chain is in the database."""
        head = self._world.chain.rpc.block_number()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = self.get("/status")
            if found["indexed"] and found["indexed"]["block"] >= head:
                return
            time.sleep(0.02)
        raise AssertionError(f"block {head} was not indexed: {found}")
