# SPDX-License-Identifier: Apache-2.0
"""Sessions of people who signed in with their account (ERC-4361): short-lived, revocable, and worthless when stolen
from the database.

A challenge is a nonce that this queue's relayers made, good for minutes and for one session; it needs no row until it
is used, so asking for many fills nothing. A token is 256 random bits; its SHA-256 is all that is kept. Tokens travel
in the Authorization header only, never in a cookie: no other page's request carries one, and none can be planted.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from ipto.errors import InputError
from ipto.rpc import AsyncRpc, RpcError, RpcTransportError
from ipto.signin import SignIn, seconds
from relayer.database import Database
from relayer.problems import RefusedError, busy, conflict, malformed
from relayer.settings import Settings
from relayer.standing import Standings
from relayer.verify import check_signature

CHALLENGE_SECONDS = 300
SKEW = 60  # seconds a client's clock may be wrong
_PER_ACCOUNT = 10
_TURN_SECONDS = 5.0
_RANDOM, _EXPIRY, _SEAL = 32, 8, 32  # hex digits of a nonce


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. Times are UTC seconds."""

    account: str
    site: str
    expires_at: int
    digest: str


def unauthorized(detail: str) -> RefusedError:
    """Nobody is signed in."""
    return RefusedError(401, "unauthorized", detail)


