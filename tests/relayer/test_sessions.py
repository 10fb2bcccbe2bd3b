# SPDX-License-Identifier: Apache-2.0
"""Sign-In with Ethereum at the relayer: who gets in, who does not, and what a session is worth to a thief."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request

from ipto.accounts import LocalSigner
from ipto.chain import Deployment
from ipto.devchain import DevChain
from ipto.rpc import AsyncRpc
from ipto.signin import SignIn, personal_digest, time_text
from relayer.portal_tables import add_tables
from relayer.problems import RefusedError
from relayer.schema import connect
from relayer.sessions import CHALLENGE_SECONDS, Sessions
from relayer.sessions_api import sites_of
from relayer.settings import Settings
from relayer.standing import Standings
from relayer.verify import HIGHEST_S
from tests.relayer.people import Person
from tests.relayer.test_refusals import AGREES, BURNS_GAS, REVERTS
from tests.relayer.world import RelayerProcess, World

DENIED = LocalSigner(b"\x98" * 32)
ADMIN = "k" * 40
_ORDER = 2 * HIGHEST_S + 1


@pytest.fixture(scope="module")
def world(deployed: tuple[DevChain, Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    chain, deployment = deployed
    folder: Path = tmp_path_factory.mktemp("sessions")
    snapshot = chain.snapshot()
    deployment.save(folder)
    yield World(chain, deployment, folder)
    chain.revert(snapshot)


@pytest.fixture(scope="module")
def relayer(world: World) -> Iterator[RelayerProcess]:
    (world.folder / "admin.key").write_text(ADMIN)
    process = RelayerProcess(world, deny=DENIED.address, admin_key_file=world.folder / "admin.key").start()
    yield process
    process.stop()


@pytest.fixture
def person(relayer: RelayerProcess) -> Person:
    return Person(relayer)


def test_signing_in_and_out(person: Person) -> None:
    answer = person.present(person.message())
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["account"] == person.address
    person.token = answer.json()["token"]
    assert person.ask("GET", "/v1/session").json()["account"] == person.address
    other = Person(person.relayer, person.signer).sign_in()
    assert person.ask("DELETE", "/v1/session").status_code == 204
    gone = person.ask("GET", "/v1/session")
    assert (gone.status_code, gone.json()["code"], gone.headers["www-authenticate"]) == (401, "unauthorized", "Bearer")
    assert other.ask("GET", "/v1/session").status_code == 200, "the other session goes on"


def test_signing_out_everywhere(person: Person) -> None:
    sessions = [Person(person.relayer, person.signer).sign_in() for _ in range(3)]
    stranger = Person(person.relayer).sign_in()
    assert sessions[0].ask("DELETE", "/v1/session?everywhere=true").status_code == 204
    assert {session.ask("GET", "/v1/session").status_code for session in sessions} == {401}
    assert stranger.ask("GET", "/v1/session").status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"domain": "evil.example"}, "wrong-site"),
        ({"uri": "http://evil.example/"}, "wrong-site"),
        ({"domain": "evil.example", "uri": "http://evil.example/"}, "wrong-site"),
        ({"domain": "127.0.0.1", "uri": "http://127.0.0.1/"}, "wrong-site"),
        ({"domain": "localhost:1", "uri": "http://localhost:1/"}, "wrong-site"),
        ({"scheme": "https"}, "wrong-site"),
        ({"chain_id": 1}, "wrong-chain"),
        ({"nonce": "a" * 72}, "unknown-nonce"),
        ({"nonce": "12345678"}, "unknown-nonce"),
        ({"issued_at": time_text(time.time() - 3600)}, "stale"),
        ({"issued_at": time_text(time.time() + 3600)}, "stale"),
        ({"expiration_time": time_text(time.time() - 1)}, "stale"),
        ({"not_before": time_text(time.time() + 3600)}, "stale"),
        ({"resources": ("https://example.com/everything",)}, "malformed"),
        ({"address": "0x" + "11" * 20}, "bad-signature"),
        ({"issued_at": "2026-02-30T00:00:00Z"}, "malformed"),
    ],
)
def test_messages_for_elsewhere_or_another_time(person: Person, changes: dict[str, object], code: str) -> None:
    answer = person.present(person.message(**changes))
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_the_https_page_is_not_the_http_page(person: Person) -> None:
    message = person.message()
    answer = person.present(person.message(uri=message.uri.replace("http://", "https://")))
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong-site")


def test_signatures_that_are_none(person: Person) -> None:
    message = person.message()
    good = person.signer.sign_digest(message.digest)
    s = int.from_bytes(good[32:64], "big")
    high = good[:32] + (_ORDER - s).to_bytes(32, "big") + bytes([55 - good[64]])
    cases = {
        "of another account": LocalSigner.random().sign_digest(message.digest),
        "of another text": person.signer.sign_digest(personal_digest(message.text + " ")),
        "of the bare text": person.signer.sign_digest(person.message().digest),
        "high s": high,
        "v 0 or 1": good[:64] + bytes([good[64] - 27]),
        "short": good[:64],
        "long": good + b"\x00",
        "zero": bytes(65),
    }
    for name, signature in cases.items():
        answer = person.present(message, signature)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad-signature"), name
    assert person.present(message, good).status_code == 201, "the challenge was not used up by failures"


def test_what_is_no_message(person: Person) -> None:
    for text in ("", "hello", person.message().text + "\n", person.message().text.lower()):
        answer = person.present(text, bytes(65))
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), text
    body = {"message": "x" * 5000, "signature": "0x00"}
    assert person.relayer.http.post(person.relayer.url + "/v1/session", json=body).status_code == 422


def test_a_message_works_once(person: Person) -> None:
    message = person.message()
    assert person.present(message).status_code == 201
    again = person.present(message)
    assert (again.status_code, again.json()["code"]) == (409, "nonce-used")
    # Nor does another message with the same nonce, of whoever.
    thief = Person(person.relayer)
    stolen = thief.message(nonce=message.nonce)
    assert thief.present(stolen).json()["code"] == "nonce-used"


def test_of_two_at_once_one_gets_in(person: Person) -> None:
    message = person.message()
    signature = person.signer.sign_digest(message.digest)
    gate, statuses = threading.Barrier(4), []

    def race() -> None:
        gate.wait()
        statuses.append(person.present(message, signature).status_code)

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409]


def test_a_message_for_one_relayer_is_nothing_at_another(person: Person, world: World, tmp_path: Path) -> None:
    """Not even on the same machine: another port is another site, and another queue's nonces are unknown."""
    other = RelayerProcess(world, database=tmp_path / "other.sqlite").start()
    try:
        message = person.message()
        elsewhere = Person(other, person.signer)
        assert elsewhere.present(message).json()["code"] == "wrong-site"
        theirs = elsewhere.message(nonce=message.nonce)
        assert elsewhere.present(theirs).json()["code"] == "unknown-nonce"
        # A relayer that passes our challenge on, hoping for a signature, gets one that names itself.
        forwarded = elsewhere.message(nonce=message.nonce, domain=theirs.domain, uri=theirs.uri)
        assert person.present(forwarded, elsewhere.signer.sign_digest(forwarded.digest)).json()["code"] == "wrong-site"
    finally:
        other.stop()


