# SPDX-License-Identifier: Apache-2.0
"""Signing in over HTTP, and which sites may ask for it."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from ipto.signin import LONGEST
from relayer.documentation import answers
from relayer.ledger import time_of
from relayer.operators_api import address_of
from relayer.problems import RefusedError
from relayer.sessions import Session, Sessions
from relayer.settings import Settings
from relayer.standing import Standings, refused_account

SignedIn = Callable[..., Awaitable[Session]]
_NO_STORE = {"cache-control": "no-store"}


class SignInBody(BaseModel):
    """A signed message."""

    model_config = ConfigDict(extra="forbid")
    message: str = Field(max_length=LONGEST, description="the ERC-4361 message, exactly as it was signed")
    signature: str = Field(pattern="^0x([0-9a-fA-F]{2}){1,4096}$", description="by personal_sign, or of the contract")


def sites_of(settings: Settings, request: Request) -> tuple[str, ...]:
    """Origins whose pages people may sign in at. Never taken from what a client says, the Host header included."""
    if settings.sites:
        return settings.sites
    server = request.scope.get("server")  # the socket the request came in on
    try:
        address = ipaddress.ip_address(server[0] if server else "")
    except ValueError:
        return ()
    if not address.is_loopback:
        return ()
    host = f"[{address}]" if address.version == 6 else str(address)
    assert server is not None
    return (f"http://{host}:{server[1]}",)


def signed_in(sessions: Sessions, standings: Standings) -> SignedIn:
    """A dependency: the session of the request. Raises RefusedError: 401, 403."""

    async def session(authorization: Annotated[str, Header(max_length=300)] = "") -> Session:
        found = await asyncio.to_thread(sessions.of, authorization)
        if (await asyncio.to_thread(standings.of, found.account)).denied:
            raise refused_account(found.account)
        return found

    return session


def sessions_router(settings: Settings, sessions: Sessions) -> APIRouter:
    """`/v1/session`: challenge, sign in, who am I, sign out."""
    router = APIRouter(tags=["sessions"])

    def sites(request: Request) -> tuple[str, ...]:
        found = sites_of(settings, request)
        if not found:
            raise RefusedError(404, "no-sign-in", "nobody signs in here; the operator has set no SITES")
        return found

    def current(authorization: str) -> Session:
        return sessions.of(authorization)

    @router.get("/v1/session/challenge", operation_id="challenge", responses=answers(404))
    async def challenge(request: Request) -> JSONResponse:
        """What a Sign-In with Ethereum message must say: one of `sites` as domain and URI, `chain_id`, `nonce`."""
        known = sites(request)
        nonce, expires_at = sessions.challenge()
        body = {
            "nonce": nonce,
            "chain_id": settings.chain_id,
            "expires_at": time_of(expires_at),
            "sites": list(known),
        }
        return JSONResponse(body, headers=_NO_STORE)

    @router.post("/v1/session", status_code=201, operation_id="signIn", responses=answers(403, 404, 409, 422, 503))
    async def sign_in(request: Request, body: SignInBody) -> JSONResponse:
        """Open a session with a message signed by an account or a contract account (ERC-1271); the token is told once,
        and travels as `Authorization: Bearer …`."""
        signature = bytes.fromhex(body.signature[2:])
        token, session = await sessions.sign_in(body.message, signature, sites(request))
        return JSONResponse({"token": token, **_view(session)}, status_code=201, headers=_NO_STORE)

    @router.get("/v1/session", operation_id="whoAmI", responses=answers(401))
    async def who_am_i(authorization: Annotated[str, Header(max_length=300)] = "") -> JSONResponse:
        """Whose session it is, and until when."""
        return JSONResponse(_view(await asyncio.to_thread(current, authorization)), headers=_NO_STORE)

    @router.delete("/v1/session", status_code=204, operation_id="signOut", responses=answers(401))
    async def sign_out(
        everywhere: bool = False, authorization: Annotated[str, Header(max_length=300)] = ""
    ) -> Response:
        """End this session, or all of the account's."""
        session = await asyncio.to_thread(current, authorization)
        if everywhere:
            await asyncio.to_thread(sessions.end_all, session.account)
        else:
            await asyncio.to_thread(sessions.end, session)
        return Response(status_code=204)

    return router


def sessions_admin_router(sessions: Sessions, key: bytes) -> APIRouter:
    """`DELETE /admin/sessions/{address}`."""
    router = APIRouter(prefix="/admin", tags=["admin"])

    @router.delete("/sessions/{address}", operation_id="endSessions", responses=answers(401, 422))
    async def end_sessions(address: str, authorization: Annotated[str, Header()] = "") -> dict[str, int]:
        """Sign an account out everywhere."""
        if not hmac.compare_digest(authorization.removeprefix("Bearer ").encode(), key):
            raise RefusedError(401, "unauthorized", "send the admin key as Authorization: Bearer …")
        return {"ended": await asyncio.to_thread(sessions.end_all, address_of(address))}

    return router


def _view(session: Session) -> dict[str, Any]:
    return {"account": session.account, "site": session.site, "expires_at": time_of(session.expires_at)}
