# SPDX-License-Identifier: Apache-2.0
"""How much room an account, a network and everybody may take, and who is stopped."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import threading
import time
from pathlib import Path

import httpx

from tests.relayer.films.stage import FILM, Start, code
from tests.relayer.people import TUS, Person
from tests.relayer.world import World
from tests.support.postgres import PostgresServer


def test_what_one_account_may_take_up(own: Start) -> None:
    creator = Person(own(film_account_bytes=100_000, film_account_open=3, film_account_day=5)).sign_in()
    paths = [creator.begin(FILM, length=30_000) for _ in range(3)]
    assert code(creator.announce(FILM, length=1)) == (429, "signer-films")
    creator.ask("DELETE", paths.pop(), headers=TUS)
    assert code(creator.announce(FILM, length=40_001)) == (429, "signer-quota")
    assert creator.announce(FILM, length=40_000).status_code == 201
    creator.ask("DELETE", paths.pop(), headers=TUS)
    assert creator.announce(FILM, length=1).status_code == 201
    creator.ask("DELETE", paths.pop(), headers=TUS)
    answer = creator.announce(FILM, length=1)
    assert code(answer) == (429, "signer-films")
    assert "today" in answer.json()["detail"]


def test_announcing_at_once_passes_no_quota(own: Start) -> None:
    creator = Person(own(film_account_bytes=100_000, film_account_open=100)).sign_in()
    clients = [httpx.Client(timeout=90, trust_env=False) for _ in range(8)]
    metadata = "sha256 " + base64.b64encode(b"ab" * 32).decode()
    headers = TUS | {
        "Authorization": f"Bearer {creator.token}", "Upload-Length": "30000", "Upload-Metadata": metadata
    }  # fmt: skip
    statuses: list[int] = []
    gate = threading.Barrier(8)

    def announce(client: httpx.Client) -> None:
        gate.wait()
        statuses.append(client.post(creator.relayer.url + "/v1/films", headers=headers).status_code)

    threads = [threading.Thread(target=announce, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    assert sorted(statuses) == [201] * 3 + [429] * 5


def test_many_accounts_of_one_person(own: Start) -> None:
    """Keys cost nothing, so the network and the whole are limited, too; newcomers have little until they prove more."""
    relayer = own(film_network_day=100_000, free_actions=1, film_newcomer_bytes=40_000)
    crowd = [Person(relayer).sign_in() for _ in range(4)]
    assert code(crowd[0].announce(FILM, length=40_001)) == (403, "proof-needed")
    answers = [person.announce(FILM, length=40_000) for person in crowd]
    assert [answer.status_code for answer in answers] == [201, 201, 503, 503]
    assert answers[2].json()["code"] == "network-quota"
    # Taking films back does not give a network its day back.
    crowd[0].ask("DELETE", answers[0].headers["location"], headers=TUS)
    assert code(crowd[3].announce(FILM, length=40_000)) == (503, "network-quota")


def test_room_for_everybody(own: Start) -> None:
    relayer = own(film_total=100_000)
    assert Person(relayer).sign_in().announce(FILM, length=60_000).status_code == 201
    assert code(Person(relayer).sign_in().announce(FILM, length=60_000)) == (507, "store-full")
    relayer.kill()
    full = Person(own(film_spare=2**62)).sign_in()
    assert code(full.announce(FILM, length=1)) == (507, "store-full")


def test_a_proof_makes_room(own: Start, world: World) -> None:
    (world.folder / "films.key").write_text("k" * 40)
    relayer = own(free_actions=1, film_newcomer_bytes=1000, admin_key_file=world.folder / "films.key")
    creator = Person(relayer).sign_in()
    assert code(creator.announce(FILM)) == (403, "proof-needed")
    admin = {"authorization": "Bearer " + "k" * 40}
    invitation = relayer.http.post(relayer.url + "/admin/invitations", json={}, headers=admin).json()["code"]
    proof = {"signer": creator.address, "kind": "invitation", "value": invitation}
    assert relayer.http.post(relayer.url + "/v1/proofs", json=proof).status_code == 204
    assert creator.announce(FILM).status_code == 201


def test_denied_in_the_middle(own: Start, world: World, tmp_path: Path) -> None:
    (world.folder / "films.key").write_text("k" * 40)
    relayer = own(admin_key_file=world.folder / "films.key", pin_unregistered=False)
    creator = Person(relayer).sign_in()
    path = creator.begin(FILM)
    creator.send(path, 0, FILM)
    creator.wait(path, "verified", code="not-registered")
    admin = {"authorization": "Bearer " + "k" * 40}

    def rule(rule: str | None) -> None:
        url = f"{relayer.url}/admin/rules/{creator.address}"
        assert relayer.http.put(url, json={"rule": rule}, headers=admin).status_code == 200

    rule("deny")
    assert code(creator.ask("GET", path)) == (403, "denied")
    body = world.signed_onboarding(creator.signer, content=hashlib.sha256(FILM).digest())
    assert relayer.post(body).status_code == 403
    end, state = time.monotonic() + 60, ""
    while state != "refused":
        assert time.monotonic() < end, state
        with sqlite3.connect(tmp_path / "own.sqlite") as db:
            state = db.execute("SELECT state FROM films").fetchone()[0]
        db.close()
        time.sleep(0.1)
    rule(None)
    assert creator.wait(path, "refused")["code"] == "denied"


def test_nothing_is_taken_while_everything_is_stopped(own: Start, tmp_path: Path) -> None:
    creator = Person(own(kill_switch=tmp_path / "stop")).sign_in()
    (tmp_path / "stop").touch()
    assert code(creator.announce(FILM)) == (503, "stopped")
    (tmp_path / "stop").unlink()
    assert creator.announce(FILM).status_code == 201


def test_on_postgresql(own: Start, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    relayer = own(database_url=url, pin_unregistered=True)
    creator = Person(relayer).sign_in()
    path = creator.begin(FILM)
    assert creator.send(path, 0, FILM[:70_000]).status_code == 204
    relayer.kill()
    relayer.start()
    assert creator.offset(path) == 70_000
    assert creator.send(path, 70_000, FILM[70_000:]).status_code == 204
    creator.wait(path, "pinned")
    message = creator.message()
    assert [creator.present(message).status_code for _ in range(2)] == [201, 409]
    relayer.stop()
    postgres.drop(url)


def test_without_a_folder_there_are_no_films(start: Start, tmp_path: Path) -> None:
    person = Person(start(database=tmp_path / "none.sqlite")).sign_in()
    assert person.announce(FILM).status_code == 404
