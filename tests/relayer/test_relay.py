# SPDX-License-Identifier: Apache-2.0
"""The plain path: signed by people without gas, carried out by the relayer, told in words."""

from __future__ import annotations

import secrets
import threading
import time

from ipto.accounts import LocalSigner
from ipto.ids import offer_id
from ipto.structs import Offer
from ipto.typed_data import PostOffers, WithdrawOffer
from tests.relayer.world import RelayerProcess, World


def test_a_creator_without_gas_onboards_posts_and_withdraws(world: World, relayer: RelayerProcess) -> None:
    creator = LocalSigner.random()
    body = world.signed_onboarding(creator)
    response = relayer.post(body, key="the-only-one")
    assert response.status_code == 202, response.text
    name = response.json()["id"]
    assert response.json()["status_url"] == response.headers["location"] == f"/v1/actions/{name}"
    action = relayer.wait_for(name, "final")
    assert world.executions(body) == [action["transaction"]]
    assert world.chain.rpc.balance(creator.address) == 0
    assert action["kind"] == "Onboard"
    assert action["reason"] is None
    assert int(action["gas_cost_wei"]) > 0
    work = int(body["message"]["offers"][0]["work"])
    assert world.contract("WorkRegistry").call("ownerOf", work) == creator.address

    offers = tuple(world.offer(creator.address, work, price=price) for price in (7, 8))
    deadline = int(time.time()) + 600
    market = world.deployment.address("LicenseMarket")
    posted = world.body(creator, PostOffers(creator.address, market, offers, secrets.randbits(256), deadline))
    relayer.wait_for(relayer.submit(posted), "final")
    status = world.contract("LicenseMarket").call("offer_status", offer_id(offers[1]))
    assert status[0] is True
    gone = world.body(creator, WithdrawOffer(creator.address, market, offers[1], secrets.randbits(256), deadline))
    relayer.wait_for(relayer.submit(gone), "final")
    status = world.contract("LicenseMarket").call("offer_status", offer_id(offers[1]))
    assert status[0] is False

    listed = relayer.http.get(relayer.url + "/v1/actions", params={"signer": creator.address, "limit": 2}).json()
    assert [item["kind"] for item in listed["items"]] == ["WithdrawOffer", "PostOffers"]
    rest = relayer.http.get(
        relayer.url + "/v1/actions", params={"signer": creator.address, "cursor": listed["next_cursor"]}
    ).json()
    assert [item["id"] for item in rest["items"]] == [name]
    assert rest["next_cursor"] is None


def test_a_license_is_bought_without_gas(world: World, relayer: RelayerProcess) -> None:
    body = world.signed_onboarding()
    relayer.wait_for(relayer.submit(body), "final")
    offer = Offer.from_mapping(body["message"]["offers"][0])
    buyer = LocalSigner.random()
    world.give_tokens(buyer.address, 2 * offer.price)
    purchase = world.purchase(buyer, offer)
    name = relayer.submit(purchase, "/v1/purchases")
    assert relayer.submit(purchase, "/v1/purchases") == name
    action = relayer.wait_for(name, "final")
    assert action["kind"] == "Purchase"
    assert world.contract("LicenseMarket").call("balanceOf", buyer.address) == 1
    other = relayer.submit(world.purchase(buyer, offer), "/v1/purchases")
    assert other != name
    relayer.wait_for(other, "final")
    assert world.contract("LicenseMarket").call("balanceOf", buyer.address) == 2
    poor = relayer.post(world.purchase(buyer, offer), "/v1/purchases")
    assert poor.status_code == 422
    assert poor.json()["code"] == "would-revert"


def test_the_same_action_many_times_at_once_is_one_action(world: World, relayer: RelayerProcess) -> None:
    body = world.signed_onboarding()
    names: list[str] = []
    barrier = threading.Barrier(6)

    def submit(number: int) -> None:
        barrier.wait()
        names.append(relayer.submit(body, key=f"key-{number % 3}"))

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 6
    assert len(set(names)) == 1
    relayer.wait_for(names[0], "final")
    assert relayer.submit(body) == names[0], "also when it is over"
    assert len(world.executions(body)) == 1
    assert world.lane_count() == 1


def test_idempotency_key_belongs_to_one_action(world: World, relayer: RelayerProcess) -> None:
    first, second = world.signed_onboarding(), world.signed_onboarding()
    name = relayer.submit(first, key="k")
    assert relayer.submit(first, key="k") == name
    answer = relayer.post(second, key="k")
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency-key")
    assert relayer.submit(second, key="k2") != name


def test_the_same_nonce_for_another_action_is_a_conflict(world: World, relayer: RelayerProcess) -> None:
    creator = LocalSigner.random()
    relayer.submit(world.signed_onboarding(creator, nonce=7))
    answer = relayer.post(world.signed_onboarding(creator, nonce=7))
    assert (answer.status_code, answer.json()["code"]) == (409, "nonce-taken")
    assert relayer.post(world.signed_onboarding(nonce=7)).status_code == 202, "nonces are per signer"


def test_dependent_actions_in_a_row(world: World, relayer: RelayerProcess) -> None:
    """The second rests on the first, which is not mined yet."""
    world.chain.set_automine(False)
    creator = LocalSigner.random()
    body = world.signed_onboarding(creator)
    first = relayer.submit(body)
    relayer.wait_for(first, "sent", mine=False)
    time.sleep(0.3)
    offer = world.offer(creator.address, int(body["message"]["offers"][0]["work"]), price=9)
    market = world.deployment.address("LicenseMarket")
    message = PostOffers(creator.address, market, (offer,), 1, int(time.time()) + 600)
    second = relayer.submit(world.body(creator, message))
    world.chain.set_automine(True)
    relayer.wait_for(first, "final")
    relayer.wait_for(second, "final")


def test_health_ready_and_status(world: World, relayer: RelayerProcess) -> None:
    assert relayer.http.get(relayer.url + "/health").json() == {"status": "ok"}
    assert relayer.http.get(relayer.url + "/ready").json() == {"ready": True, "reasons": []}
    status = relayer.http.get(relayer.url + "/status").json()
    assert status["chain_id"] == world.deployment.chain_id
    assert status["contracts"]["SignedActions"] == world.deployment.address("SignedActions")
    assert [lane["address"] for lane in status["lanes"]] == [world.lane.address]
    assert status["lanes"][0]["balance_wei"] == str(100 * 10**18)
    assert status["actions"]["queued"] == 0
    openapi = relayer.http.get(relayer.url + "/openapi.json").json()
    names = {operation["operationId"] for path in openapi["paths"].values() for operation in path.values()}
    assert names == {
        "submitAction", "submitPurchase", "getAction", "listActions", "followAction", "giveProof", "putContent",
        "health", "ready", "status", "metrics", "challenge", "signIn", "whoAmI", "signOut",
    }  # fmt: skip
