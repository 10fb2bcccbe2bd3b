# SPDX-License-Identifier: Apache-2.0
"""A creator's side of an operator's portal: sign in with a key, send a film in pieces, go on after any interruption.

Nothing is remembered here: the operator is asked which of this account's films it has, and how far they got.
"""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import orjson

from ipto._connection import Connected
from ipto.accounts import Signer
from ipto.content import describe
from ipto.errors import InputError
from ipto.services import RefusedError, ServiceError
from ipto.signin import SignIn, time_text

__all__ = ["Portal"]

_TUS = {"Tus-Resumable": "1.0.0"}
_PIECE = 8 * 1024 * 1024
_LONGEST_PAUSE = 10.0
# Worth another try: too slow, another one writes, an offset that moved, too many at once, a damaged piece.
_AGAIN = frozenset({408, 409, 423, 429, 460})
_OPEN = ("receiving", "quarantined", "verified", "pinned")


class Portal(Connected):
    """One account at one operator. Signs in when it has to; the key never leaves this process."""

    def __init__(
        self, url: str, signer: Signer, chain_id: int, *, timeout: float = 60.0, patience: float = 120.0
    ) -> None:
        """patience: seconds without any progress after which it gives up. Raises InputError."""
        super().__init__(url, "relayer", timeout)
        self._site = f"{self._place.scheme}://{self._place.netloc}"
        self._signer, self._chain_id, self._patience = signer, chain_id, patience
        self._token = ""

    # --- signing in ------------------------------------------------------------------------------------------

    def sign_in(self) -> None:
        """Open a session. The message names the address this was given, whatever the server says it is called: so an
        operator cannot pass on another's challenge. Raises RefusedError, ServiceError."""
        challenge = self._json(self._request("GET", "/v1/session/challenge"))
        if self._site not in challenge["sites"]:
            raise RefusedError(
                f"the relayer at {self._site} signs people in as {', '.join(challenge['sites'])}; use that"
            )
        message = SignIn(
            domain=self._site.partition("://")[2],
            address=self._signer.address,
            uri=f"{self._site}/",
            chain_id=self._chain_id,
            nonce=str(challenge["nonce"]),
            issued_at=time_text(time.time()),
            statement="Sign in to send films.",
        )
        signature = self._signer.sign_digest(SignIn.parse(message.text).digest)
        body = {"message": message.text, "signature": "0x" + signature.hex()}
        self._token = str(self._json(self._request("POST", "/v1/session", json=body))["token"])

    def sign_out(self) -> None:
        """End the session."""
        if self._token:
            self._request("DELETE", "/v1/session")
            self._token = ""

    # --- films -----------------------------------------------------------------------------------------------

    def films(self) -> list[dict[str, Any]]:
        """What the operator has of this account, newest first."""
        return list(self._json(self._ask("GET", "/v1/films"))["items"])

    def film(self, name: str) -> dict[str, Any]:
        """Where a film stands."""
        return dict(self._json(self._ask("GET", f"/v1/films/{name}")))

    def send(self, path: Path, say: Callable[[int, int], object] = lambda _done, _of: None) -> dict[str, Any]:
        """Send a film, or what is missing of it; returns when all bytes are there. say: told bytes done and in all.

        Raises RefusedError when the operator does not want it, ServiceError after `patience` without progress.
        """
        found = describe(path)
        film = self._known(found.sha256.hex()) or self._announce(path.name, found.size, found.sha256.hex())
        say(film["received"], film["length"])
        with path.open("rb") as file:
            patient, pause = time.monotonic() + self._patience, 0.1
            while film["state"] == "receiving":
                try:
                    self._piece(file, film)
                    patient, pause = time.monotonic() + self._patience, 0.1
                except ServiceError:
                    if time.monotonic() > patient:
                        raise
                    time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # only so that not all come at once
                    pause = min(2 * pause, _LONGEST_PAUSE)
                    film = self._look_again(film, patient)
                say(film["received"], film["length"])
        return film

    def wait(self, name: str, *states: str, seconds: float = 3600.0, code: str | None = None) -> dict[str, Any]:
        """Wait for a state (and why it waits). Raises RefusedError when the film is refused, ServiceError."""
        deadline = time.monotonic() + seconds
        while True:
            film = self.film(name)
            if film["state"] in states and code in (None, film["code"]):
                return film
            if film["state"] in ("refused", "ended", "expired"):
                raise RefusedError(f"the operator does not keep the film; {film['words']}")
            if time.monotonic() > deadline:
                raise ServiceError(f"the film is {film['state']} after {seconds:g} s: {film['words']}")
            time.sleep(0.2)

    def _known(self, sha256: str) -> dict[str, Any] | None:
        found = [film for film in self.films() if film["sha256"] == sha256 and film["state"] in _OPEN]
        return found[0] if found else None

    def _announce(self, name: str, size: int, sha256: str) -> dict[str, Any]:
        metadata = {"filename": name.encode("utf-8", "replace"), "sha256": sha256.encode()}
        pairs = ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in metadata.items())
        headers = _TUS | {"Upload-Length": str(size), "Upload-Metadata": pairs}
        location = self._ask("POST", "/v1/films", headers=headers).headers["location"]
        return self.film(str(location).rpartition("/")[2])

    def _piece(self, file: BinaryIO, film: dict[str, Any]) -> None:
        """The next piece, each with its checksum; moves `film` on."""
        file.seek(film["received"])
        data = file.read(min(_PIECE, film["length"] - film["received"]))
        if not data:
            raise InputError("the film got shorter while it was sent; wait until it is finished, then try again")
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        headers = _TUS | {
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(film["received"]),
            "Upload-Checksum": f"sha256 {digest}",
        }
        answer = self._ask("PATCH", f"/v1/films/{film['id']}", headers=headers, content=data)
        film["received"] = int(answer.headers["upload-offset"])
        if film["received"] == film["length"]:
            film.update(self.film(film["id"]))

    def _look_again(self, film: dict[str, Any], patient: float) -> dict[str, Any]:
        while True:
            try:
                return self.film(film["id"])
            except ServiceError:
                if time.monotonic() > patient:
                    raise
                time.sleep(0.5)

    # --- requests --------------------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request of somebody who is signed in, signing in again when the session is over."""
        if not self._token:
            self.sign_in()
        answer = self._request(method, path, check=False, **options)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self.sign_in()
            answer = self._request(method, path, check=False, **options)
        return self._checked(answer)

    def _request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, check: bool = True, **options: Any
    ) -> httpx.Response:
        signed = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            answer = self._http.request(method, path, headers={**signed, **(headers or {})}, **options)
        except httpx.HTTPError as error:
            raise ServiceError(f"the relayer at {self._site} does not answer ({error})") from error
        return self._checked(answer) if check else answer

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        try:
            reason = str(orjson.loads(answer.content)["detail"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            reason = answer.text[:200]
        if answer.is_client_error and answer.status_code not in _AGAIN:
            raise RefusedError(f"the relayer refused: {reason}")
        raise ServiceError(f"the relayer answers {answer.status_code}: {reason}")

    @staticmethod
    def _json(answer: httpx.Response) -> dict[str, Any]:
        try:
            return dict(orjson.loads(answer.content))
        except (orjson.JSONDecodeError, TypeError, ValueError):
            raise ServiceError("what answers there is not a relayer") from None
