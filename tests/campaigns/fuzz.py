# SPDX-License-Identifier: Apache-2.0
"""The long attack on the contracts: `make fuzz`. Writes bench/results/fuzz.json.

Two attackers: every hypothesis state machine, long (each step compared with a reference model written in Python), and
forge's invariant campaigns on the committed bytecode (CALLS in all). Both go piece by piece: what was done before an
interruption is not done again, what was done to other contracts is. --kept writes down what was done so far.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

from tests.campaigns import invariants, machines
from tests.campaigns.forge_project import ask

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "bench" / "results" / "fuzz.json"
CALLS = int(os.environ.get("CALLS", "10000000"))


def attacked(is_run: bool) -> bool:
    """Attack, write; whether nothing was found. is_run: without, what was done so far is written down."""
    steps = {file.parent.name: machines.together(machines.pieces(file, is_run)) for file in machines.files()}
    if is_run:
        invariants.build()
    calls = {
        name: invariants.together(invariants.pieces(name, CALLS * share // 100, is_run=is_run))
        for name, share in invariants.SHARES.items()
    }
    made, refused = (sum(item[key] for item in calls.values()) for key in ("calls", "refused"))
    findings = {name: item["findings"] for name, item in (steps | calls).items() if item["findings"]}
    taken = sum(sum(item["machines"].values()) for item in steps.values())
    result = {
        "command": "make fuzz",
        "forge": ask("--version").splitlines()[0].split()[-1],
        "hypothesis": version("hypothesis"),
        "calls_wanted": CALLS,
        "steps": taken,
        "calls": made,
        "refused": refused,
        "findings": findings,
        "machines": steps,
        "campaigns": calls,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{taken:,} steps; {made:,} calls, of which {refused / made:.0%} were refused")
    for name, found in findings.items():
        print(name, *found, sep="\n  ")
    return not findings


if __name__ == "__main__":
    sys.exit(0 if attacked("--kept" not in sys.argv) else "something was found")
