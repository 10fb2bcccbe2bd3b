# SPDX-License-Identifier: Apache-2.0
"""The application: routes, errors, CORS."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from indexer.api import catalog, events, money, problems, state
from indexer.api.context import Context
from indexer.api.reader import Reader
from indexer.service import schema_of
from indexer.settings import Settings
from ipto.deployment import Deployment

_TAGS = [
    {"name": "works", "description": "Claims on videos, and what they earned."},
    {"name": "offers", "description": "What may be licensed, for how much."},
    {"name": "licenses", "description": "What was licensed to whom."},
    {"name": "accounts", "description": "Money by person."},
    {"name": "payouts", "description": "Money that left the vault."},
    {"name": "splits", "description": "Who shares how."},
    {"name": "events", "description": "The raw history."},
    {"name": "state", "description": "How fresh all this is."},
]


def create_app(settings: Settings, deployment: Deployment) -> FastAPI:
    """The API over the database the settings name; it may not exist yet."""
    context = Context(
        settings,
        deployment,
        Reader(settings.api_database, schema_of(deployment), settings.read_connections),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        context.reader.close()

    app = FastAPI(
        title="IPTO indexer",
        version="1",
        summary="Works, offers, licenses and payouts of the protocol, as the chain has them.",
        openapi_tags=_TAGS,
        lifespan=lifespan,
        redoc_url=None,
    )
    # Anyone's page may read; nothing here depends on who asks, so no credentials.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD"],
        expose_headers=["x-indexed-block"],
        max_age=86_400,
    )
    problems.install(app)
    v1 = APIRouter(prefix="/v1")
    for part in (catalog.works, catalog.offers, catalog.licenses, money.router, events.router):
        v1.include_router(part(context))
    app.include_router(v1)
    app.include_router(state.router(context))
    return app
