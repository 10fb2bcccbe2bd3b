# SPDX-License-Identifier: Apache-2.0
"""What every operation has at hand."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import APIRouter, Response

from indexer.api.answers import Answer, Keep
from indexer.api.heads import Heads
from indexer.api.operations import Handler, Operation, Table
from indexer.api.reader import Reader, Snapshot
from indexer.service import INDEXED
from indexer.settings import Settings
from ipto.deployment import Deployment

_V1 = "/v1"
_HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-cache"))


@dataclass(frozen=True)
class Context:
    """One API process."""

    settings: Settings = field(repr=False)
    deployment: Deployment
    reader: Reader
    heads: Heads
    operations: dict[str, Handler] = field(default_factory=dict)
    table: Table = field(default_factory=Table)

    @property
    def indexed_contracts(self) -> list[str]:
        """The contracts of this deployment whose events are indexed."""
        return [name for name in INDEXED if name in self.deployment.contracts]

    def get(self, router: APIRouter, path: str, *, versioned: bool = True, **options: Any) -> Callable[[Handler], None]:
        """Register a plain function that answers GET; `router` describes it."""

        def register(handler: Handler) -> None:
            route = _V1 + path if versioned else path
            self.operations[options["operation_id"]] = handler
            self.table.add(Operation(route, handler))
            router.get(route, **options)(handler)

        return register

    def post(self, router: APIRouter, path: str, **options: Any) -> Callable[[Handler], None]:
        """Register a plain function that answers a question in a body. Over PostgreSQL it runs on a thread."""

        def register(handler: Handler) -> None:
            @functools.wraps(handler)
            def run(**arguments: Any) -> Response:
                found = handler(**arguments)
                response = Response(found.body, found.status)
                response.raw_headers += found.headers
                return response

            @functools.wraps(handler)
            async def at_once(**arguments: Any) -> Response:
                return run(**arguments)

            router.post(_V1 + path, **options)(run if self.reader.remote else at_once)

        return register


def now(snapshot: Snapshot) -> int:
    """The time sales are judged by: the clock, or the chain's where it is ahead (as development chains can be).

    One for all of an answer.
    """
    if snapshot.moment is None:
        snapshot.moment = max(int(time.time()), snapshot.at.timestamp)
    return snapshot.moment


def protocol(snapshot: Snapshot) -> dict[str, str]:
    """Facts of the protocol itself, as the events have set them; nothing is kept for what was never set."""
    return {row["name"]: row["value"] for row in snapshot.all("SELECT name, value FROM protocol LIMIT 50", ())}


def fee_bps(snapshot: Snapshot, name: str = "fee_bps") -> int:
    """The fee on top of prices: of the license market, or of datasets as `dataset_fee_bps`."""
    return int(protocol(snapshot).get(name, "0"))


def answer(snapshot: Snapshot, body: Any) -> Answer:
    """JSON, with the block it is of, and a tag that is the same exactly when the answer is."""
    data = orjson.dumps(body)
    tag = b'"%s"' % hashlib.sha256(data).hexdigest()[:24].encode()
    headers = [*_HEADERS, (b"x-indexed-block", b"%d" % snapshot.at.number), (b"etag", tag)]
    return Answer(data, headers, tag=tag, keep=Keep.STATE if snapshot.moment is None else Keep.SECOND)
