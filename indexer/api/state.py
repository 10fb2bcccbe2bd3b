# SPDX-License-Identifier: Apache-2.0
"""/health, /ready and /status: whether it lives, whether it is up to date, and what it knows."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter

from indexer.api import models
from indexer.api.answers import Answer, json_answer
from indexer.api.context import Context, protocol
from indexer.api.ids import show_some_address
from indexer.api.problems import RESPONSES, ProblemError, not_ready
from indexer.api.reader import Snapshot
from indexer.migrations import HEAD

_SILENT = 30  # seconds without word from the follower


def router(context: Context) -> APIRouter:
    """The three operations."""
    api = APIRouter(tags=["state"], responses=RESPONSES)

    @context.get(api, "/health", versioned=False, operation_id="getHealth", response_model=models.Health)
    def health() -> Answer:
        """The process lives."""
        return json_answer({"status": "ok"})

    @context.get(api, "/ready", versioned=False, operation_id="getReady", response_model=models.Ready)
    def ready() -> Answer:
        """200 while the database is at the head of the chain, else 503."""
        with context.reader.snapshot() as snapshot:
            state = _state(context, snapshot)
        if not state["ready"]:
            raise not_ready(state["reason"])
        return json_answer({"status": "ready", "lag": state["lag"]})

    @context.get(api, "/status", versioned=False, operation_id="getStatus", response_model=models.Status)
    def status() -> Answer:
        """What is indexed and how fresh it is; answers also when nothing is."""
        deployment = context.deployment
        body: dict[str, Any] = {
            "chain_id": deployment.chain_id,
            "schema_version": int(HEAD),
            "contracts": deployment.contracts,
            "start_block": deployment.block_number,
            "head": None,
            "indexed": None,
            "final": None,
            "lag": None,
            "ready": False,
            "error": None,
            "fee": {"bps": 0, "recipient": None},
            "registrations_paused": False,
            "sales_paused": False,
            "gate_closed": False,
        }
        try:
            with context.reader.snapshot() as snapshot:
                body |= _known(context, snapshot)
        except ProblemError as error:
            body["error"] = str(error)
        return json_answer(body)

    return api


def _known(context: Context, snapshot: Snapshot) -> dict[str, Any]:
    facts = protocol(snapshot)
    state = _state(context, snapshot)
    return {
        "head": state["head"],
        "indexed": {
            "block": snapshot.at.number,
            "hash": "0x" + snapshot.at.hash.hex(),
            "timestamp": snapshot.at.timestamp,
        },
        "final": max(snapshot.at.final, 0),
        "lag": state["lag"],
        "ready": state["ready"],
        "error": state["reason"] or None,
        "fee": {"bps": int(facts.get("fee_bps", "0")), "recipient": _recipient(facts)},
        "registrations_paused": facts.get("registrations_paused") == "1",
        "sales_paused": facts.get("sales_paused") == "1",
        "gate_closed": facts.get("gate_closed") == "1",
    }


def _recipient(facts: dict[str, str]) -> str | None:
    raw = bytes.fromhex(facts.get("fee_recipient", "0x")[2:])
    return show_some_address(raw) if raw else None


def _state(context: Context, snapshot: Snapshot) -> dict[str, Any]:
    row = snapshot.one("SELECT head, seen_at, error FROM status")
    if row is None:
        return {"head": None, "lag": None, "ready": False, "reason": "the follower has not seen the chain yet"}
    lag = row["head"] - snapshot.at.number
    reason = ""
    if row["error"]:
        reason = row["error"]
    elif time.time() - row["seen_at"] > _SILENT:
        reason = f"no word from the follower for {int(time.time() - row['seen_at'])} s; is `run` alive?"
    elif lag > context.settings.ready_lag_blocks:
        reason = f"{lag} blocks behind the chain"
    elif lag < 0:
        reason = f"the node is {-lag} blocks behind the database"
    return {"head": row["head"], "lag": lag, "ready": not reason, "reason": reason}
