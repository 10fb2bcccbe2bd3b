# SPDX-License-Identifier: Apache-2.0
"""A creator with a key and nothing else: signs in, sends a film through a crash, registers it by one signature, is
licensed, is paid by the keeper, and is told of it. Nobody does anything by hand, and the wallet stays empty."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import secrets
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ipto.accounts import LocalSigner, create_keystore
from ipto.chain import Contract
from ipto.client import Contribution, Creator, Licensee, OfferPlan, currencies, party_digest
from ipto.content import Cid, LocalStore
from ipto.ids import address_account
from ipto.media import sample_path
from ipto.portal import Portal
from ipto.processes import GuardedProcess
from ipto.services import Indexer, Relayer
from ipto.stack import Stack
from tests.indexer.test_webhooks import Receiver

MIB = 1024 * 1024
SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
ADMIN = secrets.token_hex(32)


def until(holds: Callable[[], bool], what: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what()
        time.sleep(0.1)


@pytest.fixture
def hooked() -> Iterator[tuple[Receiver, Receiver]]:
    """Somebody's services, told by the relayer and by the indexer."""
    made = Receiver(), Receiver()
    yield made
    for receiver in made:
        receiver.close()


@pytest.fixture
def stack(tmp_path: Path, hooked: tuple[Receiver, Receiver]) -> Iterator[Stack]:
    key = tmp_path / "admin.key"
    key.write_text(ADMIN)
    hook = {"url": hooked[1].url, "secret": SECRET, "events": ["LicenseMinted", "Distributed"]}
    settings = {
        "relayer": {"ADMIN_KEY_FILE": str(key)},
        "indexer": {"WEBHOOKS": json.dumps([hook]), "ALLOW_PRIVATE_WEBHOOKS": "true"},
    }
    with Stack(tmp_path / "home", settings=settings) as running:
        added = httpx.post(
            running.addresses.relayer + "/admin/hooks",
            json={"url": hooked[0].url},
            headers={"authorization": f"Bearer {ADMIN}"},
            trust_env=False,
        )
        assert added.status_code == 201, added.text
        yield running


@pytest.fixture
def keeper(stack: Stack) -> Iterator[GuardedProcess]:
    """`python -m relayer keep`, as an operator starts it."""
    folder = stack.home / "keeper"
    folder.mkdir()
    password = folder / "passphrase"
    password.touch(0o600)
    password.write_text("correct horse\n")
    lane = create_keystore(folder / "lane.json", "correct horse")
    stack.chain.set_balance(lane.address, 10**18)
    settings = {
        "RPC_URL": stack.addresses.rpc,
        "CHAIN_ID": str(stack.chain.chain_id),
        "DEPLOYMENT": stack.addresses.deployment,
        "DATABASE": str(folder / "keeper.sqlite"),
        "KEYSTORE": str(folder / "lane.json"),
        "PASSWORD_FILE": str(password),
        "INDEXER": stack.addresses.indexer,
        "PRICES": ",".join(f"{token.address}=0.0003" for token in stack.deployment.tokens.values()),
        "PORT": "0",
        "CONFIRMATIONS": "1",
        "POLL_SECONDS": "0.1",
        "ROUND_SECONDS": "0.2",
    }
    env = {f"IPTO_KEEPER_{name}": value for name, value in settings.items()}
    process = GuardedProcess("keeper", [sys.executable, "-m", "relayer", "keep"], folder / "keeper.log", env)
    process.start()
    yield process
    process.stop()


def long_film(path: Path) -> Path:
    """The sample clip with 20 MiB of random bytes behind it, in a box that players skip."""
    clip, rest = sample_path().read_bytes(), 20 * MIB
    path.write_bytes(clip + struct.pack(">I4s", rest, b"free") + random.Random(5).randbytes(rest - 8))
    return path


