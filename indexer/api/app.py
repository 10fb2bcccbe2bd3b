# SPDX-License-Identifier: Apache-2.0
"""The application: routes, errors, CORS, limits."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from indexer.api import (
    analytics,
    balances,
    catalog,
    datasets,
    disputes,
    events,
    metrics,
    money,
    problems,
    search,
    state,
    stream,
    usage,
    verify,
)
from indexer.api.context import Context
from indexer.api.front import MIN_BLOCK_PARAMETER, Front
from indexer.api.heads import Heads
from indexer.api.links import add_links
from indexer.api.reader import Reader
from indexer.service import schema_of
from indexer.settings import Settings
from ipto.deployment import Deployment

_TAGS = [
    {"name": "works", "description": "Claims on videos, and what they earned."},
    {"name": "offers", "description": "What may be licensed, for how much."},
    {"name": "licenses", "description": "What was licensed to whom."},
    {"name": "datasets", "description": "Many works, one purchase."},
    {"name": "usage", "description": "Models, usage reports, and who owes one."},
    {"name": "disputes", "description": "Conflicting claims."},
    {"name": "attestations", "description": "Who vouches for what."},
    {"name": "accounts", "description": "Money by person."},
    {"name": "payouts", "description": "Money that left the vault."},
    {"name": "splits", "description": "Who shares how."},
    {"name": "analytics", "description": "Sums and counts."},
    {"name": "events", "description": "The raw history."},
    {"name": "state", "description": "How fresh all this is."},
]
_EXPOSED = ["x-indexed-block", "etag", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after"]


def create_app(settings: Settings, deployment: Deployment) -> FastAPI:
    """The API over the database the settings name; it may not exist yet."""
    reader = Reader(settings.api_database, schema_of(deployment), settings.read_connections)
    context = Context(settings, deployment, reader, Heads(reader, settings.api_database))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Everything made so far stays: the collector need not look through it again and again while answers are made.
        gc.collect()
        gc.freeze()
        listening = asyncio.create_task(context.heads.listen()) if reader.remote else None
        yield
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        reader.close()

    app = FastAPI(
        title="IPTO indexer",
        version="1",
        summary="Works, offers, licenses, usage and payouts of the protocol, as the chain has them.",
        openapi_tags=_TAGS,
        lifespan=lifespan,
        redoc_url=None,
    )
    counts = metrics.Counts()
    app.add_middleware(Front, context=context, counts=counts)
    # Anyone's page may read; nothing here depends on who asks, so no credentials.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["content-type", "if-none-match", "last-event-id"],
        expose_headers=_EXPOSED,
        max_age=86_400,
    )
    problems.install(app)
    parts = (catalog.works, catalog.offers, catalog.licenses, datasets.router, usage.router, disputes.router)
    others = (money.router, balances.router, search.router, verify.router, analytics.router)
    for part in (*parts, *others, events.router, stream.router):
        app.include_router(part(context))
    if settings.graphql:
        app.router.routes.append(Route("/v1/graphql", _GraphQL(context)))
    app.include_router(state.router(context))
    app.include_router(metrics.router(context, counts))
    _describe_min_block(app)
    return app


class _GraphQL:
    """GraphQL, made when it is first asked for, on a thread: it takes as long as everything else together."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._made: ASGIApp | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        async with self._making:
            if self._made is None:
                self._made = await anyio.to_thread.run_sync(self._make)
        await self._made(scope, receive, send)

    def _make(self) -> ASGIApp:
        from indexer.api import graphql

        router = APIRouter()
        router.include_router(graphql.router(self._context), prefix="/v1")
        return router


def _describe_min_block(app: FastAPI) -> None:
    """Every operation under /v1 takes `min_block`; the middleware reads it, the description names it."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = describe()
            for path, item in made["paths"].items():
                for operation in item.values() if path.startswith("/v1/") else ():
                    operation.setdefault("parameters", []).append(MIN_BLOCK_PARAMETER)
            add_links(made)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
