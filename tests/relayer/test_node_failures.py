# SPDX-License-Identifier: Apache-2.0
"""A node that loses, forgets, reorganises, or is used by somebody else with the same key."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest

from ipto.accounts import LocalSigner
from ipto.chain import send
from ipto.devchain import dev_signer
from ipto.rpc import quantity
from tests.relayer import chaos as c
from tests.relayer.chaos import ChaosProxy
from tests.relayer.test_crash import once_and_no_gap, transactions
from tests.relayer.world import RelayerProcess, World

Start = Callable[..., RelayerProcess]


@pytest.mark.parametrize("verdict", [c.LOSE_REQUEST, c.LOSE_ANSWER, c.TWICE, c.UNAVAILABLE])
def test_broadcast_without_an_answer_counts_as_sent(
    world: World, chaos: ChaosProxy, start: Start, verdict: str
) -> None:
    relayer = start(chaos.url)
    faults = iter([verdict])
    chaos.rule = lambda method, params: next(faults, c.PASS) if method == "eth_sendRawTransaction" else c.PASS
    body = world.signed_onboarding()
    relayer.wait_for(relayer.submit(body), "final")
    assert next(faults, None) is None
    once_and_no_gap(world, [body])
    assert len(transactions(world)) == 1, "nothing else was signed"


def test_a_node_that_forgets_its_mempool_gets_the_same_bytes_again(world: World, start: Start) -> None:
    world.chain.set_automine(False)
    relayer = start(rebroadcast_after=1)
    bodies = [world.signed_onboarding() for _ in range(3)]
    names = [relayer.submit(body) for body in bodies]
    for name in names:
        relayer.wait_for(name, "sent", mine=False)
    world.wait_in_pool(3)
    world.chain.rpc.call("anvil_dropAllTransactions")
    before = transactions(world)
    time.sleep(1.5)
    for name in names:
        relayer.wait_for(name, "final")
    once_and_no_gap(world, bodies)
    assert transactions(world) == before


def test_a_reorg_takes_a_mined_action_back_and_it_is_mined_again(world: World, start: Start) -> None:
    relayer = start(confirmations=6)
    body = world.signed_onboarding()
    name = relayer.submit(body)
    first = relayer.wait_for(name, "mined", mine=False)
    world.chain.mine(2)
    world.chain.set_automine(False)  # so that it stays out for a moment
    world.chain.reorg(3)
    assert relayer.wait_for(name, "sent", mine=False)["transaction"] is None
    world.chain.set_automine(True)
    second = relayer.wait_for(name, "final")
    assert second["transaction"] == first["transaction"], "the same bytes"
    once_and_no_gap(world, [body])


def test_final_only_at_depth(world: World, start: Start) -> None:
    relayer = start(confirmations=5)
    body = world.signed_onboarding()
    name = relayer.submit(body)
    mined = relayer.wait_for(name, "mined", mine=False)
    world.chain.mine(3)
    time.sleep(0.4)
    assert relayer.get(name)["state"] == "mined", "four blocks of five"
    world.chain.mine()
    final = relayer.wait_for(name, "final", mine=False)
    assert final["block"] == mined["block"]


def test_result_taken_for_final_survives_a_deeper_reorg(world: World, start: Start) -> None:
    """Even then the lane has no gap: bytes of a consumed nonce that came free go out again."""
    relayer = start(confirmations=1)
    body = world.signed_onboarding()
    relayer.wait_for(relayer.submit(body), "final", mine=False)
    world.chain.mine(2)
    world.chain.reorg(3)
    end = time.monotonic() + 60
    while world.lane_count() == 0 and time.monotonic() < end:
        world.chain.mine()
        time.sleep(0.05)
    second = world.signed_onboarding()
    relayer.wait_for(relayer.submit(second), "final")
    once_and_no_gap(world, [body, second])


def test_the_lane_s_nonce_used_by_somebody_else_with_the_key(world: World, start: Start) -> None:
    world.chain.set_automine(False)
    relayer = start(rebroadcast_after=60)
    body = world.signed_onboarding()
    name = relayer.submit(body)
    relayer.wait_for(name, "sent", mine=False)
    world.wait_in_pool(1)
    world.chain.rpc.call("anvil_dropAllTransactions")
    world.chain.set_automine(True)
    send(world.chain.rpc, world.lane, world.lane.address, value=1, nonce=0, gas=21_000)
    action = relayer.wait_for(name, "final")
    assert len(world.executions(body)) == 1
    assert action["state"] == "final"
    assert [nonce for nonce, _ in transactions(world)] == [0, 1]
    assert world.lane_count() == 2


def test_replacement_raises_both_fees_and_one_of_them_is_mined(world: World, start: Start) -> None:
    world.chain.set_automine(False)
    relayer = start(replace_after=1, rebroadcast_after=60)
    body = world.signed_onboarding()
    name = relayer.submit(body)
    relayer.wait_for(name, "sent", mine=False)
    world.wait_in_pool(1)
    end = time.monotonic() + 90
    while len(transactions(world)) < 3 and time.monotonic() < end:
        # Blocks go by without it: what a too low fee looks like.
        world.chain.rpc.call("anvil_dropAllTransactions")
        world.chain.mine()
        time.sleep(0.1)
    world.chain.set_automine(True)
    relayer.wait_for(name, "final")
    assert len(world.executions(body)) == 1
    with sqlite3.connect(world.folder / "relayer.sqlite") as db:
        rows = db.execute("SELECT nonce, max_fee, priority_fee FROM transactions ORDER BY rowid").fetchall()
    db.close()
    assert len(rows) >= 3
    assert {row[0] for row in rows} == {0}
    for before, after in itertools.pairwise(rows):
        assert int(after[1]) * 8 >= int(before[1]) * 9
        assert int(after[2]) * 8 >= int(before[2]) * 9


def test_gas_above_the_ceiling_makes_actions_wait(world: World, start: Start) -> None:
    relayer = start()
    world.chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(90 * 10**9))
    world.chain.mine()
    body = world.signed_onboarding()
    name = relayer.submit(body)
    time.sleep(0.5)
    assert relayer.get(name)["state"] == "queued"
    assert "ceiling" in relayer.http.get(relayer.url + "/ready").json()["reasons"][0]
    world.chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    world.chain.mine()
    relayer.wait_for(name, "final")


def test_a_lane_without_ether_waits_and_says_so(world: World, start: Start) -> None:
    world.chain.set_balance(world.lane.address, 1)
    relayer = start()
    name = relayer.submit(world.signed_onboarding())
    time.sleep(0.4)
    assert relayer.get(name)["state"] == "queued"
    answer = relayer.http.get(relayer.url + "/ready")
    assert answer.status_code == 503
    assert "needs more ETH" in answer.json()["reasons"][0]
    world.chain.set_balance(world.lane.address, 10**18)
    relayer.wait_for(name, "final")


def test_front_runner_changes_nothing_but_who_paid(world: World, start: Start) -> None:
    """The thief submits the creator's action first; ours reverts, the action is still carried out once."""
    world.chain.set_automine(False)
    relayer = start(rebroadcast_after=60)
    body = world.signed_onboarding()
    name = relayer.submit(body)
    relayer.wait_for(name, "sent", mine=False)
    world.wait_in_pool(1)
    raw = sqlite3.connect(world.folder / "relayer.sqlite")
    (calldata,) = raw.execute("SELECT calldata FROM actions").fetchone()
    raw.close()
    thief = dev_signer(5)
    stolen = thief.sign_transaction(
        {
            "type": 2, "chainId": world.deployment.chain_id, "nonce": world.chain.rpc.nonce(thief.address),
            "to": world.deployment.address("SignedActions"), "value": 0, "data": "0x" + calldata.hex(),
            "gas": 1_000_000, "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 5 * 10**11,
        }
    )  # fmt: skip
    taken = world.chain.rpc.call("eth_sendRawTransaction", "0x" + stolen.hex())
    world.chain.mine()
    action = relayer.wait_for(name, "final")
    assert action["transaction"] == taken
    assert "somebody else" in action["reason"]
    assert world.executions(body) == [taken]
    assert int(action["gas_cost_wei"]) > 0, "our revert is not hidden"


