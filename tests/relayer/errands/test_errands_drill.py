# SPDX-License-Identifier: Apache-2.0
"""A few drills of each; `RUNS=2000 python -m pytest tests/relayer/errands/test_errands_drill.py` for many."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from relayer import ledger
from relayer.errands.claims import Trees
from relayer.errands.desk import Desk
from tests.relayer.errands.drill import ErrandDrill
from tests.relayer.errands.income import IncomeDrill

RUNS = int(os.environ.get("RUNS", "12"))


@pytest.mark.parametrize("what", ["keeper", "treasury", "income"])
def test_drills(what: str) -> None:
    counts: Counter[str] = Counter()
    for seed in range(RUNS):
        try:
            counts += (IncomeDrill(seed) if what == "income" else ErrandDrill(seed, what)).run()
        except BaseException as error:
            error.add_note(f"{what}, seed {seed}")
            raise
    # The drills have to reach what they are for.
    assert counts["killed"] > 0
    assert counts["reorg"] > 0
    assert counts["rows"] > RUNS
    if what == "income":
        assert counts["Collect"] > RUNS
        assert counts["ClaimShares"] > RUNS


def settles_nothing(*_: Any) -> None:
    return None


async def says_done(*_: Any) -> str:
    return "0" * 32


def never_builds(self: Any, manifest: bytes) -> Any:
    raise OSError("it forgot how")


@pytest.mark.parametrize(
    ("where", "what", "instead"),
    [
        (Desk, "order", says_done),
        (ledger.Books, "settle", settles_nothing),
        (Trees, "_build", never_builds),
    ],
    ids=["payouts that are only said", "settlement", "reports that are never claimed"],
)
def test_a_drill_notices(monkeypatch: pytest.MonkeyPatch, where: Any, what: str, instead: Callable[..., Any]) -> None:
    monkeypatch.setattr(where, what, instead)
    for seed in range(20):
        try:
            IncomeDrill(seed).run()
        except Exception:
            return
    raise AssertionError("a broken keeper went through twenty drills")
