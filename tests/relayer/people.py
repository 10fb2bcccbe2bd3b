# SPDX-License-Identifier: Apache-2.0
"""People without gas: they sign in at a relayer with their key, and send films as any tus client would."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx

from ipto.accounts import LocalSigner
from ipto.signin import SignIn, time_text
from tests.relayer.world import RelayerProcess

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = TUS | {"Content-Type": "application/offset+octet-stream"}


class Person:
    """Whoever holds a key."""

    def __init__(self, relayer: RelayerProcess, signer: LocalSigner | None = None) -> None:
        self.relayer, self.signer = relayer, signer or LocalSigner.random()
        self.token = ""

    @property
    def address(self) -> str:
        return self.signer.address

    # --- signing in ------------------------------------------------------------------------------------------

    def challenge(self) -> dict[str, Any]:
        answer = self.relayer.http.get(self.relayer.url + "/v1/session/challenge")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def message(self, **changes: Any) -> SignIn:
        """An honest sign-in message, or one with fields changed."""
        challenge = self.challenge()
        site = challenge["sites"][0]
        message = SignIn(
            domain=site.partition("://")[2],
            address=self.address,
            uri=site + "/",
            chain_id=challenge["chain_id"],
            nonce=challenge["nonce"],
            issued_at=time_text(time.time()),
            statement="Sign in to send films.",
        )
        return replace(message, **changes)

    def present(self, message: SignIn | str, signature: bytes | None = None, **options: Any) -> httpx.Response:
        """Hand a signed message in."""
        text = message if isinstance(message, str) else message.text
        if signature is None:
            assert isinstance(message, SignIn)
            signature = self.signer.sign_digest(message.digest)
        body = {"message": text, "signature": "0x" + signature.hex()}
        return self.relayer.http.post(self.relayer.url + "/v1/session", json=body, **options)

    def sign_in(self) -> Person:
        answer = self.present(self.message())
        assert answer.status_code == 201, answer.text
        self.token = answer.json()["token"]
        return self

    # --- being signed in -------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request with the session's token."""
        signed = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers = signed | options.pop("headers", {})
        return self.relayer.http.request(method, self.relayer.url + path, headers=headers, **options)

    def announce(
        self, data: bytes, *, length: int | None = None, name: str = "film.mp4", **changes: str
    ) -> httpx.Response:
        """Say what is coming."""
        metadata = {"filename": name, "sha256": hashlib.sha256(data).hexdigest()} | changes
        header = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items())
        size = len(data) if length is None else length
        headers = TUS | {"Upload-Length": str(size), "Upload-Metadata": header}
        return self.ask("POST", "/v1/films", headers=headers)

    def begin(self, data: bytes, **changes: Any) -> str:
        """Announce a film; its path."""
        answer = self.announce(data, **changes)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"])

    def send(self, path: str, at: int, data: bytes | Iterator[bytes], **headers: str) -> httpx.Response:
        """A piece."""
        return self.ask("PATCH", path, headers=PIECE | {"Upload-Offset": str(at)} | headers, content=data)

    def offset(self, path: str) -> int:
        """How much is there for good."""
        answer = self.ask("HEAD", path, headers=TUS)
        assert answer.status_code == 200, answer.headers
        return int(answer.headers["upload-offset"])

    def look(self, path: str) -> dict[str, Any]:
        """Where a film stands."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait(self, path: str, *states: str, code: str | None = None) -> dict[str, Any]:
        """Wait for a state (and a reason)."""
        end = time.monotonic() + 120
        while True:
            film = self.look(path)
            if film["state"] in states and code in (None, film["code"]):
                return film
            assert time.monotonic() < end, (film, self.relayer.log.read_text()[-2000:])
            time.sleep(0.05)
