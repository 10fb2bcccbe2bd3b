# SPDX-License-Identifier: Apache-2.0
"""Actions that wait together travel together: cheaper, and each by itself all the same."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from ipto.accounts import LocalSigner
from ipto.devchain import dev_signer
from ipto.messages import SetMetadata
from ipto.structs import Offer
from relayer.cargo import shares
from tests.relayer.world import RelayerProcess, World

Start = Callable[..., RelayerProcess]


def gather(
    world: World, start: Start, bodies: list[dict[str, Any]], **settings: Any
) -> tuple[RelayerProcess, list[str]]:
    """A relayer with these actions in its queue and no money; with money they go out at once."""
    world.chain.set_balance(world.lane.address, 0)
    relayer = start(signer_pending=50, **settings)
    return relayer, [relayer.submit(body) for body in bodies]


def gas_of(world: World, tx_hash: str) -> int:
    return int(world.chain.rpc.call("eth_getTransactionReceipt", tx_hash)["gasUsed"], 16)


def test_a_batch_is_one_transaction_and_cheaper_for_each(world: World, start: Start) -> None:
    relayer, names = gather(world, start, [world.signed_onboarding() for _ in range(20)])
    world.chain.set_balance(world.lane.address, 10**20)
    actions = [relayer.wait_for(name, "final") for name in names]
    assert len({action["transaction"] for action in actions}) == 1
    assert world.lane_count() == 1
    together = gas_of(world, actions[0]["transaction"])
    alone = relayer.wait_for(relayer.submit(world.signed_onboarding()), "final")
    saved = 1 - together / 20 / gas_of(world, alone["transaction"])
    # Of an onboarding of a new creator; what costs less by itself saves more.
    assert saved >= 0.10, f"a batch of 20 saves {saved:.1%} of the gas of each"
    budget = relayer.http.get(relayer.url + "/status").json()["budget"]["total"]
    assert budget["reserved"] == "0"
    assert int(budget["spent"]) == sum(int(action["gas_cost_wei"]) for action in [*actions, alone])


def test_one_that_fails_in_a_batch_leaves_the_others_alone(world: World, start: Start) -> None:
    world.chain.set_automine(False)
    bodies = [world.signed_onboarding() for _ in range(6)]
    relayer, names = gather(world, start, bodies, rebroadcast_after=60)
    world.chain.set_balance(world.lane.address, 10**20)
    for name in names:
        relayer.wait_for(name, "sent", mine=False)
    world.wait_in_pool(1)
    # The second is carried out by somebody who saw it in the mempool and paid more.
    signed, thief = world.contract("SignedActions"), dev_signer(5)
    message = world.typed_message(bodies[1])
    stolen = thief.sign_transaction(
        {
            "type": 2, "chainId": world.deployment.chain_id, "nonce": world.chain.rpc.nonce(thief.address),
            "to": signed.address, "value": 0, "gas": 1_000_000, "maxFeePerGas": 10**12,
            "maxPriorityFeePerGas": 5 * 10**11,
            "data": "0x" + signed.encode("onboard", message, bytes.fromhex(bodies[1]["signature"][2:])).hex(),
        }
    )  # fmt: skip
    taken = world.chain.rpc.call("eth_sendRawTransaction", "0x" + stolen.hex())
    world.chain.mine()
    actions = [relayer.wait_for(name, "final") for name in names]
    assert [len(world.executions(body)) for body in bodies] == [1] * 6
    assert actions[1]["transaction"] == taken
    assert "somebody else" in actions[1]["reason"]
    assert len({action["transaction"] for action in actions}) == 2


def test_a_refusal_inside_a_batch_is_told_in_its_contract_s_words(world: World, start: Start) -> None:
    creator = LocalSigner.random()
    first = world.signed_onboarding(creator)
    opener = start()
    opener.wait_for(opener.submit(first), "final")
    opener.kill()
    world.chain.set_automine(False)
    work = Offer.from_mapping(first["message"]["offers"][0]).work
    registry, deadline = world.deployment.address("WorkRegistry"), int(time.time()) + 3600
    update = SetMetadata(creator.address, registry, work, b"\x05" * 32, secrets.randbits(256), deadline)
    bodies = [world.body(creator, update), *(world.signed_onboarding() for _ in range(6))]
    relayer, names = gather(world, start, bodies, rebroadcast_after=60)
    world.chain.set_balance(world.lane.address, 10**20)
    for name in names:
        relayer.wait_for(name, "sent", mine=False)
    world.wait_in_pool(1)
    # Before the batch is mined the creator gives the work away.
    world.chain.set_balance(creator.address, 10**19)
    move = creator.sign_transaction(
        {
            "type": 2, "chainId": world.deployment.chain_id, "nonce": 0, "to": registry, "value": 0, "gas": 300_000,
            "maxFeePerGas": 10**12, "maxPriorityFeePerGas": 5 * 10**11,
            "data": "0x" + world.contract("WorkRegistry").encode(
                "transferFrom", creator.address, dev_signer(3).address, work
            ).hex(),
        }
    )  # fmt: skip
    world.chain.rpc.call("eth_sendRawTransaction", "0x" + move.hex())
    world.chain.mine()
    others = [relayer.wait_for(name, "final") for name in names[1:]]
    action = relayer.wait_for(names[0], "failed")
    assert {other["transaction"] for other in others} == {action["transaction"]}
    assert action["reason"].startswith("reverted on chain: registry: ")


@pytest.mark.parametrize(("total", "weights"), [(100, [1, 1, 1]), (7, [5]), (10**30 + 1, [3, 10**18, 1]), (0, [1, 2])])
def test_shares_add_up_and_none_is_above_its_reservation(total: int, weights: list[int]) -> None:
    parts = shares(total, weights)
    assert sum(parts) == total
    price = -(-total // sum(weights))
    assert all(0 <= part <= weight * price for part, weight in zip(parts, weights, strict=True))
