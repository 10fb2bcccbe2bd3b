# SPDX-License-Identifier: Apache-2.0
"""Films in pieces over HTTP: tus 1.0.0 with creation, checksum, expiration and termination, under /v1/films.

Source: https://tus.io/protocols/resumable-upload. A piece is written as it comes and counted when it is on the disk,
every few MiB and at its end, however it ends; one with a checksum is counted as a whole or not at all.
"""

# Annotations are read where they stand, for FastAPI must see the dependency that is made in here.

import asyncio
import base64
import binascii
import hashlib
import re
from email.utils import formatdate
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from starlette.responses import StreamingResponse

from relayer.documentation import answers
from relayer.film_stream import film_events
from relayer.films import CLOSED, Announcement, Film
from relayer.problems import RefusedError, conflict, malformed
from relayer.receiver import ALGORITHMS, Checksum, Receiver
from relayer.sessions import Session
from relayer.sessions_api import SignedIn

VERSION = "1.0.0"
EXTENSIONS = "creation,checksum,expiration,termination"
_MOST_METADATA = 2048
_NUMBER = re.compile("[0-9]{1,18}")
_SHA256 = re.compile("[0-9a-f]{64}")
_NAME = 120  # characters kept of a file's name
FilmId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="the end of the URL that creation gave")]


def read_number(request: Request, name: str) -> int:
    """A header that is a whole number. Raises RefusedError (400)."""
    text = request.headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise RefusedError(400, "header", f"{name} must be a whole number")
    return int(text)


def read_metadata(header: str) -> dict[str, str]:
    """`Upload-Metadata`: names, each with a value in base64. Raises RefusedError (400)."""
    wrong = RefusedError(400, "header", "Upload-Metadata is a list of names, each with a value in base64")
    found: dict[str, str] = {}
    if len(header) > _MOST_METADATA:
        raise wrong
    for pair in header.split(",") if header else ():
        name, _, value = pair.strip().partition(" ")
        if not name or name in found:
            raise wrong
        try:
            found[name] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise wrong from None
    return found


def read_checksum(header: str | None) -> Checksum | None:
    """`Upload-Checksum`: algorithm and digest in base64. Raises RefusedError (400)."""
    if header is None:
        return None
    algorithm, _, value = header.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm not in ALGORITHMS or len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise RefusedError(400, "checksum", f"Upload-Checksum is one of {', '.join(ALGORITHMS)} and base64")
    return Checksum(algorithm, digest)


