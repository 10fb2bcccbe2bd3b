# SPDX-License-Identifier: Apache-2.0
"""Which tests a mutant is shown: those that run its line, the quickest first, as `make coverage` recorded them.

A test that never runs a line cannot notice that it changed. The tests about the source and about the contracts it is
part of come first; the others follow while the seconds last. Leaving tests out can only make a score worse.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vyper import ast as vy_ast

from scripts.sources import closure

ROOT = Path(__file__).parents[2]
TESTS = ROOT / ".build" / "tests-of-lines.pickle"


def dependents(path: Path) -> list[Path]:
    """The deployed contracts that a source is part of; itself, when it is deployed."""
    return [
        item for item in sorted((path.parents[path.parent.name == "modules"]).glob("*.vy")) if path in closure(item)
    ]


def folders(path: Path) -> tuple[str, ...]:
    """How the ids of the tests about a source begin."""
    own = "tests/contracts"
    names = [f"{own}/modules/{path.stem}/", f"{own}/modules/test_{path.stem}.py"]
    return (*names, *(f"{own}/{item.stem}/" for item in dependents(path)))


@dataclass(frozen=True)
class Choice:
    """The tests for one mutant, in order, and the CPU seconds they took on the original."""

    tests: list[str]
    seconds: float


class Plan:
    """The tests for each line of one source. Raises SystemExit when it changed since they were recorded."""

    def __init__(self, path: Path, recorded: Path, collected: Iterable[str]) -> None:
        found = pickle.loads(recorded.read_bytes())
        source = path.read_text()
        name = str(path.relative_to(path.parents[1 + (path.parent.name == "modules")]))
        if found["texts"].get(name) != hashlib.sha256(source.encode()).hexdigest():
            raise SystemExit(f"{name} changed since `make coverage` recorded which tests run its lines")
        self.seconds: dict[str, float] = dict(found["tests"])
        names = [test for test, _ in found["tests"]]
        self.of_line = {line: {names[i] for i in tests} for line, tests in found["lines"][name].items()}
        self.collected = set(collected)
        self.own = folders(path)
        self.functions: list[tuple[str, range]] = []
        self.statements: list[range] = []
        for function in vy_ast.parse_to_ast(source).get_children(vy_ast.FunctionDef):
            self.functions.append((function.name, range(function.lineno, function.end_lineno + 1)))
            for node in function.get_descendants(vy_ast.VyperNode):
                if hasattr(node, "end_lineno") and node.end_lineno is not None:
                    self.statements.append(range(node.lineno, node.end_lineno + 1))

    def that_run(self, line: int) -> set[str]:
        """The tests that run a line: those of what it is part of, where the compiler made no code of the line."""
        everyone = set().union(*self.of_line.values())
        function = next((item for item in self.functions if line in item[1]), None)
        # Constructors run before the first test, whatever it is; declarations concern everything.
        if function is None or function[0] == "__init__":
            return everyone
        parts = [range(line, line + 1), *sorted((r for r in self.statements if line in r), key=len)]
        for part in parts:
            if part[0] in self.of_line:
                return self.of_line[part[0]]
        return set().union(*(self.of_line.get(i, set()) for i in function[1])) or everyone

    def choice(self, line: int, seconds: float) -> Choice:
        """Tests nobody has recorded yet, then the quickest of those about the source, then the quickest others."""
        new = sorted(t for t in self.collected if t not in self.seconds and t.startswith(self.own))
        known = sorted(
            self.that_run(line) & self.collected,
            key=lambda test: (not test.startswith(self.own), self.seconds[test], test),
        )
        chosen, total = new, 0.0
        for test in known:
            if total + self.seconds[test] > seconds:
                break
            chosen.append(test)
            total += self.seconds[test]
        return Choice(chosen, total)
