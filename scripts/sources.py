# SPDX-License-Identifier: Apache-2.0
"""What a contract is compiled from, so that only what changed is compiled again."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import vyper  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(r"^from (\.*)([\w.]*) import (\w+)", flags=re.M)


def closure(path: Path, found: set[Path] | None = None) -> set[Path]:
    """A source and all of ours that it imports, at any depth; what it takes from packages is pinned."""
    found = set() if found is None else found
    if path in found:
        return found
    found.add(path)
    for dots, module, name in _IMPORT.findall(path.read_text()):
        base = path.parents[len(dots) - 1] if dots else ROOT
        stem = base.joinpath(*filter(None, module.split(".")), name)
        for suffix in (".vy", ".vyi"):
            if stem.with_suffix(suffix).exists():
                closure(stem.with_suffix(suffix), found)
    return found


def digest(path: Path) -> str:
    """SHA-256, in hex, of all that a contract is compiled from, and of the compiler's version."""
    parts = [vyper.__version__.encode(), *(file.read_bytes() for file in sorted(closure(path)))]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
