# SPDX-License-Identifier: Apache-2.0
"""Income of datasets and of usage reports reaches people without anybody's doing; and so does what they ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ipto import ids
from ipto.accounts import LocalSigner
from ipto.payouts import PayoutRequest, payout_request
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS
from relayer.problems import RefusedError
from tests.ipto.test_reporter import MONTH, WINDOW, Desk
from tests.relayer.errands.stage import Kept, Stage

ETHER = 10**18


def dear(stage: Stage) -> dict[str, Any]:
    """Tests pay in the smallest units of a dollar: dear ones, for this."""
    return {"prices": {stage.deployment.address("TestUSD"): "1000000"}, "content_folder": stage.folder / "content"}


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage.chain, stage.deployment, stage.folder, works=3)


def paid(desk: Desk) -> list[int]:
    return [int(desk.usd.call("balanceOf", creator.address)) for creator in desk.creators]


def test_a_datasets_sale_reaches_its_creators(stage: Stage, desk: Desk) -> None:
    dataset, _ = desk.licensed()
    subject = "0x" + ids.dataset_id(dataset).hex()

    async def scene() -> None:
        async with stage.keeping(**dear(stage)) as kept:
            await kept.all()
            assert paid(desk) == [10, 10, 10]
            assert [(row["kind"], row["state"]) for row in kept.rows(subject)] == [("Collect", "final")]
            assert await kept.decide() == 0

    play(scene)


def test_a_work_on_hold_keeps_nobody_else_waiting(stage: Stage, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, _ = desk.licensed()
    subject, held = "0x" + ids.dataset_id(dataset).hex(), desk.offers[1].work
    registry = stage.contract("WorkRegistry")
    resolver = stage.deployment.address("DisputeResolver")
    stage.chain.rpc.call("anvil_impersonateAccount", resolver)
    stage.chain.set_balance(resolver, ETHER)

    def hold(function: str, *args: Any) -> None:
        data = "0x" + registry.encode(function, *args).hex()
        call = {"from": resolver, "to": registry.address, "data": data}
        stage.chain.rpc.call("eth_sendTransaction", call)
        stage.chain.mine()

    hold("hold", held, stage.chain.rpc.block_number() + 2**33)

    async def scene() -> None:
        async with stage.keeping(**dear(stage)) as kept:
            await kept.all()
            assert paid(desk) == [10, 0, 10]
            assert [row["state"] for row in kept.rows(subject)] == ["final"], "nothing was burned on the one on hold"

    play(scene)


def test_a_report_is_claimed_once_its_window_is_over(stage: Stage, desk: Desk) -> None:
    _, license = desk.licensed()
    desk.wait(MONTH)
    report, _ = desk.reporter.submit(desk.reporter.prepare(license, desk.entries(5, 3, 2), 1_001))
    subject = "0x" + report.hex()

    async def scene() -> None:
        async with stage.keeping(**dear(stage)) as kept:
            await kept.all()
            assert kept.rows(subject) == [], "it can still be challenged"
            desk.wait(WINDOW)
            await kept.all()
            assert [(row["kind"], row["state"]) for row in kept.rows(subject)] == [("ClaimShares", "final")]
            assert sorted(paid(desk)) == sorted([10 + 501, 10 + 300, 10 + 200])
            spent = kept.spent()
            assert await kept.decide() == 0
            assert kept.spent() == spent

    play(scene)


def test_a_report_whose_manifest_is_missing_is_told_and_waits(stage: Stage, desk: Desk) -> None:
    _, license = desk.licensed()
    desk.wait(MONTH)
    report, _ = desk.reporter.submit(desk.reporter.prepare(license, desk.entries(1, 1, 2), 400))
    desk.wait(WINDOW)

    async def scene() -> None:
        async with stage.keeping(**(dear(stage) | {"content_folder": stage.folder / "elsewhere"})) as kept:
            await kept.all()
            assert kept.rows("0x" + report.hex()) == []
            assert kept.parts.keeper.wrong_reports >= 1

    play(scene)


# --- what is asked for ----------------------------------------------------------------------------------------------


def request(stage: Stage, asker: LocalSigner, source: bytes, **changes: Any) -> dict[str, Any]:
    values = {"item": ZERO32, "currency": ETH, "deadline": int(time.time()) + 600, **changes}
    message = PayoutRequest(asker=asker.address, source=source, **values)
    signature = asker.sign_typed_data(payout_request(stage.deployment, message))
    return {**message.to_json(), "signature": "0x" + signature.hex()}


def test_what_is_not_worth_its_gas_goes_out_when_a_recipient_asks(stage: Stage) -> None:
    asker = LocalSigner.random()
    _, _, split = stage.split(asker.address, stage.person())
    stage.credit(split, 1_000)
    now = time.time()

    async def scene() -> None:
        async with stage.keeping(clock=lambda: now, ratio=20) as kept:
            await kept.all()
            assert kept.rows("0x" + split.hex()) == []
            taken = await kept.parts.requests.take(request(stage, asker, split))
            assert taken["source"] == "0x" + split.hex()
            assert await kept.all(split) == 1
            assert stage.wei(asker.address) == 500
            # Once is once, in the same second too: what comes later has to be worth it, or asked for again.
            stage.credit(split, 1_000)
            assert await kept.all(split) == 0
            await kept.parts.requests.take(request(stage, asker, split))
            assert await kept.all(split) == 1
            assert stage.wei(asker.address) == 1_000

    play(scene)


def test_a_request_made_while_a_payout_is_under_way_is_answered_by_the_next(stage: Stage) -> None:
    """The payout was decided without knowing it; seconds do not tell which was first, and clocks may differ."""
    asker = LocalSigner.random()
    account = ids.address_account(asker.address)
    stage.credit(account, ETHER)
    now = [time.time()]

    async def scene() -> None:
        async with stage.keeping(clock=lambda: now[0], ratio=20) as kept:
            assert await kept.decide(account) == 1
            await kept.parts.requests.take(request(stage, asker, account))
            now[0] += 5  # the payout ends later than the request was made
            await kept.carry()
            assert stage.wei(asker.address) == ETHER
            stage.credit(account, 1_000)
            assert await kept.all(account) == 1
            assert stage.wei(asker.address) == ETHER + 1_000
            stage.credit(account, 1_000)
            assert await kept.all(account) == 0
            now[0] -= 30  # another machine's clock
            await kept.parts.requests.take(request(stage, asker, account))
            assert await kept.all(account) == 1

    play(scene)


def test_a_token_without_a_price_is_paid_only_when_asked(stage: Stage, desk: Desk) -> None:
    dataset, _ = desk.licensed()
    creator, offer = desk.creators[0], desk.offers[0]
    source, item = ids.dataset_id(dataset), ids.offer_id(offer)

    async def scene() -> None:
        async with stage.keeping() as kept:
            await kept.all()
            assert paid(desk) == [0, 0, 0]
            body = request(stage, creator, source, item=item, currency=ZERO_ADDRESS)
            await kept.parts.requests.take(body)
            await kept.all()
            assert [row["kind"] for row in kept.rows("0x" + source.hex())] == ["Collect"]
            account = ids.address_account(creator.address)
            assert stage.booked(account, desk.usd.address) == 10
            await kept.parts.requests.take(request(stage, creator, account, currency=desk.usd.address))
            await kept.all()
            assert paid(desk) == [10, 0, 0]

    play(scene)


def test_what_is_asked_for_has_a_budget_of_its_own(stage: Stage) -> None:
    askers = [LocalSigner.random() for _ in range(3)]
    for asker in askers:
        stage.credit(ids.address_account(asker.address), 1)
    rich = stage.person()
    stage.credit(ids.address_account(rich), ETHER)

    async def scene() -> None:
        async with stage.keeping(asked_day_wei=10**15, max_fee=5 * 10**9) as kept:
            for asker in askers:
                await kept.parts.requests.take(request(stage, asker, ids.address_account(asker.address)))
            await kept.decide()
            assert kept.parts.office.desk.refusals["contracts-budget"] >= 1
            await kept.carry()
            assert stage.wei(rich) == ETHER, "others are paid all the same"

    play(scene)


async def refused(kept: Kept, body: dict[str, Any], code: str) -> None:
    with pytest.raises(RefusedError) as caught:
        await kept.parts.requests.take(body)
    assert caught.value.code == code


def test_nobody_asks_for_others_or_with_a_wrong_signature(stage: Stage) -> None:
    owner, thief = LocalSigner.random(), LocalSigner.random()
    _, _, split = stage.split(owner.address, stage.person())
    stage.credit(split, 1_000)
    stage.indexer.catch_up()

    async def scene() -> None:
        async with stage.keeping() as kept:
            await refused(kept, request(stage, thief, split), "not-owed")
            await refused(kept, request(stage, thief, ids.address_account(owner.address)), "not-owed")
            await refused(kept, request(stage, thief, bytes([1]) + bytes(31)), "not-owed")
            forged = request(stage, thief, split) | {"asker": owner.address}
            await refused(kept, forged, "bad-signature")
            await refused(kept, request(stage, owner, split, deadline=int(time.time()) - 1), "malformed")
            await refused(kept, request(stage, owner, split, deadline=int(time.time()) + 10**6), "malformed")
            await refused(kept, request(stage, owner, split, currency=ZERO_ADDRESS), "malformed")
            await refused(kept, request(stage, owner, split, item=b"\1" * 32), "malformed")
            await refused(kept, {"asker": 5}, "malformed")

    play(scene)