def test_cancelled_by_its_signer_while_it_waited(world: World, start: Start) -> None:
    stop = world.folder / "stop"
    relayer = start(kill_switch=stop, poll_seconds=0.2)
    creator = LocalSigner.random()
    world.chain.set_balance(creator.address, 10**18)
    body = world.signed_onboarding(creator)
    world.chain.set_balance(world.lane.address, 0)
    name = relayer.submit(body)
    world.contract("SignedActions").send(creator, "cancel_nonce", int(body["message"]["nonce"]))
    action = relayer.wait_for(name, "failed")
    assert action["reason"] == "the signer cancelled this nonce"
    assert action["gas_cost_wei"] == "0"
    assert world.executions(body) == []


def test_a_revert_after_acceptance_is_final_at_depth_and_told_in_words(world: World, start: Start) -> None:
    world.chain.set_automine(False)
    relayer = start(rebroadcast_after=60)
    body = world.signed_onboarding()
    name = relayer.submit(body)
    relayer.wait_for(name, "sent", mine=False)
    world.wait_in_pool(1)
    owner = dev_signer(0)
    pause = owner.sign_transaction(
        {
            "type": 2, "chainId": world.deployment.chain_id, "nonce": world.chain.rpc.nonce(owner.address),
            "to": world.deployment.address("WorkRegistry"), "value": 0, "gas": 200_000,
            "data": "0x" + world.contract("WorkRegistry").encode("set_paused", True).hex(),
            "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 5 * 10**11,
        }
    )  # fmt: skip
    world.chain.rpc.call("eth_sendRawTransaction", "0x" + pause.hex())
    world.chain.mine()
    assert relayer.wait_for(name, "mined", mine=False)
    action = relayer.wait_for(name, "failed")
    assert action["reason"].startswith("reverted on chain: ")
    assert "paused" in action["reason"]
    assert int(action["gas_cost_wei"]) > 0
    assert quantity(world.chain.rpc.call("eth_getTransactionReceipt", action["transaction"])["status"]) == 0
    budget = relayer.http.get(relayer.url + "/status").json()["budget"]["total"]
    assert (budget["reserved"], budget["spent"]) == ("0", action["gas_cost_wei"])


def test_an_action_that_upsets_the_node_does_not_stop_the_others(world: World, chaos: ChaosProxy, start: Start) -> None:
    relayer = start(chaos.url)
    world.chain.set_balance(world.lane.address, 0)
    poison, good = [world.signed_onboarding() for _ in range(3)], world.signed_onboarding()
    names = [relayer.submit(body) for body in (*poison, good)]
    markers = [body["message"]["work"]["content"][2:] for body in poison]

    def rule(method: str, params: list[Any]) -> str:
        asks = method in ("eth_call", "eth_estimateGas", "eth_simulateV1")
        return c.UNAVAILABLE if asks and any(marker in str(params) for marker in markers) else c.PASS

    chaos.rule = rule
    time.sleep(3)  # what was simulated a moment ago is not simulated again
    world.chain.set_balance(world.lane.address, 10**19)
    relayer.wait_for(names[3], "final")
    assert relayer.get(names[0])["state"] == "queued"
    chaos.rule = lambda method, params: c.PASS
    for name in names:
        relayer.wait_for(name, "final")
