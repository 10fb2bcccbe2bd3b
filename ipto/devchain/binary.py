# SPDX-License-Identifier: Apache-2.0
"""Finds anvil: on PATH, else in its platform's npm package, which holds the binary itself; Node never runs it."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from ipto.devchain.npm import DevChainError, install
from ipto.errors import NotFoundError

__all__ = ["DevChainError", "find_anvil"]

_PACKAGE = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
_ADVICE = "or install Foundry (https://getfoundry.sh) so that `anvil` is on PATH"


def find_anvil(cache: Path | None = None) -> Path:
    """The anvil to run. Downloads it once when it is not on PATH.

    cache: where to keep it; the user's cache directory by default.
    Raises NotFoundError when this platform has no package or no npm, DevChainError when the download fails.
    """
    if found := shutil.which("anvil"):
        return Path(found)
    # The lock pins one platform: the others' packages were not to be had when it was made.
    if (sys.platform, platform.machine().lower()) not in (("linux", "x86_64"), ("linux", "amd64")):
        raise NotFoundError(
            f"no packaged anvil for {sys.platform} {platform.machine()}: use Linux on x86-64, {_ADVICE}"
        )
    try:
        binary = install("anvil", Path(__file__).parent, cache=cache) / _PACKAGE
    except NotFoundError as error:
        raise NotFoundError(f"anvil is not on PATH and {error}; {_ADVICE}") from None
    if not binary.exists():
        raise DevChainError(f"{binary} is missing; remove {binary.parents[4]} and try again, {_ADVICE}")
    return binary
