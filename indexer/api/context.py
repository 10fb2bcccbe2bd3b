# SPDX-License-Identifier: Apache-2.0
"""What every operation has at hand."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Response

from indexer.api.reader import Reader, Snapshot
from indexer.settings import Settings
from ipto.deployment import Deployment


@dataclass(frozen=True)
class Context:
    """One API process."""

    settings: Settings
    deployment: Deployment
    reader: Reader


def now(snapshot: Snapshot) -> int:
    """The time sales are judged by: the clock, or the chain's where it is ahead (as development chains can be)."""
    return max(int(time.time()), snapshot.at.timestamp)


def protocol(snapshot: Snapshot) -> dict[str, str]:
    """Facts of the protocol itself, as the events have set them; nothing is kept for what was never set."""
    return {row["name"]: row["value"] for row in snapshot.all("SELECT name, value FROM protocol LIMIT 50", ())}


def fee_bps(snapshot: Snapshot) -> int:
    """The fee on top of prices."""
    return int(protocol(snapshot).get("fee_bps", "0"))


def answer(snapshot: Snapshot, body: Any) -> Response:
    """JSON, with the block it is of."""
    return Response(
        orjson.dumps(body), media_type="application/json", headers={"x-indexed-block": str(snapshot.at.number)}
    )
