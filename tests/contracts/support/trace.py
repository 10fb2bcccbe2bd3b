# SPDX-License-Identifier: Apache-2.0
"""Which instructions of which contract the tests ran, when IPTO_COVERAGE names a folder to write that to.

Instructions, not lines: `tests/campaigns/coverage.py` asks the compiler afterwards which single line each belongs to.
titanoboa's own plugin counts all lines of a block as soon as one of them runs.
"""

from __future__ import annotations

import atexit
import os
import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

_FOLDER = os.environ.get("IPTO_COVERAGE")
_seen: defaultdict[bytes, set[int]] = defaultdict(set)  # code as it ran → program counters


def note(computation: Any) -> None:
    """Remember what a transaction ran, at every depth."""
    if _FOLDER is None:
        return
    _seen[computation.code._raw_code_bytes].update(getattr(computation.code, "_trace", ()))
    for child in computation.children:
        note(child)


def _write() -> None:
    folder = Path(_FOLDER or "")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{os.getpid()}.pickle").write_bytes(pickle.dumps(dict(_seen)))


if _FOLDER is not None:
    atexit.register(_write)
