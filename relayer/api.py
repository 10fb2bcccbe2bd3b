# SPDX-License-Identifier: Apache-2.0
"""The HTTP face, under /v1: submit, look up, upload. Every refusal is `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import relayer
from ipto.errors import InputError
from ipto.structs import checksum_address
from relayer import documentation as docs
from relayer.database import StorageError
from relayer.front import KEY, LONGEST_KEY, FrontDoor
from relayer.intake import Accepted
from relayer.ledger import day_of
from relayer.operators_api import address_of, admin_router, metrics_router
from relayer.portal import Portal
from relayer.problems import RefusedError, malformed
from relayer.proofs import Proofs
from relayer.service import Service
from relayer.status import Status
from relayer.streams import Streams
from relayer.uploads import Uploads
from relayer.webhooks import Courier, Hooks

log = logging.getLogger("relayer.api")

_BODY_SECONDS = 30.0
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=KEY,
        description="chosen by the client, unguessable (a UUID); the same key with another action is a conflict",
    ),
]
ActionId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="as returned by a submission")]


def create_app(
    service: Service,
    status: Status,
    uploads: Uploads | None,
    proofs: Proofs,
    admin_key: bytes | None = None,
    portal: Portal | None = None,
) -> FastAPI:
    """The application. Starts the sender with the server and stops it with the server."""

    database = service.queue.database
    courier = Courier(Hooks(database), database, time.time)
    streams = Streams(service.queue, service.settings.streams)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.sender.start()
        courier.start()
        if portal is not None:
            portal.start()
        try:
            yield
        finally:
            if portal is not None:
                await portal.stop()
            await courier.stop()
            await service.sender.stop()
            await service.rpc.aclose()

    app = FastAPI(
        title="IPTO relayer",
        version=relayer.__version__,
        description="Carries signed actions to the chain and pays their gas.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    _handle_errors(app)

    async def take_action(request: Request, key: str | None) -> Response:
        body = await _read_json(request, service.settings.body_limit)
        return _accepted(await service.submit_action(body, key, network_of(request)))

    app.add_middleware(FrontDoor, takes={"/v1/actions": take_action}, errors=_answer_to)
    app.include_router(metrics_router(service))
    if admin_key is not None:
        app.include_router(admin_router(service, admin_key))
    if portal is not None:
        portal.install(app, network_of)

    @app.post("/v1/actions", status_code=202, operation_id="submitAction", **docs.SUBMIT_ACTION)
    async def submit_action(request: Request, key: IdempotencyKey = None) -> Response:
        return await take_action(request, key)

    @app.post("/v1/purchases", status_code=202, operation_id="submitPurchase", **docs.SUBMIT_PURCHASE)
    async def submit_purchase(request: Request, key: IdempotencyKey = None) -> JSONResponse:
        body = await _read_json(request, service.settings.body_limit)
        return _accepted(await service.submit_purchase(body, key, network_of(request)))

    @app.get("/v1/actions/{action_id}", operation_id="getAction", **docs.GET_ACTION)
    async def get_action(action_id: ActionId) -> dict[str, Any]:
        try:
            return docs.view(await asyncio.to_thread(service.queue.get, action_id))
        except LookupError as error:
            raise RefusedError(404, "not-found", str(error)) from None

    @app.get("/v1/actions", operation_id="listActions", **docs.LIST_ACTIONS)
    async def list_actions(
        signer: Annotated[str, Query(description="address")],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Annotated[int | None, Query(ge=1, le=2**62, description="`next_cursor` of the page before")] = None,
    ) -> dict[str, Any]:
        try:
            address = checksum_address(signer, "signer")
        except InputError as error:
            raise malformed(str(error)) from None
        rows = await asyncio.to_thread(service.queue.of_signer, address, limit, cursor)
        return {
            "items": [docs.view(row) for row in rows],
            "next_cursor": rows[-1].seq if len(rows) == limit else None,
        }

    @app.get("/v1/actions/{action_id}/events", operation_id="followAction", **docs.FOLLOW_ACTION)
    async def follow_action(action_id: ActionId) -> Response:
        return await streams.open(action_id)

    @app.post("/v1/proofs", status_code=204, operation_id="giveProof", **docs.GIVE_PROOF)
    async def give_proof(proof: docs.Proof) -> Response:
        await proofs.give(address_of(proof.signer), proof.kind, proof.value)
        return Response(status_code=204)

    @app.put("/v1/content/{cid}", operation_id="putContent", **docs.PUT_CONTENT)
    async def put_content(request: Request, cid: Annotated[str, Path(max_length=80)]) -> JSONResponse:
        if uploads is None:
            raise RefusedError(404, "no-store", "this relayer keeps no content; store the document elsewhere")
        data = await _read_body(request, service.settings.content_limit)
        client = request.client.host if request.client else "unknown"
        stored, created = await asyncio.to_thread(
            uploads.put, cid, request.headers.get("content-type", ""), data, client
        )
        return JSONResponse(
            {"cid": str(stored), "uri": stored.uri, "size": len(data)}, status_code=201 if created else 200
        )

    @app.get("/health", operation_id="health", tags=["operations"])
    async def health() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/ready", operation_id="ready", tags=["operations"], responses={503: {"description": "not now; why"}})
    async def ready() -> JSONResponse:
        """Whether actions are accepted and sent now; 503 with the reasons when not."""
        reasons = await status.not_ready()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    @app.get("/status", operation_id="status", tags=["operations"])
    async def status_page() -> dict[str, Any]:
        """Chain and contracts to sign for, limits, lanes and counts."""
        return await status.report()

    return app


def network_of(request: Request) -> str | None:
    """The address range a request comes from, as a day's hash: enough to add up what it costs, no more."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return None
    length = 24 if address.version == 4 else 48
    network = ipaddress.ip_network((address, length), strict=False)
    return hashlib.sha256(f"{day_of(int(time.time()))} {network}".encode()).hexdigest()[:32]