def test_the_host_header_does_not_name_the_site(person: Person) -> None:
    url = person.relayer.url + "/v1/session/challenge"
    answer = person.relayer.http.get(url, headers={"host": "evil.example"})
    assert answer.json()["sites"] == [person.relayer.url]
    message = person.message(domain="evil.example", uri="http://evil.example/")
    assert person.present(message, headers={"host": "evil.example"}).json()["code"] == "wrong-site"


def test_no_cookie_is_set_or_believed(person: Person) -> None:
    """Without cookies no other page can make a browser act for somebody (CSRF), and none can plant a session."""
    answer = person.present(person.message())
    assert "set-cookie" not in answer.headers
    token = answer.json()["token"]
    url = person.relayer.url + "/v1/session"
    for headers in (
        {"cookie": f"token={token}; session={token}; Authorization=Bearer {token}"},
        {"authorization": token},
        {"authorization": f"Basic {token}"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer " + "a" * 43},
        {"authorization": f"Bearer {token[:-1]}"},
    ):
        assert person.relayer.http.get(url, headers=headers).status_code == 401, headers
    assert person.relayer.http.get(f"{url}?token={token}&access_token={token}").status_code == 401


def test_a_token_chosen_by_somebody_else_is_never_taken(person: Person) -> None:
    """Session fixation: whatever a client sends along, the token is a new one."""
    planted = "a" * 43
    answer = person.present(person.message(), headers={"authorization": f"Bearer {planted}"})
    assert answer.json()["token"] != planted
    person.token = planted
    assert person.ask("GET", "/v1/session").status_code == 401


def test_forms_of_other_pages_are_not_read(person: Person) -> None:
    """What a browser sends across sites without asking first is never JSON."""
    message = person.message()
    body = f'{{"message": {message.text!r}, "signature": "0x00"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = person.relayer.http.post(
            person.relayer.url + "/v1/session", content=body, headers={"content-type": kind}
        )
        assert answer.status_code == 422, kind


