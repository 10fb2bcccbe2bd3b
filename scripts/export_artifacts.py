# SPDX-License-Identifier: Apache-2.0
"""Compiles the contracts and writes their ABI and creation code to ipto/artifacts, which the library carries.

    python -m scripts.export_artifacts           write
    python -m scripts.export_artifacts --check   compile, compare, exit 1 when a committed artifact differs

The compiler is the pip-installed vyper. Its metadata (an integrity hash over every source byte) is left out, so that
editing a comment changes neither bytecode nor a CREATE2 address.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scripts.sources import digest

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "ipto" / "artifacts"
KEPT = ROOT / ".cache" / "artifacts"


def sources() -> list[Path]:
    """The deployable contracts, those for tests included; modules and interfaces are not deployable."""
    return sorted([*(ROOT / "contracts").glob("*.vy"), *(ROOT / "contracts" / "testing").glob("*.vy")])


def artifact_of(source: Path) -> dict[str, Any]:
    """The artifact of a contract, compiled unless that was done before from the same sources."""
    kept = KEPT / f"{source.stem}-{digest(source)[:32]}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(compile_contract(source)))
        part.replace(kept)
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def compile_contract(source: Path) -> dict[str, Any]:
    """Compile one contract; the artifact."""
    import vyper  # type: ignore[import-untyped]
    from vyper.cli.vyper_compile import compile_files  # type: ignore[import-untyped]

    snekmate = find_spec("snekmate")
    if snekmate is None or not snekmate.submodule_search_locations:
        raise SystemExit("snekmate is not installed; run: pip install -e '.[dev]'")
    site_packages = Path(next(iter(snekmate.submodule_search_locations))).parent
    formats = ["abi", "bytecode", "bytecode_runtime", "settings"]
    result = compile_files(
        [str(source)],
        formats,
        paths=[str(ROOT), str(site_packages)],
        include_sys_path=False,
        no_bytecode_metadata=True,
        warnings_control="error",
    )[source]
    return {
        "name": source.stem,
        "compiler": f"vyper {vyper.__version__}+commit.{vyper.__commit__}",
        "evm_version": result["settings_dict"]["evm_version"],
        "runtime_size": len(result["bytecode_runtime"]) // 2 - 1,
        "abi": result["abi"],
        "bytecode": result["bytecode"],
    }


def serialize(artifact: dict[str, Any]) -> str:
    """The artifact's file: one ABI entry a line, so that a change can be read in a diff."""
    head = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in artifact.items() if key != "abi"]
    abi = ",\n  ".join(json.dumps(entry) for entry in artifact["abi"])
    return "{\n " + ",\n ".join([*head[:-1], f'"abi": [\n  {abi}\n ]', head[-1]]) + "\n}\n"


def main(arguments: list[str]) -> int:
    """Write or check all artifacts; 1 when a check found a difference."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    with ProcessPoolExecutor(2) as pool:
        artifacts = list(pool.map(artifact_of, sources()))
    wanted = {OUTPUT / f"{artifact['name']}.json": artifact for artifact in artifacts}
    stale = [path for path in OUTPUT.glob("*.json") if path not in wanted]
    if arguments:
        differing = [p for p, a in wanted.items() if not p.exists() or p.read_text() != serialize(a)]
        for path in [*differing, *stale]:
            print(f"{path.relative_to(ROOT)} does not match the contracts; run: make artifacts", file=sys.stderr)
        return 1 if differing or stale else 0
    OUTPUT.mkdir(exist_ok=True)
    for path, artifact in wanted.items():
        path.write_text(serialize(artifact))
        print(f"{artifact['name']:20} {artifact['runtime_size']:6} bytes")
    for path in stale:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
