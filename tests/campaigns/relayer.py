# SPDX-License-Identifier: Apache-2.0
"""Thousands of drills of the relayer, each from its seed: `make chaos-relayer` (RUNS=2000, TWO=400, ERRANDS=1000,
TRIALS=20).

    sqlite    one relayer that is killed between any two lines (tests/relayer/drill.py)
    postgres  two relayers on one queue, sessions cut, the server crashing (the same drill)
    keeper    payouts out of the vault, killed likewise (tests/relayer/errands/drill.py)
    income    a keeper that collects from a dataset, claims shares of reports and pays out (errands/income.py)
    treasury  refills of lanes
    trials    real processes, a real node behind a chaos proxy, concurrent clients (tests/relayer/trial.py)

It goes on where it was stopped, as long as relayer and drills are the same. Writes bench/results/relayer-chaos.json:
how many were run, what happened in them, and the seeds that failed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import chain as chained
from itertools import islice
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import orjson

from ipto.deploy import Parameters, deploy, install_factory
from ipto.devchain import DevChain, dev_signer
from tests.relayer.drill import Drill
from tests.relayer.errands.drill import ErrandDrill
from tests.relayer.errands.income import IncomeDrill
from tests.relayer.trial import Trial
from tests.relayer.world import RelayerProcess, World
from tests.support.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results" / "relayer-chaos.json"
SO_FAR = ROOT / ".build" / "relayer-chaos.jsonl"
TELL = 100

_server: PostgresServer | None = None


def server() -> PostgresServer:
    """This process's own PostgreSQL, for drills crash it."""
    global _server
    if _server is None:
        _server = PostgresServer().start()
        Finalize(None, _server.stop, exitpriority=10)
    return _server


def run(task: tuple[str, int]) -> tuple[str, int, dict[str, int], str]:
    """One drill or trial: what it was, what happened, and why it failed."""
    kind, seed = task
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # the killed leave coroutines behind
    counts: Counter[str] = Counter()
    try:
        if kind == "trials":
            counts = trial(seed)
        else:
            one = make(kind, seed)
            counts = one.counts
            one.run()
    except Exception:
        return kind, seed, dict(counts), traceback.format_exc()
    return kind, seed, dict(counts), ""


def make(kind: str, seed: int) -> Drill | ErrandDrill:
    """The drill of a seed."""
    if kind == "income":
        return IncomeDrill(seed)
    if kind in ("keeper", "treasury"):
        return ErrandDrill(seed, kind)
    return Drill(seed, server() if kind == "postgres" else None)


def trial(seed: int) -> Counter[str]:
    """A trial with a chain of its own."""
    started: list[RelayerProcess] = []
    with tempfile.TemporaryDirectory() as folder, DevChain() as chain:
        owner = dev_signer(0)
        install_factory(chain.rpc, owner)
        deployment = deploy(chain.rpc, owner, Parameters(owner.address), test_token=True)
        deployment.save(Path(folder))
        world = World(chain, deployment, Path(folder))

        def start(rpc_url: str, **settings: Any) -> RelayerProcess:
            started.append(RelayerProcess(world, rpc_url, **settings))
            return started[-1].start()

        try:
            return Trial(seed, world, server(), start).run()
        finally:
            for process in started:
                process.kill()


def fingerprint() -> str:
    """Of all that a drill's outcome follows from."""
    files = chained(
        (ROOT / "relayer").rglob("*.py"),
        (ROOT / "tests" / "relayer" / name for name in
         ("drill.py", "faults.py", "history.py", "model_node.py", "trial.py", "chaos.py", "world.py",
          "errands/drill.py", "errands/income.py")),
    )  # fmt: skip
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def so_far(of: str) -> Iterator[dict[str, Any]]:
    """What earlier runs of the same code found."""
    if SO_FAR.exists():
        for line in SO_FAR.read_bytes().splitlines():
            try:
                found = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue  # it was stopped while it wrote
            if found["of"] == of:
                yield found


def main() -> None:
    wanted = {
        "sqlite": int(os.environ.get("RUNS", "2000")),
        "postgres": int(os.environ.get("TWO", "400")),
        **dict.fromkeys(("keeper", "income", "treasury"), int(os.environ.get("ERRANDS", "1000"))),
        "trials": int(os.environ.get("TRIALS", "20")),
    }
    first, of = int(os.environ.get("FIRST", "0")), fingerprint()
    tasks = [(kind, seed) for kind, runs in wanted.items() for seed in range(first, first + runs)]
    done = {(found["kind"], found["seed"]): found for found in so_far(of)}
    left = [task for task in tasks if task not in done]
    print(f"{len(tasks)} to do, {len(tasks) - len(left)} of them are done", flush=True)
    SO_FAR.parent.mkdir(exist_ok=True)
    workers = int(os.environ.get("WORKERS", str(os.cpu_count())))
    # Told to end, it finishes what is under way and writes what it has.
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    with SO_FAR.open("ab") as file, ProcessPoolExecutor(workers) as pool:
        running = {pool.submit(run, task) for task in left[: 2 * workers]}
        waiting = iter(left[2 * workers :])
        number = 0
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for kind, seed, counts, why in (one.result() for one in ended):
                found = {"of": of, "kind": kind, "seed": seed, "counts": counts, "why": why}
                done[kind, seed] = found
                file.write(orjson.dumps(found) + b"\n")
                file.flush()
                number += 1
                if why:
                    print(f"{kind} {seed}: {why}", flush=True)
                if number % TELL == 0:
                    print(f"{number} of {len(left)}", flush=True)
            if not told:
                running |= {pool.submit(run, task) for task in islice(waiting, len(ended))}
    done = {task: done[task] for task in tasks if task in done}
    write(list(wanted), done)
    failed = [task for task, found in done.items() if found["why"]]
    print(f"{len(done) - len(failed)} of {len(tasks)} passed, {len(failed)} failed")
    sys.exit(bool(failed) or len(done) < len(tasks))


def write(kinds: list[str], done: dict[tuple[str, int], dict[str, Any]]) -> None:
    """The result."""
    result: dict[str, Any] = {}
    for kind in kinds:
        found = [one for (what, _), one in done.items() if what == kind]
        events: Counter[str] = Counter()
        for one in found:
            events.update(one["counts"])
        result[kind] = {
            "runs": len(found),
            "first_seed": min((one["seed"] for one in found), default=0),
            "failed_seeds": sorted(one["seed"] for one in found if one["why"]),
            "events": dict(sorted(events.items())),
        }
    RESULTS.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main()
