# SPDX-License-Identifier: Apache-2.0
"""`POST /trace` as a small web service: the film as the body, the answer as JSON with the picture in it.

    uvicorn --factory … or `ipto trace-service`; other services mount `routes(catalog)` (extra `services`).

With `?choreography=true` the answer also says which works move alike, where the service knows choreographies.
Films are written to a folder of their own, at most so many bytes, read under the limits of `ipto.media`, and deleted.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.requests import ClientDisconnect

from ipto.errors import IptoError
from ipto.media import Limits, MediaError, analyse, glance, pose
from ipto.media.moving import read_choreography
from ipto.trace.choreography import ChoreographyIndex
from ipto.trace.match import Catalog
from ipto.trace.report import find, sound_index
from ipto.trace.sound import SoundIndex

MAX_UPLOAD = 2 * 1024**3
_AT_ONCE = 1  # films read at the same time; each takes two cores
_WITHOUT = "ask without choreography=true"

log = logging.getLogger(__name__)


def routes(
    catalog: Callable[[], tuple[Catalog, SoundIndex]],
    *,
    dances: Callable[[], ChoreographyIndex] | None = None,
    max_bytes: int = MAX_UPLOAD,
) -> APIRouter:
    """The route, for a service to mount. catalog, dances: asked at each request, so that they may be renewed; without
    `dances`, and without the pose environment (`make pose`), `choreography=true` is answered with 503."""
    router = APIRouter(tags=["trace"])
    turn = asyncio.Semaphore(_AT_ONCE)

    @router.post("/trace", operation_id="trace")
    async def trace_film(request: Request, quick: bool = False, choreography: bool = False) -> Response:
        """Which registered works a film contains. The body is the film. quick: look at its key frames only.
        choreography: also which ones move alike."""
        # Said before the film is taken: it may be large.
        if choreography and (missing := _missing()):
            return _problem(503, f"{missing}; {_WITHOUT}")
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
                    moving = dances() if choreography and dances else None
                    answer = await asyncio.to_thread(_answer, film, catalog(), quick, moving)
                except (pose.PoseError, pose.NoPoseError) as error:
                    log.warning("choreography was not read: %s", error)  # what the model says is not for strangers
                    return _problem(503, f"the pose model could not read this film; {_WITHOUT}")
                except MediaError as error:
                    return _problem(422, str(error).replace(str(film), "the film"))
                except IptoError as error:
                    return _problem(503, str(error))
        return JSONResponse(answer)

    def _missing() -> str | None:
        if dances is None:
            return "this service knows no choreographies (`ipto trace-service --choreography` does)"
        try:
            pose.python()
        except pose.NoPoseError as error:
            log.warning("%s", error)
            return "this service has no pose model (its operator makes it with `make pose`)"
        return None

    def _problem(status: int, detail: str) -> Response:
        body = {"type": "about:blank", "status": status, "detail": detail}
        return JSONResponse(body, status_code=status, media_type="application/problem+json")

    return router


def app(catalog: Catalog, dances: ChoreographyIndex | None = None) -> FastAPI:
    """A service of its own. dances: the choreographies it compares with, where it shall do so."""
    service = FastAPI(title="IPTO trace", version="1")
    sounds = sound_index(catalog)
    known = None if dances is None else partial(_same, dances)
    service.include_router(routes(lambda: (catalog, sounds), dances=known))
    return service


def _same(dances: ChoreographyIndex) -> ChoreographyIndex:
    return dances


def _answer(
    film: Path, known: tuple[Catalog, SoundIndex], quick: bool, dances: ChoreographyIndex | None
) -> dict[str, Any]:
    seen = glance(film) if quick else analyse(film, limits=Limits(), with_pictures=False)
    finding = find(seen.fingerprint, *known, shape=seen.shape, is_quick=quick)
    if dances is not None:
        finding = replace(finding, choreographies=tuple(dances.search(read_choreography(film))))
    return {**finding.to_json(), "picture_svg": finding.picture()}
