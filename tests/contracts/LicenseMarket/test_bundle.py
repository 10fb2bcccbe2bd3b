# SPDX-License-Identifier: Apache-2.0
"""bundle, unbundle: what a dataset may take in, and how exclusivity and datasets keep each other out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.structs import Offer
from tests.contracts.support.build import buy, digest, hold, on_sale, post, register, with_market
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System, now, travel

BUNDLE, EXCLUSIVE = 1, 4


@pytest.fixture
def markets(system: System) -> System:
    """A system whose dataset market is a contract the test acts for."""
    return with_market(system, datasets=hostile("Puppet").address)


def bundle(markets: System, offer: Offer) -> tuple[bytes, bytes]:
    result: tuple[bytes, bytes] = markets.market.bundle(offer, sender=markets.market.dataset_market())
    return result


def unbundle(markets: System, work: int) -> None:
    markets.market.unbundle(work, sender=markets.market.dataset_market())


def test_returns_what_a_dataset_records(markets: System) -> None:
    notice = digest()
    offer = post(markets, register(markets, cultural=notice), flags=BUNDLE)
    assert bundle(markets, offer) == (ids.offer_id(offer), notice)
    assert bundle(markets, on_sale(markets, flags=BUNDLE))[1] == bytes(32)


def test_only_for_the_dataset_market(markets: System) -> None:
    offer = on_sale(markets, flags=BUNDLE)
    for who in (markets.creator, markets.owner, markets.signed.address, markets.thief):
        with reverts("market: not for this caller"):
            markets.market.bundle(offer, sender=who)
        with reverts("market: not for this caller"):
            markets.market.unbundle(offer.work, sender=who)


def test_for_nobody_while_there_is_no_dataset_market(system: System) -> None:
    fresh = with_market(system)
    offer = on_sale(fresh, flags=BUNDLE)
    with reverts("market: not for this caller"):
        fresh.market.bundle(offer)


def test_a_bundled_work_is_never_sold_exclusively(markets: System) -> None:
    work = register(markets)
    offers = [post(markets, work, flags=BUNDLE, terms=digest()) for _ in range(2)]
    exclusive = post(markets, work, flags=EXCLUSIVE, usages=2)
    for offer in offers:
        bundle(markets, offer)
    for _ in offers:
        with reverts("market: work is in a dataset"):
            buy(markets, exclusive)
        unbundle(markets, work)
    buy(markets, exclusive)
    with reverts("market: work is in no dataset"):
        unbundle(markets, work)


def test_an_exclusive_license_keeps_datasets_out_as_long_as_it_runs(markets: System) -> None:
    work = register(markets)
    offer, other = post(markets, work, flags=BUNDLE, usages=0b101), post(markets, work, flags=BUNDLE, usages=0b10)
    buy(markets, post(markets, work, flags=EXCLUSIVE, usages=0b100, term=3_600))
    with reverts("market: exclusive license running"):
        bundle(markets, offer)
    bundle(markets, other)
    travel(markets.market.exclusive_until(work, 0b100) - now())
    bundle(markets, offer)
    assert markets.market.exclusive_until(work, 0b100) == now()


def test_what_may_not_join(markets: System) -> None:
    market = markets.market
    plain, withdrawn, moved = (on_sale(markets, flags=flags) for flags in (0, BUNDLE, BUNDLE))
    early, late = (
        on_sale(markets, flags=BUNDLE, opens_at=now() + 10),
        on_sale(markets, flags=BUNDLE, closes_at=now() + 9),
    )
    held = on_sale(markets, flags=BUNDLE)
    with reverts("market: offer is not for datasets"):
        bundle(markets, plain)
    market.withdraw_offer(withdrawn, sender=markets.creator)
    with reverts("market: offer not live"):
        bundle(markets, withdrawn)
    markets.registry.transferFrom(markets.creator, markets.heir, moved.work, sender=markets.creator)
    with reverts("market: work has another owner"):
        bundle(markets, moved)
    with reverts("market: offer not open yet"):
        bundle(markets, early)
    travel(9)
    with reverts("market: offer closed"):
        bundle(markets, late)
    travel(1)
    bundle(markets, early)
    hold(markets, held.work)
    with reverts("registry: work is on hold"):
        bundle(markets, held)


def test_a_stewarded_work_joins_with_consent(markets: System) -> None:
    offer = post(markets, register(markets, steward=str(markets.steward)), flags=BUNDLE)
    with reverts("market: steward has not consented"):
        bundle(markets, offer)
    markets.market.consent(markets.steward, ids.offer_id(offer), sender=markets.steward)
    bundle(markets, offer)
    markets.market.revoke_consent(markets.steward, ids.offer_id(offer), sender=markets.steward)
    with reverts("market: steward has not consented"):
        bundle(markets, offer)


def test_paused_sales_do_not_stop_a_curator(markets: System) -> None:
    """Joining sells nothing; the dataset market has a pause of its own for its sales."""
    markets.market.set_paused(True, sender=markets.owner)
    bundle(markets, on_sale(markets, flags=BUNDLE))


def test_single_sales_go_on_beside_a_dataset(markets: System) -> None:
    offer = on_sale(markets, flags=BUNDLE)
    bundle(markets, offer)
    assert markets.market.permits(markets.licensee, buy(markets, offer), offer, 1, 1, 0, 1, now())


@effort(15)
@given(st.lists(st.sampled_from(["bundle", "unbundle", "exclusive", "wait"]), max_size=25))
def test_counts_against_exclusivity_as_a_model_says(markets: System, steps: list[str]) -> None:
    """Two usages, one work: the count and the running exclusive license never overlap."""
    work = register(markets)
    shared = post(markets, work, flags=BUNDLE, usages=0b11, terms=digest())
    exclusive = post(markets, work, flags=EXCLUSIVE, usages=0b10, term=3_600, terms=digest())
    count, until = 0, 0
    for step in steps:
        if step == "wait":
            travel(1_800)
        elif step == "bundle" and now() < until:
            with reverts("market: exclusive license running"):
                bundle(markets, shared)
        elif step == "bundle":
            bundle(markets, shared)
            count += 1
        elif step == "unbundle" and count == 0:
            with reverts("market: work is in no dataset"):
                unbundle(markets, work)
        elif step == "unbundle":
            unbundle(markets, work)
            count -= 1
        elif now() < until or count:
            with reverts("market: exclusive license running" if now() < until else "market: work is in a dataset"):
                buy(markets, exclusive)
        else:
            buy(markets, exclusive)
            until = -(-(now() + 3_600) // 3_600) * 3_600
        assert markets.market.exclusive_until(work, 0b10) == until