def _accepted(action: Accepted) -> JSONResponse:
    url = f"/v1/actions/{action.id}"
    body = {"id": action.id, "status_url": url, "state": action.state}
    return JSONResponse(body, status_code=202, headers={"Location": url})


async def _read_json(request: Request, limit: int) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # Also keeps other people's web pages from posting here without the browser asking first.
        raise RefusedError(415, "content-type", "send the request as application/json")
    return await _read_body(request, limit)


async def _read_body(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes: a larger one is refused before it is in memory."""
    too_large = RefusedError(413, "too-large", f"the body is larger than {limit} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large
                chunks.append(chunk)
    except TimeoutError:
        raise RefusedError(408, "slow", f"the body did not arrive within {_BODY_SECONDS:.0f} seconds") from None
    return b"".join(chunks)


def _problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    body = {"type": f"urn:ipto:problem:{code}", "title": code, "status": status, "detail": detail, "code": code}
    return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")


def _answer_to(error: Exception) -> Response:
    if isinstance(error, RefusedError):
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else None
        return _problem(error.status, error.code, error.detail, headers)
    if isinstance(error, HTTPException):
        return _problem(error.status_code, "http", str(error.detail), dict(error.headers or {}))
    if isinstance(error, StorageError):
        log.error("database: %s", error)
        words = "the queue cannot be written now; send the same request again"
        return _problem(503, "storage", words, {"Retry-After": "10"})
    log.exception("unexpected", exc_info=error)
    return _problem(500, "internal", "something went wrong here; send the same request again")


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(RefusedError)
    async def refused(_: Request, error: RefusedError) -> Response:
        return _answer_to(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return _problem(422, "malformed", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        return _answer_to(error)

    @app.exception_handler(StorageError)
    async def database(_: Request, error: StorageError) -> Response:
        return _answer_to(error)

    @app.exception_handler(Exception)
    async def surprise(_: Request, error: Exception) -> Response:
        return _answer_to(error)
