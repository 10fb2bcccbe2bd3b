# SPDX-License-Identifier: Apache-2.0
"""The list a keeper goes through: every balance that anyone can push out, and no other."""

from __future__ import annotations

from typing import Any

from indexer.api import balances, models
from ipto.ids import split_account
from ipto.structs import ETH, Share
from tests.indexer.story import Story, valid


def pages(story: Story, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = valid(models.Page[balances.RestingBalance], story.get("/v1/balances", limit=limit, **cursor))
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def test_all_that_rests_in_the_vault_is_listed(story: Story) -> None:
    vault = story.world.contract("RoyaltyVault")
    found = pages(story, 100)
    assert found == pages(story, 1), "pages differ from the whole"
    for item in found:
        account = bytes.fromhex(item["account"]["account"][2:])
        assert int(item["balance"]["amount"]) == vault.call("balance_of", account, item["balance"]["currency"]) > 0
    # ETH was booked to three people and withdrawn by one.
    owed = {item["account"]["address"] for item in found if item["balance"]["currency"] == ETH}
    assert owed >= set(story.people[1:])
    assert story.people[0] not in owed
    by_currency = dict.fromkeys((ETH, story.world.dollar), 0)
    for item in found:
        by_currency[item["balance"]["currency"]] += int(item["balance"]["amount"])
    token = story.world.contract("TestUSD")
    assert by_currency[story.world.dollar] == token.call("balanceOf", vault.address)
    assert by_currency[ETH] == int(story.world.chain.rpc.call("eth_getBalance", vault.address, "latest"), 16)


def test_a_split_is_told_as_pay_out_takes_it_and_left_before_rises(told_again: Story) -> None:
    story = told_again
    world, payer, name = story.world, story.licensee, "0x" + story.split.hex()

    def in_ether() -> list[dict[str, Any]]:
        story.server.catch_up()
        found = [item for item in pages(story, 100) if item["account"]["account"] == name]
        return [item for item in found if item["balance"]["currency"] == ETH]

    assert in_ether() == [], "it was distributed"
    world.must(payer, "RoyaltyVault", "credit", [story.split], [1_000_000], ETH, value=1_000_000)
    (item,) = in_ether()
    shares = tuple(Share(bytes.fromhex(s["account"][2:]), s["share"]) for s in item["split"]["shares"])
    assert split_account(shares, item["split"]["controller"]) == story.split
    left = int(item["left_before"]["amount"])
    world.must(payer, "RoyaltyVault", "pay_out", list(shares), item["split"]["controller"], ETH)
    world.must(payer, "RoyaltyVault", "credit", [story.split], [10], ETH, value=10)
    (item,) = in_ether()
    assert int(item["left_before"]["amount"]) == left + 1_000_000
    world.must(payer, "RoyaltyVault", "pay_out", list(shares), item["split"]["controller"], ETH)


def test_a_wrong_cursor_is_told(story: Story) -> None:
    answer = story.server.http.get("/v1/balances", params={"cursor": "0x12"})
    assert answer.status_code == 400
    assert "next" in answer.json()["detail"]
