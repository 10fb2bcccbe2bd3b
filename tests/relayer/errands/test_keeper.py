# SPDX-License-Identifier: Apache-2.0
"""The keeper pays people who did nothing, once, when it is worth the gas, whatever one of them is."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from ipto import ids
from ipto.accounts import LocalSigner
from ipto.devchain import dev_signer
from ipto.structs import Share
from ipto.typed_data import AcceptInvitation, TypedData, vault_domain
from tests.relayer.errands.stage import BURNS, REFUSES, Stage

ETHER = 10**18
Play = Callable[[], Coroutine[Any, Any, None]]


def play(scene: Play) -> None:
    asyncio.run(scene())


def test_a_split_is_paid_without_anybody_asking_and_only_once(stage: Stage) -> None:
    first, second = stage.person(), stage.person()
    _, _, split = stage.split(first, second)
    stage.credit(split, ETHER)

    async def scene() -> None:
        async with stage.keeping() as kept:
            before = kept.spent()
            assert await kept.all(split) == 1
            assert (stage.wei(first), stage.wei(second)) == (ETHER // 2, ETHER // 2)
            (row,) = kept.rows("0x" + split.hex())
            assert (row["kind"], row["state"]) == ("PayOut", "final")
            after = kept.spent()
            assert after > before
            # Nothing more to do: no row, no transaction.
            assert await kept.all() == 0
            assert kept.spent() == after
            # New money is a new need.
            stage.credit(split, ETHER)
            assert await kept.all(split) == 1
            assert stage.wei(first) == ETHER

    play(scene)


def test_what_is_worth_less_than_its_gas_stays_until_there_is_more(stage: Stage) -> None:
    person = stage.person()
    account = ids.address_account(person)
    stage.credit(account, 1_000)

    async def scene() -> None:
        async with stage.keeping(ratio=20) as kept:
            await kept.all()
            assert stage.wei(person) == 0
            assert kept.rows("0x" + account.hex()) == []
            stage.credit(account, ETHER)
            assert await kept.all(account) == 1
            assert stage.wei(person) == ETHER + 1_000

    play(scene)


def test_a_recipient_that_refuses_costs_nothing_more_and_harms_nobody(stage: Stage) -> None:
    honest, refuser = stage.person(), stage.person(REFUSES)
    _, _, split = stage.split(honest, refuser)
    stage.credit(split, ETHER)

    async def scene() -> None:
        async with stage.keeping() as kept:
            await kept.all()
            assert stage.wei(honest) == ETHER // 2
            assert stage.booked(ids.address_account(refuser)) == ETHER // 2
            after = kept.spent()
            for _ in range(3):
                assert await kept.decide() == 0, "a push that is refused is not tried on chain"
            assert kept.spent() == after
            # It changes its mind.
            stage.chain.rpc.call("anvil_setCode", refuser, "0x")
            kept.parts.keeper._resting.clear()  # a day has passed
            assert await kept.all(ids.address_account(refuser)) == 1
            assert stage.wei(refuser) == ETHER // 2

    play(scene)


def test_recipients_that_burn_gas_pay_for_it_themselves(stage: Stage) -> None:
    """Twenty of them make `pay_out` dearer than what the split brings; the honest one is paid all the same."""
    honest, burners = stage.person(), [stage.person(BURNS) for _ in range(20)]
    shares, _, split = stage.split(honest, *burners)
    gas = 10**9 + 10**9  # more than a block of this chain asks
    amount = 1_000_000 * gas  # worth a million gas; the burners take two
    stage.credit(split, amount)

    async def scene() -> None:
        async with stage.keeping() as kept:
            stage.chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(gas - 10**8))
            stage.chain.mine()
            await kept.all()
            rows = kept.rows("0x" + split.hex())
            assert [row["kind"] for row in rows] == ["Distribute"]
            parts = {share.account: share.share for share in shares}
            account = ids.address_account(burners[0])
            assert stage.booked(account) == amount * parts[account] // 1_000_000
            spent = kept.spent()
            assert await kept.decide() == 0
            assert kept.spent() == spent

    play(scene)


def test_a_payout_that_fails_on_chain_is_tried_again_later_and_later(stage: Stage) -> None:
    """An account that takes its money when asked, and burns the gas when it is sent."""
    person = stage.person()
    account = ids.address_account(person)
    stage.credit(account, ETHER)
    now = [1_000_000_000.0]

    async def scene() -> None:
        async with stage.keeping(clock=lambda: now[0], backoff=100, signer_day_reverts=100) as kept:
            times = []
            for _ in range(4):
                stage.chain.rpc.call("anvil_setCode", person, "0x")
                while not await kept.decide(account):
                    await kept.carry()
                    now[0] += 50
                times.append(now[0])
                stage.chain.rpc.call("anvil_setCode", person, "0x" + REFUSES.hex())
                await kept.carry()
                assert stage.wei(person) == 0
            rows = kept.rows("0x" + account.hex())
            assert len(rows) == len({row["nonce"] for row in rows}) == 4
            gaps = [after - before for before, after in itertools.pairwise(times)]
            assert gaps == sorted(gaps), gaps
            assert gaps[-1] >= 4 * gaps[0] >= 400, gaps

    play(scene)


def test_no_budget_is_passed(stage: Stage) -> None:
    people = [stage.person() for _ in range(4)]
    for person in people:
        stage.credit(ids.address_account(person), ETHER)

    async def scene() -> None:
        async with stage.keeping(name="poor", day_wei=10**15, max_fee=5 * 10**9) as kept:
            await kept.decide()
            assert kept.parts.office.desk.refusals["day-budget"] > 0
            assert kept.parts.keeper.notice is not None
            budget = (await kept.parts.office.budget())["day"]
            assert int(budget["reserved"]) + int(budget["spent"]) <= 10**15
        async with stage.keeping(name="rich") as kept:
            await kept.all()
            assert all(stage.wei(person) == ETHER for person in people)

    play(scene)


def test_a_round_is_bounded_and_goes_on_where_the_last_one_ended(stage: Stage) -> None:
    people = [stage.person() for _ in range(5)]
    for person in people:
        stage.credit(ids.address_account(person), ETHER)

    async def scene() -> None:
        async with stage.keeping(checks=2) as kept:
            stage.indexer.catch_up()
            assert await kept.parts.keeper.step() <= 2
            assert kept.parts.keeper._walk is not None
            await kept.all()
            assert all(stage.wei(person) == ETHER for person in people)

    play(scene)


def test_gas_above_the_ceiling_waits(stage: Stage) -> None:
    stage.credit(ids.address_account(stage.person()), ETHER)

    async def scene() -> None:
        async with stage.keeping(max_fee=1) as kept:
            assert await kept.decide() == 0
            assert kept.parts.keeper.notice == "gas costs more than the ceiling; payouts wait"

    play(scene)


def test_a_split_of_splits_reaches_the_people(stage: Stage) -> None:
    person, other = stage.person(), stage.person()
    shares, controller, inner = stage.split(person)
    assert shares
    assert controller
    accounts = sorted([inner, ids.address_account(other)])
    outer = tuple(Share(account, 500_000) for account in accounts)
    stage.contract("RoyaltyVault").send(dev_signer(0), "declare_split", list(outer), controller)
    stage.credit(ids.split_account(outer, controller), ETHER)

    async def scene() -> None:
        async with stage.keeping() as kept:
            await kept.all()
            assert (stage.wei(person), stage.wei(other)) == (ETHER // 2, ETHER // 2)

    play(scene)


def test_somebody_invited_is_paid_once_they_accepted(stage: Stage) -> None:
    key, to = LocalSigner.random(), stage.person()
    stage.credit(ids.invited_account(key.address), ETHER)

    async def scene() -> None:
        async with stage.keeping() as kept:
            await kept.all()
            assert stage.booked(ids.invited_account(key.address)) == ETHER
            vault = stage.contract("RoyaltyVault")
            message = AcceptInvitation(key.address, to, 2**40)
            domain = vault_domain(stage.deployment.chain_id, vault.address)
            signature = key.sign_typed_data(TypedData(domain, message))
            vault.send(dev_signer(0), "accept_invitation", key.address, to, 2**40, signature)
            kept.parts.keeper._resting.clear()
            await kept.all()
            assert stage.wei(to) == ETHER

    play(scene)
