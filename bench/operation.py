# SPDX-License-Identifier: Apache-2.0
"""What one measured operation is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Operation:
    """One figure: what is done, the state it is done in, how to measure it, and the most it may cost."""

    what: str
    state: str
    measure: Callable[[Protocol], int]
    limit: int | None = None
