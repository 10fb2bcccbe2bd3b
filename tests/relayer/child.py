# SPDX-License-Identifier: Apache-2.0
"""Runs the relayer in a process forked from one that has imported it already: starting takes no seconds.

It is a process of its own all the same, so that kill -9 is what it is. `test_start.py` starts it as operators do.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from ipto.chain import abi

# Read once, before forking.
for _name in ("SignedActions", "RoyaltyVault", "WorkRegistry", "LicenseMarket", "TestUSD"):
    abi(_name)

_context: ForkServerContext | None = None


def fork(environment: dict[str, str], key: str, log: Path) -> ForkServerProcess:
    """Start `python -m relayer run` with these settings and this lane key."""
    global _context
    if _context is None:
        _context = multiprocessing.get_context("forkserver")
        _context.set_forkserver_preload(["relayer.__main__", "tests.relayer.child"])
    process = _context.Process(target=_run, args=(environment, key, str(log)), daemon=True)
    process.start()
    return process


def _run(environment: dict[str, str], key: str, log: str) -> None:
    from relayer.__main__ import main

    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    reading, writing = os.pipe()
    os.write(writing, key.encode())
    os.close(writing)
    os.environ.clear()
    os.environ.update(environment | {"IPTO_RELAYER_KEY_FD": str(reading)})
    main(["run"], prog_name="python -m relayer")
