# SPDX-License-Identifier: Apache-2.0
"""transferFrom of a work: a new owner, a new epoch; all else stays. The rules of ERC-721 are in modules/."""

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.build import declare, digest, even_split, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now, travel


def test_only_owner_and_epoch_change(system: System) -> None:
    payee = declare(system, even_split(system.creator, system.dancer))
    work = register(system, payee=payee, steward=str(system.steward), cultural=digest(), duration_ms=2**32 - 1)
    before = system.registry.work_of(work)
    travel(100)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    assert system.registry.work_of(work) == (system.heir, now(), *before[2:])


def test_back_again_is_a_new_epoch(system: System) -> None:
    work = register(system)
    travel(10)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    travel(10)
    system.registry.transferFrom(system.heir, system.creator, work, sender=system.heir)
    assert system.registry.work_of(work)[:2] == (system.creator, now())


def test_the_first_claim_stays_the_creators(system: System) -> None:
    content = digest()
    work = register(system, content=content)
    claimed = now()
    travel(10)
    system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    assert system.registry.first_claim(content) == (work, claimed)


def test_neither_the_protocols_owner_nor_signed_actions_moves_one(system: System) -> None:
    work = register(system)
    for sender in (system.owner, system.signed.address, system.market.address, system.steward):
        with reverts("erc721: not owner, approved or operator"):
            system.registry.transferFrom(system.creator, system.thief, work, sender=sender)
    with reverts("erc721: zero address"):
        system.registry.transferFrom(system.creator, ZERO_ADDRESS, work, sender=system.creator)