def test_bodies_are_bounded_before_anybody_is_asked_who_sends_them(person: Person) -> None:
    """With a length or without; the framework reads a body before it checks a key or a session."""
    limit = 64 * 1024

    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * limit

    for path in ("/v1/session", "/v1/proofs", "/admin/stop", "/v1/actions"):
        for content in (b" " * (limit + 1), endless()):
            headers = {"content-type": "application/json"}
            answer = person.relayer.http.post(person.relayer.url + path, content=content, headers=headers)
            assert answer.status_code == 413, (path, answer.text)
    assert person.present(person.message()).status_code == 201


def test_the_database_holds_no_token(person: Person, world: World) -> None:
    person.sign_in()
    files = [path.read_bytes() for path in world.folder.glob("relayer.sqlite*")]
    assert files
    assert not any(person.token.encode() in data for data in files)


def test_sessions_end_by_themselves(world: World, tmp_path: Path) -> None:
    relayer = RelayerProcess(world, session_seconds=1, database=tmp_path / "short.sqlite").start()
    try:
        person = Person(relayer)
        message = person.message(expiration_time=time_text(time.time() + 3600))
        person.token = person.present(message).json()["token"]
        end = time.monotonic() + 60
        while person.ask("GET", "/v1/session").status_code == 200:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert person.ask("GET", "/v1/session").json()["code"] == "unauthorized"
        person.sign_in()  # tidies up
        with sqlite3.connect(tmp_path / "short.sqlite") as db:
            assert db.execute("SELECT count(*) FROM sessions").fetchone()[0] <= 1
        db.close()
    finally:
        relayer.stop()


def test_asking_for_challenges_fills_nothing(person: Person, world: World) -> None:
    def used() -> int:
        with sqlite3.connect(world.folder / "relayer.sqlite") as db:
            found = int(db.execute("SELECT count(*) FROM used_nonces").fetchone()[0])
        db.close()
        return found

    person.sign_in()
    before = used()
    assert len({person.challenge()["nonce"] for _ in range(50)}) == 50
    assert used() == before


def test_an_account_has_ten_sessions(person: Person) -> None:
    sessions = [Person(person.relayer, person.signer).sign_in() for _ in range(11)]
    statuses = [session.ask("GET", "/v1/session").status_code for session in sessions]
    assert statuses.count(401) == 1
    assert statuses[-1] == 200


def test_the_denied_do_not_get_in(person: Person, relayer: RelayerProcess) -> None:
    denied = Person(relayer, DENIED)
    answer = denied.present(denied.message())
    assert (answer.status_code, answer.json()["code"]) == (403, "denied")


