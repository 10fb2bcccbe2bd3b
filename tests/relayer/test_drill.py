# SPDX-License-Identifier: Apache-2.0
"""A few drills; `make chaos-relayer` runs thousands. And proof that a drill notices what it is there to notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relayer import follow, ledger, slots
from tests.relayer.drill import Drill
from tests.support.postgres import PostgresServer

# A killed relayer leaves coroutines behind, as a killed process does.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")


# The last two once found a relayer whose clock was ahead of the chain's and gave actions up too early.
@pytest.mark.parametrize("seed", [*range(10), 1510, 1943])
def test_drill(seed: int) -> None:
    counts = Drill(seed).run()
    # Those who were answered; others were taken on before the kill that cut the answer off.
    assert counts["final"] + counts["failed"] >= counts["accepted"] > 0


@pytest.mark.parametrize("seed", range(3))
def test_drill_of_two_relayers(seed: int, postgres: PostgresServer) -> None:
    counts = Drill(seed, postgres).run()
    assert counts["final"] + counts["failed"] >= counts["accepted"] > 0


def never_finds_an_effect(*_: Any) -> Any:
    async def nothing() -> None:
        return None

    return nothing()


def settles_half(real: Callable[..., None]) -> Callable[..., None]:
    def settle(self: Any, payer: Any, day: str, reserved: int, cost: int, reverted: bool) -> None:
        real(self, payer, day, reserved // 2, cost, reverted)

    return settle


def reserves_nothing(self: Any, payer: Any, day: str, amount: int, limits: Any) -> None:
    for pair in payer.scopes(day):
        account = self.account(*pair)
        self._set(pair, ledger.Account(account.reserved + amount, account.spent, account.reverts, account.actions + 1))


def noticed(make: Callable[[int], Drill], seeds: int) -> bool:
    for seed in range(seeds):
        try:
            make(seed).run()
        except Exception:
            return True
    return False


@pytest.mark.parametrize(
    ("where", "what", "instead"),
    [
        (follow.effects, "effect", never_finds_an_effect),
        (ledger.Books, "settle", settles_half(ledger.Books.settle)),
        (ledger.Books, "reserve", reserves_nothing),
        (slots.Slots, "next_nonce", lambda self, count, change=None: count),
    ],
    ids=["effects of others", "settlement", "limits", "nonces from the chain alone"],
)
def test_a_drill_notices(monkeypatch: pytest.MonkeyPatch, where: Any, what: str, instead: Any) -> None:
    monkeypatch.setattr(where, what, instead)
    assert noticed(Drill, 30), "a broken relayer went through thirty drills"