@pytest.mark.slow
def test_from_an_empty_wallet_to_being_paid_and_told(
    stack: Stack, keeper: GuardedProcess, hooked: tuple[Receiver, Receiver], tmp_path: Path
) -> None:
    deployment, rpc = stack.deployment, stack.chain.rpc
    film = long_film(tmp_path / "dance.mp4")
    digest = hashlib.sha256(film.read_bytes()).digest()
    me, partner = LocalSigner.random(), LocalSigner.random()
    relayer, indexer = Relayer(stack.addresses.relayer, patience=60), Indexer(stack.addresses.indexer, patience=60)
    usd = next(item for item in currencies(deployment) if item.symbol != "ETH")

    # Signs in and sends; the relayer is killed when a part has arrived, and started again by its supervisor.
    resumed: list[threading.Thread] = []
    offsets: list[int] = []

    def watch(done: int, _: int) -> None:
        offsets.append(done)
        if done >= 8 * MIB and not resumed:
            stack.crash("relayer")
            resumed.append(threading.Thread(target=stack.resume, args=("relayer",)))
            resumed[0].start()

    with Portal(stack.addresses.relayer, me, deployment.chain_id) as portal:
        sent = portal.send(film, watch)
        resumed[0].join()
        assert offsets[1] >= 8 * MIB
        assert offsets == sorted(offsets)
        assert offsets[-1] == film.stat().st_size
        seen = portal.wait(sent["id"], "verified", code="not-registered")
        assert seen["facts"]["width"] == 1280

        # Is described on the creator's machine, and onboarded by one signature.
        creator = Creator(me, deployment, LocalStore(tmp_path / "mine"))
        prepared = creator.prepare(
            creator.study(film),
            title="Dance",
            people=[
                Contribution("Ada Lindqvist", "director", me.address, 600_000),
                Contribution("Mei Tanaka", "composer", partner.address, 400_000),
            ],
            plans=[OfferPlan("train-nonexclusive-1y", 25 * 10**usd.decimals, usd)],
        )
        action = relayer.wait(creator.hand_in(prepared, relayer))
        pinned = portal.wait(sent["id"], "pinned")
    operator = LocalStore(Path(stack.addresses.content))
    found = hashlib.sha256()
    for chunk in operator.stream(Cid.parse(pinned["cid"])):
        found.update(chunk)
    assert found.digest() == digest

    # Somebody buys.
    lab = LocalSigner.random()
    stack.chain.set_balance(lab.address, 10**18)
    token = Contract("TestUSD", usd.address, rpc)
    token.send(stack.chain.signers[0], "mint", lab.address, 100 * 10**usd.decimals)
    path = f"offers?work={prepared.work}&live=true"
    listed = indexer.wait_for(path, lambda answer: len(answer["items"]) == 1)["items"][0]
    licensee = Licensee(lab, deployment, rpc)
    licensee.mint(licensee.agree(indexer.get(f"offers/{listed['id']}")), party_digest("Example Lab SA")[0])

    # Both are paid, to the last unit, and nobody asked.
    due = {me.address: 15 * 10**usd.decimals, partner.address: 10 * 10**usd.decimals}
    until(
        lambda: all(token.call("balanceOf", who) == amount for who, amount in due.items()),
        lambda: keeper.output()[-2000:],
    )
    assert rpc.balance(me.address) == rpc.balance(partner.address) == 0
    assert rpc.nonce(me.address, "latest") == 0, "it has never sent a transaction"

    # And told.
    told, heard = hooked

    def finals() -> list[str]:
        return [item["data"]["id"] for item in told.payloads() if item["type"] == "action.final"]

    def payments() -> dict[str, int]:
        """By account: what was sent out, for nothing was kept back."""
        sent = [item["data"]["args"] for item in heard.payloads() if item["type"] == "Distributed"]
        assert all(int(args["kept"]) == 0 for args in sent)
        return {
            share["account"]: int(amount)
            for args in sent
            for share, amount in zip(args["shares"], args["amounts"], strict=True)
        }

    until(lambda: action["id"] in finals(), told.payloads)
    expected = {"0x" + address_account(who).hex(): amount for who, amount in due.items()}
    until(lambda: payments() == expected, heard.payloads)
    assert any(item["type"] == "LicenseMinted" for item in heard.payloads())
    relayer.close()
    indexer.close()
