# SPDX-License-Identifier: Apache-2.0
"""The peers' own code: installed from npm by lock file, used as shipped or compiled with npm's build of solc."""

from __future__ import annotations

import functools
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.harness import HARDFORK, BenchError
from ipto.chain import Abi
from ipto.devchain.npm import install, node_command

HERE = Path(__file__).parent
SOLC_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract."""

    abi: Abi
    bytecode: str


@functools.cache
def modules() -> Path:
    """The folder `node_modules` with the locked packages, installed once. Raises NotFoundError, DevChainError."""
    return install("bench-peers", HERE) / "node_modules"


def versions() -> dict[str, str]:
    """The locked version of every package the bench asks for."""
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    return {name: packages[f"node_modules/{name}"]["version"] for name in packages[""]["dependencies"]}


@functools.cache
def shipped(path: str) -> Artifact:
    """The ABI and creation code that a package ships; `path` is below node_modules."""
    found = json.loads((modules() / path).read_text())
    return Artifact(Abi(path, found["abi"]), found["bytecode"])


@functools.cache
def compiled(name: str, optimizer_runs: int) -> Artifact:
    """Compile `contracts/<name>.sol` against the installed packages, for the bench's hard fork."""
    request = {
        "language": "Solidity",
        "sources": {name: {"content": (HERE / "contracts" / f"{name}.sol").read_text()}},
        "settings": {
            "optimizer": {"enabled": True, "runs": optimizer_runs},
            "evmVersion": HARDFORK,
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}},
        },
    }
    root = modules()
    command = [node_command(), str(root / "solc" / "solc.js"), "--standard-json"]
    command += ["--base-path", str(root.parent), "--include-path", str(root)]
    done = subprocess.run(
        command, input=json.dumps(request), capture_output=True, text=True, timeout=SOLC_SECONDS, check=True
    )
    # solc.js writes a line of its own before its answer when it has something to say about the options.
    answer = json.loads(done.stdout[done.stdout.index("{") :])
    errors = [entry["formattedMessage"] for entry in answer.get("errors", ()) if entry["severity"] == "error"]
    if errors:
        raise BenchError(f"solc refused {name}.sol: {errors[0]}")
    output = answer["contracts"][name][name]
    return Artifact(Abi(name, output["abi"]), output["evm"]["bytecode"]["object"])
