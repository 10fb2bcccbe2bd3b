# SPDX-License-Identifier: Apache-2.0
"""Compiles every contract twice and compares both with what is committed: `make reproduce`.

    python -m scripts.reproduce [CONTRACT ...]

Each time in a process of its own, with another seed for Python's hashes (the order of its sets) and in a copy of the
sources under another path, without anything kept from before. Exits 1 when a bytecode differs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from scripts.export_artifacts import OUTPUT, ROOT, sources

SEEDS = (0, 20_250_214)
_FAULT = re.compile(r"[\w.]+(Exception|Error|Failure|Violation)\b|vyper\.exceptions\.\w+")
_COMPILE = """
import json, sys
from scripts.export_artifacts import ROOT, compile_contract
print(json.dumps(compile_contract(ROOT / sys.argv[1])))
"""


class CompileError(Exception):
    """A contract did not compile; what the compiler called the fault."""


def compiled_apart(source: Path, tree: Path, seed: int = 0, python: str = sys.executable) -> dict[str, Any]:
    """The artifact of a contract, made by another process from the copy of the repository in `tree`.

    Raises CompileError.
    """
    command = [python, "-c", _COMPILE, str(source.relative_to(ROOT))]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason"]
        # Behind the fault's name and text follow the lines of the source.
        raise CompileError(next((line for line in lines if _FAULT.match(line)), lines[-1]))
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def differences(names: list[str]) -> list[str]:
    """The contracts of which a compilation differs from the committed artifact."""
    chosen = [source for source in sources() if not names or source.stem in names]
    found: list[str] = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
            for name in ("contracts", "scripts"):
                shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
            made = pool.map(partial(compiled_apart, tree=Path(folder), seed=seed), chosen)
            for source, artifact in zip(chosen, made, strict=True):
                committed = json.loads((OUTPUT / f"{source.stem}.json").read_text())
                if artifact != committed:
                    found.append(source.stem)
    return sorted(set(found))


def main(names: list[str]) -> int:
    """Compare and say so; 1 when something differs."""
    unknown = set(names) - {source.stem for source in sources()}
    if unknown:
        print(f"no such contract: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    found = differences(names)
    for name in found:
        print(f"{name}: not the committed bytecode every time", file=sys.stderr)
    if not found:
        print(
            f"{len(names or sources())} contracts, compiled {len(SEEDS)} times apart: the committed bytecode each time"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
