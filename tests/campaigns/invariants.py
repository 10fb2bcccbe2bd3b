# SPDX-License-Identifier: Apache-2.0
"""forge's invariant campaigns, in pieces that can be run again one by one.

A piece is so many calls of one campaign from one seed. Its result is kept under .build with the digest of what it
attacked and of what attacked it; a piece whose digest is still the same is not run again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from tests.campaigns.forge_project import ARTIFACTS, HERE, PROJECT, ask, prepare

KEPT = Path(__file__).parents[2] / ".build" / "fuzz"
DEPTH = 500  # calls from one deployment
PIECE = 100_000  # calls
# How the calls are shared out, in percent: those that cost less get more.
SHARES = {"Vault": 40, "Market": 30, "Datasets": 10, "Settlement": 10, "Disputes": 10}


def digest(campaign: str) -> str:
    """Of the bytecode, the campaign's handler and what all handlers share."""
    hashed = hashlib.sha256()
    for file in sorted(ARTIFACTS.glob("*.json")):
        hashed.update(json.loads(file.read_text())["bytecode"].encode())
    for file in [*sorted((HERE / "src").glob("*.sol")), HERE / "test" / f"{campaign}.t.sol", HERE / "foundry.toml"]:
        hashed.update(file.read_bytes())
    return hashed.hexdigest()


def build() -> None:
    """Compile the campaigns; the proofs' project, with its megabytes of constants, stays out."""
    prepare()
    for name in ("test/Proofs.t.sol", "test/OwedProofs.t.sol", "src/Codes.sol"):
        (PROJECT / name).unlink(missing_ok=True)
    ask("build")


def run(campaign: str, seed: int, calls: int = PIECE) -> dict[str, Any]:
    """One piece: forge's own counts, by function of the handler."""
    options = {
        "FOUNDRY_INVARIANT_RUNS": str(-(-calls // DEPTH)),
        "FOUNDRY_INVARIANT_DEPTH": str(DEPTH),
        "FOUNDRY_INVARIANT_SHOW_METRICS": "true",
        "FOUNDRY_FUZZ_SEED": hex(seed),
    }
    path = f"test/{campaign}.t.sol"
    said = ask("test", "--json", "--match-path", path, "--match-test", "invariant_", is_failing_fine=True, **options)
    found = json.loads(next(line for line in reversed(said.splitlines()) if line.startswith('{"test/')))
    ((name, test),) = next(iter(found.values()))["test_results"].items()
    counts = test["kind"]["Invariant"]
    steps = {place.split(".")[-1]: (item["calls"], item["reverts"]) for place, item in counts["metrics"].items()}
    return {
        "invariant": name.split("(")[0],
        "seed": seed,
        "status": test["status"],
        "reason": test.get("reason"),
        "calls": counts["calls"],
        "refused": counts["reverts"],
        "steps": steps,
    }


def pieces(campaign: str, calls: int, numbers: range | None = None, is_run: bool = True) -> list[dict[str, Any]]:
    """The results of all pieces of a campaign; those that are missing are run now, each from the seed of its number.

    numbers: only these pieces, so that several processes can share the work. is_run: without, only what is there.
    """
    folder = KEPT / f"{campaign}-{digest(campaign)[:16]}"
    for old in KEPT.glob(f"{campaign}-*"):
        if old != folder:
            shutil.rmtree(old)
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for number in numbers or range(1, -(-calls // PIECE) + 1):
        file = folder / f"{number}.json"
        if not file.exists() and is_run:
            made = json.dumps(run(campaign, number))
            new = file.with_suffix(f".{os.getpid()}")
            new.write_text(made)
            new.rename(file)
            print(campaign, number, flush=True)
        if file.exists():
            results.append(json.loads(file.read_text()))
    return results


def together(results: list[dict[str, Any]]) -> dict[str, Any]:
    """One campaign's result."""
    made: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for item in results:
        for name, (calls, reverts) in item["steps"].items():
            made[name] += calls
            refused[name] += reverts
    broken = [f"seed {item['seed']}: {item['reason']}" for item in results if item["status"] != "Success"]
    idle = sorted(name for name in made if made[name] == refused[name])
    return {
        "invariant": results[0]["invariant"] if results else "",
        "seeds": [item["seed"] for item in results],
        "calls": sum(item["calls"] for item in results),
        "refused": sum(item["refused"] for item in results),
        "findings": [*broken, *(f"{name} never succeeded" for name in idle)],
        "steps": {name: {"calls": made[name], "refused": refused[name]} for name in sorted(made)},
    }
