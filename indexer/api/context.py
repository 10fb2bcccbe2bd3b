# SPDX-License-Identifier: Apache-2.0
"""What every operation has at hand."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import APIRouter, Response

from indexer.api.heads import Heads
from indexer.api.reader import Reader, Snapshot
from indexer.service import INDEXED
from indexer.settings import Settings
from ipto.deployment import Deployment


@dataclass(frozen=True)
class Context:
    """One API process."""

    settings: Settings
    deployment: Deployment
    reader: Reader
    heads: Heads
    operations: dict[str, Callable[..., Response]] = field(default_factory=dict)

    @property
    def indexed_contracts(self) -> list[str]:
        """The contracts of this deployment whose events are indexed."""
        return [name for name in INDEXED if name in self.deployment.contracts]

    def get(self, router: APIRouter, path: str, **options: Any) -> Callable[[Callable[..., Response]], None]:
        """Register a plain function that answers GET. Over PostgreSQL it runs on a thread, for each question waits for
        the server; over SQLite it runs where it is, for it only waits for memory and that is faster."""

        def register(handler: Callable[..., Response]) -> None:
            self.operations[options["operation_id"]] = handler
            router.get(path, **options)(handler if self.reader.remote else _at_once(handler))

        return register

    def post(self, router: APIRouter, path: str, **options: Any) -> Callable[[Callable[..., Response]], None]:
        """The same for a question that comes in a body."""

        def register(handler: Callable[..., Response]) -> None:
            router.post(path, **options)(handler if self.reader.remote else _at_once(handler))

        return register


def _at_once(handler: Callable[..., Response]) -> Callable[..., Awaitable[Response]]:
    @functools.wraps(handler)
    async def run(**arguments: Any) -> Response:
        return handler(**arguments)

    return run


def now(snapshot: Snapshot) -> int:
    """The time sales are judged by: the clock, or the chain's where it is ahead (as development chains can be)."""
    return max(int(time.time()), snapshot.at.timestamp)


def protocol(snapshot: Snapshot) -> dict[str, str]:
    """Facts of the protocol itself, as the events have set them; nothing is kept for what was never set."""
    return {row["name"]: row["value"] for row in snapshot.all("SELECT name, value FROM protocol LIMIT 50", ())}


def fee_bps(snapshot: Snapshot, name: str = "fee_bps") -> int:
    """The fee on top of prices: of the license market, or of datasets as `dataset_fee_bps`."""
    return int(protocol(snapshot).get(name, "0"))


def answer(snapshot: Snapshot, body: Any) -> Response:
    """JSON, with the block it is of, and a tag that is the same exactly when the answer is."""
    data = orjson.dumps(body)
    tag = hashlib.blake2b(data, digest_size=12).hexdigest()
    headers = {"x-indexed-block": str(snapshot.at.number), "etag": f'"{tag}"', "cache-control": "no-cache"}
    return Response(data, media_type="application/json", headers=headers)
