# SPDX-License-Identifier: Apache-2.0
"""Search, verification, sums, tags, limits, GraphQL and metrics, asked over HTTP of the story of `test_api`."""

from __future__ import annotations

import csv
import io
from typing import Any

from indexer.api import analytics, graphql, search, verify
from ipto.ids import license_id, offer_id
from ipto.structs import Aspect, Usage
from tests.indexer.story import PRICE, Story, valid


def post(story: Story, path: str, **body: Any) -> Any:
    response = story.server.http.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_work_is_found_by_its_words(story: Story) -> None:
    while not (found := valid(search.Found, story.get("/v1/search", q="CRANES dan"))["items"]):
        pass
    assert [item["id"] for item in found] == [str(story.work)]
    assert story.get("/v1/search", q="director")["items"]
    assert story.get("/v1/search", q="cranes elephants")["items"] == []
    assert story.get("/v1/search", q="dance", tag="nothing")["items"] == []
    # Whatever is typed is words, never syntax.
    for strange in ('"', "a' OR 1=1 --", "NEAR(", "* ^", "дом & | ! :*", "a:b", "-cranes"):
        response = story.server.http.get("/v1/search", params={"q": strange})
        assert response.status_code in (200, 400), response.text
    facets = valid(search.Facets, story.get("/v1/facets"))
    assert {item["value"] for item in facets["usages"]} <= {usage.name for usage in Usage}


def test_may_somebody_do_something(story: Story) -> None:
    offer = story.offers[0]
    number = license_id(offer_id(offer), 1)
    ask = {"holder": story.licensee, "usage": "TRAIN", "aspect": "FOOTAGE"}
    market = story.world.contract("LicenseMarket")

    def agree(verdict: dict[str, Any], usage: Usage, aspect: Aspect, start: int, end: int) -> None:
        """The chain says the same of every ground."""
        for ground in verdict["grounds"]:
            sold = next(o for o in story.offers if "0x" + offer_id(o).hex() == ground["offer"])
            args = (story.licensee, int(ground["license"]), sold, int(usage), int(aspect), start, end, verdict["at"])
            assert market.call("permits", *args) == ground["permits"]

    whole = 2**32 - 1
    content = story.get(f"/v1/works/{story.work}")["content"]
    verdict = valid(verify.Verdict, post(story, "/v1/verify", content=content, **ask))
    assert verdict["permitted"]
    assert verdict["grounds"][0]["license"] == str(number)
    agree(verdict, Usage.TRAIN, Aspect.FOOTAGE, 0, whole)
    verdict = post(story, "/v1/verify", work=str(story.work), **{**ask, "usage": "ADAPT"})
    assert not verdict["permitted"]
    assert {"usage_not_licensed"} <= set(verdict["grounds"][0]["reasons"])
    agree(verdict, Usage.ADAPT, Aspect.FOOTAGE, 0, whole)
    scene = {"usage": "AI_INPUT", "aspect": "FOOTAGE", "start_ms": 1_000, "end_ms": 2_000}
    verdict = post(story, "/v1/verify", work=str(story.work), holder=story.licensee, **scene)
    assert verdict["permitted"]
    agree(verdict, Usage.AI_INPUT, Aspect.FOOTAGE, 1_000, 2_000)
    verdict = post(story, "/v1/verify", work=str(story.work), holder=story.licensee, **{**scene, "end_ms": 2_001})
    assert verdict["grounds"][-1]["reasons"]
    assert not verdict["permitted"]
    assert not post(story, "/v1/verify", content=content, **{**ask, "holder": story.people[0]})["permitted"]
    assert not post(story, "/v1/verify", content=content, **ask, at=5)["permitted"]
    for wrong in ({"content": content, "work": "1"}, {}, {"work": "x"}, {"work": "1", "start_ms": 5, "end_ms": 5}):
        response = story.server.http.post("/v1/verify", json={**ask, **wrong})
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"


def test_sums(story: Story) -> None:
    for by, keys in (("work", {str(story.work)}), ("licensee", {story.licensee})):
        grouped = valid(analytics.Grouped, story.get(f"/v1/analytics/creators/{story.creator}", by=by))
        assert {line["key"] for line in grouped["lines"]} == keys
        assert sorted(int(line["amount"]["amount"]) for line in grouped["lines"]) == [7_000, PRICE]
    by_split = story.get(f"/v1/analytics/creators/0x{story.split.hex()}", by="usage")["lines"]
    assert {line["key"] for line in by_split} == {"TRAIN+FINE_TUNE", "AI_INPUT"}
    response = story.server.http.get("/v1/analytics/sales", params={"by": "day", "format": "csv"})
    rows = list(csv.reader(io.StringIO(response.text)))
    assert rows[0] == ["day", "licenses", "amount", "currency", "symbol", "decimals"]
    assert sum(int(row[1]) for row in rows[1:]) == 2
    network = valid(analytics.Network, story.get("/v1/analytics/network"))
    assert (network["works"], network["offers"], network["licenses"]) == (1, 2, 2)
    assert sorted(int(item["amount"]) for item in network["sold"]) == [7_000, PRICE]


