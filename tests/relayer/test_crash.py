# SPDX-License-Identifier: Apache-2.0
"""kill -9 anywhere between accept, sign, persist, broadcast and confirm: each action has exactly one effect."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.relayer import chaos as c
from tests.relayer.chaos import ChaosProxy
from tests.relayer.world import RelayerProcess, World

Start = Callable[..., RelayerProcess]


def transactions(world: World) -> list[tuple[int, str]]:
    """What the relayer persisted: lane nonces and hashes."""
    with sqlite3.connect(world.folder / "relayer.sqlite") as db:
        rows = db.execute("SELECT nonce, hash FROM transactions ORDER BY rowid").fetchall()
    db.close()
    return rows


def once_and_no_gap(world: World, bodies: list[dict[str, Any]]) -> None:
    """Every action happened exactly once and every persisted nonce is used."""
    for body in bodies:
        assert len(world.executions(body)) == 1
    nonces = {nonce for nonce, _ in transactions(world)}
    assert nonces == set(range(len(nonces)))
    assert world.lane_count() == len(nonces)


# (RPC method, which call of it after the submission, whether the node sees it before the blow)
POINTS = [
    ("eth_getBalance", 1, True),  # chosen for sending, nothing signed
    ("eth_sendRawTransaction", 1, False),  # signed and persisted, not broadcast
    ("eth_sendRawTransaction", 1, True),  # broadcast, answer not seen
    ("eth_getTransactionReceipt", 1, True),  # mined, not noticed
    ("eth_getBlockByNumber", 1, True),  # noticed, not final
]


@pytest.mark.parametrize(("method", "number", "forwarded"), POINTS, ids=lambda value: str(value).removeprefix("eth_"))
def test_killed_at(world: World, chaos: ChaosProxy, start: Start, method: str, number: int, forwarded: bool) -> None:
    relayer = start(chaos.url)
    seen: list[str] = []

    def blow(called: str) -> bool:
        if called == method:
            seen.append(called)
        return called == method and len(seen) == number

    def before(called: str, params: list[Any]) -> None:
        if not forwarded and blow(called):
            relayer.kill()

    def after(called: str, params: list[Any], answer: Any) -> None:
        if forwarded and blow(called):
            relayer.kill()

    # What is killed before it was forwarded never reaches the node.
    chaos.rule = lambda called, params: c.LOSE_REQUEST if called == method and not forwarded else c.PASS
    chaos.before, chaos.after = before, after
    body = world.signed_onboarding()
    name = ""
    with suppress(httpx.HTTPError):  # killed before the answer went out
        name = relayer.submit(body)
    end = time.monotonic() + 90
    while relayer.is_alive() and time.monotonic() < end:
        time.sleep(0.02)
    assert not relayer.is_alive(), f"{method} was not called {number} times"
    chaos.rule, chaos.after = (lambda called, params: c.PASS), (lambda called, params, answer: None)
    chaos.before = lambda called, params: None
    persisted = transactions(world)
    assert len(persisted) == (0 if method == "eth_getBalance" else 1)

    again = start(chaos.url)
    assert name in ("", again.submit(body)), "the client's retry finds its action"
    again.wait_for(again.submit(body), "final")
    once_and_no_gap(world, [body])
    assert transactions(world)[: len(persisted)] == persisted
    assert len(transactions(world)) == 1, "the same bytes, not new ones"


def test_killed_between_signing_and_persisting(world: World, chaos: ChaosProxy, start: Start) -> None:
    """Holding the database's write lock stops the relayer exactly there: the bytes exist in its memory only."""
    relayer = start(chaos.url)
    blocker = sqlite3.connect(world.folder / "relayer.sqlite", isolation_level=None, check_same_thread=False)
    locked = threading.Event()

    def before(called: str, params: list[Any]) -> None:
        # The last question before signing; the lane asks it in between as well, so the action must be there already.
        if called != "eth_getBalance" or locked.is_set():
            return
        if blocker.execute("SELECT count(*) FROM actions").fetchone()[0]:
            blocker.execute("BEGIN IMMEDIATE")
            locked.set()

    chaos.before = before
    body = world.signed_onboarding()
    name = relayer.submit(body)
    assert locked.wait(10)
    time.sleep(0.3)
    assert "eth_sendRawTransaction" not in chaos.calls, "nothing goes out before it is persisted"
    relayer.kill()
    blocker.execute("ROLLBACK")
    blocker.close()
    assert transactions(world) == []
    again = start()
    again.wait_for(name, "final")
    once_and_no_gap(world, [body])


@pytest.mark.parametrize("seed", [1, 2])
def test_any_mixture_of_failures(world: World, chaos: ChaosProxy, start: Start, seed: int) -> None:
    """Lost requests, lost answers, doubled calls and kills, at random points of several actions."""
    dice = random.Random(seed)
    bodies = [world.signed_onboarding() for _ in range(5)]
    relayer = start(chaos.url, rpc_timeout_seconds=1)
    quiet = {"on": False}

    def rule(method: str, params: list[Any]) -> str:
        if quiet["on"] or dice.random() > 0.12:
            return c.PASS
        return dice.choice([c.LOSE_REQUEST, c.LOSE_ANSWER, c.TWICE, c.UNAVAILABLE])

    chaos.rule = rule
    names: dict[int, str] = {}
    for turn in range(24):
        for number, body in enumerate(bodies):
            if number not in names and dice.random() < 0.4:
                try:
                    answer = relayer.post(body, key=f"key-{number}")
                except httpx.HTTPError:
                    continue
                assert answer.status_code in (202, 503), answer.text
                if answer.status_code == 202:
                    names[number] = answer.json()["id"]
        world.chain.mine()
        if turn in (7, 15):
            relayer.kill()
            quiet["on"] = True  # starting up asks for more than a lane does; it simply refuses when the node is away
            relayer = start(chaos.url, rpc_timeout_seconds=1)
            quiet["on"] = False
    quiet["on"] = True
    for number, body in enumerate(bodies):
        assert relayer.submit(body, key=f"key-{number}") == names.setdefault(number, relayer.submit(body))
        relayer.wait_for(names[number], "final")
    once_and_no_gap(world, bodies)
