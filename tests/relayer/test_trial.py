# SPDX-License-Identifier: Apache-2.0
"""One trial with real processes; `make chaos-relayer` runs many. And the history's judge against histories that lie."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relayer import ledger
from tests.relayer.history import OK, REFUSED, History, Operation
from tests.relayer.trial import Trial
from tests.relayer.world import RelayerProcess, World
from tests.support.postgres import PostgresServer


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_trial(world: World, start: Callable[..., RelayerProcess], postgres: PostgresServer) -> None:
    counts = Trial(1, world, postgres, start, each=5).run()
    assert counts["operations"] == 25
    assert counts["final"] > 0


def operation(request: str, key: str | None = None, *, outcome: str = OK, told: str = "1", **more: int) -> Operation:
    return Operation(request, "signer", request, key, ended=0, outcome=outcome, told=told, **more)


@pytest.mark.parametrize(
    "operations",
    [
        [operation("a", told="1"), operation("a", told="2")],
        [operation("a", told="1"), operation("b", told="1")],
        [operation("a", "key", told="1"), operation("b", "key", told="2")],
        [operation("a", "key", outcome=REFUSED, told="idempotency-key")],
        [operation("a", outcome=REFUSED, told="nonce-taken")],
    ],
    ids=["an action, two ids", "an id, two actions", "a key, two actions", "key refused", "nonce refused"],
)
def test_a_history_that_lies_about_identity(operations: list[Operation]) -> None:
    with pytest.raises(AssertionError):
        History(operations).check_idempotency()


LIMITS = ledger.Limits(signer_day=10, signer_total=15, contracts_day=0, day=20, total=20, signer_day_reverts=0)
ACTIONS = {
    name: {"signer": who, "budget_day": day, "reserved": "6"}
    for name, who, day in (("1", "x", "d"), ("2", "x", "d"), ("3", "y", "d"), ("4", "z", "e"))
}


def entry(event: str, action: str, cost: int = 0) -> dict[str, str]:
    return {"event": event, "action_id": action, "detail": f"cost {cost}; carried out" if event == "final" else "…"}


def test_a_history_within_its_quota() -> None:
    log = [entry("accepted", "1"), entry("accepted", "3"), entry("final", "1", 4), entry("accepted", "2")]
    late = Operation("a", "x", "a", None, 6, 4, 4, REFUSED, "signer-budget")
    History([late]).check_quota(log, ACTIONS, LIMITS, 2)


@pytest.mark.parametrize(
    ("log", "pending"),
    [
        ([entry("accepted", "1"), entry("accepted", "2")], 2),  # 12 of 10 for the signer's day
        ([entry("accepted", "1"), entry("final", "1", 4), entry("accepted", "2")], 0),  # one more than may be open
        ([entry("accepted", "1"), entry("final", "1", 11)], 1),  # it cost more than was set aside
    ],
)
def test_a_log_that_passes_its_quota(log: list[dict[str, str]], pending: int) -> None:
    with pytest.raises(AssertionError):
        History([]).check_quota(log, ACTIONS, LIMITS, pending)


def test_a_refusal_without_a_reason() -> None:
    early = Operation("a", "x", "a", None, 4, 0, 0, REFUSED, "signer-budget")
    with pytest.raises(AssertionError, match="while there was room"):
        History([early]).check_quota([entry("accepted", "1")], ACTIONS, LIMITS, 2)
