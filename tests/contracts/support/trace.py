# SPDX-License-Identifier: Apache-2.0
"""Which instructions of which contract each test ran, when IPTO_COVERAGE names a folder to write that to.

Instructions, not lines: `tests/campaigns/coverage.py` asks the compiler afterwards which single line each belongs to.
titanoboa's own plugin counts all lines of a block as soon as one of them runs.
"""

from __future__ import annotations

import atexit
import os
import pickle
import time
from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FOLDER = os.environ.get("IPTO_COVERAGE")


@dataclass
class Ran:
    """One test: its id, the CPU seconds it took, and per code as it ran the program counters, in no order."""

    test: str
    seconds: float = 0.0
    counters: dict[bytes, array[int]] = field(default_factory=dict)


_codes: dict[bytes, bytes] = {}  # one copy of each
_done: list[Ran] = []
_now: defaultdict[bytes, set[int]] = defaultdict(set)


def note(computation: Any) -> None:
    """Remember what a transaction ran, at every depth."""
    if _FOLDER is None:
        return
    code = computation.code._raw_code_bytes
    _now[_codes.setdefault(code, code)].update(getattr(computation.code, "_trace", ()))
    for child in computation.children:
        note(child)


@contextmanager
def test(name: str) -> Iterator[None]:
    """What runs inside belongs to this test."""
    begun = time.process_time()
    yield
    if _FOLDER is not None:
        counters = {code: array("H", ran) for code, ran in _now.items()}
        _done.append(Ran(name, time.process_time() - begun, counters))
        _now.clear()


def _write() -> None:
    folder = Path(_FOLDER or "")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{os.getpid()}.pickle").write_bytes(pickle.dumps(_done))


if _FOLDER is not None:
    atexit.register(_write)
