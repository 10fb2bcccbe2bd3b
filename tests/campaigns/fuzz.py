# SPDX-License-Identifier: Apache-2.0
"""The long attack on the contracts: `make fuzz`. Writes bench/results/fuzz.json.

Two attackers: every hypothesis state machine with its long profile (each step compared with a reference model written
in Python), and forge's invariant campaigns on the committed bytecode (CALLS in all).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.campaigns.forge_project import forge, prepare

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "bench" / "results" / "fuzz.json"
STEPS = ROOT / ".build" / "steps"
DEPTH = 500
CALLS = int(os.environ.get("CALLS", "10000000"))


def machines() -> dict[str, int]:
    """Run all state machines; how many steps each took."""
    STEPS.mkdir(parents=True, exist_ok=True)
    for file in STEPS.glob("*"):
        file.unlink()
    files = [str(file) for file in sorted((ROOT / "tests" / "contracts").rglob("test_*machine*.py"))]
    command = [sys.executable, "-m", "pytest", "-p", "no:ape_test", "-q", "-n", "2", "--timeout", "7200", *files]
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "long", "IPTO_STEPS": str(STEPS)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    steps: dict[str, int] = {}
    for file in STEPS.glob("*.json"):
        for name, count in json.loads(file.read_text()).items():
            steps[name] = steps.get(name, 0) + count
    return dict(sorted(steps.items()))


def invariants() -> dict[str, dict[str, Any]]:
    """Run forge's campaigns: as many calls as asked for, shared by the invariants."""
    prepare()
    # Runs short of their share when a handler refuses (that is a call as well); none when the list fails.
    listed = json.loads(forge("test", "--list", "--json", "--match-test", "invariant_"))
    names = [name for file in listed.values() for tests in file.values() for name in tests]
    runs = -(-CALLS // (DEPTH * len(names)))
    found = json.loads(
        forge(
            "test",
            "--json",
            "--match-test",
            "invariant_",
            FOUNDRY_INVARIANT_RUNS=str(runs),
            FOUNDRY_INVARIANT_DEPTH=str(DEPTH),
        )
    )
    return {
        f"{place.split(':')[-1]}.{name.split('(')[0]}": {
            "status": test["status"],
            "calls": test["kind"]["Invariant"]["calls"],
            "refused": test["kind"]["Invariant"]["reverts"],
        }
        for place, suite in sorted(found.items())
        for name, test in sorted(suite["test_results"].items())
    }


def main() -> None:
    """Attack, write, judge."""
    started = time.monotonic()
    steps = machines()
    found = invariants()
    result = {
        "command": "make fuzz",
        "minutes": round((time.monotonic() - started) / 60, 1),
        "steps": sum(steps.values()),
        "machines": steps,
        "calls": sum(item["calls"] for item in found.values()),
        "invariants": found,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{result['steps']:,} steps of {len(steps)} machines, {result['calls']:,} calls of {len(found)} invariants")
    if any(item["status"] != "Success" for item in found.values()):
        sys.exit("an invariant was broken")


if __name__ == "__main__":
    main()
