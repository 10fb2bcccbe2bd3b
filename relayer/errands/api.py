# SPDX-License-Identifier: Apache-2.0
"""The small HTTP face of keeper and treasury: health, readiness, numbers, and, for the keeper, requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

import relayer
from ipto.rpc import RpcError, RpcTransportError
from ipto.services import ServiceError
from relayer.api import _handle_errors, _read_json
from relayer.errands.office import Office
from relayer.errands.requests import Requests
from relayer.metrics import CONTENT_TYPE
from relayer.problems import busy, malformed

Status = Callable[[], Awaitable[dict[str, Any]]]
_BODY = 16 * 1024
_ROWS = 20
_AT_ONCE = 8  # requests checked at the same time


def create_app(
    title: str,
    office: Office,
    decide: Callable[[], Coroutine[Any, Any, None]],
    troubles: Callable[[], list[str]],
    status: Status,
    numbers: Callable[[], Awaitable[str]],
    requests: Requests | None,
) -> FastAPI:
    """The application; lanes and deciding run as long as it does. troubles: reasons besides the office's own."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        office.sender.start()
        task = asyncio.create_task(decide(), name="decide")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await office.sender.stop()
            await office.rpc.aclose()

    app = FastAPI(title=title, version=relayer.__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    _handle_errors(app)

    @app.get("/health", operation_id="health")
    async def health() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/ready", operation_id="ready")
    async def ready() -> JSONResponse:
        """Whether it does its work now; 503 with the reasons when not."""
        reasons = office.troubles() + troubles()
        if not office.sender.is_running:
            reasons.append("the sender is not running")
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    @app.get("/metrics", operation_id="metrics", response_class=Response)
    async def metrics() -> Response:
        """Numbers for Prometheus."""
        return Response(await numbers(), media_type=CONTENT_TYPE)

    @app.get("/status", operation_id="status")
    async def status_page() -> dict[str, Any]:
        """Everything at a glance; nothing secret."""
        balances = await office.balances()
        return {
            "version": relayer.__version__,
            "chain_id": office.settings.chain_id,
            "lanes": {lane: None if wei is None else str(wei) for lane, wei in balances.items()},
            "actions": await asyncio.to_thread(office.queue.counts),
            "budget": await office.budget(),
            "troubles": office.troubles() + troubles(),
            **await status(),
        }

    if requests is not None:
        _add_requests(app, office, requests)
    return app


def _add_requests(app: FastAPI, office: Office, requests: Requests) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    @app.post("/v1/requests", status_code=202, operation_id="askForPayout")
    async def ask(request: Request) -> dict[str, Any]:
        """Ask for what one is owed: the fields of PayoutRequest and `signature`."""
        body = await _read_json(request, _BODY)
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise malformed("the body is not a JSON object")
        async with turns:
            try:
                return await requests.take(found)
            except (RpcError, RpcTransportError, ServiceError) as error:
                raise busy("node", f"chain or indexer cannot be asked now ({error})", 10) from error

    @app.get("/v1/payouts", operation_id="listPayouts")
    async def payouts(
        source: Annotated[str, Query(pattern="^0x[0-9a-f]{64}$", description="account, dataset or report")],
    ) -> dict[str, Any]:
        """The newest payouts of an account, dataset or report, and how they went."""
        sql = (
            "SELECT id, kind, signer, state, reason, tx_hash, accepted_at, finished_at FROM actions"
            " WHERE signer >= ? AND signer < ? ORDER BY seq DESC LIMIT ?"
        )
        rows = await asyncio.to_thread(office.database.read, sql, source, source + "~", _ROWS)
        names = ("id", "kind", "state", "reason", "tx_hash", "accepted_at", "finished_at")
        return {"items": [{"subject": row["signer"], **{name: row[name] for name in names}} for row in rows]}
