# SPDX-License-Identifier: Apache-2.0
"""name_steward: a ruling gives a work a steward that it did not name."""

from ipto import ids
from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.build import buy, digest, on_sale, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System


def name(system: System, work: int, steward: str) -> None:
    system.registry.name_steward(work, steward, sender=system.registry.DISPUTES())


def test_names_one_who_then_accepts(system: System) -> None:
    work = register(system)
    name(system, work, system.steward)
    assert system.registry.events("StewardNamed") == [{"work": work, "steward": system.steward}]
    assert system.registry.sale_terms(work)[3] == system.steward
    assert system.registry.work_of(work)[4] == 8
    with reverts("registry: stewardship not accepted"):
        system.registry.set_cultural(system.steward, work, digest(), sender=system.steward)
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    assert system.registry.work_of(work)[4] == 8 | 16


def test_sales_need_its_consent_from_then_on(system: System) -> None:
    offer = on_sale(system)
    buy(system, offer)
    name(system, offer.work, system.steward)
    with reverts("market: steward has not consented"):
        buy(system, offer)
    system.market.consent(system.steward, ids.offer_id(offer), sender=system.steward)
    buy(system, offer)


def test_replaces_a_steward_and_its_powers(system: System) -> None:
    work = register(system, steward=str(system.thief), cultural=digest("notice"))
    system.registry.accept_stewardship(system.thief, work, sender=system.thief)
    name(system, work, system.steward)
    assert system.registry.work_of(work)[4] == 8 | 32
    with reverts("registry: not the steward"):
        system.registry.set_cultural(system.thief, work, digest(), sender=system.thief)
    with reverts("registry: not the steward"):
        system.registry.hand_over_stewardship(system.thief, work, system.thief, sender=system.thief)


def test_leaves_owner_epoch_and_payee(system: System) -> None:
    work = register(system)
    before = system.registry.work_of(work)
    name(system, work, system.steward)
    after = system.registry.work_of(work)
    assert after[:4] == before[:4]
    assert after[5:8] == before[5:8]


def test_by_dispute_resolution_alone(system: System) -> None:
    work = register(system)
    for sender in (system.creator, system.owner, system.steward, system.signed.address, system.market.address):
        with reverts("registry: not dispute resolution"):
            system.registry.name_steward(work, system.steward, sender=sender)


def test_unknown_and_nobody(system: System) -> None:
    with reverts("erc721: no such token"):
        name(system, 1, system.steward)
    with reverts("registry: zero address"):
        name(system, register(system), ZERO_ADDRESS)
