# SPDX-License-Identifier: Apache-2.0
"""Errors as application/problem+json (RFC 9457). `type` is a stable name a program can compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from indexer.api.answers import Answer
from ipto.errors import InputError

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:ipto:indexer:"


class ProblemModel(BaseModel):
    """An error."""

    type: str = Field(description="A stable name.", examples=["urn:ipto:indexer:bad-id"])
    title: str
    status: int
    detail: str = Field(description="What happened and what to do.")


class ProblemError(InputError):
    """An answer that is an error. kind: the last part of its `type`."""

    def __init__(self, status: int, kind: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.kind, self.title = status, kind, title


def bad_id(value: str, wanted: str) -> ProblemError:
    """An identifier that cannot be one."""
    return ProblemError(400, "bad-id", "Not an identifier", f"{value[:80]!r} is not {wanted}")


def not_found(what: str) -> ProblemError:
    """Something the chain, as far as it is indexed, does not have."""
    return ProblemError(
        404, "not-found", "Not found", f"{what} is not on the chain as far as it is indexed; see /status"
    )


def bad_filter(detail: str) -> ProblemError:
    """A query parameter that cannot be used."""
    return ProblemError(400, "bad-filter", "Query parameter cannot be used", detail)


def not_ready(detail: str) -> ProblemError:
    """The database cannot answer yet."""
    return ProblemError(503, "not-ready", "Not ready", detail)


# For the OpenAPI description of every operation.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemModel, "description": "The request cannot be answered", "content": {MEDIA_TYPE: {}}},
    "5XX": {"model": ProblemModel, "description": "The indexer cannot answer now", "content": {MEDIA_TYPE: {}}},
}


def validation_problem(faults: Sequence[tuple[Sequence[int | str], str]]) -> ProblemError:
    """Parameters that do not fit; faults: where, and what is wrong."""
    words = [f"{'.'.join(map(str, where))}: {what}" for where, what in faults]
    return bad_filter("; ".join(words)[:1000])


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""

    @app.exception_handler(ProblemError)
    async def _problem(_: Request, error: ProblemError) -> Response:
        return _response(error.status, error.kind, error.title, str(error))

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        found = validation_problem([(e["loc"][1:], e["msg"]) for e in error.errors()])
        return _response(found.status, found.kind, found.title, str(found))

    @app.exception_handler(RecursionError)
    async def _deep(_: Request, _error: RecursionError) -> Response:
        return _response(400, "bad-body", "Question cannot be read", "it is nested too deep")

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        kind = {404: "no-such-path", 405: "method-not-allowed"}.get(error.status_code, "http")
        detail = "see /docs for the paths and their parameters" if error.status_code in (404, 405) else error.detail
        return _response(error.status_code, kind, error.detail, detail, error.headers)

    @app.exception_handler(Exception)
    async def _bug(_: Request, _error: Exception) -> Response:
        return _response(500, "internal", "Internal error", "the indexer failed at this; its log says why")


def problem(status: int, kind: str, title: str, detail: str) -> Answer:
    """A problem document as an answer."""
    return Answer(_body(status, kind, title, detail), [(b"content-type", MEDIA_TYPE.encode())], status)


def _response(status: int, kind: str, title: str, detail: str, headers: Any = None) -> Response:
    return Response(_body(status, kind, title, detail), status, headers, MEDIA_TYPE)


def _body(status: int, kind: str, title: str, detail: str) -> bytes:
    return orjson.dumps({"type": _PREFIX + kind, "title": title, "status": status, "detail": detail})
