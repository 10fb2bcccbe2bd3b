# SPDX-License-Identifier: Apache-2.0
"""What a thief, a vandal or a clumsy client sends: refused with a reason, and nothing is left behind."""

from __future__ import annotations

import copy
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from ipto.accounts import LocalSigner
from ipto.chain import Deployment
from ipto.devchain import DevChain, dev_signer
from ipto.structs import Offer
from ipto.typed_data import PostOffers
from tests.relayer.stages import shared_world
from tests.relayer.world import RelayerProcess, World

# Accounts with code, as runtime bytecode: ERC-1271 wallets of every character.
AGREES = "0x631626ba7e60e01b5f5260205ff3"
REVERTS = "0x5f5ffd"
BURNS_GAS = "0x5b5f56"
# Agrees while gas is free (eth_call), reverts when it is paid for (a block).
TWO_FACED = "0x3a156008575f5ffd5b631626ba7e60e01b5f5260205ff3"


@pytest.fixture(scope="module")
def world(deployed: tuple[DevChain, Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with shared_world(deployed, tmp_path_factory.mktemp("refusals")) as here:
        yield here


DENIED = LocalSigner(b"\x99" * 32)


@pytest.fixture(scope="module")
def relayer(world: World) -> Iterator[RelayerProcess]:
    process = RelayerProcess(world, deny=DENIED.address, kill_switch=world.folder / "stop", signer_pending=2).start()
    yield process
    process.stop()


@pytest.fixture(autouse=True)
def nothing_left(world: World, relayer: RelayerProcess, request: pytest.FixtureRequest) -> Iterator[None]:
    """Unless a test says otherwise, it must not leave a row."""
    before = rows(world)
    yield
    if "accepts" not in request.fixturenames:
        assert rows(world) == before


@pytest.fixture
def accepts() -> None:
    """Marks a test that leaves rows."""


def rows(world: World) -> tuple[int, ...]:
    with sqlite3.connect(world.folder / "relayer.sqlite") as db:
        found = tuple(
            db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("actions", "idempotency", "transactions", "audit")
        )
    db.close()
    return found


def refused(relayer: RelayerProcess, body: Any, status: int, code: str, path: str = "/v1/actions") -> str:
    answer = relayer.post(body, path, key="a-key")
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def change(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `body` with one place changed; `...` removes it."""
    result = copy.deepcopy(body)
    place: Any = result
    *parents, last = path.split(".")
    for name in parents:
        place = place[int(name)] if name.isdigit() else place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return result


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kind", "CloseGate"),
        ("kind", 7),
        ("kind", ...),
        ("signature", ...),
        ("signature", "0x"),
        ("signature", "0x0"),
        ("signature", "11" * 65),
        ("signature", "0x" + "11" * 4097),
        ("message", []),
        ("message", None),
        ("message.actor", "0x12"),
        ("message.actor", ...),
        ("message.nonce", str(2**256)),
        ("message.nonce", "-1"),
        ("message.nonce", 1.5),
        ("message.deadline", True),
        ("message.work.cleared", 2**16),
        ("message.work.content", "0x00"),
        ("message.offers.0.price", str(2**256)),
        ("message.offers.0.price", "1e3"),
        ("message.extra", 1),
        ("extra", 1),
    ],
)
def test_malformed(world: World, relayer: RelayerProcess, path: str, value: Any) -> None:
    body = change(world.signed_onboarding(), path, value)
    assert refused(relayer, body, 422, "malformed")


def test_too_many_offers(world: World, relayer: RelayerProcess) -> None:
    body = world.signed_onboarding()
    body["message"]["offers"] *= 9
    assert "at most 8" in refused(relayer, body, 422, "malformed")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'{"kind":' * 500, b"\xff\xfe", b"NaN"])
def test_not_json(relayer: RelayerProcess, data: bytes) -> None:
    for path in ("/v1/actions", "/v1/purchases"):
        answer = relayer.http.post(relayer.url + path, content=data, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


def test_other_content_type_and_huge_bodies(relayer: RelayerProcess) -> None:
    url = relayer.url + "/v1/actions"
    assert relayer.http.post(url, content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    head = {"content-type": "application/json"}
    assert relayer.http.post(url, content=b" " * 65_537, headers=head).status_code == 413
    chunks = (b" " * 8192 for _ in range(100))
    assert relayer.http.post(url, content=chunks, headers=head).status_code == 413
    # A length that is only claimed is refused before anything is read.
    parts = urlsplit(relayer.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 5) as raw:
        raw.sendall(
            b"POST /v1/actions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 9999999999\r\n\r\n"
        )
        assert b" 413 " in raw.recv(200)


@pytest.mark.parametrize("key", ["", "a" * 129, "with space", "ümlaut"])
def test_idempotency_key_out_of_form(world: World, relayer: RelayerProcess, key: str) -> None:
    answer = relayer.http.post(
        relayer.url + "/v1/actions", json=world.signed_onboarding(), headers={"idempotency-key": key.encode()}
    )
    assert answer.status_code == 422, answer.text


def test_unknown_ids_and_pages(relayer: RelayerProcess) -> None:
    for path, status in (
        ("/v1/actions/" + "0" * 32, 404),
        ("/v1/actions/x", 422),
        ("/v1/actions", 422),
        ("/v1/actions?signer=0x12", 422),
        ("/v1/actions?signer=" + DENIED.address + "&limit=0", 422),
        ("/v1/actions?signer=" + DENIED.address + "&cursor=99999999999999999999", 422),
        ("/v1/nothing", 404),
    ):
        answer = relayer.http.get(relayer.url + path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
    assert relayer.http.get(relayer.url + "/v1/actions?signer=" + DENIED.address).json()["items"] == []


def test_signature_of_somebody_else_or_over_something_else(world: World, relayer: RelayerProcess) -> None:
    creator, thief = LocalSigner.random(), LocalSigner.random()
    message = world.onboard(creator.address)
    honest = world.body(creator, message)
    typed = world.typed(message)
    elsewhere = [world.typed(message, chain_id=1), world.typed(message, at=world.deployment.address("RoyaltyVault"))]
    r_s, v = creator.sign_digest(typed.digest)[:64], creator.sign_digest(typed.digest)[64]
    high_s = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - int.from_bytes(r_s[32:], "big")
    forged = [
        thief.sign_typed_data(typed),
        *(creator.sign_typed_data(other) for other in elsewhere),  # valid, on another chain or contract
        r_s[:32] + high_s.to_bytes(32, "big") + bytes([55 - v]),  # malleable
        r_s + bytes([v - 27]),
        r_s,
        bytes(65),
        b"\xff" * 65,
    ]
    for signature in forged:
        reason = refused(relayer, honest | {"signature": "0x" + signature.hex()}, 422, "bad-signature")
        assert creator.address in reason
    for path, value in (("message.work.duration_ms", 1), ("message.offers.0.price", "1"), ("message.nonce", "1")):
        refused(relayer, change(honest, path, value), 422, "bad-signature")


def test_message_for_other_contracts(world: World, relayer: RelayerProcess) -> None:
    """A real signature over a message that names the thief's contracts."""
    creator = LocalSigner.random()
    thief = dev_signer(3).address
    for name in ("registry", "vault", "market"):
        reason = refused(relayer, world.signed_onboarding(creator, **{name: thief}), 422, "wrong-contract")
        assert thief in reason
    offer = world.offer(creator.address, 1)
    message = PostOffers(creator.address, thief, (offer,), 1, int(time.time()) + 600)
    refused(relayer, world.body(creator, message), 422, "wrong-contract")


def test_offers_of_another_licensor(world: World, relayer: RelayerProcess) -> None:
    creator, victim = LocalSigner.random(), LocalSigner.random()
    body = world.signed_onboarding(creator, offers=(world.offer(victim.address, 1),))
    refused(relayer, body, 422, "not-the-actors")


def test_deadlines(world: World, relayer: RelayerProcess) -> None:
    now = int(time.time())
    for deadline in (0, now - 1, now + 30, now + 31 * 86400, 2**256 - 1):
        refused(relayer, world.signed_onboarding(deadline=deadline), 422, "deadline")


def test_denied_signer(world: World, relayer: RelayerProcess) -> None:
    refused(relayer, world.signed_onboarding(DENIED), 403, "denied")


def test_kill_switch(world: World, relayer: RelayerProcess) -> None:
    switch = world.folder / "stop"
    switch.touch()
    try:
        refused(relayer, world.signed_onboarding(), 503, "stopped")
        assert relayer.http.get(relayer.url + "/status").json()["accepting"] is False
    finally:
        switch.unlink()


def test_what_would_revert_costs_nothing(world: World, relayer: RelayerProcess) -> None:
    spent = world.chain.rpc.balance(world.lane.address)
    creator = LocalSigner.random()
    unknown = PostOffers(
        creator.address, world.deployment.address("LicenseMarket"), (world.offer(creator.address, 5),), 1,
        int(time.time()) + 600,
    )  # fmt: skip
    reason = refused(relayer, world.body(creator, unknown), 422, "would-revert")
    assert reason.startswith("the chain would refuse it: ")
    assert len(reason) > 40, "in words"
    wrong_split = world.signed_onboarding(split=())
    assert "split" in refused(relayer, wrong_split, 422, "would-revert")
    assert world.chain.rpc.balance(world.lane.address) == spent


def test_nonce_used_on_chain(world: World, relayer: RelayerProcess) -> None:
    creator = LocalSigner.random()
    world.chain.set_balance(creator.address, 10**18)
    world.contract("SignedActions").send(creator, "cancel_nonce", 77)
    refused(relayer, world.signed_onboarding(creator, nonce=77), 409, "nonce-used")


def wallet(world: World, code: str) -> str:
    """An account with this code."""
    address = LocalSigner.random().address
    world.chain.rpc.call("anvil_setCode", address, code)
    return address


def contract_onboarding(world: World, address: str, signature: bytes = b"\x01" * 900) -> dict[str, Any]:
    message = world.onboard(address)
    typed = world.typed(message)
    return {"kind": "Onboard", "message": typed.to_json()["message"], "signature": "0x" + signature.hex()}


@pytest.mark.parametrize("code", [REVERTS, BURNS_GAS, "0x00", "0x5f5f5260205ff3"])
def test_contract_accounts_that_do_not_agree(world: World, relayer: RelayerProcess, code: str) -> None:
    refused(relayer, contract_onboarding(world, wallet(world, code)), 422, "bad-signature")


@pytest.mark.usefixtures("accepts")
def test_contract_account_with_a_long_signature(world: World, relayer: RelayerProcess) -> None:
    body = contract_onboarding(world, wallet(world, AGREES))
    relayer.wait_for(relayer.submit(body), "final")
    assert len(world.executions(body)) == 1


@pytest.mark.usefixtures("accepts")
def test_wallet_that_reverts_only_on_chain_is_cut_off(world: World, relayer: RelayerProcess) -> None:
    """Its reverts are paid by the relayer, so they are counted, and all such accounts share one budget."""
    address = wallet(world, TWO_FACED)
    for _ in range(3):
        action = relayer.wait_for(relayer.submit(contract_onboarding(world, address)), "failed")
        assert action["reason"].startswith("reverted on chain")
        assert int(action["gas_cost_wei"]) > 0
    answer = relayer.post(contract_onboarding(world, address))
    assert (answer.status_code, answer.json()["code"]) == (429, "signer-reverts")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.usefixtures("accepts")
def test_pending_actions_of_one_signer_are_bounded(world: World, relayer: RelayerProcess) -> None:
    world.chain.set_automine(False)
    creator = LocalSigner.random()
    names = [relayer.submit(world.signed_onboarding(creator)) for _ in range(2)]
    answer = relayer.post(world.signed_onboarding(creator))
    assert (answer.status_code, answer.json()["code"]) == (429, "signer-pending")
    world.chain.set_automine(True)
    for name in names:
        relayer.wait_for(name, "final")


@pytest.mark.usefixtures("accepts")
def test_purchases_out_of_order(world: World, relayer: RelayerProcess) -> None:
    body = world.signed_onboarding()
    relayer.wait_for(relayer.submit(body), "final")
    before = rows(world)
    offer = Offer.from_mapping(body["message"]["offers"][0])
    buyer = LocalSigner.random()
    world.give_tokens(buyer.address, 10 * offer.price)
    good = world.purchase(buyer, offer)

    def no(body: dict[str, Any], status: int, code: str) -> str:
        return refused(relayer, body, status, code, "/v1/purchases")

    no(world.purchase(buyer, offer, value=offer.price - 1), 422, "bad-signature")
    no(world.purchase(buyer, offer, value=offer.price + 1), 422, "bad-signature")
    no(world.purchase(buyer, offer, to=dev_signer(3).address), 422, "bad-signature")
    no(world.purchase(buyer, offer, nonce=b"\x01" * 32), 422, "bad-signature")
    no(world.purchase(buyer, offer, valid_before=int(time.time()) + 5), 422, "deadline")
    no(world.purchase(buyer, offer, valid_before=0), 422, "deadline")
    no(world.purchase(buyer, offer, valid_after=int(time.time()) + 600), 422, "too-early")
    no(change(good, "licensee", dev_signer(3).address), 422, "bad-signature")
    no(change(good, "party", "0x" + "00" * 32), 422, "bad-signature")
    no(change(good, "acknowledged", "0x" + "00" * 32), 422, "bad-signature")
    no(change(good, "authorization.v", 29), 422, "bad-signature")
    no(change(good, "authorization.payer", dev_signer(3).address), 422, "bad-signature")
    no(change(good, "offer.currency", dev_signer(3).address), 403, "currency")
    no(change(good, "offer.work", "1"), 422, "would-revert")
    no(change(good, "party", "0x12"), 422, "malformed")
    no(change(good, "offer", ...), 422, "malformed")
    no(change(good, "authorization", {}), 422, "malformed")
    assert rows(world) == before
    relayer.wait_for(relayer.submit(good, "/v1/purchases"), "final")


def test_budget_is_reserved_before_sending(world: World, start: Callable[..., RelayerProcess]) -> None:
    """Enough for three at the ceiling, so the fourth waits for a result although gas is cheap."""
    world.chain.set_automine(False)
    small = start(
        database=world.folder / "small.sqlite",
        day_wei=125 * 10**13,
        max_fee=10**9,
        signer_pending=9,
        gas_cap_onboard=600_000,
    )
    world.chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(10**7))
    world.chain.mine()
    accepted, answers = [], []
    for _ in range(4):
        answer = small.post(world.signed_onboarding())
        answers.append(answer)
        if answer.status_code == 202:
            accepted.append(answer.json()["id"])
    assert 1 <= len(accepted) < 4
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (503, "day-budget")
    budget = small.http.get(small.url + "/status").json()["budget"]["day"]
    assert int(budget["reserved"]) <= int(budget["limit"]) == 125 * 10**13
    world.chain.set_automine(True)
    for name in accepted:
        small.wait_for(name, "final")
    small.submit(world.signed_onboarding())
    assert orjson.loads(small.http.get(small.url + "/health").content) == {"status": "ok"}
