# SPDX-License-Identifier: Apache-2.0
"""Part `api`: pages and single objects a second on one worker and 16 connections; how soon a new block is seen."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.indexer import peers, synthetic
from bench.indexer.chain import fill
from bench.indexer.plans import Planner
from bench.indexer.servers import free_port, indexer, postgres
from indexer.service import chain_of, schema_of
from indexer.settings import Settings
from ipto.deploy import Parameters, deploy, install_factory
from ipto.deployment import Deployment
from ipto.devchain import DevChain

CONNECTIONS = 16
_SECONDS = 4.0
_ASKED = 4_000  # different objects asked for
_HEADS = 100
SIZES = (10_000, 100_000, 1_000_000)
# Questions whose plans are looked at; {work} and so on are of the database.
PLANNED = (
    ("/v1/works", "limit=50"),
    ("/v1/works", "owner={person}"),
    ("/v1/works", "creator={person}&order=oldest"),
    ("/v1/works", "content={content}"),
    ("/v1/works/{work}", ""),
    ("/v1/works/{work}/earnings", ""),
    ("/v1/offers", "limit=50&live=true&usage=TRAIN"),
    ("/v1/offers", "work={work}"),
    ("/v1/offers", "licensor={person}&order=oldest"),
    ("/v1/offers/{offer}", ""),
    ("/v1/licenses", "limit=50"),
    ("/v1/licenses", "holder={person}"),
    ("/v1/licenses", "work={work}&order=oldest"),
    ("/v1/licenses", "offer={offer}"),
    ("/v1/licenses/{license}", ""),
    ("/v1/events", "work={work}"),
    ("/v1/events", "name=LicenseMinted&order=oldest"),
    ("/v1/accounts/{person}", ""),
    ("/v1/accounts/{person}/ledger", ""),
    ("/v1/datasets", "curator={person}"),
    ("/v1/dataset-licenses", "holder={person}"),
    ("/v1/models", "developer={person}"),
    ("/v1/reports", "license={license}"),
    ("/v1/usage-payments", "work={work}"),
    ("/v1/duties", "overdue=true"),
    ("/v1/disputes", "subject={work}"),
    ("/v1/attestations", "attester={person}"),
    ("/v1/splits", "account={person}"),
    ("/v1/analytics/creators/{person}", "by=day"),
)


def questions() -> list[tuple[str, str]]:
    """PLANNED, of the objects that `synthetic.fill` makes."""
    names = {
        "work": "0x" + synthetic.work_key(7).hex(),
        "offer": "0x" + synthetic.offer_key(7).hex(),
        "license": "0x" + synthetic.license_key(7).hex(),
        "person": "0x" + synthetic.person(7).hex(),
        "content": "0x" + synthetic.digest("c", 7).hex(),
    }
    return [(path.format(**names), query.format(**names)) for path, query in PLANNED]


def measure(_runs: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Everything of this part."""
    out: dict[str, Any] = {"connections": CONNECTIONS}
    with DevChain() as chain, tempfile.TemporaryDirectory() as folder:
        owner = chain.signers[0]
        install_factory(chain.rpc, owner)
        deployment = deploy(chain.rpc, owner, Parameters(owner.address), test_token=True)
        file = str(deployment.save(Path(folder)))
        with postgres() as server:
            out["ponder"] = _ponder(chain, server.new(), say)
            url = server.new()
            synthetic.fill(url, schema_of(deployment), chain_of(deployment), SIZES[0])
            out["postgres"] = _both(url, file, SIZES[0], say)
        for works in SIZES:
            url = f"sqlite:///{folder}/{works}.db"
            synthetic.fill(url, schema_of(deployment), chain_of(deployment), works)
            out[f"works_{works}"] = _both(url, file, works, say)
            out[f"works_{works}"]["database_mb"] = round((Path(folder) / f"{works}.db").stat().st_size / 2**20)
        out["plans_looked_at"], out["plans_at_fault"] = len(PLANNED), _plans(url, deployment)
        say(f"plans at fault: {out['plans_at_fault']}")
        with indexer("run", database=f"sqlite:///{folder}/head.db", deployment=file, rpc_url=chain.url) as port:
            out["head_to_api_ms"] = _heads(chain, port)
            say(f"head to API {out['head_to_api_ms']}")
    made, theirs = out[f"works_{SIZES[0]}"]["made"], out["ponder"]
    out["times_ponder"] = {
        "page": round(
            made["page_of_50_licenses"]["requests_per_second"] / theirs["page_of_50"]["requests_per_second"], 1
        ),
        "single": round(made["single_work"]["requests_per_second"] / theirs["single"]["requests_per_second"], 1),
    }
    return out


