# SPDX-License-Identifier: Apache-2.0
"""Transfers and balances of one ERC-20 on our engine: the model a user of the engine would write.

    python -m bench.indexer.transfers RPC_URL DATABASE CASE

prints what it took as JSON. CASE is `chain.Case` as JSON.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

import orjson

from bench.indexer.chain import Case
from indexer.database import open_writer
from indexer.fetch import Fetcher
from indexer.follow import Follower
from indexer.model import Model, plan
from indexer.project import Event
from indexer.rows import Add, Change, Put, Read
from indexer.store import Chain, Store
from indexer.tables import ZERO20, table
from ipto.rpc import AsyncRpc

TRANSFERS = table("transfers", "seq:int sender:blob20 receiver:blob20 value:u256", "seq", stamps=False)
HOLDINGS = table("holdings", "holder:blob20 balance:u256", "holder")


def moved(event: Event, _read: Read) -> Sequence[Change]:
    """A Transfer: its row, and both balances."""
    args = event.args
    sender, receiver, value = args["sender"], args["receiver"], args["value"]
    row = {"seq": event.seq, "sender": sender, "receiver": receiver, "value": value.to_bytes(32)}
    changes: list[Change] = [Put(TRANSFERS, row), Add(HOLDINGS, (receiver,), {"balance": value})]
    if sender != ZERO20:
        changes.append(Add(HOLDINGS, (sender,), {"balance": -value}))
    return changes


MODEL = Model((TRANSFERS, HOLDINGS), {("Token", "Transfer"): moved})


def store_for(url: str, case: Case) -> Store:
    """A new database for a case."""
    chain = Chain(31337, {bytes.fromhex(case.token[2:]): "Token"}, case.first)
    return Store(open_writer(url, "bench"), chain, MODEL, plan(MODEL, {"Token": case.abi}))


async def backfill(rpc_url: str, url: str, case: Case) -> dict[str, Any]:
    """Read the case's blocks into an empty database: seconds, events, and the most memory used, in MB."""
    with store_for(url, case) as store:
        async with AsyncRpc(rpc_url) as rpc:
            fetcher = Fetcher(rpc, {bytes.fromhex(case.token[2:]): "Token"})
            grown: list[tuple[float, int, float]] = []
            start, cpu = time.perf_counter(), time.process_time()

            def note() -> None:
                at = store.checkpoint()
                grown.append((time.perf_counter() - start, at.number if at else 0, memory_mb()))

            follower = Follower(fetcher, store, case.first, on_commit=note)
            await follower.step()
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        (events,) = store.db.all("SELECT count(*) FROM transfers")[0]
        (sum_of,) = store.db.all("SELECT count(*) FROM holdings")[0]
    found = {"seconds": seconds, "cpu_seconds": cpu, "events": events, "holders": sum_of, "memory_mb": memory_mb()}
    return found | {"grown": tenths(grown, case)}


def memory_mb() -> float:
    """The most this process has used."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def tenths(grown: list[tuple[float, int, float]], case: Case) -> list[dict[str, int]]:
    """Events, events a second since the last line, and memory, ten lines for the whole."""
    each = case.events / (case.last - case.first + 1)
    lines: list[dict[str, int]] = []
    before = (0.0, case.first - 1)
    for seconds, block, memory in grown:
        block = min(block, case.last)  # blocks without events follow
        done = (block - case.first + 1) / (case.last - case.first + 1)
        if done < (len(lines) + 1) / 10 or seconds == before[0]:
            continue
        rate = (block - before[1]) * each / (seconds - before[0])
        lines.append(
            {"events": round((block - case.first + 1) * each), "rate": round(rate), "memory_mb": round(memory)}
        )
        before = (seconds, block)
    return lines


def main() -> None:
    """Entry."""
    rpc_url, url, case = sys.argv[1], sys.argv[2], Case.from_mapping(orjson.loads(sys.argv[3]))
    print(orjson.dumps(asyncio.run(backfill(rpc_url, url, case))).decode())


if __name__ == "__main__":
    main()
