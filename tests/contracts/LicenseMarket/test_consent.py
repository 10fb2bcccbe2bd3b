# SPDX-License-Identifier: Apache-2.0
"""consent, revoke_consent, has_consent: a steward's word is its own, for one offer, for future sales."""

from ipto import ids
from tests.contracts.support.build import buy, on_sale, post, register
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now


def test_logs_and_stores(system: System) -> None:
    offer = ids.offer_id(on_sale(system))
    for name, given in (("consent", True), ("revoke_consent", False)):
        getattr(system.market, name)(system.steward, offer, sender=system.steward)
        assert [(log.name, log.args) for log in system.market.logs] == [
            ("ConsentSet", {"offer_id": offer, "steward": system.steward, "given": given})
        ]
        assert system.market.has_consent(offer, system.steward) is given


def test_only_for_oneself(system: System) -> None:
    offer = ids.offer_id(on_sale(system))
    for name in ("consent", "revoke_consent"):
        with reverts("market: not the actor"):
            getattr(system.market, name)(system.steward, offer, sender=system.thief)
        getattr(system.market, name)(system.steward, offer, sender=system.signed.address)


def test_a_stewarded_work_is_never_sold_without_it(system: System) -> None:
    work = register(system, steward=str(system.steward))
    offer, other = post(system, work), post(system, work, price=5)
    with reverts("market: steward has not consented"):
        buy(system, offer)
    for stranger in (system.thief, system.creator, system.owner):
        system.market.consent(stranger, ids.offer_id(offer), sender=stranger)
    system.market.consent(system.steward, ids.offer_id(other), sender=system.steward)
    with reverts("market: steward has not consented"):
        buy(system, offer)
    system.market.consent(system.steward, ids.offer_id(offer), sender=system.steward)
    license = buy(system, offer)
    system.market.revoke_consent(system.steward, ids.offer_id(offer), sender=system.steward)
    with reverts("market: steward has not consented"):
        buy(system, offer)
    assert system.market.permits(system.licensee, license, offer, 1, 1, 0, 1, now())


def test_counts_whether_or_not_the_stewardship_was_accepted(system: System) -> None:
    """Named is enough to be asked: otherwise a creator could sell before the steward ever heard of it."""
    offer = post(system, register(system, steward=str(system.steward)))
    with reverts("market: steward has not consented"):
        buy(system, offer)


def test_does_not_pass_to_a_successor(system: System) -> None:
    work = register(system, steward=str(system.steward))
    offer = post(system, work)
    system.market.consent(system.steward, ids.offer_id(offer), sender=system.steward)
    system.registry.accept_stewardship(system.steward, work, sender=system.steward)
    system.registry.hand_over_stewardship(system.steward, work, system.heir, sender=system.steward)
    with reverts("market: steward has not consented"):
        buy(system, offer)
    system.market.consent(system.heir, ids.offer_id(offer), sender=system.heir)
    buy(system, offer)


def test_a_work_without_steward_needs_none(system: System) -> None:
    buy(system, on_sale(system))
