# SPDX-License-Identifier: Apache-2.0
"""Measures the relayer and writes bench/results/relayer.json; `make bench-relayer`. Ratios count, times do not."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from bench.relayer.load import latencies, submit_all
from bench.relayer.system import Relayer, Site, pool_size
from ipto.accounts import LocalSigner
from relayer.actions import Reader
from relayer.intake import Rules, accept_many
from relayer.ledger import Limits
from relayer.records import NewAction
from relayer.schema import bind, connect
from relayer.transactions import Call, sign
from tests.support.postgres import PostgresServer

RESULTS = Path(__file__).parents[1] / "results" / "relayer.json"
LANES = [bytes([number]) * 32 for number in (0x31, 0x32, 0x33, 0x34)]
ACTIONS = int(os.environ.get("ACTIONS", "2000"))
CONNECTIONS = 64
QUEUED = 100_000


def ceiling(site: Site) -> float:
    """Transactions a second that a bare loop signs and submits: no promise, no check, no database."""
    lane = LocalSigner(LANES[0])
    reader = Reader(None, site.deployment, tuple(site.deployment.tokens.values()))  # type: ignore[arg-type]
    calls = [reader.read_action(body) for body in site.onboardings(ACTIONS)]
    nonce = site.chain.rpc.nonce(lane.address, "latest")
    begun = time.monotonic()
    for number, call in enumerate(calls):
        fields = Call(call.target, call.calldata, 500_000).transaction(31337, nonce + number, 10**10, 10**9)
        site.chain.rpc.call("eth_sendRawTransaction", "0x" + sign(fields, lane).hex())
    rate = len(calls) / (time.monotonic() - begun)
    site.quiet()
    return rate


def throughput(site: Site, lanes: int, **settings: Any) -> tuple[float, float, int]:
    """Actions a second accepted, and accepted and handed to the node, and the relayer's peak memory in bytes."""
    bodies = site.onboardings(ACTIONS)
    per_lane = -(-ACTIONS // lanes)
    # `latest`: anvil carries its whole mempool out again for each question about the pending block.
    options = {"in_flight": per_lane, "poll_seconds": 1, "simulate_at": "latest"}
    with Relayer(site, LANES[:lanes], **options, **settings) as relayer:
        before = pool_size(site)
        begun = time.monotonic()
        asyncio.run(submit_all(relayer.url, bodies, CONNECTIONS))
        accepted = time.monotonic()
        relayer.wait_counts({"sent": ACTIONS})
        batch = settings["batch"]
        while pool_size(site) - before < ACTIONS / batch:  # the last bytes are on their way
            time.sleep(0.005)
            if time.monotonic() - accepted > 30:
                break
        done = time.monotonic()
        memory = relayer.peak_memory()
    site.quiet()
    return ACTIONS / (accepted - begun), ACTIONS / (done - begun), memory


def measure_throughput(site: Site, postgres: PostgresServer) -> dict[str, Any]:
    site.chain.set_automine(False)
    raw = ceiling(site)
    found: dict[str, Any] = {"ceiling_per_second": round(raw), "actions": ACTIONS, "connections": CONNECTIONS}
    cases: list[tuple[str, int, Callable[[], dict[str, Any]]]] = [
        ("sqlite_1_lane", 1, lambda: {"database": site.folder / f"{time.monotonic_ns()}.sqlite"}),
        ("postgresql_4_lanes", 4, lambda: {"database_url": postgres.new_database()}),
    ]
    for name, lanes, database in cases:
        for batch in (1, 20):
            accepted, submitted, memory = throughput(site, lanes, batch=batch, **database())
            found[f"{name}_batch_{batch}"] = {
                "accepted_per_second": round(accepted),
                "accepted_and_submitted_per_second": round(submitted),
                "ratio_to_ceiling": round(submitted / raw, 2),
                "peak_memory_mib": round(memory / 2**20),
            }
            print(name, batch, found[f"{name}_batch_{batch}"], flush=True)
    site.chain.set_automine(True)
    found["ceiling_again_per_second"] = round(again(site))
    return found


def again(site: Site) -> float:
    """The ceiling once more at the end: whether the machine was the same all the time."""
    site.chain.set_automine(False)
    rate = ceiling(site)
    site.chain.set_automine(True)
    return rate


def measure_latency(site: Site) -> dict[str, Any]:
    found = {}
    database = site.folder / "latency.sqlite"
    with Relayer(site, LANES[:1], database=database, poll_seconds=0.25, in_flight=64) as relayer:
        for creators, count in ((1, 20), (10, 200), (100, 600)):
            times = asyncio.run(latencies(relayer.url, site.onboardings(count), creators))
            found[f"{creators}_creators"] = {
                "p50_ms": round(1000 * times[len(times) // 2]),
                "p99_ms": round(1000 * times[min(len(times) - 1, len(times) * 99 // 100)]),
            }
    return found


def measure_batching(site: Site) -> dict[str, Any]:
    """Gas of an action alone and as one of twenty, from receipts."""
    found: dict[str, Any] = {}
    lane = LocalSigner(LANES[3])
    with Relayer(site, [LANES[3]], database=site.folder / "batch.sqlite", poll_seconds=0.1, confirmations=1) as relayer:

        def carried(bodies: list[bytes]) -> list[dict[str, Any]]:
            site.chain.set_balance(lane.address, 0)
            names = asyncio.run(submit_all(relayer.url, bodies, 1))
            done = relayer.status()["actions"]["final"]
            site.fund(lane)
            relayer.wait_counts({"final": done + len(bodies)})
            return [relayer.http.get(f"{relayer.url}/v1/actions/{name}").json() for name in names]

        def gas(actions: list[dict[str, Any]]) -> int:
            hashes = {action["transaction"] for action in actions}
            receipts = [site.chain.rpc.call("eth_getTransactionReceipt", tx_hash) for tx_hash in hashes]
            return sum(int(receipt["gasUsed"], 16) for receipt in receipts) // len(actions)

        creators = [LocalSigner.random() for _ in range(21)]
        onboardings = [site.onboarding(creator) for creator in creators]
        bodies = [site.body(creator, message) for creator, message in zip(creators, onboardings, strict=True)]
        alone, together = gas(carried(bodies[:1])), gas(carried(bodies[1:]))
        found["onboarding"] = {"alone": alone, "one_of_20": together, "saving": round(1 - together / alone, 3)}
        posts = [
            site.body(creator, site.posting(creator, message.offers[0].work))
            for creator, message in zip(creators, onboardings, strict=True)
        ]
        alone, together = gas(carried(posts[:1])), gas(carried(posts[1:]))
        found["post_offers"] = {"alone": alone, "one_of_20": together, "saving": round(1 - together / alone, 3)}
    return found


def measure_restart(site: Site) -> dict[str, Any]:
    """A relayer starts on a queue of 100,000: when it answers, when the first of them is on its way, what it holds."""
    database = site.folder / "restart.sqlite"
    db = connect(database)
    for name, value in (
        ("chain", "31337"),
        ("genesis", site.chain.rpc.call("eth_getBlockByNumber", "0x0", False)["hash"]),
        ("SignedActions", site.deployment.address("SignedActions")),
    ):
        bind(db, name, value)
    reader = Reader(None, site.deployment, tuple(site.deployment.tokens.values()))  # type: ignore[arg-type]
    real = [reader.read_action(body) for body in site.onboardings(200)]
    huge = 2**250
    rules = Rules(Limits(huge, huge, huge, huge, huge, 9), QUEUED + 1, QUEUED)
    now = int(time.time())
    rows = []
    for number in range(QUEUED):
        item = real[number % len(real)]
        # The first are signed by their creators; the others only have the same size.
        signer = item.signer if number < len(real) else LocalSigner(number.to_bytes(32, "big")).address
        rows.append(
            (
                NewAction(item.kind, signer, item.nonce, item.contract, item.struct_hash, item.target, item.calldata,
                          500_000, item.deadline, False, 1, 0),
                None,
            )
        )  # fmt: skip
    accept_many(db, rules, rows, now)
    db.close()
    site.chain.set_automine(False)
    size = database.stat().st_size
    with Relayer(site, LANES[:1], database=database, poll_seconds=0.5) as relayer:
        begun = time.monotonic() - relayer.started_in
        counts = relayer.status()["actions"]
        answered = time.monotonic() - begun
        relayer.wait_counts({"sent": 16}, seconds=60)
        sent = time.monotonic() - begun
        total = sum(relayer.status()["actions"].values())
        memory = relayer.peak_memory()
    site.quiet()
    site.chain.set_automine(True)
    return {
        "queued": QUEUED,
        "found_after_start": sum(counts.values()),
        "found_after_sending": total,
        "database_mib": round(size / 2**20),
        "seconds_to_status": round(answered, 2),
        "seconds_to_first_sends": round(sent, 2),
        "peak_memory_mib": round(memory / 2**20),
    }


def throughput_part(site: Site) -> dict[str, Any]:
    with PostgresServer(on_disk=True) as postgres:
        return measure_throughput(site, postgres)


PARTS: dict[str, Callable[[Site], dict[str, Any]]] = {
    "throughput": throughput_part,
    "accept_to_mined": measure_latency,
    "batching_gas": measure_batching,
    "restart": measure_restart,
}


def main() -> None:
    """All parts, or those named as arguments; what was measured before and is not named stays."""
    names = sys.argv[1:] or list(PARTS)
    result: dict[str, Any] = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, Site(Path(folder)) as site:  # a real disk
        site.fund(*map(LocalSigner, LANES))
        for name in names:
            result[name] = PARTS[name](site)
            print(name, result[name], flush=True)
    result["machine"] = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    RESULTS.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    print(f"wrote {RESULTS.name}")


if __name__ == "__main__":
    main()
