# SPDX-License-Identifier: Apache-2.0
"""Films that are lied about, no films, and senders that want to harm others."""

from __future__ import annotations

import gzip
import hashlib
import random
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from relayer.film_files import FilmFiles
from tests.relayer.films.stage import FILM, MIB, Start, code, padded, parts
from tests.relayer.people import PIECE, TUS, Person
from tests.relayer.world import World


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
