# SPDX-License-Identifier: Apache-2.0
"""What becomes of films is told by signed webhooks and counted in the metrics."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from relayer import audit
from relayer.schema import connect
from tests.relayer.films.stage import FILM, MIB, padded
from tests.relayer.people import TUS, Person
from tests.relayer.test_operating import KEY, Listener, Operator
from tests.relayer.world import RelayerProcess, World

Own = Callable[..., RelayerProcess]
PATIENCE = 120.0


@pytest.fixture
def told() -> Any:
    listener = Listener(failures=2)
    yield listener
    listener.server.shutdown()
    listener.server.server_close()


@pytest.fixture
def admin_key(tmp_path: Path) -> Path:
    (tmp_path / "admin.key").write_text(KEY)
    return tmp_path / "admin.key"


def events(listener: Listener, path: str) -> list[dict[str, Any]]:
    bodies = [orjson.loads(body) for _, body in listener.got]
    return [body for body in bodies if body["data"]["id"] == path.rpartition("/")[2]]


def types(listener: Listener, path: str) -> list[str]:
    """In the order in which they came, each once: one that was not answered comes again."""
    return list(dict.fromkeys(event["type"] for event in events(listener, path)))


def wait(listener: Listener, path: str, last: str) -> list[str]:
    end = time.monotonic() + PATIENCE
    while last not in types(listener, path) and time.monotonic() < end:
        time.sleep(0.05)
    return types(listener, path)


def number(relayer: RelayerProcess, name: str) -> int:
    found = re.search(rf"^ipto_relayer_{re.escape(name)} (\d+)$", relayer.http.get(relayer.url + "/metrics").text, re.M)
    return int(found[1]) if found else -1


def test_each_step_of_a_film_is_told_and_counted(
    world: World,
    own: Own,
    admin_key: Path,
    told: Listener,
    tmp_path: Path,
) -> None:
    relayer = own(admin_key_file=admin_key)
    hook = Operator(relayer)("POST", "/hooks", {"url": told.url}).json()
    creator = Person(relayer).sign_in()
    good, other = padded(2 * MIB), b"no film at all" * 1000
    path = creator.begin(good, name="private.mp4")
    creator.send(path, 0, good)
    creator.wait(path, "verified", code="not-registered")
    assert number(relayer, 'films_waiting{code="not-registered"}') == 1
    wrong = creator.begin(other)
    creator.send(wrong, 0, other)
    creator.wait(wrong, "refused")
    taken = creator.begin(FILM)
    assert creator.ask("DELETE", taken, headers=TUS).status_code == 204
    body = world.signed_onboarding(creator.signer, content=hashlib.sha256(good).digest())
    relayer.wait_for(relayer.submit(body), "final")
    cid = creator.wait(path, "pinned")["cid"]

    whole = ["film.accepted", "film.quarantined", "film.verified", "film.pinned"]
    assert wait(told, path, "film.pinned") == whole
    assert wait(told, wrong, "film.refused") == ["film.accepted", "film.quarantined", "film.refused"]
    assert wait(told, taken, "film.ended") == ["film.accepted", "film.ended"]
    last = events(told, path)[-1]["data"]
    assert last == {
        "id": path.rpartition("/")[2], "signer": creator.signer.address, "size": len(good),
        "sha256": hashlib.sha256(good).hexdigest(), "state": "pinned", "cid": cid, "code": None, "reason": None,
    }  # fmt: skip
    refused = events(told, wrong)[-1]["data"]
    assert (refused["code"], bool(refused["reason"]), refused["cid"]) == ("not-a-film", True, None)
    for headers, raw in told.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + raw
        expected = hmac.new(b64decode(hook["secret"][6:]), signed, hashlib.sha256).digest()
        assert b64decode(headers["webhook-signature"].removeprefix("v1,")) == expected
        assert b"private.mp4" not in raw, "the name is its owner's"

    assert [number(relayer, f'films{{state="{state}"}}') for state in ("pinned", "refused", "ended")] == [1, 1, 1]
    assert number(relayer, 'film_bytes{state="pinned"}') == len(good)
    assert number(relayer, 'films_refused{code="not-a-film"}') == 1
    assert number(relayer, "films_unseen_seconds") == 0
    relayer.stop()
    database = connect(tmp_path / "own.sqlite")
    assert audit.verify(database) == []
    database.close()


def test_a_hook_for_one_signer_hears_of_no_other_films(own: Own, admin_key: Path, told: Listener) -> None:
    relayer = own(admin_key_file=admin_key)
    mine, other = Person(relayer).sign_in(), Person(relayer).sign_in()
    Operator(relayer)("POST", "/hooks", {"url": told.url, "signer": mine.signer.address})
    others = other.begin(FILM)
    path = mine.begin(FILM)
    assert mine.ask("DELETE", path, headers=TUS).status_code == 204
    assert wait(told, path, "film.ended") == ["film.accepted", "film.ended"]
    assert events(told, others) == []
