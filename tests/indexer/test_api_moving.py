# SPDX-License-Identifier: Apache-2.0
"""The API while the chain moves: pages under inserts and reorganisations, offers that die, servers without a writer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.api import pages
from indexer.api.app import create_app
from ipto.ids import offer_id
from ipto.structs import OfferFlag
from tests.indexer.conftest import Databases
from tests.indexer.served import Served
from tests.indexer.world import World, fresh, settings_for


@pytest.fixture
def server(world: World, tmp_path: Path, databases: Databases) -> Iterator[Served]:
    made = Served(world, tmp_path, DATABASE=databases("a"), FINALITY_BLOCKS="100")
    yield made
    assert made.close() == 0


def rest(server: Served, path: str, page: Any, **params: Any) -> list[Any]:
    items: list[Any] = []
    while page["next"] is not None:
        page = server.get(path, cursor=page["next"], **params)
        items += page["items"]
    return items


def test_pages_while_the_chain_moves(world: World, server: Served) -> None:
    creator = world.people[1]
    old = [str(world.register(creator)) for _ in range(6)]
    server.catch_up()
    snapshot = world.chain.snapshot()
    orphans = [str(world.register(creator)) for _ in range(2)]
    server.catch_up()
    newest = server.get("/v1/works", limit=3)
    assert [work["id"] for work in newest["items"]] == [*reversed(orphans), old[-1]]
    oldest = server.get("/v1/works", limit=3, order="oldest")
    # More works appear: the pages that follow are those that would have followed.
    late = [str(world.register(creator)) for _ in range(3)]
    server.catch_up()
    assert [work["id"] for work in rest(server, "/v1/works", newest, limit=3)] == list(reversed(old[:-1]))
    # The newest blocks are replaced; a cursor into them still leads on, and nothing comes twice.
    world.chain.revert(snapshot)
    fresh = [str(world.register(creator)) for _ in range(6)]
    server.catch_up()
    assert [work["id"] for work in rest(server, "/v1/works", newest, limit=3)] == list(reversed(old[:-1]))
    assert [work["id"] for work in rest(server, "/v1/works", oldest, limit=3, order="oldest")] == [*old[3:], *fresh]
    for gone in [*orphans, *late]:
        server.problem(404, "not-found", f"/v1/works/{gone}")


def test_an_offer_is_live_only_while_it_can_be_bought(world: World, server: Served) -> None:
    creator, buyer, steward = world.people[1], world.people[2], world.people[3]
    market = world.contract("LicenseMarket")

    def shown(offer: Any) -> tuple[bool, list[str]]:
        server.catch_up()
        item = server.get(f"/v1/offers/0x{offer_id(offer).hex()}")
        listed = server.get("/v1/offers", live=str(item["live"]).lower(), work=offer.work)["items"]
        assert item["id"] in [other["id"] for other in listed]
        # The market agrees.
        total, _, acknowledged = market.call("quote", offer)
        args = (offer, buyer, bytes(32), total, acknowledged)
        try:
            market.call("mint", *args, sender=buyer, value=total)
            sold = True
        except RuntimeError:
            sold = False
        assert item["live"] == sold
        return item["live"], item["blocked_by"]

    work = world.register(creator)
    once = world.post(creator, work, supply=1)
    assert shown(once) == (True, [])
    assert world.succeeded(world.mint(buyer, once))
    assert shown(once) == (False, ["sold_out"])

    offer = world.post(creator, work)
    world.must(creator, "LicenseMarket", "withdraw_offer", offer)
    assert shown(offer) == (False, ["withdrawn"])
    world.must(creator, "LicenseMarket", "post", offer)
    assert shown(offer) == (True, [])

    now = world.chain.now()
    assert shown(world.post(creator, work, opens_at=now + 10_000)) == (False, ["not_open_yet"])
    assert shown(world.post(creator, work, closes_at=now - 10, opens_at=1)) == (False, ["closed"])

    exclusive = world.post(creator, work, usages=1, flags=int(OfferFlag.EXCLUSIVE))
    assert world.succeeded(world.mint(buyer, exclusive))
    assert shown(offer) == (False, ["exclusive_license_running"])
    other_usage = world.post(creator, work, usages=2)
    assert shown(other_usage) == (True, [])

    stewarded = world.post(creator, world.register(creator, steward=steward))
    assert shown(stewarded) == (False, ["consent_missing"])
    world.must(steward, "LicenseMarket", "consent", steward, offer_id(stewarded))
    assert shown(stewarded) == (True, [])

    world.must(world.owner, "LicenseMarket", "set_paused", True)
    assert shown(other_usage) == (False, ["sales_paused"])
    world.must(world.owner, "LicenseMarket", "set_paused", False)

    # An offer of the very second of a transfer would count as posted after it.
    world.chain.set_next_timestamp(world.chain.now() + 60)
    world.must(creator, "WorkRegistry", "transferFrom", creator, buyer, work)
    assert shown(other_usage) == (False, ["work_transferred"])
    world.must(buyer, "WorkRegistry", "transferFrom", buyer, creator, work)
    # Back at its licensor, but owned anew: it has to be posted again.
    assert shown(other_usage) == (False, ["work_transferred"])
    world.must(creator, "LicenseMarket", "post", other_usage)
    assert shown(other_usage) == (True, [])


def test_a_filter_without_an_index_looks_at_a_bounded_number(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page may be empty while there is more: the cursor goes on from what was looked at."""
    creator = world.people[1]
    work = world.register(creator)
    wanted = world.post(creator, work, usages=2)
    for _ in range(7):
        world.post(creator, work, usages=1)
    fresh(world, databases("a"))
    monkeypatch.setattr(pages, "SCAN", 3)
    app = create_app(settings_for(world, databases("a")), world.deployment)

    async def ask() -> list[tuple[list[str], bool]]:
        seen, cursor = [], {}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://indexer") as client:
            while True:
                page = (await client.get("/v1/offers", params={"usage": "FINE_TUNE", **cursor})).json()
                seen.append(([item["id"] for item in page["items"]], page["next"] is not None))
                if page["next"] is None:
                    return seen
                cursor = {"cursor": page["next"]}

    assert asyncio.run(ask()) == [([], True), ([], True), (["0x" + offer_id(wanted).hex()], False)]


def test_serving_beside_the_writer(world: World, tmp_path: Path, databases: Databases) -> None:
    reader = Served(world, tmp_path, command="serve", DATABASE=databases("a"), FINALITY_BLOCKS="100")
    try:
        reader.problem(503, "not-ready", "/ready")
        reader.problem(503, "not-ready", "/v1/works")
        assert reader.get("/status")["indexed"] is None
        assert reader.get("/health") == {"status": "ok"}
        writer = Served(world, tmp_path, DATABASE=databases("a"), FINALITY_BLOCKS="100")
        work = world.register(world.people[1])
        writer.catch_up()
        reader.catch_up()
        assert reader.get(f"/v1/works/{work}") == writer.get(f"/v1/works/{work}")
        assert reader.get("/ready")["lag"] == 0
        assert writer.close() == 0
        # The writer is gone; what it wrote is still answered.
        assert reader.get(f"/v1/works/{work}")["id"] == str(work)
    finally:
        reader.close()
