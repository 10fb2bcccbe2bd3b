# SPDX-License-Identifier: Apache-2.0
"""Proofs that newcomers give: a captcha that a service checks, an attestation on chain."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import httpx
import orjson
import pytest

from ipto.accounts import LocalSigner
from ipto.devchain import dev_signer
from tests.relayer.world import RelayerProcess, World

Start = Callable[..., RelayerProcess]
SECRET = "of the captcha service"


class CaptchaService:
    """Answers as Turnstile, hCaptcha and reCAPTCHA do; a token is good once."""

    def __init__(self) -> None:
        self.answer: bytes | None = None  # instead of an honest one
        solved = {"solved": True}
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                good = form["secret"] == [SECRET] and solved.pop(form["response"][0], False)
                body = service.answer or orjson.dumps({"success": good, "error-codes": []})
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/siteverify"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def captcha() -> Iterator[CaptchaService]:
    made = CaptchaService()
    yield made
    made.server.shutdown()
    made.server.server_close()


def prove(relayer: RelayerProcess, creator: LocalSigner, kind: str, value: str) -> httpx.Response:
    proof = {"signer": creator.address, "kind": kind, "value": value}
    return relayer.http.post(relayer.url + "/v1/proofs", json=proof)


def test_a_solved_captcha(world: World, start: Start, captcha: CaptchaService) -> None:
    (world.folder / "secret").write_text(SECRET + "\n")
    relayer = start(free_actions=0, captcha_url=captcha.url, captcha_secret_file=world.folder / "secret")
    creator, other = LocalSigner.random(), LocalSigner.random()
    body = world.signed_onboarding(creator)
    assert relayer.post(body).json()["code"] == "proof-needed"
    assert prove(relayer, creator, "captcha", "not solved").status_code == 403
    assert relayer.post(body).json()["code"] == "proof-needed"
    assert prove(relayer, creator, "captcha", "solved").status_code == 204
    relayer.wait_for(relayer.submit(body), "final")
    assert prove(relayer, other, "captcha", "solved").status_code == 403, "a token is for one"
    for nonsense in (b"[]", b"not json", b'{"success": "true"}', b'{"success": 1}'):
        captcha.answer = nonsense
        assert prove(relayer, other, "captcha", "x").status_code in (403, 503), nonsense
    captcha.server.shutdown()
    captcha.server.server_close()
    answer = prove(relayer, other, "captcha", "x")
    assert (answer.status_code, answer.json()["code"]) == (503, "captcha")
    assert relayer.post(world.signed_onboarding(other)).json()["code"] == "proof-needed"


def test_an_attestation_of_somebody_trusted(world: World, start: Start) -> None:
    guild, stranger = dev_signer(5), dev_signer(6)
    schema, evidence = bytes([7]) * 32, bytes([8]) * 32
    relayer = start(free_actions=0, attesters=guild.address, attestation_schema="0x" + schema.hex())
    creator = LocalSigner.random()
    body = world.signed_onboarding(creator)

    def attest(who: Any, about: str, under: bytes) -> None:
        subject = bytes(12) + bytes.fromhex(about[2:])
        world.contract("Attestations").send(who, "attest", who.address, subject, under, evidence)

    def given() -> int:
        return prove(relayer, creator, "attestation", "0x" + evidence.hex()).status_code

    assert given() == 403
    attest(stranger, creator.address, schema)
    attest(guild, LocalSigner.random().address, schema)
    attest(guild, creator.address, bytes([9]) * 32)
    assert given() == 403, "not by a stranger, about somebody else, or of another kind"
    assert relayer.post(body).json()["code"] == "proof-needed"
    attest(guild, creator.address, schema)
    assert given() == 204
    relayer.wait_for(relayer.submit(body), "final")
