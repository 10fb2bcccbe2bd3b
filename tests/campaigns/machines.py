# SPDX-License-Identifier: Apache-2.0
"""The hypothesis state machines, long: piece by piece, each from its own seed, until it took its steps.

A piece's result is kept under .build with the digest of the contracts and of everything the machines are made of; a
piece whose digest is still the same is not run again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "contracts"
KEPT = ROOT / ".build" / "steps"
# Steps of each machine, at least; those that cost less take more.
STEPS = {"LicenseMarket": 36_000, "DatasetMarket": 18_000, "SignedActions": 15_000, "RoyaltyVault": 12_000}
OTHERS = 6_000
EFFORT = 5  # times as many runs, each twice as long, as in the default run


def files() -> list[Path]:
    """All files with a state machine in them."""
    return sorted(TESTS.rglob("test_*machine*.py"))


def parts(file: Path) -> set[Path]:
    """A test file and everything of the tests that it imports."""
    found, todo = set(), [file]
    while todo:
        part = todo.pop()
        if part in found:
            continue
        found.add(part)
        for name in re.findall(r"^from (tests\.[\w.]+) import", part.read_text(), re.MULTILINE):
            place = ROOT / name.replace(".", "/")
            todo += place.glob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    return found


def digest(file: Path) -> str:
    """Of the contracts, the machine, its model and what they are made of."""
    hashed = hashlib.sha256()
    for part in sorted(parts(file) | set((ROOT / "contracts").rglob("*.vy*"))):
        hashed.update(part.read_bytes())
    return hashed.hexdigest()


def run(file: Path, seed: int) -> dict[str, Any]:
    """One piece: how many steps each machine in the file took, and what it found."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["-p", "no:ape_test", "-p", "no:cacheprovider", "-q", "--timeout", "36000"]
        command = [sys.executable, "-m", "pytest", *options, f"--hypothesis-seed={seed}", str(file)]
        environment = {**os.environ, "HYPOTHESIS_PROFILE": "long", "IPTO_EFFORT": str(EFFORT), "IPTO_STEPS": folder}
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        steps: dict[str, int] = {}
        for counts in Path(folder).glob("*.json"):
            for name, count in json.loads(counts.read_text()).items():
                steps[name] = steps.get(name, 0) + count
    return {"seed": seed, "steps": steps, "finding": done.stdout[-4_000:] if done.returncode else ""}


def pieces(file: Path, is_run: bool = True) -> list[dict[str, Any]]:
    """The results of a file's pieces; those that are missing are run now. is_run: without, only what is there."""
    name = file.parent.name
    folder = KEPT / f"{name}-{digest(file)[:16]}"
    for old in KEPT.glob(f"{name}-*"):
        if old != folder:
            shutil.rmtree(old)
    folder.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    while sum(sum(item["steps"].values()) for item in results) < STEPS.get(name, OTHERS):
        seed = len(results) + 1
        kept = folder / f"{seed}.json"
        if not kept.exists() and not is_run:
            break
        if not kept.exists():
            made = json.dumps(run(file, seed))
            kept.with_suffix(".new").write_text(made)
            kept.with_suffix(".new").rename(kept)
            print(name, made[:200], flush=True)
        results.append(json.loads(kept.read_text()))
        if results[-1]["finding"]:
            break
    return results


def together(results: list[dict[str, Any]]) -> dict[str, Any]:
    """One file's result."""
    steps: dict[str, int] = {}
    for item in results:
        for name, count in item["steps"].items():
            steps[name] = steps.get(name, 0) + count
    return {
        "machines": steps,
        "seeds": [item["seed"] for item in results],
        "findings": [f"seed {item['seed']}: {item['finding']}" for item in results if item["finding"]],
    }


if __name__ == "__main__":
    for chosen in sys.argv[1:]:
        print(json.dumps(together(pieces(Path(chosen).resolve()))), flush=True)
