# SPDX-License-Identifier: Apache-2.0
"""Mutation testing of the contracts: `make mutate` (CONTRACT=name for one, COUNT=n valid mutants each).

Draws mutants in an order fixed by SEED and judges them until COUNT valid ones were: those that compile to code that
neither the original nor an earlier mutant has. Killed means that a contract test failed. The ratio leaves out survivors
that change nothing, each with its reason in survivors.json. Writes
bench/results/mutation.json after every mutant, and goes on where it was interrupted as long as the source and the
tests are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.campaigns.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "bench" / "results" / "mutation.json"
# Why a survivor is none, for any place ("everywhere": {"text → text": reason}) or one line of one file.
REASONS = Path(__file__).parent / "survivors.json"
TREES = ROOT / ".build" / "mutation"
SEED = 1
COPIED = ("contracts", "tests", "ipto", "scripts", "pyproject.toml")
TARGET = 0.9


def fingerprint(file: Path) -> str:
    """Of a source and all contract tests: a verdict holds as long as it does not change."""
    parts = [file, *sorted((ROOT / "tests" / "contracts").rglob("*.py"))]
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:16]


def tree(number: int) -> Path:
    """A copy of all that the contract tests need, where sources may be changed."""
    place = TREES / str(number)
    for name in COPIED:
        target = place / name
        if target.is_dir():
            shutil.rmtree(target)
        source = ROOT / name
        place.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copyfile(source, target)
    return place


def reason(reasons: dict[str, dict[str, str]], name: str, mutant: Mutant) -> str:
    """Why a mutant that survived changes nothing that anybody could notice; "" when nobody said so."""
    known = reasons.get(name, {}).get(f"{mutant.before} → {mutant.after}", "")
    for change, why in reasons["everywhere"].items():
        old, new = change.split(" → ")
        places = [i for i in range(len(mutant.before)) if mutant.before.startswith(old, i)]
        if any(mutant.before[:i] + new + mutant.before[i + len(old) :] == mutant.after for i in places):
            return why
    return known


class Campaign:
    """One source's mutants, judged by several workers."""

    def __init__(self, file: Path, count: int, jobs: int, results: dict[str, Any]) -> None:
        self.file, self.count, self.jobs = file, count, jobs
        self.name = str(file.relative_to(ROOT))
        self.results = results
        self.lock = threading.Lock()
        self.candidates = mutants(file, SEED)
        kept = results["files"].get(self.name, {})
        key = fingerprint(file)
        self.verdicts: dict[str, str] = kept.get("verdicts", {}) if kept.get("of") == key else {}
        self.key = key

    def valid(self) -> int:
        """How many valid mutants were judged."""
        return sum(verdict in ("killed", "timed out", "survived") for verdict in self.verdicts.values())

    def waiting(self) -> Iterator[Mutant]:
        """The next mutant without a verdict, until there are enough."""
        for mutant in self.candidates:
            with self.lock:
                if self.valid() >= self.count:
                    return
            if str(mutant.number) not in self.verdicts:
                yield mutant

    def run(self) -> None:
        """Judge until enough; the order in which workers take mutants does not change which are taken first."""
        feed, turn = self.waiting(), threading.Lock()

        def work(number: int) -> None:
            command = [sys.executable, "-m", "tests.campaigns.judge", self.name]
            with subprocess.Popen(
                command, cwd=tree(number), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as worker:
                assert worker.stdin is not None
                assert worker.stdout is not None
                while True:
                    with turn:
                        mutant = next(feed, None)
                    if mutant is None:
                        worker.stdin.close()
                        return
                    worker.stdin.write(json.dumps({"number": mutant.number, "source": mutant.source}) + "\n")
                    worker.stdin.flush()
                    answer = json.loads(worker.stdout.readline())
                    self.record(mutant, answer["verdict"])

        workers = [threading.Thread(target=work, args=(number,)) for number in range(self.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.write()

    def record(self, mutant: Mutant, verdict: str) -> None:
        """Keep a verdict and say how it stands."""
        with self.lock:
            self.verdicts[str(mutant.number)] = verdict
            self.write()
            if verdict not in ("invalid", "same code"):
                done = f"{self.valid()}/{self.count}"
                print(f"{self.name} {done} {verdict}: {mutant.line}: {mutant.before}  →  {mutant.after}", flush=True)

    def write(self) -> None:
        """The results so far."""
        reasons = json.loads(REASONS.read_text())
        survivors = []
        for mutant in sorted(self.candidates, key=lambda item: item.line):
            if self.verdicts.get(str(mutant.number)) == "survived":
                change = f"{mutant.before} → {mutant.after}"
                survivors.append({"line": mutant.line, "change": change, "reason": reason(reasons, self.name, mutant)})
        valid = self.valid()
        equivalent = sum(bool(item["reason"]) for item in survivors)
        killed = valid - len(survivors)
        self.results["files"][self.name] = {
            "of": self.key,
            "candidates": len(self.candidates),
            "valid": valid,
            "killed": killed,
            "changing_nothing": equivalent,
            "ratio": round(killed / (valid - equivalent), 4) if valid > equivalent else None,
            "survivors": survivors,
            "verdicts": dict(sorted(self.verdicts.items(), key=lambda item: int(item[0]))),
        }
        self.results["files"] = dict(sorted(self.results["files"].items()))
        part = RESULT.with_suffix(".part")
        part.write_text(json.dumps(self.results, indent=1, ensure_ascii=False) + "\n")
        part.replace(RESULT)


def sources(names: list[str]) -> list[Path]:
    """The deployed contracts and modules, or those named."""
    found = [*sorted((ROOT / "contracts").glob("*.vy")), *sorted((ROOT / "contracts" / "modules").glob("*.vy"))]
    return [file for file in found if not names or file.stem in names]


def main() -> None:
    """Judge, write, say whether the target is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="contracts or modules; all by default")
    parser.add_argument("--count", type=int, default=150, help="valid mutants of each source")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    results = {
        "command": f"make mutate COUNT={options.count}",
        "tool": "universalmutator 1.14.1",
        "seed": SEED,
        "files": results.get("files", {}),
    }
    below = []
    for file in sources(options.names):
        Campaign(file, options.count, options.jobs, results).run()
        found = results["files"][str(file.relative_to(ROOT))]
        print(f"{file.name}: {found['killed']} of {found['valid']} valid mutants killed", flush=True)
        if found["valid"] and found["ratio"] < TARGET:
            below.append(file.name)
    if below:
        sys.exit(f"below {TARGET:.0%}: {', '.join(below)}")


if __name__ == "__main__":
    main()
