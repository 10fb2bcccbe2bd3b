# SPDX-License-Identifier: Apache-2.0
"""Films interrupted, killed, raced: what was counted is there, and one at a time writes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from ipto.content import Cid, LocalStore
from tests.relayer.films.stage import FILM, LONG, MIB, Start, code
from tests.relayer.people import PIECE, TUS, Person
from tests.relayer.world import World


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