def test_an_operator_ends_sessions(person: Person, relayer: RelayerProcess) -> None:
    person.sign_in()
    url = f"{relayer.url}/admin/sessions/{person.address}"
    assert relayer.http.delete(url, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert person.ask("GET", "/v1/session").status_code == 200
    assert relayer.http.delete(url, headers={"authorization": f"Bearer {ADMIN}"}).json() == {"ended": 1}
    assert person.ask("GET", "/v1/session").status_code == 401


def contract_account(world: World, code: str) -> str:
    address = LocalSigner.random().address
    world.chain.rpc.call("anvil_setCode", address, code)
    return address


def test_contract_accounts_are_asked(person: Person, world: World) -> None:
    message = person.message(address=contract_account(world, AGREES))
    answer = person.present(message, b"\x01" * 900)
    assert (answer.status_code, answer.json()["account"]) == (201, message.address)
    for code in (REVERTS, BURNS_GAS):
        refused = person.present(person.message(address=contract_account(world, code)), b"\x01" * 65)
        assert (refused.status_code, refused.json()["code"]) == (422, "bad-signature")


def test_pages_of_named_sites_and_no_others(world: World, tmp_path: Path) -> None:
    site = "https://studio.example.org"
    relayer = RelayerProcess(world, sites=site, database=tmp_path / "site.sqlite").start()
    try:
        person = Person(relayer)
        assert person.challenge()["sites"] == [site]
        assert person.present(person.message()).status_code == 201
        own = relayer.url.partition("://")[2]
        assert person.present(person.message(domain=own, uri=relayer.url)).json()["code"] == "wrong-site"

        def preflight(origin: str) -> str | None:
            asks = {
                "origin": origin,
                "access-control-request-method": "PATCH",
                "access-control-request-headers": "authorization,tus-resumable,upload-offset",
            }
            answer = relayer.http.options(relayer.url + "/v1/films", headers=asks)
            assert "access-control-allow-credentials" not in answer.headers
            return answer.headers.get("access-control-allow-origin")

        assert preflight(site) == site
        for origin in ("https://evil.example", "http://studio.example.org", site + ".evil.example", "null"):
            assert preflight(origin) is None, origin
    finally:
        relayer.stop()


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (("127.0.0.1", 8470), ("http://127.0.0.1:8470",)),
        (("::1", 8470), ("http://[::1]:8470",)),
        (("192.0.2.1", 8470), ()),
        (("example.org", 443), ()),
        (("/run/relayer.sock", None), ()),
        (None, ()),
    ],
)
def test_an_own_address_counts_on_this_machine_only(server: object, expected: tuple[str, ...]) -> None:
    request = Request({"type": "http", "headers": [(b"host", b"evil.example")], "server": server})
    assert sites_of(Settings(), request) == expected


@pytest.mark.parametrize("site", ["studio.example.org", "https://studio.example.org/", "https://A.org", "ftp://a.org"])
def test_sites_are_origins(site: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Settings(sites=site)  # type: ignore[arg-type]


def test_stale_challenges(world: World) -> None:
    """Time passes for the relayer\'s clock alone: its own check, on its own database."""
    now = [1_800_000_000.0]
    database = connect(world.folder / "clock.sqlite")
    add_tables(database)
    settings = Settings()

    async def run() -> None:
        rpc = AsyncRpc(world.chain.url)
        sessions = Sessions(settings, database, rpc, Standings(settings, database), clock=lambda: now[0])
        nonce, ends = sessions.challenge()
        assert ends == now[0] + CHALLENGE_SECONDS
        signer = LocalSigner.random()
        site = "https://a.example"
        message = SignIn("a.example", signer.address, site, settings.chain_id, nonce, time_text(now[0]))
        signature = signer.sign_digest(message.digest)
        now[0] = ends
        with pytest.raises(RefusedError, match="too old"):
            await sessions.sign_in(message.text, signature, (site,))
        now[0] = ends - 1
        token, session = await sessions.sign_in(message.text, signature, (site,))
        assert session.expires_at == now[0] + settings.session_seconds
        assert sessions.of(f"Bearer {token}").account == signer.address
        now[0] += settings.session_seconds
        with pytest.raises(RefusedError, match="over"):
            sessions.of(f"Bearer {token}")
        await rpc.aclose()

    asyncio.run(run())
    database.close()
