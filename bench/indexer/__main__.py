# SPDX-License-Identifier: Apache-2.0
"""Measure and write bench/results/indexer.json:

    python -m bench.indexer [--part dense --part sparse --part mix --part api --part million] [--runs 3]

Every part measures us and the peers on the same chain, one after another, in the same run. What is not measured this
time stays as it was, with the date it was measured on.
"""

from __future__ import annotations

import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import orjson
import psycopg

from bench.indexer import api, peers, report
from bench.indexer.chain import Case, fill
from bench.indexer.servers import Postgres, free_port, postgres
from ipto.deploy import Parameters, deploy, install_factory
from ipto.deployment import Deployment
from ipto.devchain import DevChain
from ipto.seed import seed

RESULTS = Path(__file__).parents[1] / "results" / "indexer.json"
# Blocks and events a block.
SHAPES = {"dense": (500, 100), "sparse": (2_500, 20)}
MILLION = (2_000, 500)  # a block of a thousand new holders would need more gas than one transaction may have
_SEEDED = 1_000  # works of the protocol's own mix
# Everything measured is older than any finality depth: peers keep no journal for it either.
_SETTLED = 220

Results = dict[str, Any]


def ours(module: str, *arguments: str) -> dict[str, Any]:
    """One backfill in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False, timeout=280
    )
    if done.returncode:
        raise click.ClickException(done.stderr[-1500:])
    found: dict[str, Any] = orjson.loads(done.stdout.strip().splitlines()[-1])
    return found


def rate(events: float, seconds: list[float]) -> dict[str, Any]:
    """Events a second: the median run, and all of them."""
    each = [round(events / took) for took in seconds]
    return {"events_per_second": round(statistics.median(each)), "runs": each}


def size_mb(url: str) -> int:
    """What a database takes on disk."""
    if url.startswith("sqlite"):
        return round(Path(url.removeprefix("sqlite:///")).stat().st_size / 2**20)
    with psycopg.connect(url) as db:
        row = db.execute("SELECT pg_database_size(current_database())").fetchone()
    return round(row[0] / 2**20) if row else 0


def sqlite_url(folder: str, number: int) -> str:
    """A new file."""
    return f"sqlite:///{folder}/{number}.db"


def transfers(shape: str, runs: int, say: Callable[[str], None]) -> Results:
    """Part `dense` or `sparse`: 50,000 transfers with balances, everybody on the same chain."""
    blocks, per_block = SHAPES[shape]
    out: Results = {}
    with DevChain() as chain, postgres() as server, tempfile.TemporaryDirectory() as folder:
        case = fill(chain, shape, blocks, per_block)
        chain.mine(_SETTLED)
        data = orjson.dumps(case.to_mapping()).decode()
        module = "bench.indexer.transfers"
        for name in ("sqlite", "postgres"):
            found = [
                ours(module, chain.url, sqlite_url(folder, run) if name == "sqlite" else server.new(), data)
                for run in range(runs)
            ]
            out[name] = rate(case.events, [run["seconds"] for run in found])
            out[name]["memory_mb"] = round(max(run["memory_mb"] for run in found))
            say(f"{shape} {name} {out[name]}")
        out["envio"] = rate(case.events, _envio(chain.url, server, case, runs))
        say(f"{shape} envio {out['envio']}")
        out["ponder"] = rate(
            case.events, [peers.ponder(chain.url, server.new(), case, free_port()) for _ in range(runs)]
        )
        say(f"{shape} ponder {out['ponder']}")
    for name in ("sqlite", "postgres"):
        for peer in ("ponder", "envio"):
            times = out[name]["events_per_second"] / out[peer]["events_per_second"]
            out[name][f"times_{peer}"] = round(times, 1)
    return out


def _envio(rpc: str, server: Postgres, case: Case, runs: int) -> list[float]:
    with peers.envio_project() as folder:
        return [peers.envio(folder, rpc, server.new(), case, server.socket) for _ in range(runs)]


def mix(runs: int, say: Callable[[str], None]) -> Results:
    """Part `mix`: the protocol's own events, with every projection."""
    out: Results = {}
    with DevChain() as chain, postgres() as server, tempfile.TemporaryDirectory() as folder:
        deployment = _deployed(chain)
        seed(chain.rpc, deployment, chain.signers[0], works=_SEEDED)
        chain.mine(_SETTLED)
        file = str(deployment.save(Path(folder)))
        for name in ("sqlite", "postgres"):
            found = [
                ours(
                    "bench.indexer.protocol",
                    chain.url, sqlite_url(folder, run) if name == "sqlite" else server.new(), file,
                )
                for run in range(runs)
            ]  # fmt: skip
            out[name] = rate(found[0]["events"], [run["seconds"] for run in found])
            out[name]["events"] = found[0]["events"]
            out[name]["memory_mb"] = round(max(run["memory_mb"] for run in found))
            say(f"mix {name} {out[name]}")
    return out