def tus_router(receiver: Receiver, current: SignedIn) -> APIRouter:
    """Everything under /v1/films."""
    router = APIRouter(tags=["films"])
    session = Annotated[Session, Depends(current)]

    async def speaks_tus(request: Request) -> None:
        if request.headers.get("tus-resumable") != VERSION:
            raise RefusedError(412, "tus-version", f"send Tus-Resumable: {VERSION}")

    tus = Depends(speaks_tus)

    async def mine(name: str, account: str) -> Film:
        try:
            return await asyncio.to_thread(receiver.films.get, name, account)
        except LookupError as error:
            raise RefusedError(404, "not-found", str(error)) from None

    @router.options("/v1/films", status_code=204, operation_id="filmOptions")
    @router.options("/v1/films/{film_id}", status_code=204, operation_id="filmOptionsOfOne")
    async def options() -> Response:
        """What is spoken here."""
        return Response(
            status_code=204,
            headers={
                "tus-version": VERSION,
                "tus-extension": EXTENSIONS,
                "tus-max-size": str(receiver.limit),
                "tus-checksum-algorithm": ",".join(ALGORITHMS),
            },
        )

    @router.post(
        "/v1/films",
        status_code=201,
        operation_id="announceFilm",
        dependencies=[tus],
        responses=answers(400, 401, 403, 412, 413, 422, 429, 503, 507),
    )
    async def announce(request: Request, who: session) -> Response:
        """Announce a film: `Upload-Length`, and `Upload-Metadata` with `sha256` (64 hex digits) and `filename`.

        The answer's `Location` takes the bytes (PATCH), says how many are here (HEAD) and where it stands (GET).
        """
        length = read_number(request, "upload-length")
        metadata = read_metadata(request.headers.get("upload-metadata", ""))
        digest = metadata.get("sha256", "")
        if not _SHA256.fullmatch(digest):
            raise malformed("Upload-Metadata must hold sha256: the film's SHA-256 in 64 hex digits, lower case")
        if length == 0:
            raise malformed("the film is empty")
        name = "".join(c if c.isprintable() else "_" for c in metadata.get("filename", ""))[:_NAME]
        film = await receiver.announce(Announcement(who.account, receiver.network(request), length, digest, name))
        headers = {"location": f"/v1/films/{film.id}", "upload-offset": "0", "upload-expires": _date(film)}
        return Response(status_code=201, headers=headers)

    @router.head(
        "/v1/films/{film_id}", operation_id="filmOffset", dependencies=[tus], responses=answers(401, 404, 410, 412)
    )
    async def offset(film_id: FilmId, who: session) -> Response:
        """How many bytes are here for good."""
        film = _still_there(await mine(film_id, who.account))
        headers = {
            "upload-offset": str(film.received),
            "upload-length": str(film.length),
            "upload-expires": _date(film),
            "cache-control": "no-store",
        }
        return Response(status_code=200, headers=headers)

    @router.patch(
        "/v1/films/{film_id}",
        status_code=204,
        operation_id="sendFilm",
        dependencies=[tus],
        responses=answers(400, 401, 404, 408, 409, 410, 412, 413, 415, 423, 429, 460, 503, 507),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def send(request: Request, film_id: FilmId, who: session) -> Response:
        """The next bytes, from `Upload-Offset` on."""
        if request.headers.get("content-type") != "application/offset+octet-stream":
            raise RefusedError(415, "content-type", "send the bytes as application/offset+octet-stream")
        at = read_number(request, "upload-offset")
        checksum = read_checksum(request.headers.get("upload-checksum"))
        film = _still_there(await mine(film_id, who.account))
        if film.state != "receiving":
            raise conflict("complete", "all bytes of this film are here")
        film = await receiver.receive(film, at, checksum, request)
        return Response(status_code=204, headers={"upload-offset": str(film.received), "upload-expires": _date(film)})

    @router.delete(
        "/v1/films/{film_id}",
        status_code=204,
        operation_id="dropFilm",
        dependencies=[tus],
        responses=answers(401, 404, 409, 410, 412),
    )
    async def drop(film_id: FilmId, who: session) -> Response:
        """Take a film back; one that is pinned stays."""
        film = _still_there(await mine(film_id, who.account))
        if not await asyncio.to_thread(receiver.drop, film):
            raise conflict("pinned", "this film is pinned already, or has just moved on; look again")
        return Response(status_code=204)

    @router.get("/v1/films", operation_id="listFilms", responses=answers(401, 403))
    async def listed(who: session) -> JSONResponse:
        """Your films, newest first."""
        films = await asyncio.to_thread(receiver.films.of_account, who.account)
        return JSONResponse({"items": [film.view() for film in films]}, headers={"cache-control": "no-store"})

    @router.get("/v1/films/{film_id}", operation_id="getFilm", responses=answers(401, 404))
    async def get(film_id: FilmId, who: session) -> JSONResponse:
        """Where a film stands, in a word (`state`) and in words."""
        film = await mine(film_id, who.account)
        return JSONResponse(film.view(), headers={"cache-control": "no-store"})

    @router.get(
        "/v1/films/{film_id}/events",
        operation_id="followFilm",
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}, **answers(401, 404, 503)},
    )
    async def follow(film_id: FilmId, who: session) -> StreamingResponse:
        """The same as it changes (server-sent events), until it or the session is over."""
        return film_events(receiver, await mine(film_id, who.account), who.expires_at)

    return router


def _still_there(film: Film) -> Film:
    if film.state in CLOSED and film.state != "pinned":
        raise RefusedError(410, "gone", film.words)
    return film


def _date(film: Film) -> str:
    return formatdate(film.expires_at, usegmt=True)


class TusLayer:
    """What tus asks of every answer, and of requests through proxies that know no PATCH; around the application."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        is_film = scope["path"].startswith("/v1/films")
        if is_film and scope["method"] == "POST":
            override = dict(scope["headers"]).get(b"x-http-method-override", b"").decode("latin-1").upper()
            if override in ("PATCH", "DELETE", "HEAD"):
                scope = {**scope, "method": override}

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                extra = [(b"tus-resumable", VERSION.encode())] if is_film else []
                extra += [(b"www-authenticate", b"Bearer")] if message["status"] == 401 else []
                # Whoever sends too slowly or too much is not listened to any longer.
                extra += [(b"connection", b"close")] if message["status"] in (408, 413) else []
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self._app(scope, receive, answer)
