# SPDX-License-Identifier: Apache-2.0
"""Several lanes, several relayers, one queue: nothing is sent twice, and a lane whose relayer died goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ipto.accounts import LocalSigner
from tests.relayer.world import RelayerProcess, World
from tests.support.postgres import PostgresServer

Start = Callable[..., RelayerProcess]
KEYS = tuple(bytes([number]) * 32 for number in (0x11, 0x12, 0x13, 0x14))
# What waits together would travel together, and on a busy machine some always does: to count, one action each.
ALONE: dict[str, Any] = {"in_flight": 2, "batch": 1}


@pytest.fixture
def funded(world: World) -> World:
    for key in KEYS:
        world.chain.set_balance(LocalSigner(key).address, 10**20)
    return world


def no_gaps(world: World) -> dict[str, int]:
    """Every lane's transactions: those mined are those sent, without a hole."""
    counts = {}
    for key in KEYS:
        address = LocalSigner(key).address
        counts[address] = world.chain.rpc.nonce(address, "latest")
        assert world.chain.rpc.nonce(address, "pending") == counts[address]
    return counts


def finish(relayer: RelayerProcess, names: list[str]) -> None:
    for name in names:
        relayer.wait_for(name, "final", seconds=120)


def test_two_lanes_of_one_relayer_on_sqlite(funded: World, start: Start) -> None:
    relayer = start(keys=KEYS[:2], **ALONE)
    bodies = [funded.signed_onboarding() for _ in range(8)]
    finish(relayer, [relayer.submit(body) for body in bodies])
    assert all(len(funded.executions(body)) == 1 for body in bodies)
    counts = no_gaps(funded)
    assert sum(counts.values()) == 8


@pytest.mark.slow
def test_two_relayers_on_one_queue_take_over_from_each_other(
    funded: World, start: Start, postgres: PostgresServer
) -> None:
    url = postgres.new_database()
    shared: dict[str, Any] = {"database_url": url, **ALONE}
    first = start(keys=KEYS[:2], **shared)
    second = start(keys=KEYS, **shared)  # the first two as a stand-in
    bodies = [funded.signed_onboarding() for _ in range(6)]
    names = [(first, second)[number % 2].submit(body) for number, body in enumerate(bodies)]
    finish(second, names)
    assert second.submit(bodies[0]) == names[0], "whichever is asked knows all of them"

    funded.chain.set_automine(False)
    more = [funded.signed_onboarding() for _ in range(6)]
    late = [second.submit(body) for body in more]
    for name in late:
        second.wait_for(name, "sent", mine=False)
    first.kill()
    funded.chain.rpc.call("anvil_dropAllTransactions")
    funded.chain.set_automine(True)
    finish(second, late)
    assert all(len(funded.executions(body)) == 1 for body in (*bodies, *more))
    assert sum(no_gaps(funded).values()) == 12


@pytest.mark.slow
def test_the_database_restarts_under_load(funded: World, start: Start, postgres: PostgresServer) -> None:
    relayer = start(keys=KEYS, database_url=postgres.new_database(), **ALONE)
    bodies = [funded.signed_onboarding() for _ in range(12)]
    names: dict[int, str] = {}
    for number, body in enumerate(bodies):
        if number in (3, 8):
            postgres.restart()
        answer = relayer.post(body)
        assert answer.status_code in (202, 503), answer.text
        if answer.status_code == 202:
            names[number] = answer.json()["id"]
    for number, body in enumerate(bodies):
        again = relayer.submit(body)
        assert names.setdefault(number, again) == again, "what was promised is kept"
    finish(relayer, list(names.values()))
    assert all(len(funded.executions(body)) == 1 for body in bodies)
    assert sum(no_gaps(funded).values()) == 12
