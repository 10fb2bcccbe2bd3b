# SPDX-License-Identifier: Apache-2.0
"""Wallet contracts (ERC-1271) that only want the sponsor to pay: whatever their code does, when asked or when mined,
what they cost is bounded as docs/operators.md states, and nobody else waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipto.accounts import LocalSigner
from ipto.chain import Deployment
from ipto.devchain import DevChain
from relayer.actions import most_gas
from relayer.schema import connect
from tests.relayer.stages import shared_world
from tests.relayer.test_refusals import AGREES, contract_onboarding, wallet
from tests.relayer.world import RelayerProcess, World

Start = Callable[..., RelayerProcess]
MAX_FEE = 50 * 10**9
REVERTS_A_DAY = 2

# Ends of a wallet's code, as runtime bytecode.
_AGREE = "631626ba7e60e01b5f5260205ff3"
_BURN = "fe"  # INVALID: all the gas it was given
_LOOP = "5b5f56"
_BOMB = "6207a1205ff3"  # returns 500,000 bytes, which the reader would have to copy
_BIG_REASON = "6207a1205ffd"  # reverts with as many
_DIE = "5fff"  # SELFDESTRUCT


def two_faced(bad: str) -> str:
    """Agrees where gas is free, as when it is asked by `eth_call`, and does otherwise in a block."""
    at = 5 + len(bad) // 2
    return f"0x3a1560{at:02x}57{bad}5b{_AGREE}"


def moody(bad: str) -> str:
    """Agrees until its owner writes a word of its storage."""
    at = 6 + len(bad) // 2
    return f"0x5f541560{at:02x}57{bad}5b{_AGREE}"


@pytest.fixture(scope="module")
def world(deployed: tuple[DevChain, Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with shared_world(deployed, tmp_path_factory.mktemp("griefing")) as here:
        yield here


@pytest.fixture(scope="module")
def relayer(world: World) -> Iterator[RelayerProcess]:
    process = RelayerProcess(world, max_fee=MAX_FEE, signer_day_reverts=REVERTS_A_DAY).start()
    yield process
    process.stop()


def bounded(world: World, relayer: RelayerProcess, name: str) -> int:
    """What an action that failed on chain cost, in wei; at most what was set aside for it, and that at most its cap."""
    action = relayer.wait_for(name, "failed")
    assert action["reason"].startswith("reverted on chain")
    assert len(action["reason"]) < 300, "the wallet does not write our log"
    cost = int(action["gas_cost_wei"])
    database = connect(world.folder / "relayer.sqlite")
    (row,) = database.read("SELECT reserved, gas_limit FROM actions WHERE id = ?", name)
    database.close()
    assert row["gas_limit"] <= most_gas("Onboard", by_contract=True)
    assert 0 < cost <= int(row["reserved"]) == row["gas_limit"] * MAX_FEE
    return cost


def honest(world: World, relayer: RelayerProcess) -> None:
    """Others are served as ever."""
    relayer.wait_for(relayer.submit(world.signed_onboarding()), "final")
    relayer.wait_for(relayer.submit(contract_onboarding(world, wallet(world, AGREES))), "final")


@pytest.mark.parametrize(
    "code",
    [
        "0x" + _BURN,
        "0x" + _LOOP,
        "0x" + _BOMB,
        "0x" + _BIG_REASON,
        "0x" + _DIE,
        "0x",
        "0xef0100" + "00" * 20,
        "0x50",
        "0x0c",
        "0x5f60ff56",
        "0x5f5f55",
    ],
    ids=[
        "burns",
        "loops",
        "return bomb",
        "huge reason",
        "self-destructs",
        "no code",
        "delegates to nothing",
        "empty stack",
        "no such opcode",
        "wild jump",
        "writes",
    ],
)
def test_what_a_wallet_does_when_asked_costs_nothing(world: World, relayer: RelayerProcess, code: str) -> None:
    before = world.chain.rpc.nonce(world.lane.address, "latest")
    answer = relayer.post(contract_onboarding(world, wallet(world, code)))
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-signature")
    assert len(answer.content) < 2_000, "nobody is handed the bomb"
    assert world.chain.rpc.nonce(world.lane.address, "latest") == before


@pytest.mark.parametrize(
    "bad", [_BURN, _BOMB, _BIG_REASON, _DIE], ids=["burns", "return bomb", "huge reason", "self-destructs"]
)
def test_what_a_two_faced_wallet_costs_a_day(world: World, relayer: RelayerProcess, bad: str) -> None:
    address = wallet(world, two_faced(bad))
    costs = []
    for _ in range(REVERTS_A_DAY + 1):
        # A contract that destroyed itself is made again, as its owner would.
        world.chain.rpc.call("anvil_setCode", address, two_faced(bad))
        costs.append(bounded(world, relayer, relayer.submit(contract_onboarding(world, address))))
    answer = relayer.post(contract_onboarding(world, address))
    assert (answer.status_code, answer.json()["code"]) == (429, "signer-reverts")
    assert sum(costs) <= (REVERTS_A_DAY + 1) * most_gas("Onboard", by_contract=True) * MAX_FEE
    honest(world, relayer)


@pytest.mark.parametrize("change", ["owner", "code", "gone"])
def test_a_wallet_that_changes_between_the_check_and_the_block(
    world: World, relayer: RelayerProcess, change: str
) -> None:
    address = wallet(world, moody(_BURN))
    world.chain.set_automine(False)
    try:
        name = relayer.submit(contract_onboarding(world, address))
        relayer.wait_for(name, "sent", mine=False)
        if change == "owner":
            world.chain.rpc.call("anvil_setStorageAt", address, "0x" + "00" * 32, "0x" + "00" * 31 + "01")
        else:
            world.chain.rpc.call("anvil_setCode", address, "0x" if change == "gone" else "0x" + _BOMB)
        world.chain.mine()
    finally:
        world.chain.set_automine(True)
    bounded(world, relayer, name)
    honest(world, relayer)


def test_many_such_wallets_share_one_budget(world: World, start: Start, tmp_path: Path) -> None:
    """Addresses cost the attacker nothing: whatever their number, a day's loss is `CONTRACTS_DAY_WEI`."""
    probe = start(database=tmp_path / "probe.sqlite", max_fee=MAX_FEE)
    probe.submit(contract_onboarding(world, wallet(world, two_faced(_BURN))))
    database = connect(tmp_path / "probe.sqlite")
    reserved = int(database.read("SELECT reserved FROM actions")[0]["reserved"])
    database.close()
    probe.stop()

    budget = 3 * reserved + reserved // 2
    relayer = start(database=tmp_path / "own.sqlite", max_fee=MAX_FEE, contracts_day_wei=budget)
    before = world.chain.rpc.balance(world.lane.address)
    taken: list[str] = []
    refused: Any = None
    end = time.monotonic() + 90
    while refused is None and time.monotonic() < end:
        answer = relayer.post(contract_onboarding(world, wallet(world, two_faced(_BURN))))
        if answer.status_code == 202:
            taken.append(answer.json()["id"])
        else:
            refused = answer.json()["code"]
    assert refused == "contracts-budget"
    assert taken
    for name in taken:
        relayer.wait_for(name, "failed")
    assert before - world.chain.rpc.balance(world.lane.address) <= budget
    person = LocalSigner.random()
    relayer.wait_for(relayer.submit(world.signed_onboarding(person)), "final")
