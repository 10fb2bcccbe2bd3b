# SPDX-License-Identifier: Apache-2.0
"""Metrics, and the admin API behind its key: stop and start, rules, invitations, hooks, the audit log."""

from __future__ import annotations

import asyncio
import hmac
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from ipto.errors import InputError
from ipto.structs import checksum_address
from relayer import audit, metrics
from relayer.admin import Admin
from relayer.documentation import answers
from relayer.problems import ConfigurationError, RefusedError, malformed
from relayer.service import Service
from relayer.webhooks import Hooks

_SHORTEST_KEY = 32


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Stop(_Body):
    """Whether anything new is accepted and signed."""

    stopped: bool


class Rule(_Body):
    """A rule about one signer; null takes it back."""

    rule: Literal["allow", "deny"] | None
    note: str = Field(default="", max_length=200)


class Invitation(_Body):
    """How often and for how long an invitation code works."""

    uses: int = Field(default=1, ge=1, le=1_000_000)
    days: int = Field(default=30, ge=1, le=3650)
    note: str = Field(default="", max_length=200)


class Hook(_Body):
    """Where events go; of one signer, or of everybody."""

    url: str = Field(max_length=2000)
    signer: str | None = None


def read_key(path: Path) -> bytes:
    """The admin API's key. Raises ConfigurationError for one that could be guessed."""
    key = path.read_bytes().strip()
    if len(key) < _SHORTEST_KEY:
        raise ConfigurationError(f"the key in {path} is shorter than {_SHORTEST_KEY} characters")
    return key


def address_of(text: str) -> str:
    """An address in a request. Raises RefusedError (422)."""
    try:
        return checksum_address(text)
    except InputError as error:
        raise malformed(str(error)) from None


def metrics_router(service: Service) -> APIRouter:
    """`GET /metrics`."""
    router = APIRouter(tags=["operations"])

    @router.get("/metrics", operation_id="metrics", response_class=Response)
    async def page() -> Response:
        """Numbers for Prometheus."""
        return Response(await metrics.report(service), media_type=metrics.CONTENT_TYPE)

    return router


def admin_router(service: Service, key: bytes) -> APIRouter:
    """Everything under /admin."""

    async def authorized(authorization: Annotated[str, Header()] = "") -> None:
        given = authorization.removeprefix("Bearer ").encode()
        if not hmac.compare_digest(given, key):
            raise RefusedError(401, "unauthorized", "send the admin key as Authorization: Bearer …")

    router = APIRouter(prefix="/admin", tags=["admin"], dependencies=[Depends(authorized)], responses=answers(401, 422))
    admin, hooks = Admin(service.queue.database), Hooks(service.queue.database)

    @router.post("/stop", operation_id="stop")
    async def stop(body: Stop) -> dict[str, bool]:
        """The kill switch of all relayers of this queue. Results are still followed."""
        await asyncio.to_thread(admin.stop, body.stopped, service.now())
        return {"stopped": body.stopped}

    @router.get("/rules", operation_id="listRules")
    async def rules() -> list[Any]:
        """Who is always or never served."""
        return list(await asyncio.to_thread(admin.rules))

    @router.put("/rules/{address}", operation_id="setRule")
    async def set_rule(address: str, body: Rule) -> dict[str, Any]:
        """Serve a signer without proof, never, or as anybody."""
        who = address_of(address)
        await asyncio.to_thread(admin.set_rule, who, body.rule, body.note, service.now())
        return {"address": who, "rule": body.rule}

    @router.post("/invitations", status_code=201, operation_id="invite")
    async def invite(body: Invitation) -> dict[str, str]:
        """A code that proves newcomers; it is told this once."""
        now = service.now()
        return {"code": await asyncio.to_thread(admin.invite, body.uses, now + body.days * 86400, body.note, now)}

    @router.post("/hooks", status_code=201, operation_id="addHook")
    async def add_hook(body: Hook) -> dict[str, str]:
        """A webhook; its secret is told this once."""
        signer = None if body.signer is None else address_of(body.signer)
        name, secret = await asyncio.to_thread(hooks.add, body.url, signer, service.now())
        return {"id": name, "secret": secret}

    @router.get("/hooks", operation_id="listHooks")
    async def list_hooks() -> list[Any]:
        """The webhooks and how they do."""
        return list(await asyncio.to_thread(hooks.all))

    @router.delete("/hooks/{name}", status_code=204, operation_id="removeHook")
    async def remove_hook(name: str) -> None:
        """Tell a webhook nothing more."""
        await asyncio.to_thread(hooks.remove, name, service.now())

    @router.get("/audit", operation_id="readAudit")
    async def read_audit(
        after: Annotated[int, Query(ge=0, le=2**62)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[Any]:
        """The audit log, oldest first."""
        return list(await asyncio.to_thread(admin.audit, after, limit))

    @router.get("/audit/verify", operation_id="verifyAudit")
    async def verify_audit() -> dict[str, list[str]]:
        """What is wrong with the log's chains of hashes."""
        return {"wrong": await asyncio.to_thread(audit.verify, service.queue.database)}

    return router
