# SPDX-License-Identifier: Apache-2.0
"""The protocol's own events on the indexer as it is.

    python -m bench.indexer.protocol RPC_URL DATABASE DEPLOYMENT_FILE

prints what a backfill took as JSON.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

import orjson

from indexer.fetch import Fetcher
from indexer.follow import Follower
from indexer.service import chain_of, open_store
from indexer.settings import Settings
from ipto.deployment import Deployment
from ipto.rpc import AsyncRpc


async def backfill(rpc_url: str, url: str, deployment: Deployment) -> dict[str, float]:
    """Read everything into an empty database: seconds, events, and the most memory used, in MB."""
    with open_store(Settings(database=url), deployment) as store:
        async with AsyncRpc(rpc_url) as rpc:
            follower = Follower(Fetcher(rpc, chain_of(deployment).contracts), store, deployment.block_number)
            start, cpu = time.perf_counter(), time.process_time()
            await follower.step()
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        (events,) = store.db.all("SELECT count(*) FROM events")[0]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu_seconds": cpu, "events": events, "memory_mb": memory}


def main() -> None:
    """Entry."""
    deployment = Deployment.load(Path(sys.argv[3]))
    print(orjson.dumps(asyncio.run(backfill(sys.argv[1], sys.argv[2], deployment))).decode())


if __name__ == "__main__":
    main()
