# SPDX-License-Identifier: Apache-2.0
"""Films sent in pieces: interrupted, killed, raced, lied about; what is kept is what was announced, or nothing is."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import random
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import orjson
import pytest
from tusclient.client import TusClient

from ipto.chain import Deployment
from ipto.content import Cid, LocalStore
from ipto.devchain import DevChain
from ipto.media import sample_path
from relayer.film_files import FilmFiles
from tests.relayer.people import PIECE, TUS, Person
from tests.relayer.world import RelayerProcess, World
from tests.support.postgres import PostgresServer

Start = Callable[..., RelayerProcess]
MIB = 1024 * 1024
FILM = sample_path().read_bytes()


def padded(size: int) -> bytes:
    """The film with a box of random bytes behind it: as long as a real one, and still a film."""
    rest = size - len(FILM)
    return FILM + struct.pack(">I4s", rest, b"free") + random.Random(size).randbytes(rest - 8)


LONG = padded(20 * MIB)


@pytest.fixture(scope="module")
def world(deployed: tuple[DevChain, Deployment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    chain, deployment = deployed
    folder: Path = tmp_path_factory.mktemp("films")
    snapshot = chain.snapshot()
    deployment.save(folder)
    here = World(chain, deployment, folder)
    chain.set_balance(here.lane.address, 100 * 10**18)
    yield here
    chain.revert(snapshot)


@pytest.fixture(scope="module")
def relayer(world: World) -> Iterator[RelayerProcess]:
    process = RelayerProcess(
        world, film_folder=world.folder / "films", film_account_open=6, film_idle_seconds=20, film_limit=64 * MIB
    ).start()
    yield process
    process.stop()


@pytest.fixture
def creator(relayer: RelayerProcess) -> Person:
    return Person(relayer).sign_in()


@pytest.fixture
def own(world: World, tmp_path: Path, start: Start) -> Callable[..., RelayerProcess]:
    """Starts a relayer with a folder and a database of the test's own."""

    def begin(**settings: object) -> RelayerProcess:
        values: dict[str, object] = {"film_folder": tmp_path / "films", "database": tmp_path / "own.sqlite"}
        return start(**(values | settings))

    return begin


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


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


# --- interruptions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_while_bytes_come(own: Start, seed: int) -> None:
    """kill -9 at a random byte, twice; what HEAD says after that is kept, and the whole is what was sent."""
    dice = random.Random(seed)
    relayer = own()
    creator = Person(relayer).sign_in()
    path = creator.begin(LONG)
    at = 0
    for _ in range(2):
        blow = dice.randrange(at, len(LONG))

        def coming(start: int = at, blow: int = blow) -> Iterator[bytes]:
            for begin in range(start, len(LONG), 256 * 1024):
                if begin >= blow:
                    relayer.kill()
                yield LONG[begin : begin + 256 * 1024]

        with suppress(httpx.HTTPError):
            creator.send(path, at, coming())
        relayer.kill()
        relayer.start()
        now = creator.offset(path)
        assert at <= now <= len(LONG)
        at = now
    if at < len(LONG):
        assert creator.send(path, at, LONG[at:]).status_code == 204
    creator.wait(path, "verified")


def test_what_was_counted_survives_and_what_was_not_is_cut_off(own: Start, tmp_path: Path) -> None:
    relayer = own()
    creator = Person(relayer).sign_in()
    path = creator.begin(FILM)
    assert creator.send(path, 0, FILM[:70_000]).status_code == 204
    relayer.kill()
    file = tmp_path / "films" / (path.rpartition("/")[2] + ".part")
    # Bytes that came after the last count, as a power cut may leave them: garbage.
    file.write_bytes(file.read_bytes() + b"\xff" * 50_000)
    relayer.start()
    assert creator.offset(path) == 70_000
    assert creator.send(path, 70_000, FILM[70_000:]).status_code == 204
    creator.wait(path, "verified")


def test_a_disk_that_lost_what_it_promised(own: Start, tmp_path: Path) -> None:
    relayer = own()
    creator = Person(relayer).sign_in()
    path = creator.begin(FILM)
    assert creator.send(path, 0, FILM[:70_000]).status_code == 204
    with (tmp_path / "films" / (path.rpartition("/")[2] + ".part")).open("r+b") as file:
        file.truncate(50_000)
    assert code(creator.send(path, 70_000, FILM[70_000:])) == (409, "offset")
    assert creator.offset(path) == 50_000
    assert creator.send(path, 50_000, FILM[50_000:]).status_code == 204
    creator.wait(path, "verified")


def test_killed_while_it_is_looked_at_and_while_it_is_pinned(own: Start, world: World) -> None:
    relayer = own(pin_unregistered=True)
    creator = Person(relayer).sign_in()
    path = creator.begin(LONG)
    assert creator.send(path, 0, LONG).status_code == 204
    for wait in (0.0, 0.1, 0.3):
        relayer.kill()
        relayer.start()
        time.sleep(wait)
    film = creator.wait(path, "pinned")
    assert LocalStore(world.folder / "content").get(Cid.parse(film["cid"]), max_bytes=64 * MIB) == LONG