def test_new_lists_are_empty_and_well_formed(story: Story) -> None:
    for path in ("datasets", "dataset-licenses", "models", "reports", "usage-payments", "duties", "disputes"):
        assert story.get(f"/v1/{path}")["items"] == []
    assert story.get("/v1/attestations", standing="true", attester=story.creator)["items"] == []
    missing = "0x" + "11" * 32
    for path in (f"datasets/{missing}", "dataset-licenses/7", f"models/{missing}", f"reports/{missing}", "disputes/9"):
        story.problem(404, "not-found", f"/v1/{path}")


def test_what_the_client_has_is_not_sent_again(story: Story) -> None:
    path = f"/v1/offers/0x{offer_id(story.offers[0]).hex()}/"[:-1]
    first = story.server.http.get(path)
    tag = first.headers["etag"]
    again = story.server.http.get(path, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = story.server.http.get(path, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_head_says_what_get_would(story: Story) -> None:
    for path in (f"/v1/works/{story.work}", "/v1/licenses?limit=1", "/v1/works/abc"):
        got, head = story.server.http.get(path), story.server.http.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"] == str(len(got.content))
        assert head.headers.get("etag") == got.headers.get("etag")
    assert story.server.http.head("/v1/verify").status_code == 405


def test_reading_ones_own_write(story: Story) -> None:
    block = story.get("/status")["indexed"]["block"]
    assert story.get("/v1/works", min_block=block)["items"]
    story.problem(400, "bad-filter", "/v1/works", min_block="soon")
    parameters = story.get("/openapi.json")["paths"]["/v1/works"]["get"]["parameters"]
    assert "min_block" in {parameter["name"] for parameter in parameters}


def query(story: Story, text: str) -> dict[str, Any]:
    response = story.server.http.post("/v1/graphql", json={"query": text})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def test_graphql_answers_as_the_api_does(story: Story) -> None:
    fields = "id owner held metadata { state title } finality { block final }"
    found = query(story, f"{{ works(limit: 5) {{ items {{ {fields} }} next }} }}")["data"]["works"]
    (item,) = found["items"]
    shown = story.get(f"/v1/works/{story.work}")
    assert item["id"] == shown["id"]
    assert item["metadata"]["title"] == shown["metadata"]["title"]
    one = query(story, f'{{ work(id: "{story.work}") {{ id }} }}')
    assert one["data"]["work"]["id"] == str(story.work)
    both = query(story, '{ offers(usage: ["TRAIN"], live: true, limit: 3) { items { price { amount } } } }')
    assert [offer["price"]["amount"] for offer in both["data"]["offers"]["items"]] == [str(PRICE)]
    assert query(story, '{ work(id: "nonsense") { id } }')["errors"]


def test_graphql_has_limits(story: Story) -> None:
    aliases = " ".join(f"a{n}: works(limit: 1) {{ next }}" for n in range(graphql.MAX_ALIASES + 1))
    assert query(story, f"{{ {aliases} }}")["errors"]
    costly = " ".join(f"a{n}: works(limit: 100) {{ next }}" for n in range(4))
    assert query(story, f"{{ {costly} }}")["errors"]
    long = " ".join("next" for _ in range(graphql.MAX_TOKENS + 100))
    assert query(story, f"{{ works(limit: 1) {{ {long} }} }}")["errors"]
    response = story.server.http.get("/v1/graphql", params={"query": "{ works { next } }"})
    assert response.status_code in (400, 404, 405)


def test_metrics(story: Story) -> None:
    story.get("/v1/works")
    text = story.server.http.get("/metrics").text
    block = story.get("/status")["indexed"]["block"]
    assert f"ipto_indexer_block {block}\n" in text
    assert "ipto_indexer_up 1\n" in text
    assert 'ipto_indexer_requests_total{route="/v1/works",status="200"}' in text
    assert 'ipto_indexer_request_seconds_bucket{route="/v1/works",le="+Inf"}' in text
    assert 'ipto_indexer_documents{state="resolved"} 1' in text


def test_a_page_may_post_too(story: Story) -> None:
    asked = {
        "origin": "https://dapp.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    assert story.server.http.options("/v1/verify", headers=asked).status_code == 200
    asked["access-control-request-method"] = "DELETE"
    assert story.server.http.options("/v1/works", headers=asked).status_code == 400
