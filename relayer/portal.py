# SPDX-License-Identifier: Apache-2.0
"""The door for people without a wallet app: they sign in with a key of their own and send films in pieces."""

from __future__ import annotations

from collections.abc import Callable
from importlib import util

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request

from ipto.chain import Deployment
from ipto.content import LocalStore
from relayer.body_limit import BodyLimit
from relayer.film_checks import Inspector
from relayer.film_files import FilmFiles
from relayer.films import Films
from relayer.problems import ConfigurationError
from relayer.receiver import Receiver
from relayer.service import Service
from relayer.sessions import Sessions
from relayer.sessions_api import sessions_admin_router, sessions_router, signed_in
from relayer.settings import Settings
from relayer.standing import Standings
from relayer.tus import TusLayer, tus_router

_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "Tus-Resumable", "Upload-Checksum", "Upload-Length",
            "Upload-Metadata", "Upload-Offset", "X-HTTP-Method-Override")  # fmt: skip
_TOLD = ("Location", "Tus-Checksum-Algorithm", "Tus-Extension", "Tus-Max-Size", "Tus-Resumable", "Tus-Version",
         "Upload-Expires", "Upload-Length", "Upload-Offset", "Retry-After")  # fmt: skip


class Portal:
    """Sessions and, where a folder for them is set, films."""

    def __init__(
        self,
        settings: Settings,
        service: Service,
        deployment: Deployment,
        admin_key: bytes | None,
    ) -> None:
        """Raises ConfigurationError, StorageError."""
        self._settings, self._admin_key = settings, admin_key
        database = service.queue.database
        self._standings = Standings(settings, database)
        self._sessions = Sessions(settings, database, service.rpc, self._standings)
        self._films: tuple[Films, FilmFiles] | None = None
        self._inspector: Inspector | None = None
        if settings.film_folder is not None:
            if util.find_spec("av") is None:
                raise ConfigurationError("films are looked at before they are kept: install ipto[media]")
            assert settings.content_folder is not None
            films, files = Films(database, settings), FilmFiles(settings.film_folder, settings.film_spare)
            store = LocalStore(settings.content_folder)
            self._films = films, files
            self._inspector = Inspector(films, files, store, settings, self._standings, service.rpc, deployment)

    def install(self, app: FastAPI, network: Callable[[Request], str | None]) -> None:
        """Add everything to the application. network: the client's address range, as a day's hash."""
        app.include_router(sessions_router(self._settings, self._sessions))
        if self._admin_key is not None:
            app.include_router(sessions_admin_router(self._sessions, self._admin_key))
        if self._films is not None:
            receiver = Receiver(*self._films, self._settings, self._standings, network)
            app.include_router(tus_router(receiver, signed_in(self._sessions, self._standings)))
        app.add_middleware(BodyLimit, limit=self._settings.body_limit)
        app.add_middleware(TusLayer)
        if self._settings.sites:
            # Without credentials: a browser sends no cookie, and tokens only where the page's own script puts them.
            app.add_middleware(
                CORSMiddleware,
                allow_origins=list(self._settings.sites),
                allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=_HEADERS,
                expose_headers=_TOLD,
                max_age=600,
            )

    def start(self) -> None:
        """Start looking at films."""
        if self._inspector is not None:
            self._inspector.start()

    async def stop(self) -> None:
        """Stop; being cut off anywhere is safe."""
        if self._inspector is not None:
            await self._inspector.stop()
