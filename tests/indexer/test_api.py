# SPDX-License-Identifier: Apache-2.0
"""The query API, asked over HTTP: one story told on the chain, and what every part of the API says of it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from indexer.api import models
from ipto.ids import acknowledgement, address_account, license_id, offer_id
from ipto.structs import ETH, SHARE_TOTAL, Offer
from tests.indexer.story import FEE_BPS, Story, valid


def test_the_work(story: Story) -> None:
    for name in (str(story.work), hex(story.work)):
        work = valid(models.Work, story.get(f"/v1/works/{name}"))
        assert work["id"] == str(story.work)
        assert int(work["id_hex"], 16) == story.work
        assert work["owner"] == work["creator"] == story.creator
        assert work["payee"]["account"] == "0x" + story.split.hex()
    while work["metadata"]["state"] == "pending":
        work = story.get(f"/v1/works/{story.work}")
    assert work["metadata"]["state"] == "resolved"
    assert work["metadata"]["title"] == work["metadata"]["content"]["name"] == "Dance of the cranes"
    assert hashlib.sha256(story.metadata).hexdigest() == work["metadata"]["digest"][2:]
    finality = work["finality"]
    block = story.world.chain.rpc.call("eth_getBlockByNumber", hex(finality["block"]), False)
    assert finality["hash"] == block["hash"]
    assert finality["final"] is True
    assert finality["confirmations"] == story.get("/status")["indexed"]["block"] - finality["block"] + 1


def test_an_offer_can_be_bought_as_it_is_shown(story: Story) -> None:
    for offer in story.offers:
        shown = valid(models.Offer, story.get(f"/v1/offers/0x{offer_id(offer).hex()}"))
        assert Offer.from_mapping(shown["chain"]) == offer
        total, fee, acknowledged = story.world.contract("LicenseMarket").call("quote", offer)
        quote = shown["quote"]
        assert (quote["total"]["amount"], quote["fee"]["amount"]) == (str(total), str(fee))
        assert quote["acknowledge"]["hash"] == "0x" + acknowledged.hex()
        given = quote["acknowledge"]
        rebuilt = acknowledgement(
            bytes.fromhex(given["terms"][2:]), bytes.fromhex(given["cultural"][2:]), given["claim_rank"]
        )
        assert rebuilt == acknowledged
        assert shown["live"] is True
        assert shown["sold"] == 1
    assert shown["scene"] == {"whole": False, "start_ms": 1_000, "end_ms": 2_000}
    assert (shown["supply"], shown["price"]["symbol"], shown["price"]["decimals"]) == (2, "ETH", 18)


def test_filters_of_offers(story: Story) -> None:
    first, second = ("0x" + offer_id(offer).hex() for offer in story.offers)

    def found(**params: Any) -> set[str]:
        page = valid(models.Page[models.Offer], story.get("/v1/offers", **params))
        return {item["id"] for item in page["items"]}

    assert found() == {first, second}
    assert found(usage="TRAIN") == found(usage=["TRAIN", "FINE_TUNE"]) == {first}
    assert found(usage=["TRAIN", "AI_INPUT"]) == set()
    assert found(aspect="FOOTAGE") == {first, second}
    assert found(aspect=["FOOTAGE", "CHOREOGRAPHY"]) == {second}
    assert found(currency=ETH) == found(currency=ETH.lower(), max_price="7000") == {second}
    assert found(currency=ETH, max_price="6999") == set()
    assert found(work=story.work) == found(work=hex(story.work)) == {first, second}
    assert found(work=1) == set()
    assert found(licensor=story.creator, usage="AI_INPUT") == {second}
    assert found(live="true") == {first, second}
    assert found(live="false") == set()


def test_licenses(story: Story) -> None:
    mine = valid(models.Page[models.License], story.get("/v1/licenses", holder=story.licensee))["items"]
    assert len(mine) == 2
    assert story.get("/v1/licenses", work=story.work)["items"] == mine
    for offer in story.offers:
        name = "0x" + offer_id(offer).hex()
        (license,) = story.get("/v1/licenses", offer=name)["items"]
        assert license["id"] == str(license_id(offer_id(offer), 1))
        assert valid(models.License, story.get(f"/v1/licenses/{license['id_hex']}")) == license
        assert license["price"]["amount"] == str(offer.price)
        assert license["fee"]["amount"] == str(offer.price * FEE_BPS // 10_000)
        assert license["running"] is True
        assert license["transferable"] is False
        stored = story.world.contract("LicenseMarket").call("license_of", int(license["id"]))
        assert (license["holder"], license["issued_at"], license["expires_at"]) == stored[:3]


def test_earnings_add_up_to_the_last_unit(story: Story) -> None:
    vault = story.world.contract("RoyaltyVault")
    earnings = valid(models.Earnings, story.get(f"/v1/works/{story.work}/earnings"))
    by_currency = {sale["price"]["currency"]: sale for sale in earnings["sales"]}
    for offer in story.offers:
        sale = by_currency[offer.currency]
        assert sale["price"]["amount"] == str(offer.price)
        split = valid(models.Split, story.get(f"/v1/splits/0x{story.split.hex()}"))
        given = 0
        for share, part, recipient in zip(story.shares, sale["people"], split["recipients"], strict=True):
            wanted = offer.price * share.share // SHARE_TOTAL
            assert part["amount"]["amount"] == str(wanted)
            (had,) = [item for item in recipient["received"] if item["amount"]["currency"] == offer.currency]
            assert had["amount"]["amount"] == str(wanted)
            assert had["sent"]["amount"] == (str(wanted) if offer.currency != ETH else "0")
            given += wanted
        (rest,) = [item for item in split["balances"] if item["currency"] == offer.currency]
        assert rest["distributed"]["amount"] == str(given)
        assert (
            int(rest["balance"]["amount"])
            == offer.price - given
            == vault.call("balance_of", story.split, offer.currency)
        )


def test_accounts(story: Story) -> None:
    vault = story.world.contract("RoyaltyVault")
    for number, who in enumerate(story.people):
        account = valid(models.AccountState, story.get(f"/v1/accounts/{who}"))
        assert account == story.get(f"/v1/accounts/0x{address_account(who).hex()}")
        assert account["account"]["address"] == who
        assert account["splits"] == [{"split": "0x" + story.split.hex(), "share": story.shares[number].share}]
        for balance in account["balances"]:
            earned, paid = (int(balance[name]["amount"]) for name in ("earned", "paid_out"))
            booked = int(balance["balance"]["amount"])
            assert earned == paid + booked
            assert booked == vault.call("balance_of", address_account(who), balance["currency"])
            assert (booked == 0) == (number == 0 or balance["currency"] != ETH)
    empty = story.get("/v1/accounts/0x00000000000000000000000000000000000000ff")
    assert (empty["balances"], empty["splits"]) == ([], [])


def test_ledger_and_payouts(story: Story) -> None:
    first = story.people[0]
    lines = valid(models.Page[models.LedgerLine], story.get(f"/v1/accounts/{first}/ledger"))["items"]
    assert [line["kind"] for line in lines] == ["withdrawn", "share_booked", "share_sent"]
    payouts = valid(models.Page[models.LedgerLine], story.get("/v1/payouts", account=first))["items"]
    assert [line["kind"] for line in payouts] == ["withdrawn", "share_sent"]
    in_dollars = story.get("/v1/payouts", currency=story.world.dollar)["items"]
    assert {line["account"]["address"] for line in in_dollars} == set(story.people)
    receipt = story.world.chain.rpc.call("eth_getTransactionReceipt", payouts[0]["transaction"])
    assert int(receipt["blockNumber"], 16) == payouts[0]["finality"]["block"]


def test_events(story: Story) -> None:
    page = valid(models.Page[models.Event], story.get("/v1/events", work=story.work, order="oldest"))
    names = [event["name"] for event in page["items"]]
    assert names[:2] == ["Transfer", "WorkRegistered"]
    assert names.count("OfferPosted") == names.count("LicenseMinted") == 2
    posted = story.get("/v1/events", name="OfferPosted")["items"][-1]
    assert Offer.from_mapping(posted["args"]["offer"]) == story.offers[0]
    minted = story.get("/v1/events", name="LicenseMinted", contract="LicenseMarket")["items"][0]
    assert minted["args"]["work"] == str(story.work)
    same = story.get("/v1/events", transaction=minted["transaction"], from_block=minted["block"])["items"]
    assert {event["name"] for event in same} >= {"Credited", "LicenseMinted", "Locked"}
    assert story.get("/v1/events", to_block=minted["block"] - 1, name="LicenseMinted", limit=1)["items"] != [minted]
    assert story.get("/v1/events", from_block=10**9)["items"] == []


@pytest.mark.parametrize("path", ["/v1/events", "/v1/payouts", "/v1/offers", "/v1/licenses", "/v1/works", "/v1/splits"])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_are_parts_of_the_whole(story: Story, path: str, order: str) -> None:
    whole = story.get(path, limit=100, order=order)["items"]
    assert whole
    for limit in (1, 2, 3):
        parts: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = story.get(path, limit=limit, order=order, **cursor)
            parts += page["items"]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert parts == whole
    assert whole == list(
        reversed(story.get(path, limit=100, order={"newest": "oldest", "oldest": "newest"}[order])["items"])
    )


BAD = [
    ("bad-id", "/v1/works/abc", {}),
    ("bad-id", "/v1/works/-1", {}),
    ("bad-id", f"/v1/works/{2**256}", {}),
    ("bad-id", "/v1/works/0x" + "f" * 65, {}),
    ("bad-id", "/v1/works/" + "1" * 79, {}),
    ("bad-id", "/v1/offers/1", {}),
    ("bad-id", "/v1/offers/0x1234", {}),
    ("bad-id", "/v1/licenses/1e5", {}),
    ("bad-id", "/v1/accounts/0x1234", {}),
    ("bad-id", "/v1/splits/x", {}),
    ("bad-id", "/v1/works", {"owner": "me"}),
    ("bad-id", "/v1/offers", {"currency": "USD"}),
    ("bad-id", "/v1/payouts", {"account": "0x"}),
    ("bad-filter", "/v1/offers", {"usage": "STEAL"}),
    ("bad-filter", "/v1/offers", {"max_price": "5"}),
    ("bad-filter", "/v1/offers", {"max_price": "-5", "currency": ETH}),
    ("bad-filter", "/v1/offers", {"max_price": str(2**256), "currency": ETH}),
    ("bad-filter", "/v1/offers", {"live": "perhaps"}),
    ("bad-filter", "/v1/offers", {"licencor": "0x" + "11" * 20}),
    ("bad-filter", "/v1/works", {"limit": 0}),
    ("bad-filter", "/v1/works", {"limit": 101}),
    ("bad-filter", "/v1/works", {"limit": "many"}),
    ("bad-filter", "/v1/works", {"order": "random"}),
    ("bad-filter", "/v1/events", {"name": "Nothing"}),
    ("bad-filter", "/v1/events", {"contract": "Nothing"}),
    ("bad-filter", "/v1/events", {"from_block": -1}),
    ("bad-filter", "/v1/events", {"from_block": 2**70}),
    ("bad-cursor", "/v1/works", {"cursor": "abc"}),
    ("bad-cursor", "/v1/works", {"cursor": "!!!!"}),
    ("bad-cursor", "/v1/works", {"cursor": "\u00e4"}),
    ("bad-filter", "/v1/works", {"cursor": "a" * 65}),
]


@pytest.mark.parametrize(("kind", "path", "params"), BAD)
def test_what_cannot_be_asked(story: Story, kind: str, path: str, params: dict[str, Any]) -> None:
    story.problem(400, kind, path, **params)


def test_a_cursor_belongs_to_its_query(story: Story) -> None:
    cursor = story.get("/v1/offers", limit=1)["next"]
    assert story.get("/v1/offers", limit=2, cursor=cursor)["items"]
    story.problem(400, "bad-cursor", "/v1/offers", cursor=cursor, order="oldest")
    story.problem(400, "bad-cursor", "/v1/offers", cursor=cursor, usage="TRAIN")
    story.problem(400, "bad-cursor", "/v1/licenses", cursor=cursor)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/works/1",
        "/v1/works/1/earnings",
        "/v1/offers/0x" + "11" * 32,
        "/v1/licenses/0x5",
        "/v1/splits/0x" + "01" * 32,
    ],
)
def test_what_is_not_there(story: Story, path: str) -> None:
    story.problem(404, "not-found", path)


def test_other_errors_are_problems_too(story: Story) -> None:
    story.problem(404, "no-such-path", "/v2/works")
    response = story.server.http.post("/v1/works")
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"


def test_state(story: Story) -> None:
    assert valid(models.Health, story.get("/health")) == {"status": "ok"}
    assert valid(models.Ready, story.get("/ready"))["status"] == "ready"
    status = valid(models.Status, story.get("/status"))
    assert status["chain_id"] == story.world.deployment.chain_id
    assert status["fee"] == {"bps": FEE_BPS, "recipient": story.world.owner}
    assert status["indexed"]["block"] == status["head"] == status["final"] + 3
    assert status["contracts"] == story.world.deployment.contracts


def test_any_page_may_read(story: Story) -> None:
    response = story.server.http.get("/v1/works", headers={"origin": "https://dapp.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers
    assert response.headers["x-indexed-block"] == str(story.get("/status")["indexed"]["block"])


def test_openapi_is_stable(story: Story) -> None:
    description = story.get("/openapi.json")
    operations = {
        (method, path, operation["operationId"], operation["tags"][0])
        for path, item in description["paths"].items()
        for method, operation in item.items()
    }
    assert description["openapi"].startswith("3.1")
    assert operations == {
        ("get", "/health", "getHealth", "state"),
        ("get", "/ready", "getReady", "state"),
        ("get", "/status", "getStatus", "state"),
        ("get", "/v1/accounts/{account}", "getAccount", "accounts"),
        ("get", "/v1/accounts/{account}/ledger", "listLedger", "accounts"),
        ("get", "/v1/analytics/creators/{account}", "getCreatorAnalytics", "analytics"),
        ("get", "/v1/analytics/network", "getNetwork", "analytics"),
        ("get", "/v1/analytics/sales", "getSales", "analytics"),
        ("get", "/v1/attestations", "listAttestations", "attestations"),
        ("get", "/v1/attestations/{attestation}", "getAttestation", "attestations"),
        ("get", "/v1/balances", "listBalances", "accounts"),
        ("get", "/v1/dataset-licenses", "listDatasetLicenses", "datasets"),
        ("get", "/v1/dataset-licenses/{license}", "getDatasetLicense", "datasets"),
        ("get", "/v1/dataset-licenses/{license}/members", "listCovered", "datasets"),
        ("get", "/v1/datasets", "listDatasets", "datasets"),
        ("get", "/v1/datasets/{dataset}", "getDataset", "datasets"),
        ("get", "/v1/datasets/{dataset}/members", "listMembers", "datasets"),
        ("get", "/v1/disputes", "listDisputes", "disputes"),
        ("get", "/v1/disputes/{case}", "getDispute", "disputes"),
        ("get", "/v1/duties", "listDuties", "usage"),
        ("get", "/v1/events", "listEvents", "events"),
        ("get", "/v1/facets", "getFacets", "works"),
        ("get", "/v1/licenses", "listLicenses", "licenses"),
        ("get", "/v1/licenses/{license}", "getLicense", "licenses"),
        ("get", "/v1/models", "listModels", "usage"),
        ("get", "/v1/models/{model}", "getModel", "usage"),
        ("get", "/v1/offers", "listOffers", "offers"),
        ("get", "/v1/offers/{offer}", "getOffer", "offers"),
        ("get", "/v1/payouts", "listPayouts", "payouts"),
        ("get", "/v1/reports", "listReports", "usage"),
        ("get", "/v1/reports/{report}", "getReport", "usage"),
        ("get", "/v1/search", "searchWorks", "works"),
        ("get", "/v1/splits", "listSplits", "splits"),
        ("get", "/v1/splits/{split}", "getSplit", "splits"),
        ("get", "/v1/stream", "streamEvents", "events"),
        ("get", "/v1/usage-payments", "listUsagePayments", "usage"),
        ("get", "/v1/works", "listWorks", "works"),
        ("get", "/v1/works/{work}", "getWork", "works"),
        ("get", "/v1/works/{work}/earnings", "getEarnings", "works"),
        ("post", "/v1/verify", "verify", "licenses"),
    }
    assert "application/problem+json" in str(description["paths"]["/v1/works/{work}"]["get"]["responses"]["4XX"])