def _both(url: str, deployment: str, works: int, say: Callable[[str], None]) -> dict[str, Any]:
    """`made`: every answer is made from the database, nothing is kept. `kept`: as it runs by default."""
    out: dict[str, Any] = {}
    for name, settings in (("made", {"keep_answers_mb": "0"}), ("kept", {})):
        with indexer("serve", database=url, deployment=deployment, rate_limit="0", **settings) as port:
            out[name] = _reads(port, works)
        say(f"api {works} {name} {out[name]}")
    return out


def _plans(url: str, deployment: Deployment) -> list[str]:
    planner = Planner(Settings(database=url), deployment)
    try:
        return [fault for path, query in questions() for fault in planner.faults(path, query)]
    finally:
        planner.close()


def _load(port: int, lines: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.indexer.load", str(port), str(CONNECTIONS), str(_SECONDS)]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True)
    found: dict[str, float] = orjson.loads(done.stdout)
    return found


def _reads(port: int, works: int) -> dict[str, Any]:
    step = max(1, works // _ASKED)
    single = [f"/v1/works/0x{synthetic.work_key(n).hex()}" for n in range(0, works, step)]
    pages = ["/v1/licenses?limit=50"]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        # Pages at many places of the list.
        for _ in range(60):
            page = http.get(pages[-1]).json()
            if page["next"] is None:
                break
            pages.append(f"/v1/licenses?limit=50&cursor={page['next']}")
    _load(port, single[:50])
    return {"page_of_50_licenses": _load(port, pages), "single_work": _load(port, single)}


def _ponder(chain: DevChain, url: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Ponder's GraphQL over its own database of 10,000 transfers."""
    case = fill(chain, "api", 100, 100)
    chain.mine(200)
    port = free_port()
    page = 'query { transfers(limit: 50, orderBy: "block") { items { id sender receiver value block } } }'
    with peers.project(peers.PONDER) as folder:
        env = peers.ponder_env(chain.url, url, case)
        with peers.running(peers.ponder_command(port), folder, env) as (process, log):
            peers._await(process, log, url, "bench.transfer", case.events)
            address = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and httpx.get(f"{address}/ready", trust_env=False).status_code != 200:
                time.sleep(0.1)
            with httpx.Client(base_url=address, trust_env=False) as http:
                holders = http.post("/graphql", json={"query": "{ holdings(limit: 500) { items { holder } } }"}).json()
            asked = [item["holder"] for item in holders["data"]["holdings"]["items"]]
            single = [f'query {{ holding(holder: "{holder}") {{ holder balance }} }}' for holder in asked]
            lines = [f"/graphql\t{orjson.dumps({'query': query}).decode()}" for query in single]
            out = {
                "page_of_50": _load(port, [f"/graphql\t{orjson.dumps({'query': page}).decode()}"]),
                "single": _load(port, lines),
            }
    say(f"api ponder {out}")
    return out


def _heads(chain: DevChain, port: int) -> dict[str, float]:
    """Milliseconds from the moment the node shows a block to the moment the API does."""
    times = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

        def until(block: int) -> None:
            while (http.get("/status").json()["indexed"] or {}).get("block", -1) < block:
                time.sleep(0.002)

        until(chain.rpc.block_number())
        for _ in range(_HEADS):
            chain.mine()
            start = time.perf_counter()
            until(chain.rpc.block_number())
            times.append(1000 * (time.perf_counter() - start))
            time.sleep(0.03)
    times.sort()
    return {"median": round(statistics.median(times), 1), "p99": round(times[int(len(times) * 0.99) - 1], 1)}