def test_of_two_at_once_one_writes(creator: Person) -> None:
    path = creator.begin(LONG)
    first_is_in, second_is_done = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield LONG[: 2 * MIB]
        first_is_in.set()
        assert second_is_done.wait(60)
        yield LONG[2 * MIB :]

    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(creator.send(path, 0, slowly())))
    thread.start()
    assert first_is_in.wait(60)
    rival = httpx.Client(timeout=90, trust_env=False)
    headers = PIECE | {"Upload-Offset": "0", "Authorization": f"Bearer {creator.token}"}
    end = time.monotonic() + 60
    while (
        second := rival.patch(creator.relayer.url + path, headers=headers, content=b"\x00" * MIB)
    ).status_code == 204:
        raise AssertionError("both wrote")
    assert code(second) == (423, "locked")
    assert time.monotonic() < end
    second_is_done.set()
    thread.join()
    rival.close()
    assert answers[0].status_code == 204
    creator.wait(path, "verified")


def test_many_at_once_on_one_film(creator: Person) -> None:
    """Eight clients send the same film from whatever offset they are told; it is whole in the end."""
    path = creator.begin(LONG)
    clients = [httpx.Client(timeout=90, trust_env=False) for _ in range(8)]

    def send(client: httpx.Client, dice: random.Random) -> None:
        auth = {"Authorization": f"Bearer {creator.token}"}
        url = creator.relayer.url + path
        end = time.monotonic() + 120
        while time.monotonic() < end:
            at = int(client.head(url, headers=auth | TUS).headers["upload-offset"])
            if at == len(LONG):
                return
            piece = LONG[at : at + dice.randrange(1, 3 * MIB)]
            client.patch(url, headers=auth | PIECE | {"Upload-Offset": str(at)}, content=piece)

    threads = [
        threading.Thread(target=send, args=(client, random.Random(number))) for number, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    creator.wait(path, "verified")


# --- lies and harm -------------------------------------------------------------------------------------------


def test_more_than_was_announced(creator: Person) -> None:
    path = creator.begin(FILM, length=1000)
    assert code(creator.send(path, 0, FILM)) == (413, "too-large")
    assert code(creator.send(path, 0, (FILM[begin : begin + 400] for begin in range(0, 4000, 400)))) == (
        413,
        "too-large",
    )
    assert creator.offset(path) <= 1000
    assert creator.ask("DELETE", path, headers=TUS).status_code == 204


def test_another_film_than_announced(creator: Person, world: World) -> None:
    path = creator.begin(FILM, sha256="ab" * 32)
    creator.send(path, 0, FILM)
    film = creator.wait(path, "refused")
    assert film["code"] == "digest"
    assert hashlib.sha256(FILM).hexdigest() in film["reason"]
    assert path.rpartition("/")[2] + ".part" not in parts(world.folder / "films")


HARM = {
    "page": b"<html><script>alert(1)</script></html>",
    "gzip bomb": gzip.compress(bytes(30 * MIB)),
    "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "concat script": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(1000),
    "cut off film": FILM[: len(FILM) // 2],
    "film that claims to go on": FILM[:-8] + struct.pack(">I4s", 2**31, b"mdat"),
    "noise with a film's beginning": FILM[:64] + random.Random(1).randbytes(200_000),
}


@pytest.mark.parametrize("name", HARM)
def test_what_is_no_film_whatever_it_is_called(creator: Person, world: World, name: str) -> None:
    data = HARM[name]
    path = creator.begin(data, name="film.mp4", filetype="video/mp4")
    assert creator.send(path, 0, data).status_code == 204
    film = creator.wait(path, "refused")
    assert film["code"] == "not-a-film"
    assert film["reason"].startswith("the file ")
    assert str(world.folder) not in film["reason"]
    assert creator.ask("HEAD", path, headers=TUS).status_code == 410


def test_limits_of_length_and_size(own: Start) -> None:
    for settings, words in ({"film_max_seconds": 5}, "lasts 5 s"), ({"film_min_pixels": 721}, "1280×720"):
        relayer = own(**settings)  # type: ignore[arg-type]
        creator = Person(relayer).sign_in()
        path = creator.begin(FILM)
        creator.send(path, 0, FILM)
        film = creator.wait(path, "refused")
        assert film["code"] == "limits"
        assert words in film["reason"]
        relayer.kill()


def test_bytes_that_trickle_free_the_place(own: Start) -> None:
    """Slowloris: the connection is given up, what came counts, and the next request goes on."""
    creator = Person(own(film_idle_seconds=1)).sign_in()
    path = creator.begin(FILM)
    stop = threading.Event()

    def trickle() -> Iterator[bytes]:
        yield FILM[:40_000]
        for at in range(40_000, 41_000):
            if stop.wait(0.2):
                return
            yield FILM[at : at + 1]

    answer = creator.send(path, 0, trickle())
    stop.set()
    assert code(answer) == (408, "slow")
    at = creator.offset(path)
    assert 40_000 <= at < 41_000
    assert creator.send(path, at, FILM[at:]).status_code == 204
    creator.wait(path, "verified")


def test_one_network_does_not_take_every_place(own: Start) -> None:
    relayer = own(film_streams=4, film_idle_seconds=30)
    first, second = Person(relayer).sign_in(), Person(relayer).sign_in()
    paths = [first.begin(FILM), second.begin(FILM)]
    is_in, done = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield FILM[:100_000]
        is_in.set()
        assert done.wait(60)
        yield FILM[100_000:]

    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(first.send(paths[0], 0, slowly())))
    thread.start()
    assert is_in.wait(60)
    other = httpx.Client(timeout=90, trust_env=False)
    headers = PIECE | {"Upload-Offset": "0", "Authorization": f"Bearer {second.token}"}
    end = time.monotonic() + 60
    while (answer := other.patch(relayer.url + paths[1], headers=headers, content=b"")).status_code == 204:
        assert time.monotonic() < end  # the first one's headers are on their way
    assert code(answer) == (503, "busy")
    other.close()
    done.set()
    thread.join()
    assert answers[0].status_code == 204
    assert second.send(paths[1], 0, FILM).status_code == 204


def test_films_that_nobody_registers_keep_no_other_waiting(own: Start, world: World, tmp_path: Path) -> None:
    relayer = own()
    creator = Person(relayer).sign_in()
    with sqlite3.connect(tmp_path / "own.sqlite") as db:
        for number in range(150):
            name = f"{number:032x}"
            (tmp_path / "films" / f"{name}.part").write_bytes(b"x")
            db.execute(
                "INSERT INTO films (id, account, day, length, received, sha256, name, state, created_at, changed_at,"
                " expires_at) VALUES (?, ?, '', 1, 1, ?, '', 'verified', 1, 1, 9999999999)",
                (name, "0x" + f"{number + 1:040x}", "ab" * 32),
            )
    db.close()
    data = padded(3 * MIB)
    body = world.signed_onboarding(creator.signer, content=hashlib.sha256(data).digest())
    relayer.wait_for(relayer.submit(body), "final")
    path = creator.begin(data)
    assert creator.send(path, 0, data).status_code == 204
    creator.wait(path, "pinned")


def test_a_stream_ends_with_its_session(own: Start) -> None:
    creator = Person(own(session_seconds=4)).sign_in()
    path = creator.begin(FILM)
    url, headers = creator.relayer.url + path + "/events", {"authorization": f"Bearer {creator.token}"}
    with creator.relayer.http.stream("GET", url, headers=headers, timeout=60) as answer:
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    assert len(lines) == 1
    assert creator.ask("GET", path).status_code == 401


def test_a_closed_file_is_not_written(tmp_path: Path) -> None:
    """Not even where its number belongs to another file by now."""
    files = FilmFiles(tmp_path, 0)
    with files.hold("a" * 32) as file:
        file.write(0, b"film")
        number = file._descriptor
    with (tmp_path / "another").open("w+b") as another:
        assert another.fileno() == number, "the number is used again"
        for late in (lambda: file.write(0, b"film"), lambda: file.cut(0), file.flush):
            with pytest.raises(OSError, match="closed"):
                late()
    assert (tmp_path / "another").read_bytes() == b""
    assert files.path("a" * 32).read_bytes() == b"film"


def test_announced_and_forgotten(own: Start, tmp_path: Path) -> None:
    """Films that do not go on are dropped and give their room back; so are files nobody knows."""
    relayer = own(film_account_open=1)
    creator = Person(relayer).sign_in()
    path = creator.begin(FILM)
    creator.send(path, 0, FILM[:1000])
    assert code(creator.announce(FILM)) == (429, "signer-films")
    relayer.kill()
    with sqlite3.connect(tmp_path / "own.sqlite") as db:
        db.execute("UPDATE films SET expires_at = 1")
    db.close()
    (tmp_path / "films" / ("0" * 32 + ".part")).write_bytes(b"left by another life")
    (tmp_path / "films" / "keep.txt").write_bytes(b"not ours")
    relayer.start()
    creator.wait(path, "expired")
    assert creator.ask("HEAD", path, headers=TUS).status_code == 410
    end = time.monotonic() + 60
    while parts(tmp_path / "films") != ["keep.txt"]:
        assert time.monotonic() < end, parts(tmp_path / "films")
        time.sleep(0.05)
    assert creator.announce(FILM).status_code == 201


# --- quotas --------------------------------------------------------------------------------------------------


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
