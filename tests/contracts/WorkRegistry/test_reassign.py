# SPDX-License-Identifier: Apache-2.0
"""reassign: a ruling moves a claim with all that hangs on it, and nothing else does."""

import pytest

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import buy, declare, digest, even_split, hold, on_sale, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now, travel


def move(system: System, work: int, to: str | None = None, clean_since: int = 0, keeps_steward: bool = False) -> None:
    to = to or system.heir
    system.registry.reassign(work, to, clean_since, keeps_steward, sender=system.registry.DISPUTES())


def full_work(system: System) -> int:
    payee = declare(system, even_split(system.creator, system.dancer))
    work = register(system, payee=payee, steward=str(system.steward), cultural=digest("notice"), cleared=5)
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    return work


def test_moves_and_resets(system: System) -> None:
    work = full_work(system)
    before = system.registry.work_of(work)
    system.registry.approve(system.keeper, work, sender=system.creator)
    hold(system, work)
    travel(100)
    move(system, work, clean_since=now() - 50)
    assert [log.name for log in system.registry.logs] == ["Transfer", "ClaimReassigned"]
    assert system.registry.events("Transfer") == [{"sender": system.creator, "receiver": system.heir, "token_id": work}]
    assert system.registry.events("ClaimReassigned") == [
        {
            "work": work,
            "former": system.creator,
            "to": system.heir,
            "clean_since": now() - 50,
            "keeps_steward": False,
        }
    ]
    kept = (before[2], before[3], 0, before[5])  # duration, cleared aspects, flags, metadata
    assert system.registry.work_of(work) == (system.heir, now(), *kept, ZERO32, ZERO32, ZERO_ADDRESS)
    assert system.registry.sale_terms(work) == (system.heir, now(), ZERO32, ZERO_ADDRESS, ZERO32, 5, 0)
    assert system.registry.getApproved(work) == ZERO_ADDRESS
    assert (system.registry.balanceOf(system.creator), system.registry.balanceOf(system.heir)) == (0, 1)
    assert (system.registry.clean_since(work), system.registry.held_until(work)) == (now() - 50, 0)


def test_keeps_steward_and_notice_where_the_ruling_says_so(system: System) -> None:
    work = full_work(system)
    move(system, work, keeps_steward=True)
    assert system.registry.sale_terms(work)[2:] == (ZERO32, system.steward, digest("notice"), 5, 8 | 16 | 32)


def test_the_rank_of_the_claim_stays(system: System) -> None:
    content = digest()
    register(system, system.thief, content=content)
    travel(2 * 86_400)
    work = register(system, content=content)
    move(system, work)
    assert system.registry.work_of(work)[4] == 2


def test_to_the_present_owner_a_new_epoch_begins(system: System) -> None:
    offer = on_sale(system)
    travel(10)
    move(system, offer.work, system.creator)
    assert system.registry.balanceOf(system.creator) == 1
    assert system.registry.work_of(offer.work)[:2] == (system.creator, now())
    with reverts("market: work has another owner"):
        buy(system, offer)
    system.market.withdraw_offer(offer, sender=system.creator)
    system.market.post(offer, sender=system.creator)
    buy(system, offer)


def test_offers_of_the_former_owner_are_dead(system: System) -> None:
    offer = on_sale(system)
    move(system, offer.work)
    with reverts("market: work has another owner"):
        buy(system, offer)


def test_the_new_owner_owns_it_fully(system: System) -> None:
    work = full_work(system)
    move(system, work)
    with reverts("erc721: sender is not the owner"):
        system.registry.transferFrom(system.creator, system.thief, work, sender=system.creator)
    with reverts("registry: not the owner"):
        system.registry.set_metadata(system.creator, work, digest(), sender=system.creator)
    # Neither the former split's controller nor the former steward is asked any more.
    system.registry.set_payee(work, declare(system, even_split(system.heir, system.editor)), sender=system.heir)
    system.registry.transferFrom(system.heir, system.keeper, work, sender=system.heir)


def test_clean_since_never_goes_back(system: System) -> None:
    work = register(system)
    for clean_since, expected in ((100, 100), (50, 100), (0, 100), (101, 101)):
        move(system, work, clean_since=clean_since)
        assert system.registry.clean_since(work) == expected
        assert system.registry.events("ClaimReassigned")[0]["clean_since"] == expected


def test_by_dispute_resolution_alone(system: System) -> None:
    work = register(system)
    for sender in (system.creator, system.owner, system.thief, system.signed.address, system.market.address):
        with reverts("registry: not dispute resolution"):
            system.registry.reassign(work, system.heir, 0, False, sender=sender)


def test_unknown_and_to_nobody(system: System) -> None:
    with reverts("erc721: no such token"):
        move(system, 1)
    with reverts("erc721: zero address"):
        move(system, register(system), ZERO_ADDRESS)


@pytest.mark.parametrize("clean_since", [1, 2**40 - 1])
def test_clean_since_takes_any_time(system: System, clean_since: int) -> None:
    work = register(system)
    move(system, work, clean_since=clean_since)
    assert system.registry.clean_since(work) == clean_since
