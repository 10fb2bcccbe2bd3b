# SPDX-License-Identifier: Apache-2.0
"""Proofs by symbolic execution of the compiled bytecode: `make prove`. Writes bench/results/proofs.json."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.campaigns.forge_project import PROJECT, binary, prepare

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "bench" / "results" / "proofs.json"
ENVIRONMENT = ROOT / ".build" / "prover"
LOCK = ROOT / "requirements" / "prove.lock"
SECONDS = 120  # for each question to the solver
LOOPS = 20  # each is unrolled so often; the proofs' own arrays are shorter
HERE = Path(__file__).parent
VERDICTS = {0: "proven", 1: "refuted", 2: "not decided", 3: "not decided", 4: "error"}


def tool() -> Path:
    """The `halmos` command; installs it on first use."""
    command = ENVIRONMENT / "bin" / "halmos"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)
    return command


def prove(*options: str) -> dict[str, Any]:
    """Run halmos over all `check_` functions; its own report."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [str(tool()), "--root", str(PROJECT), "--contract", r".*Proofs", "--json-output", str(report)]
        command += [
            "--solver-timeout-assertion",
            f"{SECONDS}s",
            "--loop",
            str(LOOPS),
            "--storage-layout",
            "generic",
            *options,
        ]
        path = os.pathsep.join([str(binary().parent), os.environ["PATH"]])
        subprocess.run(command, cwd=PROJECT, env={**os.environ, "PATH": path}, check=False)
        result: dict[str, Any] = json.loads(report.read_text())
        return result


def lemmas() -> dict[str, str]:
    """Arithmetic over the integers; see lemmas.py."""
    python = tool().parent / "python"
    done = subprocess.run([python, HERE / "lemmas.py"], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def main() -> None:
    """Prove, write, judge."""
    prepare()
    report = prove(*sys.argv[1:])
    arithmetic = lemmas()
    found = {
        f"{place.split(':')[-1]}.{test['name'].split('(')[0]}": {
            "verdict": VERDICTS.get(test["exitcode"], "error"),
            "paths": test.get("num_paths"),
            "seconds": round(sum(test["time"]) if isinstance(test.get("time"), list) else 0, 1),
        }
        for place, tests in report["test_results"].items()
        for test in tests
    }
    result: dict[str, Any] = {
        "command": "make prove",
        "tool": "halmos 0.3.3",
        "loops": LOOPS,
        "proofs": dict(sorted(found.items())),
    }
    result["lemmas"] = arithmetic
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for name, item in sorted(found.items()):
        print(f"{name}: {item['verdict']}")
    print(f"lemmas: {sum(verdict == 'proven' for verdict in arithmetic.values())} of {len(arithmetic)} proven")
    if any(verdict != "proven" for verdict in [*arithmetic.values(), *(item["verdict"] for item in found.values())]):
        sys.exit("not everything was proven")


if __name__ == "__main__":
    main()
