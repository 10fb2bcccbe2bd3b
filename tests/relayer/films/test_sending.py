# SPDX-License-Identifier: Apache-2.0
"""Films sent in pieces: the plain path, the protocol to the letter, and whose film it is."""

from __future__ import annotations

import base64
import hashlib
import io
import time
from collections.abc import Iterator

import orjson
import pytest
from tusclient.client import TusClient

from ipto.content import Cid, LocalStore
from tests.relayer.films.stage import FILM, LONG, MIB, code, padded, parts
from tests.relayer.people import PIECE, TUS, Person
from tests.relayer.world import RelayerProcess, World

# --- the plain path ------------------------------------------------------------------------------------------


def test_in_pieces_with_an_interruption_then_registered_then_pinned(
    world: World, relayer: RelayerProcess, creator: Person
) -> None:
    path = creator.begin(LONG, name="Mein Tanz.mp4")
    assert creator.offset(path) == 0

    def cut_off() -> Iterator[bytes]:
        yield LONG[: 9 * MIB]
        raise ConnectionError("the train goes into a tunnel")

    with pytest.raises(ConnectionError):
        creator.send(path, 0, cut_off())
    end = time.monotonic() + 60
    while (at := creator.offset(path)) == 0 or creator.send(path, at, b"").status_code == 423:
        assert time.monotonic() < end
        time.sleep(0.05)
    at = creator.offset(path)
    assert 8 * MIB <= at <= 9 * MIB
    film = creator.look(path)
    assert (film["state"], film["received"], film["name"]) == ("receiving", at, "Mein Tanz.mp4")
    answer = creator.send(path, at, LONG[at : 15 * MIB])
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(15 * MIB))
    assert creator.send(path, 15 * MIB, LONG[15 * MIB :]).headers["upload-offset"] == str(len(LONG))

    film = creator.wait(path, "verified", code="not-registered")
    assert film["facts"]["duration_ms"] == 5280
    assert film["facts"]["size"] == len(LONG)
    store = LocalStore(world.folder / "content")
    assert not store.has(Cid.parse(film["facts"]["cid"])), "nothing is pinned that was not registered"
    body = world.signed_onboarding(creator.signer, content=hashlib.sha256(LONG).digest())
    relayer.wait_for(relayer.submit(body), "final")
    film = creator.wait(path, "pinned")
    assert film["cid"] == film["facts"]["cid"]
    assert store.get(Cid.parse(film["cid"]), max_bytes=64 * MIB) == LONG
    name = path.rpartition("/")[2]
    assert f"{name}.part" not in parts(world.folder / "films")
    assert code(creator.send(path, len(LONG), b"")) == (409, "complete")
    assert code(creator.ask("DELETE", path, headers=TUS)) == (409, "pinned")
    assert [item["id"] for item in creator.ask("GET", "/v1/films").json()["items"]] == [name]


def test_somebody_else_s_registration_does_not_count(world: World, relayer: RelayerProcess, creator: Person) -> None:
    """The content of another's work is not pinned for whoever has the file."""
    data = padded(2 * MIB)
    relayer.wait_for(relayer.submit(world.signed_onboarding(content=hashlib.sha256(data).digest())), "final")
    path = creator.begin(data)
    creator.send(path, 0, data)
    creator.wait(path, "verified", code="not-registered")


def test_states_as_they_come(creator: Person) -> None:
    path = creator.begin(FILM)
    states = []
    url = creator.relayer.url + path + "/events"
    with creator.relayer.http.stream("GET", url, headers={"authorization": f"Bearer {creator.token}"}) as answer:
        for line in answer.iter_lines():
            if not line.startswith("data: "):
                continue
            film = orjson.loads(line[6:])
            assert film["words"]
            states.append(film["state"])
            if film["state"] == "receiving" and not film["received"]:
                assert creator.send(path, 0, FILM).status_code == 204
            if film["code"] == "not-registered":
                assert creator.ask("DELETE", path, headers=TUS).status_code == 204
    assert states[0] == "receiving"
    assert states[-1] == "ended"
    assert states == sorted(states, key=["receiving", "quarantined", "verified", "ended"].index)


