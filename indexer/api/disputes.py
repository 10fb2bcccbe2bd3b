# SPDX-License-Identifier: Apache-2.0
"""Disputes and attestations."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from indexer.api import ids, models, records
from indexer.api.answers import Answer
from indexer.api.context import Context
from indexer.api.ids import show_address, show_digest, show_some_address, show_some_digest
from indexer.api.kinds import Kind, Show, each
from indexer.api.pages import PageQuery
from indexer.api.problems import RESPONSES
from indexer.api.reader import Row, Snapshot
from indexer.schema import LOG_BITS

_COLUMNS, _JOINS = "o.*, b.hash AS block_hash", "JOIN blocks b ON b.number = o.changed >> 20"
_PHASES = {1: "OPEN", 2: "REFERRED", 3: "RULED", 4: "WITHDRAWN", 5: "LAPSED"}
_EFFECTS = {1: "MOVE_CLAIM", 2: "NAME_STEWARD", 3: "VOID_REPORT", 4: "END_LICENSE"}
_OUTCOMES = {1: "FOR_OPENER", 2: "FOR_RESPONDENT", 3: "NO_FAULT"}
_MANY = 100


class CaseQuery(PageQuery):
    """Filters of the list of disputes."""

    subject: str | None = Field(None, description="Work, license or report id.")
    opener: str | None = Field(None, description="Address.")
    respondent: str | None = Field(None, description="Address.")
    phase: Literal["OPEN", "REFERRED", "RULED", "WITHDRAWN", "LAPSED"] | None = None


class AttestationQuery(PageQuery):
    """Filters of the list of attestations."""

    subject: str | None = Field(None, description="A work's or license's id, a digest, an account: 32 bytes.")
    attester: str | None = Field(None, description="Address.")
    schema_digest: str | None = Field(None, description="Digest of the document that says what is stated.")
    standing: bool | None = Field(None, description="Only those not revoked, or only revoked ones.")


def _case(snapshot: Snapshot, row: Row, resolver: bytes | None = None) -> dict[str, Any]:
    """models.Case; resolver: whose case it is, where one is shown whole."""
    key = row["case_id"]
    return {
        "id": str(int.from_bytes(row["case_id"])),
        "opener": show_address(row["opener"]),
        "respondent": show_some_address(row["respondent"]),
        "effect": _EFFECTS.get(row["effect"], str(row["effect"])),
        "subject": str(int.from_bytes(row["subject"])),
        "subject_hex": show_digest(row["subject"]),
        "target": show_address(row["target"]),
        "market": show_some_address(row["market"]),
        "phase": _PHASES.get(row["phase"], str(row["phase"])),
        "outcome": _OUTCOMES.get(row["outcome"]),
        "remedy": show_some_digest(row["remedy"]),
        "reasons": show_some_digest(row["reasons"]),
        "answered": bool(row["answered"]),
        "executed": bool(row["executed"]),
        "settled": bool(row["settled"]),
        "opened_at": row["opened_at"],
        "ruled_at": row["ruled_at"] or None,
        "executable_at": row["executable_at"] or None,
        "panel": None if resolver is None else _panel(snapshot, resolver, key),
        "evidence": [] if resolver is None else _evidence(snapshot, key),
        "votes": [] if resolver is None else _votes(snapshot, resolver, key),
        "hold_votes": [] if resolver is None else _hold_votes(snapshot, resolver, key),
        "holds": [] if resolver is None else _holds(snapshot, key),
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _evidence(snapshot: Snapshot, case: bytes) -> list[dict[str, Any]]:
    sql = "SELECT seq, actor, evidence FROM evidence WHERE case_id = ? ORDER BY seq LIMIT ?"
    return [
        {"digest": show_digest(row["evidence"]), "by": show_address(row["actor"]), "block": row["seq"] >> LOG_BITS}
        for row in snapshot.all(sql, (case, _MANY))
    ]


def _panel(snapshot: Snapshot, resolver: bytes, case: bytes) -> dict[str, Any] | None:
    sql = (
        "SELECT p.panel, p.quorum, p.members FROM sittings s JOIN panels p ON p.panel = s.panel "
        "WHERE s.resolver = ? AND s.case_id = ?"
    )
    row = snapshot.one(sql, resolver, case)
    if row is None:
        return None
    members = [show_address(row["members"][at : at + 20]) for at in range(0, len(row["members"]), 20)]
    return {"number": row["panel"], "quorum": row["quorum"], "members": members}


def _hold_votes(snapshot: Snapshot, resolver: bytes, case: bytes) -> list[dict[str, Any]]:
    sql = "SELECT member, held FROM hold_votes WHERE resolver = ? AND case_id = ? ORDER BY seq LIMIT ?"
    rows = snapshot.all(sql, (resolver, case, _MANY))
    return [{"member": show_address(row["member"]), "held": bool(row["held"])} for row in rows]


def _votes(snapshot: Snapshot, resolver: bytes, case: bytes) -> list[dict[str, Any]]:
    sql = "SELECT member, outcome, remedy, reasons FROM votes WHERE resolver = ? AND case_id = ? ORDER BY seq LIMIT ?"
    return [
        {
            "member": show_address(row["member"]),
            "outcome": _OUTCOMES.get(row["outcome"], str(row["outcome"])),
            "remedy": show_some_digest(row["remedy"]),
            "reasons": show_some_digest(row["reasons"]),
        }
        for row in snapshot.all(sql, (resolver, case, _MANY))
    ]


def _holds(snapshot: Snapshot, case: bytes) -> list[dict[str, Any]]:
    sql = "SELECT ordered, until FROM holds WHERE case_id = ? ORDER BY ordered LIMIT 2"
    return [{"ordered": bool(row["ordered"]), "until": row["until"] or None} for row in snapshot.all(sql, (case,))]


def _attestation(snapshot: Snapshot, row: Row) -> dict[str, Any]:
    return {
        "id": show_digest(row["attestation"]),
        "attester": show_address(row["attester"]),
        "subject": show_digest(row["subject"]),
        "schema_digest": show_digest(row["topic"]),
        "evidence": show_some_digest(row["evidence"]),
        "attested_at": row["attested_at"],
        "revoked_at": row["revoked_at"] or None,
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


_SUBJECT = partial(ids.token_id, what="subject")
ATTESTATIONS = Kind(
    "attestations", _COLUMNS, _JOINS, each(_attestation),
    (
        ("subject", "subject", _SUBJECT),
        ("attester", "attester", ids.address),
        ("schema_digest", "topic", partial(ids.bytes32, what="a schema's digest")),
    ),
    "attestation", "attestation", partial(ids.bytes32, what="an attestation id"),
)  # fmt: skip


def cases(resolver: bytes) -> Kind:
    """Disputes before a resolver; one is shown with what its panel did."""

    def show(snapshot: Snapshot, whole: bool) -> Show:
        return lambda row: _case(snapshot, row, resolver if whole else None)

    parties = (("opener", "opener", ids.address), ("respondent", "respondent", ids.address))
    filters = (("subject", "subject", _SUBJECT), *parties)
    return Kind("cases", _COLUMNS, _JOINS, show, filters, "case", "case_id", partial(ids.token_id, what="case"))


def router(context: Context) -> APIRouter:
    """Operations under /disputes and /attestations."""
    api = APIRouter(responses=RESPONSES)
    # Judges may sit for other resolvers as well, whose cases have numbers of their own.
    disputes = cases(bytes.fromhex(context.deployment.contracts.get("DisputeResolver", "0x")[2:]))

    @context.get(
        api, "/disputes", operation_id="listDisputes", tags=["disputes"], response_model=models.Page[records.Case]
    )
    def list_disputes(query: Annotated[CaseQuery, Query()]) -> Answer:
        """Disputes, by subject, party and phase."""
        listing = disputes.listing(query)
        if query.phase is not None:
            listing.where("o.phase = ?", next(number for number, name in _PHASES.items() if name == query.phase))
        return disputes.page(context, query, listing)

    @context.get(api, "/disputes/{case}", operation_id="getDispute", tags=["disputes"], response_model=records.Case)
    def get_dispute(case: Annotated[str, Path(max_length=80, description="Number of the case.")]) -> Answer:
        """One dispute, with evidence, votes and holds."""
        return disputes.one(context, case)

    @context.get(
        api,
        "/attestations",
        operation_id="listAttestations",
        tags=["attestations"],
        response_model=models.Page[records.Attestation],
    )
    def list_attestations(query: Annotated[AttestationQuery, Query()]) -> Answer:
        """Who vouches for what, by subject, attester and schema."""
        listing = ATTESTATIONS.listing(query)
        if query.standing is not None:
            listing.where("o.revoked_at = 0" if query.standing else "o.revoked_at <> 0")
        return ATTESTATIONS.page(context, query, listing)

    @context.get(
        api,
        "/attestations/{attestation}",
        operation_id="getAttestation",
        tags=["attestations"],
        response_model=records.Attestation,
    )
    def get_attestation(attestation: Annotated[str, Path(max_length=80)]) -> Answer:
        """One attestation."""
        return ATTESTATIONS.one(context, attestation)

    return api
