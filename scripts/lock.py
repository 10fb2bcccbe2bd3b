# SPDX-License-Identifier: Apache-2.0
"""Pins every dependency with hashes and without naming an index: `make lock`.

The development lock comes first; what the services run with is constrained by it, so both agree.
"""

import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent.parent / "requirements"
FLAGS = ["-q", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header"]


def compile_lock(name: str, *arguments: str) -> None:
    """Writes requirements/<name>.lock."""
    uv = shutil.which("uv") or sys.exit("uv is missing: run this through `make lock`")
    command = [uv, "pip", "compile", *FLAGS, *arguments, "-o", f"requirements/{name}.lock"]
    subprocess.run(command, cwd=REQUIREMENTS.parent, check=True)


def main() -> None:
    """Writes all locks."""
    compile_lock("dev", "pyproject.toml", "--all-extras")
    extras = [part for extra in ("services", "media", "ipfs") for part in ("--extra", extra)]
    compile_lock("run", "pyproject.toml", "requirements/build.in", *extras, "-c", "requirements/dev.lock")
    for name in ("sample", "node", "mutate", "fuzz-media", "bench-footage", "bench-motion", "pgvector", "pose"):
        compile_lock(name, "--no-deps", f"requirements/{name}.in")
    for name in ("uv", "prove", "bench-media", "croissant"):
        compile_lock(name, f"requirements/{name}.in")


if __name__ == "__main__":
    main()
