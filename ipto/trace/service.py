# SPDX-License-Identifier: Apache-2.0
"""`POST /trace` as a small web service: the film as the body, the answer as JSON with the picture in it.

    uvicorn --factory … or `ipto trace-service`; other services mount `routes(catalog)` (extra `services`).

Films are written to a folder of their own, at most so many bytes, read under the limits of `ipto.media`, and deleted.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from ipto.errors import IptoError
from ipto.media import Limits, MediaError, analyse
from ipto.trace.match import Catalog
from ipto.trace.report import find, sound_index
from ipto.trace.sound import SoundIndex

MAX_UPLOAD = 2 * 1024**3
_AT_ONCE = 1  # films read at the same time; each takes two cores


def routes(catalog: Callable[[], tuple[Catalog, SoundIndex]], *, max_bytes: int = MAX_UPLOAD) -> APIRouter:
    """The route, for a service to mount. catalog: asked at each request, so that it may be renewed."""
    router = APIRouter(tags=["trace"])
    turn = asyncio.Semaphore(_AT_ONCE)

    @router.post("/trace", operation_id="trace")
    async def trace_film(request: Request) -> Response:
        """Which registered works a film contains. The body is the film."""
        with tempfile.TemporaryDirectory(prefix="ipto-trace-") as folder:
            film = Path(folder) / "film"
            size = 0
            try:
                with film.open("wb") as out:
                    async for chunk in request.stream():
                        size += len(chunk)
                        if size > max_bytes:
                            return _problem(413, f"the film is larger than {max_bytes} bytes; send a part of it")
                        out.write(chunk)
            except ClientDisconnect:
                return _problem(400, "the connection ended before the film did")
            async with turn:
                try:
                    answer = await asyncio.to_thread(_answer, film, catalog())
                except MediaError as error:
                    return _problem(422, str(error).replace(str(film), "the film"))
                except IptoError as error:
                    return _problem(503, str(error))
        return JSONResponse(answer)

    def _problem(status: int, detail: str) -> Response:
        body = {"type": "about:blank", "status": status, "detail": detail}
        return JSONResponse(body, status_code=status, media_type="application/problem+json")

    return router


def app(catalog: Catalog) -> FastAPI:
    """A service of its own."""
    service = FastAPI(title="IPTO trace", version="1")
    sounds = sound_index(catalog)
    service.include_router(routes(lambda: (catalog, sounds)))
    return service


def _answer(film: Path, known: tuple[Catalog, SoundIndex]) -> dict[str, Any]:
    described = analyse(film, limits=Limits(), with_pictures=False)
    finding = find(described.fingerprint, *known, shape=described.shape)
    return {**finding.to_json(), "picture_svg": finding.picture()}
