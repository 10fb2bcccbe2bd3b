# SPDX-License-Identifier: Apache-2.0
"""The forge project that attacks the committed bytecode, laid out in .build."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import boa

from ipto.devchain.npm import install, node_command
from tests.contracts.support.contract import build

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "forge"
HARNESS = Path(__file__).parent / "harness"
ARTIFACTS = ROOT / "ipto" / "artifacts"
CONTRACTS = ROOT / "contracts"
# Storage that proofs fill with any word.
SLOTS = {"DatasetMarket": ["datasets", "members"], "UsageSettlement": ["reports", "roots", "claimed"]}
PROJECT = ROOT / ".build" / "forge"


def prepare() -> Path:
    """Lay the project out; returns its folder."""
    modules = install("campaigns", HERE)
    for name in ("src", "test", "artifacts"):
        shutil.rmtree(PROJECT / name, ignore_errors=True)
    for name in ("src", "test"):
        shutil.copytree(HERE / name, PROJECT / name)
    for file in ("foundry.toml", "solc.mjs"):
        shutil.copyfile(HERE / file, PROJECT / file)
    (PROJECT / "artifacts").mkdir()
    for file in ARTIFACTS.glob("*.json"):
        found = json.loads(file.read_text())
        code = "0x" + found["bytecode"].removeprefix("0x")
        kept = {"abi": found["abi"], "bytecode": {"object": code, "linkReferences": {}}}
        (PROJECT / "artifacts" / file.name).write_text(json.dumps(kept))
    (PROJECT / "src" / "Codes.sol").write_text(codes())
    solc = PROJECT / "solc"
    solc.write_text(f'#!/bin/sh\nSOLC_ROOT="{modules}" exec "{node_command()}" "{PROJECT / "solc.mjs"}" "$@"\n')
    solc.chmod(0o755)
    return PROJECT


def codes() -> str:
    """Creation code and storage slots as Solidity constants, for halmos, which reads no files."""
    found = {file.stem: json.loads(file.read_text())["bytecode"] for file in ARTIFACTS.glob("*.json")}
    for file in HARNESS.glob("*.vy"):
        found[file.stem] = boa.load_partial(str(file)).compiler_data.bytecode.hex()
    lines = [
        f"    uint256 internal constant {name}_{variable} = {build(CONTRACTS / f'{name}.vy').slots[variable]};"
        for name, variables in SLOTS.items()
        for variable in variables
    ]
    lines += [f'    bytes internal constant {name} = hex"{code.removeprefix("0x")}";' for name, code in found.items()]
    head = ["// SPDX-License-Identifier: AGPL-3.0-only", "pragma solidity 0.8.30;", "", "library Codes {"]
    return "\n".join([*head, *sorted(lines), "}", ""])


def binary() -> Path:
    """The forge command."""
    return install("campaigns", HERE) / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"


def ask(*arguments: str, is_failing_fine: bool = False, **environment: str) -> str:
    """Run forge in the project; returns what it printed. Raises CalledProcessError when it fails, unless that is fine.

    A failed campaign prints its traces: megabytes, of which the last are shown.
    """
    done = subprocess.run(
        [str(binary()), *arguments, "--root", str(PROJECT), "--offline"],
        cwd=PROJECT,
        env={**os.environ, **environment, "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode and not is_failing_fine:
        print(done.stdout[-4_000:])
        done.check_returncode()
    return done.stdout
