# SPDX-License-Identifier: Apache-2.0
"""Mutation testing of the contracts: `make mutate` (CONTRACT=name for one, COUNT=n valid mutants each).

Draws mutants in an order fixed by SEED and judges them until COUNT valid ones were: those that compile to code that
neither the original nor an earlier mutant has. Killed means that a contract test failed, or that the tests did not end
(judge.py says when). The ratio leaves out survivors that change nothing, each with its reason in survivors.json.

Verdicts are kept in .build/mutation and hold as long as the source is the same; an interrupted campaign goes on where
it was. `--survivors` shows those that survived to the tests once more. bench/results/mutation.json is written after
every mutant; `--status` prints it and says which sources changed since.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.campaigns.mutants import Mutant, mutants
from tests.campaigns.plan import TESTS

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "bench" / "results" / "mutation.json"
# Why a survivor is none, for any place ("everywhere": {"text → text": reason}) or one line of one file.
REASONS = Path(__file__).parent / "survivors.json"
BUILT = ROOT / ".build" / "mutation"
SEED = 1
COUNT = 50
COPIED = ("contracts", "tests", "ipto", "scripts", "pyproject.toml")
TARGET = 0.9
VALID = ("killed", "timed out", "survived")


def fingerprint(file: Path) -> str:
    """Of a source: its verdicts hold as long as it does not change."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def tree(number: int) -> Path:
    """A copy of all that the contract tests need, where sources may be changed."""
    place = BUILT / f"tree-{os.getpid()}-{number}"
    place.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copyfile(source, place / name)
    compiled = ROOT / ".cache" / "contract-tests"  # of the original; what is compiled there stays there
    if compiled.exists():
        shutil.copytree(compiled, place / ".cache" / "contract-tests")
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

    def __init__(self, file: Path, count: int, seconds: float) -> None:
        self.file, self.count, self.seconds = file, count, seconds
        self.name = str(file.relative_to(ROOT))
        self.lock = threading.Lock()
        self.candidates = mutants(file, SEED)
        self.key = fingerprint(file)
        self.place = BUILT / f"{file.stem}.json"
        kept = json.loads(self.place.read_text()) if self.place.exists() else {}
        self.answers: dict[str, dict[str, str]] = kept["answers"] if kept.get("source") == self.key else {}

    def valid(self) -> int:
        """How many valid mutants were judged."""
        return sum(verdict in VALID for verdict in self.verdicts())

    def verdicts(self) -> list[str]:
        """On all candidates judged so far."""
        numbers = (str(mutant.number) for mutant in self.candidates)
        return [self.answers[number]["verdict"] for number in numbers if number in self.answers]

    def waiting(self) -> Iterator[Mutant]:
        """The next mutant without a verdict, until there are enough."""
        for mutant in self.candidates:
            with self.lock:
                if self.valid() >= self.count:
                    return
            if str(mutant.number) not in self.answers:
                yield mutant

    def survived(self) -> list[Mutant]:
        """Those that no test noticed so far, by line."""
        found = [m for m in self.candidates if self.answers.get(str(m.number), {}).get("verdict") == "survived"]
        return sorted(found, key=lambda mutant: (mutant.line, mutant.number))

    def run(self, feed: Iterator[Mutant], jobs: int) -> None:
        """Judge what is fed; the order in which workers take mutants does not change which are taken first."""
        turn = threading.Lock()
        broken: list[str] = []

        def work(number: int) -> None:
            place = tree(number)
            command = [sys.executable, "-m", "tests.campaigns.judge", self.name, str(TESTS), str(self.seconds)]
            environment = {**os.environ, "HYPOTHESIS_PROFILE": "first"}
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            with (
                (place / "errors").open("w") as errors,
                subprocess.Popen(command, cwd=place, env=environment, text=True, stderr=errors, **pipes) as worker,
            ):
                assert worker.stdin is not None
                assert worker.stdout is not None
                while True:
                    with turn:
                        mutant = None if broken else next(feed, None)
                    if mutant is None:
                        break
                    try:
                        question = {"number": mutant.number, "line": mutant.line, "source": mutant.source}
                        worker.stdin.write(json.dumps(question) + "\n")
                        worker.stdin.flush()
                        self.record(mutant, json.loads(worker.stdout.readline()))
                    except (BrokenPipeError, json.JSONDecodeError):
                        worker.wait()
                        broken.append((place / "errors").read_text()[-2000:])
                worker.communicate()
            shutil.rmtree(place)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if broken:
            sys.exit(f"{self.name}: a judge ended: {broken[0]}")
        self.write()

    def record(self, mutant: Mutant, answer: dict[str, Any]) -> None:
        """Keep a verdict and say how it stands."""
        with self.lock:
            others = [item for number, item in self.answers.items() if number != str(mutant.number)]
            if answer["code"] and any(item["code"] == answer["code"] for item in others):
                answer["verdict"] = "same code"  # another worker had it
            kept = {key: answer[key] for key in ("verdict", "code", "by")}
            self.answers[str(mutant.number)] = kept
            self.write()
            if answer["verdict"] in VALID:
                who = f" by {answer['by']}" if answer["by"] else f", {answer['tests']} tests"
                print(f"{self.name} {self.valid()}/{self.count} {answer['verdict']}{who}")
                print(f"    {mutant.line}: {mutant.before}  →  {mutant.after}", flush=True)

    def result(self) -> dict[str, Any]:
        """What stands in the committed file."""
        reasons = json.loads(REASONS.read_text())
        survivors = [
            {"line": m.line, "change": f"{m.before} → {m.after}", "reason": reason(reasons, self.name, m)}
            for m in self.survived()
        ]
        verdicts = self.verdicts()
        valid = self.valid()
        equivalent = sum(bool(item["reason"]) for item in survivors)
        killed = valid - len(survivors)
        return {
            "source": self.key,
            "candidates": len(self.candidates),
            "drawn": len(verdicts),
            "invalid": verdicts.count("invalid"),
            "same_code": verdicts.count("same code"),
            "valid": valid,
            "killed": killed,
            "of_these_timed_out": verdicts.count("timed out"),
            "changing_nothing": equivalent,
            "ratio": round(killed / (valid - equivalent), 4) if valid > equivalent else None,
            "survivors": survivors,
        }

    def write(self) -> None:
        """The verdicts, and the results of all sources so far; another campaign may write to the same file."""
        replace(self.place, {"source": self.key, "answers": self.answers})
        with (BUILT / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = json.loads(RESULT.read_text())["files"] if RESULT.exists() else {}
            files = dict(sorted({**kept, self.name: self.result()}.items()))
            keys = ("valid", "killed", "of_these_timed_out", "changing_nothing")
            total = {key: sum(item[key] for item in files.values()) for key in keys}
            head = {"command": f"make mutate COUNT={self.count}", "tool": "universalmutator 1.14.1", "seed": SEED}
            replace(RESULT, {**head, "total": total, "files": files})


def replace(file: Path, content: dict[str, Any]) -> None:
    """Write JSON in one step."""
    part = file.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    part.replace(file)


def status() -> None:
    """Print the committed results, and which are of a source that changed since."""
    files = json.loads(RESULT.read_text())["files"]
    for file in sources([]):
        name = str(file.relative_to(ROOT))
        found = files.get(name)
        if found is None:
            print(f"{name}: not judged")
            continue
        stale = "" if found["source"] == fingerprint(file) else "  STALE: the source changed since"
        counts = f"{found['killed']} of {found['valid']} killed, {found['changing_nothing']} change nothing"
        print(f"{name}: {counts}: {found['ratio']}{stale}")


def sources(names: list[str]) -> list[Path]:
    """The deployed contracts and modules, or those named, in the order of the names."""
    found = [*sorted((ROOT / "contracts").glob("*.vy")), *sorted((ROOT / "contracts" / "modules").glob("*.vy"))]
    by_name = {file.stem: file for file in found}
    return [by_name[name] for name in names] if names else found


def main() -> None:
    """Judge, write, say whether the target is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="contracts or modules; all by default")
    parser.add_argument("--count", type=int, default=COUNT, help="valid mutants of each source")
    parser.add_argument("--seconds", type=float, default=20, help="of CPU the tests for a mutant take on the original")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--survivors", action="store_true", help="judge those again that survived, and no others")
    parser.add_argument("--status", action="store_true", help="print the results as they stand")
    options = parser.parse_args()
    if options.status:
        return status()
    if not TESTS.exists():
        sys.exit("which tests run which line is not known yet; run: make coverage")
    BUILT.mkdir(parents=True, exist_ok=True)
    below = []
    for file in sources(options.names):
        campaign = Campaign(file, options.count, options.seconds)
        feed = iter(campaign.survived()) if options.survivors else campaign.waiting()
        campaign.run(feed, options.jobs)
        found = campaign.result()
        print(f"{file.name}: {found['killed']} of {found['valid']} valid mutants killed: {found['ratio']}", flush=True)
        if found["ratio"] is not None and found["ratio"] < TARGET:
            below.append(file.name)
    if below:
        sys.exit(f"below {TARGET:.0%}: {', '.join(below)}")
    return None


if __name__ == "__main__":
    main()
