# SPDX-License-Identifier: Apache-2.0
"""Compiles the contracts with the newest Vyper and runs the contract tests on that: `make newest-vyper`.

    python -m scripts.newest_vyper                  the newest release or candidate that pip finds
    python -m scripts.newest_vyper --version 0.4.2  another

The contracts are deployed with the pinned compiler; this tells early what a change of it would ask for. It works on a
copy under .build, where the version pragmas (snekmate's too) are left out, with the compiler in an environment of its
own, on top of the development environment. Nothing that is committed changes, and nothing is pinned here on purpose.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from scripts.export_artifacts import OUTPUT, ROOT
from scripts.reproduce import CompileError, compiled_apart

PLACE = ROOT / ".build" / "newest-vyper"
COPIED = ("contracts", "tests", "ipto", "scripts", "docs", "pyproject.toml")
PRAGMA = re.compile(r"^#\s*(?:pragma version|@version).*$", flags=re.M)


def relax(folder: Path) -> None:
    """Let every source be compiled by any version."""
    for file in [*folder.rglob("*.vy"), *folder.rglob("*.vyi")]:
        file.write_text(PRAGMA.sub("# any version", file.read_text()))


def environment(wanted: str) -> tuple[Path, str]:
    """An environment with the wanted Vyper before everything else; its Python, and the version it got."""
    home = PLACE / "env"
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = home / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--pre", f"vyper{wanted}"], check=True
    )
    version = subprocess.run(
        [python, "-c", "import vyper; print(vyper.__version__)"], check=True, capture_output=True, text=True
    ).stdout.strip()
    packages = next((home / "lib").glob("python*/site-packages"))
    ours = Path(sysconfig.get_path("purelib"))
    # Behind its own packages stand those of the development environment.
    (packages / "development.pth").write_text(f"{ours}\n")
    shutil.copytree(ours / "snekmate", packages / "snekmate")
    relax(packages / "snekmate")
    return python, version


def copy() -> Path:
    """A copy of the sources and tests, for any version."""
    tree = PLACE / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copyfile(source, tree / name)
    relax(tree / "contracts")
    relax(tree / "tests")
    return tree


def compiled(python: Path, tree: Path) -> list[str]:
    """Compile every contract, say how its size changes; those that do not compile."""
    failed = []
    for source in sorted((ROOT / "contracts").glob("*.vy")):
        try:
            made = compiled_apart(source, tree, python=str(python))
        except CompileError as error:
            failed.append(source.stem)
            print(f"{source.stem:20} does not compile: {error}", flush=True)
            continue
        now = json.loads((OUTPUT / f"{source.stem}.json").read_text())
        change = f"{made['runtime_size'] - now['runtime_size']:+} bytes"
        how = "the same bytecode" if made["bytecode"] == now["bytecode"] else change
        print(f"{source.stem:20} {made['runtime_size']:6} bytes, {how}", flush=True)
    return failed


def main(arguments: list[str]) -> int:
    """Compile, test, report; 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", default="", help="a version instead of the newest")
    parser.add_argument("--only-compile", action="store_true")
    options = parser.parse_args(arguments)
    python, version = environment(f"=={options.version}" if options.version else "")
    tree = copy()
    pinned = json.loads((ROOT / "ipto" / "artifacts" / "WorkRegistry.json").read_text())["compiler"]
    print(f"Vyper {version}; the contracts are pinned to {pinned}", flush=True)
    failed = compiled(python, tree)
    if failed:
        print(f"{len(failed)} contracts do not compile: {', '.join(failed)}; tests are not run")
        return 1
    if options.only_compile:
        return 0
    # Hygiene wants the pinned version in every head.
    tests = ["-m", "pytest", "-p", "no:ape_test", "-q", "-n", "2", "-m", "not slow"]
    tests += ["tests/contracts", "--ignore=tests/contracts/hygiene"]
    return subprocess.run([str(python), *tests], cwd=tree, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