class Sessions:
    """Signs people in and knows them again."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        rpc: AsyncRpc,
        standings: Standings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._database, self._rpc, self._standings = settings, database, rpc, standings
        self._clock = clock
        self._key = bytes.fromhex(_shared_key(database))
        self._turns = asyncio.Semaphore(settings.concurrent_checks)

    # --- signing in ------------------------------------------------------------------------------------------

    def challenge(self) -> tuple[str, int]:
        """A nonce to sign, and when it ends (UTC seconds)."""
        expires_at = int(self._clock()) + CHALLENGE_SECONDS
        body = secrets.token_hex(_RANDOM // 2) + f"{expires_at:0{_EXPIRY}x}"
        return body + self._seal(body), expires_at

    async def sign_in(self, text: str, signature: bytes, sites: Collection[str]) -> tuple[str, Session]:
        """Check a signed message and open a session; its token, told this once.

        sites: origins that may ask people to sign in here. Raises RefusedError: 422 for a message that is not meant
        for here and now or that the account did not sign, 409 for a nonce used before, 403 for an account not served.
        """
        try:
            message = SignIn.parse(text)
            site = _site_of(message)
            expires_at = self._check(message, site, sites)
        except InputError as error:
            raise malformed(str(error)) from None
        await asyncio.to_thread(self._standings.check, message.address)
        await self._check_signature(message, signature)
        return await asyncio.to_thread(self._open, message, site, expires_at)

    def _check(self, message: SignIn, site: str, sites: Collection[str]) -> int:
        """Everything that needs no look at chain or database; when the session ends at the latest."""
        if site not in sites:
            raise RefusedError(422, "wrong-site", f"{message.domain} ({message.uri}) is not a site of this relayer")
        if message.chain_id != self._settings.chain_id:
            raise RefusedError(
                422, "wrong-chain", f"the message is for chain {message.chain_id}, not {self._settings.chain_id}"
            )
        if message.resources:
            raise malformed("a message that grants resources is not asked for here")
        now = self._clock()
        nonce_ends = self._read_nonce(message.nonce)
        if nonce_ends <= now:
            raise RefusedError(422, "stale", "this challenge is too old; ask for a new one")
        issued = seconds(message.issued_at)
        if not nonce_ends - CHALLENGE_SECONDS - SKEW <= issued <= now + SKEW:
            raise RefusedError(422, "stale", "the message was not issued just now; look at the clock of your machine")
        if message.not_before is not None and seconds(message.not_before) > now:
            raise RefusedError(422, "stale", "the message is not valid yet")
        ends = now + self._settings.session_seconds
        if message.expiration_time is not None:
            ends = min(ends, seconds(message.expiration_time))
            if ends <= now:
                raise RefusedError(422, "stale", "the message has expired")
        return int(ends)

    async def _check_signature(self, message: SignIn, signature: bytes) -> None:
        try:
            await asyncio.wait_for(self._turns.acquire(), _TURN_SECONDS)
        except TimeoutError:
            raise busy("busy", "too many people are signing in; try again in a moment", 5) from None
        try:
            contracts = self._settings.contract_signers
            await check_signature(self._rpc, message.address, message.digest, signature, contracts=contracts)
        except (RpcTransportError, RpcError) as error:
            raise busy("node", f"the chain cannot be asked now ({error}); try again in a moment", 10) from error
        finally:
            self._turns.release()

    def _open(self, message: SignIn, site: str, expires_at: int) -> tuple[str, Session]:
        now = int(self._clock())
        token = secrets.token_urlsafe(32)
        session = Session(message.address, site, expires_at, _digest(token))
        with self._database.transaction() as change:
            # First, so that of two with one nonce the second waits here, and finds it used.
            used = change.change(
                "INSERT INTO used_nonces VALUES (?, ?) ON CONFLICT DO NOTHING",
                message.nonce, now + CHALLENGE_SECONDS + SKEW,
            )  # fmt: skip
            if used != 1:
                raise conflict("nonce-used", "this challenge was used; ask for a new one")
            change.change("DELETE FROM used_nonces WHERE expires_at <= ?", now)
            change.change("DELETE FROM sessions WHERE expires_at <= ?", now)
            change.change(
                "DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions WHERE account = ?"
                " ORDER BY created_at DESC, digest LIMIT 1000000 OFFSET ?)",
                session.account, _PER_ACCOUNT - 1,
            )  # fmt: skip
            change.change(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", session.digest, session.account, site, now, expires_at
            )
        return token, session

    # --- being signed in -------------------------------------------------------------------------------------

    def of(self, authorization: str) -> Session:
        """The session of an Authorization header. Raises RefusedError: 401, or 403 for an account not served."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 20 <= len(token) <= 200:
            raise unauthorized("sign in first: GET /v1/session/challenge, then POST /v1/session")
        rows = self._database.read("SELECT * FROM sessions WHERE digest = ?", _digest(token))
        if not rows or rows[0]["expires_at"] <= self._clock():
            raise unauthorized("this session is over; sign in again")
        row = rows[0]
        return Session(row["account"], row["site"], row["expires_at"], row["digest"])

    def end(self, session: Session) -> None:
        """Sign out."""
        with self._database.transaction() as change:
            change.change("DELETE FROM sessions WHERE digest = ?", session.digest)

    def end_all(self, account: str) -> int:
        """Sign an account out everywhere; how many sessions that were."""
        with self._database.transaction() as change:
            return change.change("DELETE FROM sessions WHERE account = ?", account)

    # --- nonces ----------------------------------------------------------------------------------------------

    def _seal(self, body: str) -> str:
        return hmac.digest(self._key, body.encode(), hashlib.sha256).hex()[:_SEAL]

    def _read_nonce(self, nonce: str) -> int:
        body, seal = nonce[:-_SEAL], nonce[-_SEAL:]
        if len(nonce) != _RANDOM + _EXPIRY + _SEAL or not hmac.compare_digest(seal, self._seal(body)):
            raise RefusedError(422, "unknown-nonce", "this nonce was not given out here; ask for a challenge")
        return int(body[-_EXPIRY:], 16)


def _site_of(message: SignIn) -> str:
    """The origin a message was made for. Raises RefusedError (422) when its parts do not agree."""
    try:
        parts = urlsplit(message.uri)
    except ValueError:
        raise malformed("the message's URI cannot be read") from None
    if parts.netloc != message.domain or message.scheme not in (None, parts.scheme):
        raise RefusedError(422, "wrong-site", f"{message.domain} and {message.uri} are not the same site")
    return f"{parts.scheme}://{parts.netloc}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _shared_key(database: Database) -> str:
    """What nonces are sealed with: made once, the same for all relayers of the queue."""
    with database.transaction() as change:
        change.change("INSERT INTO meta VALUES ('sign_in_key', ?) ON CONFLICT DO NOTHING", secrets.token_hex(32))
        return str(change.run("SELECT value FROM meta WHERE name = 'sign_in_key'")[0]["value"])