def test_a_standard_client(creator: Person) -> None:
    """tuspy, the protocol's own client for Python, with checksums."""
    headers = {"Authorization": f"Bearer {creator.token}"}
    client = TusClient(creator.relayer.url + "/v1/films", headers=headers)
    metadata = {"filename": "film.mp4", "sha256": hashlib.sha256(FILM).hexdigest()}
    options = {"chunk_size": 300_000, "upload_checksum": True}
    first = client.uploader(file_stream=io.BytesIO(FILM), metadata=metadata, **options)
    first.upload_chunk()
    again = client.uploader(file_stream=io.BytesIO(FILM), url=first.url, **options)
    assert again.offset == 300_000
    again.upload()
    creator.wait(again.url.removeprefix(creator.relayer.url), "verified")


# --- the protocol, to the letter -----------------------------------------------------------------------------


def test_what_the_server_says_of_itself(creator: Person) -> None:
    answer = creator.relayer.http.options(creator.relayer.url + "/v1/films")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == answer.headers["tus-resumable"] == "1.0.0"
    assert answer.headers["tus-extension"].split(",") == ["creation", "checksum", "expiration", "termination"]
    assert "sha1" in answer.headers["tus-checksum-algorithm"].split(",")
    assert answer.headers["tus-max-size"] == str(64 * MIB)


def test_every_answer_names_the_version(creator: Person) -> None:
    path = creator.begin(FILM)
    for method in ("HEAD", "GET", "PATCH", "DELETE"):
        assert creator.ask(method, path).headers["tus-resumable"] == "1.0.0", method
    assert creator.ask("PATCH", path, headers=PIECE | {"Tus-Resumable": "0.2.2"}).status_code == 412
    assert creator.relayer.http.get(creator.relayer.url + path).headers["tus-resumable"] == "1.0.0"
    assert creator.ask("DELETE", path, headers=TUS).status_code == 204


def test_headers_that_are_wrong(creator: Person) -> None:
    path = creator.begin(FILM)
    five = {"Upload-Length": "5"}
    wrong = [
        (creator.ask("PATCH", path, headers=TUS, content=b"x"), 415, "content-type"),
        (creator.ask("PATCH", path, headers=PIECE, content=b"x"), 400, "header"),
        (creator.ask("PATCH", path, headers=PIECE | {"Upload-Offset": "-1"}, content=b"x"), 400, "header"),
        (creator.ask("PATCH", path, headers=PIECE | {"Upload-Offset": "1e3"}, content=b"x"), 400, "header"),
        (creator.send(path, 1, b"x"), 409, "offset"),
        (creator.send(path, 0, b"x", **{"Upload-Checksum": "md5 " + "A" * 24}), 400, "checksum"),
        (creator.send(path, 0, b"x", **{"Upload-Checksum": "sha1"}), 400, "checksum"),
        (creator.send(path, 0, b"x", **{"Upload-Checksum": "sha1 AAAA"}), 400, "checksum"),
        (creator.send("/v1/films/" + "0" * 32, 0, b"x"), 404, "not-found"),
        (creator.ask("POST", "/v1/films", headers=TUS), 400, "header"),
        (creator.ask("POST", "/v1/films", headers=TUS | five), 422, "malformed"),
        (
            creator.ask("POST", "/v1/films", headers=TUS | {"Upload-Length": "5", "Upload-Metadata": "a ?"}),
            400,
            "header",
        ),
        (creator.announce(b""), 422, "malformed"),
        (creator.announce(FILM, sha256="A" * 64), 422, "malformed"),
        (creator.announce(FILM, length=64 * MIB + 1), 413, "too-large"),
        (creator.announce(FILM, length=10**18), 400, "header"),
    ]
    for number, (answer, status, name) in enumerate(wrong):
        assert code(answer) == (status, name), (number, answer.text)
    assert creator.offset(path) == 0


