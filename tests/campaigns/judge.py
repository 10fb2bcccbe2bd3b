# SPDX-License-Identifier: Apache-2.0
"""Judges mutants in a tree of its own: `python -m tests.campaigns.judge contracts/X.vy RECORDED SECONDS` there.

All contract tests are imported and collected once. Each mutant (a line of JSON on stdin) gets a fork, which writes the
changed source, compiles it and runs the tests that run the changed line until one fails; then a line of JSON comes out.

A module is part of several contracts. Its mutant is compiled in the smallest of them first and shown the tests about
that one and the module, and only if it survives them in all contracts.

Nothing is judged by the clock: a fork may use four times the CPU seconds that its tests took on the original, and
half a minute for the compiler. Whoever needs more was changed so that it does not end.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any, TextIO

import pytest

from tests.campaigns.plan import Plan, dependents
from tests.contracts.support import contract
from tests.contracts.support.contract import ROOT, build

PASSED, FAILED, INVALID, SAME = 0, 10, 11, 12
COMPILING = 30  # seconds of CPU
TIMES = 4


def code(paths: list[Path]) -> str:
    """A digest of what contracts are compiled to."""
    return hashlib.sha256(b"".join(build(item).initcode for item in paths)).hexdigest()


class Judge:
    """A pytest plugin in place of the loop over tests."""

    def __init__(self, name: str, recorded: Path, seconds: float, answers: TextIO) -> None:
        self.path = ROOT / name
        self.recorded = recorded
        self.seconds = seconds
        self.answers = answers
        self.failed = ""
        self.confirmed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember who failed."""
        if report.failed:
            self.failed = report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Read mutants, answer each."""
        self.items = {item.nodeid: item for item in session.items}
        self.plan = Plan(self.path, self.recorded, self.items)
        self.original = self.path.read_text()
        self.contracts = sorted(dependents(self.path), key=lambda file: len(file.read_bytes()))
        self.built = {file: build(file) for file in self.contracts}
        self.known = {code(self.contracts), code(self.contracts[:1])}
        gc.collect()
        gc.freeze()  # what is here now stays: no fork looks through it
        for line in sys.stdin:
            mutant = json.loads(line)
            answer = self.judge(mutant["source"], mutant["line"])
            self.answers.write(json.dumps({"number": mutant["number"], **answer}) + "\n")
            self.answers.flush()
        return True

    def judge(self, source: str, line: int) -> dict[str, Any]:
        """verdict, code: a digest of it, by: the test that failed, tests: how many there were."""
        choice = self.plan.choice(line, self.seconds)
        limit = COMPILING + TIMES * int(choice.seconds + 1)
        status, told = self.fork(source, choice.tests, limit)
        made, _, by = told.partition(" ")
        answer = {"code": made, "by": by, "tests": len(choice.tests)}
        self.known |= {made} - {""}
        if status == FAILED:
            self.confirm(by)
            return answer | {"verdict": "killed"}
        if status == -signal.SIGXCPU:
            return answer | {"verdict": "timed out" if made else "invalid"}
        return answer | {"verdict": {PASSED: "survived", INVALID: "invalid", SAME: "same code"}[status]}

    def confirm(self, test: str) -> None:
        """A test that failed on a mutant is seen to pass on the original, in a fork as well."""
        if test not in self.confirmed:
            status, _ = self.fork(self.original, [test], limit=300)
            if status != PASSED:
                raise SystemExit(f"{test} fails on the original")
            self.confirmed.add(test)

    def fork(self, source: str, tests: list[str], limit: int) -> tuple[int, str]:
        """Run tests on a changed source, until one fails; how it ended and what it told."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
            os._exit(self.run(source, tests, writing))
        os.close(writing)
        with os.fdopen(reading) as said:
            told = said.read()
        _, status = os.waitpid(child, 0)
        self.path.write_text(self.original)
        return os.waitstatus_to_exitcode(status), told

    def run(self, source: str, tests: list[str], telling: int) -> int:
        """In the fork: compile, compare, test."""
        self.path.write_text(source)
        build.cache_clear()
        gc.disable()
        smallest = self.contracts[:1]
        try:
            made = code(smallest)
            if made in self.known and len(self.contracts) > 1:
                made, smallest = code(self.contracts), []
        except BaseException:  # whatever the compiler says or does: it is no contract
            return INVALID
        gc.enable()
        if source != self.original:
            if made in self.known:
                return SAME
            os.write(telling, made.encode())
        near = tests
        if smallest and len(self.contracts) > 1:
            place = f"tests/contracts/{smallest[0].stem}/"
            near = [test for test in tests if test.startswith((place, "tests/contracts/modules/"))]
            others = {file: made for file, made in self.built.items() if file not in smallest}
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(contract, "build", lambda file: others.get(file) or build(file))
                self.show(near)
        if not self.failed:
            self.show([test for test in tests if test not in near] if near is not tests else tests)
        if self.failed:
            os.write(telling, f" {self.failed}".encode())
            return FAILED
        return PASSED

    def show(self, tests: list[str]) -> None:
        """Run tests, and take down what they share, until one fails."""
        items = [self.items[test] for test in tests]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                break


def main() -> None:
    """Collect, then judge; what pytest prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    tests = str(ROOT / "tests" / "contracts")
    # Hygiene reads sources: it would "kill" a mutant for its text. A browser does not survive a fork.
    options = ["-q", "-s", "-p", "no:ape_test", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0"]
    options += ["-m", "not slow", "--ignore", f"{tests}/hygiene", tests]
    judge = Judge(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), answers)
    sys.exit(pytest.main(options, plugins=[judge]))


if __name__ == "__main__":
    main()
