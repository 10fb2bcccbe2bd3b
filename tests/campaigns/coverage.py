# SPDX-License-Identifier: Apache-2.0
"""Line coverage of the contracts: `make coverage`. Writes bench/results/coverage.json; fails below 100 %.

A line counts as run when an instruction ran that the compiler made from an expression or statement beginning on that
line: every frame reports its own line, never the block around it. A module's line counts when it ran in any contract.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boa
import vyper
from vyper.ir.compile_ir import assembly_to_evm

from tests.contracts.support import trace

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
RESULT = ROOT / "bench" / "results" / "coverage.json"
FOLDER = ROOT / ".build" / "coverage"
# Which tests run which line: what mutation testing asks.
TESTS = ROOT / ".build" / "tests-of-lines.pickle"

Lines = dict[int, tuple[str, int]]  # program counter → file, line


def lines_of(source_map: dict[str, Any], end: int) -> Lines:
    """The line each instruction before `end` was made from, in our own files."""
    found: Lines = {}
    for pc, node in source_map["pc_raw_ast_map"].items():
        path = Path(node.module_node.resolved_path)
        # A function's own node stands for its entry code, an argument's for reading calldata: no line of ours runs.
        if pc < end and path.is_relative_to(CONTRACTS) and type(node).__name__ not in ("FunctionDef", "arg"):
            found[pc] = (str(path.relative_to(ROOT)), node.lineno)
    return found


def run_tests(arguments: list[str]) -> None:
    """The contract tests, traced."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:ape_test", "-q", "tests/contracts", *arguments]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "IPTO_COVERAGE": str(FOLDER)}, check=True)


def recorded() -> list[trace.Ran]:
    """What each test of all test processes ran."""
    return [ran for file in sorted(FOLDER.glob("*.pickle")) for ran in pickle.loads(file.read_bytes())]


@dataclass(frozen=True)
class Codes:
    """A contract's runtime and creation code, with the line each of their instructions was made from."""

    parts: tuple[tuple[bytes, Lines], ...]

    @classmethod
    def of(cls, path: Path) -> Codes:
        data = boa.load_partial(str(path)).compiler_data
        runtime, runtime_map = assembly_to_evm(data.assembly_runtime)
        _, init_map = assembly_to_evm(data.assembly)
        initcode = data.bytecode
        return cls(
            (
                (runtime, lines_of(runtime_map, len(runtime))),
                (initcode, lines_of(init_map, initcode.find(runtime))),
            )
        )


def by_test(records: list[trace.Ran], codes: list[Codes]) -> Iterator[tuple[trace.Ran, set[tuple[str, int]]]]:
    """Each test with the lines it ran."""
    # Immutables and constructor arguments stand behind the code.
    parts = [part for item in codes for part in item.parts]
    known: dict[bytes, list[Lines]] = {}
    for ran in records:
        lines: set[tuple[str, int]] = set()
        for code, counters in ran.counters.items():
            if code not in known:
                known[code] = [found for made, found in parts if code.startswith(made)]
            lines |= {found[pc] for found in known[code] for pc in counters if pc in found}
        yield ran, lines


def measure(records: list[trace.Ran]) -> dict[str, dict[str, Any]]:
    """Per file: its lines with code, how many of them ran, and which did not. Keeps for each which tests ran it."""
    codes = [Codes.of(path) for path in sorted(CONTRACTS.glob("*.vy"))]
    tests: list[tuple[str, float]] = []
    who: defaultdict[str, defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, (ran, lines) in enumerate(by_test(records, codes)):
        tests.append((ran.test, ran.seconds))
        for file, line in lines:
            who[file][line].append(number)
    all_lines: defaultdict[str, set[int]] = defaultdict(set)
    for item in codes:
        for _, found in item.parts:
            for file, line in found.values():
                all_lines[file].add(line)
    texts = {file: hashlib.sha256((ROOT / file).read_bytes()).hexdigest() for file in all_lines}
    TESTS.write_bytes(pickle.dumps({"tests": tests, "lines": {f: dict(x) for f, x in who.items()}, "texts": texts}))
    return {
        file: {"lines": len(lines), "ran": len(who[file]), "missed": sorted(lines - set(who[file]))}
        for file, lines in sorted(all_lines.items())
    }


def main() -> None:
    """Run, measure, write, judge."""
    run_tests(sys.argv[1:])
    records = recorded()
    files = measure(records)
    total, ran = (sum(item[key] for item in files.values()) for key in ("lines", "ran"))
    result = {
        "command": "make coverage",
        "compiler": vyper.__version__,
        "tests": len(records),
        "lines": total,
        "ran": ran,
        "files": files,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for file, item in files.items():
        print(f"{file}: {item['ran']} of {item['lines']}", *(item["missed"] and ["missed", item["missed"]]))
    if ran != total:
        sys.exit(f"{total - ran} lines of the contracts were never run")


if __name__ == "__main__":
    main()
