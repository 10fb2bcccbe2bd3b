# SPDX-License-Identifier: Apache-2.0
"""Judges mutants in a tree of its own: `python -m tests.campaigns.judge contracts/X.vy` there, mutants on stdin.

Everything is imported once; each mutant gets a fork, which writes the changed source, compiles it and runs the tests
of that contract until one fails, then all other contract tests. One line of JSON in (number, source), one out.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from eth_utils import keccak

from scripts.sources import closure
from tests.contracts.support import build as _builders  # noqa: F401  # what every test imports, imported once
from tests.contracts.support.contract import ROOT, build

LIMIT = 240  # seconds; a mutant that takes longer hangs somewhere
INVALID, SAME, KILLED, SURVIVED = 10, 11, 12, 13
WORDS = {INVALID: "invalid", SAME: "same code", KILLED: "killed", SURVIVED: "survived"}


def dependents(path: Path) -> list[Path]:
    """The deployed contracts that a source is part of; itself, when it is deployed."""
    return [item for item in sorted((ROOT / "contracts").glob("*.vy")) if path in closure(item)]


def machines_last(folder: Path) -> list[str]:
    """A folder's test files, the slow ones at the end."""
    return [str(file) for file in sorted(folder.rglob("test_*.py"), key=lambda file: ("machine" in file.name, file))]


def stages(path: Path) -> list[list[str]]:
    """Which tests are tried in which order: those about the source, then those about what it is part of, then all."""
    tests = ROOT / "tests" / "contracts"
    own = [tests / path.stem, tests / "modules" / path.stem, *(tests / item.stem for item in dependents(path))]
    first = [file for folder in own if folder.exists() for file in machines_last(folder)]
    first += [str(file) for file in [tests / "modules" / f"test_{path.stem}.py"] if file.exists()]
    first = list(dict.fromkeys(first))
    rest = [
        file
        for file in machines_last(tests)
        # Hygiene reads sources: it would "kill" a mutant for its text.
        if file not in first and "hygiene" not in file
    ]
    return [first, rest]


def code(path: Path) -> bytes:
    """What a source is compiled to, in all contracts it is part of."""
    return keccak(b"".join(build(item).initcode for item in dependents(path)))


def judge(path: Path, source: str, known: set[bytes]) -> int:
    """In the fork: compile, compare, test."""
    path.write_text(source)
    build.cache_clear()
    try:
        made = code(path)
    except BaseException:  # whatever the compiler says or does: it is no contract
        return INVALID
    if made in known:
        return SAME
    sys.stdout.write(json.dumps({"code": made.hex()}) + "\n")
    sys.stdout.flush()
    with Path(os.devnull).open("w") as null, contextlib.redirect_stdout(null), contextlib.redirect_stderr(null):
        for files in stages(path):
            options = ["-x", "-q", "-p", "no:ape_test", "-p", "no:cacheprovider", "-p", "no:xdist"]
            if files and pytest.main([*options, *files]) != pytest.ExitCode.OK:
                return KILLED
    return SURVIVED


def wait(child: int) -> str:
    """What became of a fork; one that hangs is killed."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return WORDS.get(os.waitstatus_to_exitcode(status), "killed")
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timed out"


def main() -> None:
    """Read mutants, answer each."""
    path = ROOT / sys.argv[1]
    original = path.read_text()
    known = {code(path)}
    for line in sys.stdin:
        mutant: dict[str, Any] = json.loads(line)
        reading, writing = os.pipe()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 1)
            os._exit(judge(path, mutant["source"], known))
        os.close(writing)
        verdict = wait(child)
        with os.fdopen(reading) as said:
            for text in said.read().splitlines():
                with contextlib.suppress(ValueError):
                    known.add(bytes.fromhex(json.loads(text)["code"]))
        path.write_text(original)
        print(json.dumps({"number": mutant["number"], "verdict": verdict}), flush=True)


if __name__ == "__main__":
    main()
