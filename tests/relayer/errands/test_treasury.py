# SPDX-License-Identifier: Apache-2.0
"""The treasury refills lanes, once for each need, within its limits, wherever it is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ipto.accounts import LocalSigner
from ipto.devchain import dev_signer
from relayer.bundle import BundledRpc
from relayer.errands.commands import TreasuryParts, make_treasury
from relayer.errands.settings import TreasurySettings
from relayer.problems import ConfigurationError
from relayer.schema import connect
from tests.relayer.errands.stage import REFUSES, Stage

LOW, FULL = 10**16, 10**17
KEY = LocalSigner(b"\x31" * 32)
Scene = Callable[[TreasuryParts], Coroutine[Any, Any, None]]


def play(stage: Stage, lanes: tuple[str, ...], scene: Scene, **changes: Any) -> None:
    """One life of a treasury on the test's database."""

    async def run() -> None:
        values: dict[str, Any] = {
            "rpc_url": stage.chain.url, "lanes": lanes, "threshold_wei": LOW, "target_wei": FULL, "poll_seconds": 0.01,
            "confirmations": 2, "max_fee": 5 * 10**9, "day_wei": 10**18, "lane_day_wei": 10**18, **changes,
        }  # fmt: skip
        settings = TreasurySettings(**values)
        rpc = BundledRpc(settings.rpc_url, timeout=30)
        database = connect(stage.folder / "treasury.sqlite")
        parts = make_treasury(settings, stage.deployment, database, [KEY], rpc)
        try:
            await scene(parts)
        finally:
            parts.office.sender.lanes[0].release()
            await rpc.aclose()
            database.close()

    asyncio.run(run())


async def carry(stage: Stage, parts: TreasuryParts) -> None:
    for _ in range(200):
        await parts.office.sender.lanes[0].step()
        if not parts.office.desk.open():
            return
        stage.chain.mine()
    raise AssertionError("without an end")


@pytest.fixture
def treasury(stage: Stage) -> Stage:
    stage.chain.set_balance(KEY.address, 10**18)
    return stage


def spend(stage: Stage, lane: str, left: int) -> None:
    stage.chain.set_balance(lane, left)


def test_a_lane_that_runs_low_is_filled_to_its_target_once(treasury: Stage) -> None:
    stage, lane = treasury, treasury.person()
    spend(stage, lane, LOW - 1)

    async def scene(parts: TreasuryParts) -> None:
        assert await parts.treasury.step() == 1
        for _ in range(3):
            assert await parts.treasury.step() == 0, "one refill is under way"
        await carry(stage, parts)
        assert stage.wei(lane) == FULL
        assert await parts.treasury.step() == 0
        # A new need is a new refill.
        spend(stage, lane, 0)
        assert await parts.treasury.step() == 1
        await carry(stage, parts)
        assert stage.wei(lane) == FULL
        budget = (await parts.office.budget())["day"]
        assert int(budget["reserved"]) == 0
        paid = FULL - LOW + 1 + FULL
        assert paid < int(budget["spent"]) < paid + 10**15, "the amounts and their gas were booked"
        assert stage.wei(KEY.address) == 10**18 - int(budget["spent"])

    play(stage, (lane,), scene)


@pytest.mark.parametrize("stop", ["decided", "signed", "mined"])
def test_a_crash_anywhere_neither_loses_nor_repeats_a_refill(treasury: Stage, stop: str) -> None:
    stage, lane = treasury, treasury.person()
    spend(stage, lane, 0)
    before = stage.chain.rpc.nonce(KEY.address, "latest")

    async def first_life(parts: TreasuryParts) -> None:
        assert await parts.treasury.step() == 1
        if stop == "decided":
            return
        await parts.office.sender.lanes[0].step()
        if stop == "mined":
            stage.chain.mine()

    async def second_life(parts: TreasuryParts) -> None:
        assert await parts.treasury.step() == 0, "the need is being served already"
        await carry(stage, parts)
        assert await parts.treasury.step() == 0
        assert stage.wei(lane) == FULL
        assert stage.chain.rpc.nonce(KEY.address, "latest") == before + 1

    play(stage, (lane,), first_life)
    play(stage, (lane,), second_life)


def test_a_node_that_lags_behind_the_last_refill_is_not_believed(treasury: Stage) -> None:
    stage, lane = treasury, treasury.person()
    spend(stage, lane, 0)

    async def scene(parts: TreasuryParts) -> None:
        await parts.treasury.step()
        await carry(stage, parts)
        head = stage.chain.rpc.block_number()
        parts.treasury._rpc.block_number = later(head - 5)  # type: ignore[method-assign]
        assert await parts.treasury._refill(lane, head - 5, FULL) is False

    play(stage, (lane,), scene)


def later(number: int) -> Callable[[], Coroutine[Any, Any, int]]:
    async def answer() -> int:
        return number

    return answer


def test_limits_hold_and_are_told(treasury: Stage) -> None:
    stage, lanes = treasury, tuple(treasury.person() for _ in range(3))
    for lane in lanes:
        spend(stage, lane, 0)

    async def scene(parts: TreasuryParts) -> None:
        assert await parts.treasury.step() == 2, "the day's limit is for two"
        await carry(stage, parts)
        assert await parts.treasury.step() == 0
        assert parts.treasury.capped == {lanes[2]}
        assert "limit" in parts.treasury.needy[lanes[2]]
        assert [stage.wei(lane) for lane in lanes] == [FULL, FULL, 0]
        # The lane's own limit: it burned what it got.
        spend(stage, lanes[0], 0)
        assert await parts.treasury.step() == 0
        assert lanes[0] in parts.treasury.capped

    play(stage, lanes, scene, day_wei=2 * FULL + FULL // 2, lane_day_wei=FULL + FULL // 2)


def test_a_lane_that_takes_no_money_costs_nothing(treasury: Stage) -> None:
    stage, lane = treasury, treasury.person(REFUSES)
    before = stage.chain.rpc.nonce(KEY.address, "latest")

    async def scene(parts: TreasuryParts) -> None:
        assert await parts.treasury.step() == 0
        assert "cannot be refilled" in parts.treasury.needy[lane]
        assert stage.chain.rpc.nonce(KEY.address, "latest") == before

    play(stage, (lane,), scene)


def test_it_refills_neither_itself_nor_nobody(treasury: Stage) -> None:
    async def scene(_: TreasuryParts) -> None:
        raise AssertionError("it must not start")

    for lanes in ((), (KEY.address,), (dev_signer(0).address, KEY.address)):
        with pytest.raises(ConfigurationError, match="IPTO_TREASURY_LANES"):
            play(treasury, lanes, scene)
    with pytest.raises(ValueError, match="target_wei must be above"):
        TreasurySettings(threshold_wei=5, target_wei=5)
