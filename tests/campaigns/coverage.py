# SPDX-License-Identifier: Apache-2.0
"""Line coverage of the contracts: `make coverage`. Writes bench/results/coverage.json; fails below 100 %.

A line counts as run when an instruction ran that the compiler made from an expression or statement beginning on that
line: every frame reports its own line, never the block around it. A module's line counts when it ran in any contract.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import boa
import vyper
from vyper.ir.compile_ir import assembly_to_evm

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
RESULT = ROOT / "bench" / "results" / "coverage.json"
FOLDER = ROOT / ".build" / "coverage"

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


def recorded() -> dict[bytes, set[int]]:
    """What all test processes ran."""
    seen: defaultdict[bytes, set[int]] = defaultdict(set)
    for file in FOLDER.glob("*.pickle"):
        for code, counters in pickle.loads(file.read_bytes()).items():
            seen[code] |= counters
    return dict(seen)


def measure(seen: dict[bytes, set[int]]) -> dict[str, dict[str, Any]]:
    """Per file: its lines with code, how many of them ran, and which did not."""
    all_lines: defaultdict[str, set[int]] = defaultdict(set)
    ran: defaultdict[str, set[int]] = defaultdict(set)
    for path in sorted(CONTRACTS.glob("*.vy")):
        data = boa.load_partial(str(path)).compiler_data
        runtime, runtime_map = assembly_to_evm(data.assembly_runtime)
        _, init_map = assembly_to_evm(data.assembly)
        initcode = data.bytecode
        for code, lines in (
            (runtime, lines_of(runtime_map, len(runtime))),
            (initcode, lines_of(init_map, initcode.find(runtime))),
        ):
            counters = set().union(*(pcs for known, pcs in seen.items() if known.startswith(code)))
            for pc, (file, line) in lines.items():
                all_lines[file].add(line)
                if pc in counters:
                    ran[file].add(line)
    return {
        file: {"lines": len(lines), "ran": len(ran[file]), "missed": sorted(lines - ran[file])}
        for file, lines in sorted(all_lines.items())
    }


def main() -> None:
    """Run, measure, write, judge."""
    run_tests(sys.argv[1:])
    files = measure(recorded())
    total, ran = (sum(item[key] for item in files.values()) for key in ("lines", "ran"))
    result = {"command": "make coverage", "compiler": vyper.__version__, "lines": total, "ran": ran, "files": files}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for file, item in files.items():
        print(f"{file}: {item['ran']} of {item['lines']}", *(item["missed"] and ["missed", item["missed"]]))
    if ran != total:
        sys.exit(f"{total - ran} lines of the contracts were never run")


if __name__ == "__main__":
    main()
