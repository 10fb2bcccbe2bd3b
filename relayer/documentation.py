# SPDX-License-Identifier: Apache-2.0
"""What the API's requests and answers look like, for OpenAPI and for clients."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ipto.typed_data import ACTIONS
from relayer.ledger import time_of
from relayer.records import Action

_PROBLEM = {
    "description": "refused; `code` says why, `detail` what to do",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "code"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            }
        }
    },
}


def answers(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Refusals with these statuses."""
    return dict.fromkeys(codes, _PROBLEM)


_answers = answers


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_HEX = {"type": "string", "pattern": "^0x[0-9a-fA-F]*$"}
_SUBMIT_CODES = (403, 408, 409, 413, 415, 422, 429, 503)

SUBMIT_ACTION: dict[str, Any] = {
    "tags": ["actions"],
    "summary": "Submit a signed action",
    "description": "The EIP-712 message exactly as it was signed. Sending the same action again returns the same id.",
    "responses": _answers(*_SUBMIT_CODES),
    "openapi_extra": _body(
        {
            "type": "object",
            "required": ["kind", "message", "signature"],
            "additionalProperties": False,
            "properties": {
                "kind": {"enum": sorted(kind.__name__ for kind in ACTIONS)},
                "message": {"type": "object", "description": "uint256 as decimal strings, bytes and addresses as 0x"},
                "signature": _HEX,
            },
        }
    ),
}
SUBMIT_PURCHASE: dict[str, Any] = {
    "tags": ["actions"],
    "summary": "Buy a license with an EIP-3009 authorization",
    "description": "The authorization pays exactly price and fee to the vault; its nonce binds market and order.",
    "responses": _answers(*_SUBMIT_CODES),
    "openapi_extra": _body(
        {
            "type": "object",
            "required": ["offer", "licensee", "party", "acknowledged", "authorization"],
            "additionalProperties": False,
            "properties": {
                "offer": {"type": "object", "description": "the whole offer, as posted"},
                "licensee": _HEX,
                "party": _HEX,
                "acknowledged": _HEX,
                "authorization": {
                    "type": "object",
                    "required": ["payer", "valid_after", "valid_before", "v", "r", "s"],
                },
            },
        }
    ),
}
GET_ACTION: dict[str, Any] = {
    "tags": ["actions"],
    "summary": "What became of an action",
    "responses": _answers(404, 422),
}
FOLLOW_ACTION: dict[str, Any] = {
    "tags": ["actions"],
    "summary": "What becomes of an action, as it happens",
    "description": "Server-sent events named `state`, each with the action as `getAction` tells it; ends with it.",
    "responses": {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}, **_answers(404, 422, 503)},
}


class Proof(BaseModel):
    """What shows that a signer is not one of a crowd."""

    model_config = ConfigDict(extra="forbid")
    signer: str
    kind: Literal["invitation", "captcha", "attestation"]
    value: str = Field(max_length=4096, description="the code, the captcha's token, or the attestation's evidence")


GIVE_PROOF: dict[str, Any] = {
    "tags": ["actions"],
    "summary": "Prove that you are one of a kind",
    "description": "Needed where `submitAction` answers `proof-needed`. A proof counts for one signer, for good.",
    "responses": _answers(403, 422, 503),
}
LIST_ACTIONS: dict[str, Any] = {
    "tags": ["actions"],
    "summary": "A signer's actions, newest first",
    "responses": _answers(422),
}
PUT_CONTENT: dict[str, Any] = {
    "tags": ["content"],
    "summary": "Store a document or poster under its CID",
    "responses": _answers(404, 408, 413, 415, 422, 429, 507),
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("application/json", "image/jpeg", "image/png", "image/webp")
            },
        }
    },
}


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else time_of(seconds)


_WORDS = {
    "queued": "accepted; it waits to be sent",
    "sent": "on its way; no block has taken it yet",
    "mined": "in a block; final when enough blocks have followed",
    "final": "carried out",
}


def in_words(action: Action) -> str:
    """Where an action stands, for people."""
    if action.state == "failed":
        return f"not carried out: {action.reason}"
    return _WORDS[action.state] + (f" ({action.reason})" if action.reason else "")


def view(action: Action) -> dict[str, Any]:
    """An action as clients see it. `final` and `failed` do not change any more; until `deadline` the signature itself
    stays valid, and only `cancel_nonce` on chain takes it back."""
    return {
        "id": action.id,
        "kind": action.kind,
        "signer": action.signer,
        "nonce": str(int(action.nonce, 16)),
        "contract": action.contract,
        "state": action.state,
        "words": in_words(action),
        "reason": action.reason,
        "deadline": _time(action.deadline),
        "transaction": action.tx_hash,
        "block": action.block_number,
        "gas_cost_wei": None if action.cost is None else str(action.cost),
        "accepted_at": _time(action.accepted_at),
        "sent_at": _time(action.sent_at),
        "mined_at": _time(action.mined_at),
        "finished_at": _time(action.finished_at),
    }