def million(_runs: int, say: Callable[[str], None]) -> Results:
    """Part `million`: memory while a million events are read."""
    out: Results = {}
    with DevChain() as chain, postgres() as server, tempfile.TemporaryDirectory() as folder:
        case = fill(chain, "million", *MILLION)
        chain.mine(_SETTLED)
        data = orjson.dumps(case.to_mapping()).decode()
        for name, url in (("sqlite", sqlite_url(folder, 0)), ("postgres", server.new())):
            found = ours("bench.indexer.transfers", chain.url, url, data)
            out[name] = rate(case.events, [found["seconds"]]) | {"memory_mb": round(found["memory_mb"])}
            out[name]["grown"] = found["grown"]
            out[name]["database_mb"] = size_mb(url)
            say(f"million {name} {out[name]}")
    return out


def _deployed(chain: DevChain) -> Deployment:
    owner = chain.signers[0]
    install_factory(chain.rpc, owner)
    return deploy(chain.rpc, owner, Parameters(owner.address), test_token=True)


PARTS: dict[str, Callable[[int, Callable[[str], None]], Results]] = {
    "dense": lambda runs, say: transfers("dense", runs, say),
    "sparse": lambda runs, say: transfers("sparse", runs, say),
    "mix": mix,
    "api": api.measure,
    "million": million,
}


def machine() -> dict[str, Any]:
    """What it was measured on."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    return {"cpu": cpu or platform.processor(), "cores": os.cpu_count(), "python": platform.python_version()}


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def versions() -> dict[str, str]:
    """Of the peers and the databases."""
    import apsw

    from bench.indexer.servers import _program

    said = subprocess.run([_program("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "ponder": peers.version(peers.PONDER),
        "envio": peers.version(peers.ENVIO),
        "sqlite": apsw.sqlite_lib_version(),
        "postgres": said.split()[2],
    }


@click.command(help=__doc__)
@click.option("--part", "parts", multiple=True, type=click.Choice(list(PARTS)), help="Only these; repeat.")
@click.option("--runs", default=3, show_default=True, help="Runs each figure is the median of.")
def main(parts: tuple[str, ...], runs: int) -> None:
    kept: Results = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    for part in parts or tuple(PARTS):
        found = PARTS[part](runs, lambda line: click.echo(line, err=True))
        found["measured"] = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
        kept.setdefault("parts", {})[part] = found
        kept |= {"machine": machine(), "versions": versions()}
        RESULTS.write_bytes(orjson.dumps(_summary(kept), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        report.write()


def _summary(kept: Results) -> Results:
    """The figures at a glance, before the parts they are from."""
    parts = kept["parts"]
    out: Results = {}
    for who in ("sqlite", "postgres", "ponder", "envio"):
        rates = {part: parts[part].get(who, {}).get("events_per_second") for part in parts}
        found = {part: events for part, events in rates.items() if events is not None}
        if found:
            out[who] = found
    if "api" in parts:
        out["api"] = {key: value for key, value in parts["api"].items() if key != "measured"}
    return out | {"machine": kept["machine"], "versions": kept["versions"], "parts": parts}


if __name__ == "__main__":
    main()