def test_checksums(creator: Person) -> None:
    path = creator.begin(FILM)

    def of(algorithm: str, data: bytes) -> dict[str, str]:
        digest = base64.b64encode(hashlib.new(algorithm, data).digest()).decode()
        return {"Upload-Checksum": f"{algorithm} {digest}"}

    assert creator.send(path, 0, FILM[:1000], **of("sha1", FILM[:1000])).status_code == 204
    assert creator.send(path, 1000, FILM[1000:5000], **of("sha256", FILM[1000:5000])).status_code == 204
    damaged = creator.send(path, 5000, FILM[5000:9000], **of("sha1", FILM[5000:9001]))
    assert code(damaged) == (460, "checksum")
    assert creator.offset(path) == 5000

    def cut_off() -> Iterator[bytes]:
        yield FILM[5000:500_000]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        creator.send(path, 5000, cut_off(), **of("sha1", FILM[5000:]))
    end = time.monotonic() + 60
    while (answer := creator.send(path, 5000, FILM[5000:], **of("sha1", FILM[5000:]))).status_code == 423:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert answer.status_code == 204, "nothing of the piece that was cut off was counted"
    creator.wait(path, "verified")


def test_taken_back(creator: Person, world: World) -> None:
    path = creator.begin(FILM)
    creator.send(path, 0, FILM[:1000])
    name = path.rpartition("/")[2] + ".part"
    assert name in parts(world.folder / "films")
    assert creator.ask("DELETE", path, headers=TUS).status_code == 204
    assert name not in parts(world.folder / "films")
    assert creator.ask("HEAD", path, headers=TUS).status_code == 410
    assert code(creator.send(path, 1000, b"x")) == (410, "gone")
    assert creator.ask("DELETE", path, headers=TUS).status_code == 410
    assert creator.look(path)["state"] == "ended"


def test_through_a_proxy_that_knows_no_patch(creator: Person) -> None:
    path = creator.begin(FILM)
    headers = PIECE | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    answer = creator.ask("POST", path, headers=headers, content=FILM[:100])
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "100")
    override = {"X-HTTP-Method-Override": "DELETE"}
    assert creator.ask("POST", path, headers=TUS | override).status_code == 204


# --- whose film it is ----------------------------------------------------------------------------------------


def test_films_of_others_do_not_exist(creator: Person, relayer: RelayerProcess) -> None:
    path = creator.begin(FILM)
    thief, stranger = Person(relayer).sign_in(), Person(relayer)
    for method in ("GET", "HEAD", "DELETE"):
        assert thief.ask(method, path, headers=TUS).status_code == 404, method
        assert stranger.ask(method, path, headers=TUS).status_code == 401, method
    assert thief.send(path, 0, FILM).status_code == 404
    assert thief.ask("GET", path + "/events").status_code == 404
    assert stranger.send(path, 0, FILM).status_code == 401
    assert stranger.announce(FILM).status_code == 401
    assert thief.ask("GET", "/v1/films").json() == {"items": []}
    assert creator.offset(path) == 0


def test_no_path_leads_out_of_the_folder(creator: Person, world: World) -> None:
    before = {path for path in world.folder.rglob("*") if "films" not in path.parts}
    for name in ("../../outside", "/etc/passwd", "a\x00b", "..", "films/../../x"):
        path = creator.begin(FILM, name=name)
        assert creator.send(path, 0, FILM[:10]).status_code == 204
        assert creator.look(path)["name"] == name.replace("\x00", "_")
        assert creator.ask("DELETE", path, headers=TUS).status_code == 204
    for path in (
        "/v1/films/../../etc/passwd",
        "/v1/films/..%2f..%2fetc%2fpasswd",
        "/v1/films/%2e%2e",
        "/v1/films/" + "0" * 31,
        "/v1/films/" + "A" * 32,
        "/v1/films/" + "0" * 31 + "%00",
    ):
        assert creator.send(path, 0, b"x").status_code in (404, 405, 422), path
    assert {path for path in world.folder.rglob("*") if "films" not in path.parts} == before
    assert all(len(name) == 37 and name.endswith(".part") for name in parts(world.folder / "films"))
