# SPDX-License-Identifier: Apache-2.0
"""Documents and posters over HTTP: only bytes that are what their CID says, within limits."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import numpy as np
import pytest

from ipto.content import Cid, LocalStore, describe
from ipto.media.choreography import compute
from ipto.media.fingerprint import Fingerprint
from tests.relayer.world import RelayerProcess, World
from tests.support.dancers import recorded

DOCUMENT = json.dumps({"title": "Ein Tanz"}).encode()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(300_000)


@pytest.fixture
def put(start: Callable[..., RelayerProcess]) -> Callable[..., httpx.Response]:
    relayer = start(content_limit=400_000, content_client_day=700_000)

    def send(cid: object, data: object, kind: str = "application/json") -> httpx.Response:
        headers = {"content-type": kind} if kind else {}
        return relayer.http.put(f"{relayer.url}/v1/content/{cid}", content=data, headers=headers)  # type: ignore[arg-type]

    return send


def test_documents_and_pictures_are_stored_under_their_cid(put: Callable[..., httpx.Response], world: World) -> None:
    cid = Cid.of_block(DOCUMENT)
    assert put(cid, DOCUMENT).status_code == 201
    assert put(cid, DOCUMENT).status_code == 200, "again: there already"
    store = LocalStore(world.folder / "content")
    assert store.get(cid) == DOCUMENT
    tree = describe(PNG).cid  # more than one block
    assert not tree.is_raw
    answer = put(tree, PNG, "application/octet-stream")
    assert (answer.status_code, answer.json()) == (201, {"cid": str(tree), "uri": f"ipfs://{tree}", "size": len(PNG)})
    assert store.get(tree) == PNG


def test_what_recognises_a_film_is_stored(put: Callable[..., httpx.Response], world: World) -> None:
    for data in (compute(recorded("first")).encode(), Fingerprint(bytes(32), (), np.zeros(0, np.uint32)).encode()):
        cid = describe(data).cid
        assert put(cid, data, "application/octet-stream").status_code == 201
        assert LocalStore(world.folder / "content").get(cid) == data


def test_refusals(put: Callable[..., httpx.Response], world: World) -> None:
    cid = Cid.of_block(DOCUMENT)
    html = b"<html><script>1</script></html>"
    cases = [
        (put(cid, DOCUMENT + b" "), 422, "cid-mismatch"),
        (put(describe(PNG).cid, DOCUMENT), 422, "cid-mismatch"),
        (put("Qm" + "1" * 44, DOCUMENT), 422, "malformed"),
        (put("nonsense", DOCUMENT), 422, "malformed"),
        (put("..%2f..%2fetc", DOCUMENT), 404, "http"),
        (put("b" * 81, DOCUMENT), 422, "malformed"),
        (put(Cid.of_block(b""), b""), 422, "malformed"),
        (put(cid, DOCUMENT, "text/html"), 415, "content-type"),
        (put(cid, DOCUMENT, ""), 415, "content-type"),
        (put(cid, DOCUMENT, "image/png"), 422, "content-type"),
        (put(Cid.of_block(html), html), 422, "content-type"),
        (put(Cid.of_block(html), html, "application/octet-stream"), 422, "content-type"),
        (put(Cid.of_block(b"[1]"), b"[1]"), 422, "content-type"),
        (put(Cid.of_block(b"[" * 9999), b"[" * 9999), 422, "content-type"),
        (put(cid, bytes(400_001)), 413, "too-large"),
        (put(cid, (bytes(9000) for _ in range(60))), 413, "too-large"),
    ]
    for number, (answer, status, code) in enumerate(cases):
        assert (answer.status_code, answer.json()["code"]) == (status, code), (number, answer.text)
    assert not any((world.folder / "content" / "blocks").rglob("*")), "nothing was stored"


def test_quota_of_a_client(put: Callable[..., httpx.Response]) -> None:
    statuses = []
    for number in range(3):
        picture = PNG + bytes([number])
        statuses.append(put(describe(picture).cid, picture, "image/png").status_code)
    assert statuses == [201, 201, 429]
    assert put(describe(PNG + b"\0").cid, PNG + b"\0", "image/png").status_code == 200, "what is there costs nothing"


def test_without_a_store_uploads_are_refused(start: Callable[..., RelayerProcess]) -> None:
    relayer = start(content_folder="")
    cid = Cid.of_block(DOCUMENT)
    answer = relayer.http.put(f"{relayer.url}/v1/content/{cid}", content=DOCUMENT)
    assert (answer.status_code, answer.json()["code"]) == (404, "no-store")
