# SPDX-License-Identifier: Apache-2.0
"""POST /verify: may somebody do something with a file now? The answer names what on the chain it rests on."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from indexer.api import ids, models
from indexer.api.answers import Answer
from indexer.api.catalog import AspectName, UsageName
from indexer.api.context import Context, answer, now
from indexer.api.ids import show_address, show_digest
from indexer.api.problems import RESPONSES, bad_filter
from indexer.api.reader import Row, Snapshot
from ipto.structs import NEVER, WHOLE_END_MS, Aspect, Offer, Usage

_MANY = 50


class Question(BaseModel):
    """What is to be done, by whom, with which file."""

    model_config = ConfigDict(extra="forbid")

    holder: str = Field(description="Address of whoever wants to use it.", max_length=80)
    content: str | None = Field(None, description="SHA-256 of the master file, 0x hex.", max_length=80)
    work: str | None = Field(None, description="Or the work's id.", max_length=80)
    usage: UsageName
    aspect: AspectName
    start_ms: int = Field(0, ge=0, lt=1 << 32)
    end_ms: int | None = Field(None, ge=1, lt=1 << 32, description="Exclusive; null: to the end.")
    at: int | None = Field(None, ge=0, lt=1 << 40, description="UTC seconds; null: now.")


class Call(models._Model):
    """An eth_call that gives the same answer without this server."""

    contract: str
    address: str | None
    function: str
    arguments: list[Any]


class Ground(models._Model):
    """A license that permits it, or why one does not."""

    kind: str = Field(description="license or dataset_license.")
    license: str
    work: str
    offer: str
    dataset: str | None
    spell: int | None
    permits: bool
    reasons: list[str] = Field(description="Why not; empty when it does.")
    issued_at: int
    expires_at: int | None
    evidence: Call
    finality: models.Finality


class Verdict(models._Model):
    """The answer. `permitted` is true when a license permits it at that time."""

    permitted: bool
    holder: str
    at: int
    works: list[str] = Field(description="Claims on the file.")
    grounds: list[Ground]
    complete: bool = Field(description="False when the holder has more licenses than were looked at.")
    indexed: models.Indexed


def router(context: Context) -> APIRouter:
    """POST /verify."""
    api = APIRouter(tags=["licenses"], responses=RESPONSES)

    @context.post(api, "/verify", operation_id="verify", response_model=Verdict)
    def verify(question: Question) -> Answer:
        """May this holder do this with this file? For an answer that counts, make the calls it names."""
        holder = ids.address(question.holder)
        if (question.content is None) == (question.work is None):
            raise bad_filter("name the file by `content` or by `work`, one of them")
        start, end = question.start_ms, WHOLE_END_MS if question.end_ms is None else question.end_ms
        if start >= end:
            raise bad_filter("start_ms must be before end_ms")
        with context.reader.snapshot() as snapshot:
            at = now(snapshot) if question.at is None else question.at
            works = _works(snapshot, question)
            wanted = (Usage[question.usage.value], Aspect[question.aspect.value], start, end, at)
            grounds = []
            complete = True
            for work in works:
                for find, shape in ((_licenses, _license_ground), (_dataset_licenses, _dataset_ground)):
                    rows = find(snapshot, holder, work)
                    complete = complete and len(rows) < _MANY
                    grounds += [shape(context, snapshot, row, holder, wanted) for row in rows]
            grounds.sort(key=lambda ground: not ground["permits"])
            body = {
                "permitted": any(ground["permits"] for ground in grounds),
                "holder": show_address(holder),
                "at": at,
                "works": [str(int.from_bytes(work)) for work in works],
                "grounds": grounds,
                "complete": complete,
                "indexed": {"block": snapshot.at.number, "hash": "0x" + snapshot.at.hash.hex()},
            }
            return answer(snapshot, body)

    return api


_Wanted = tuple[Usage, Aspect, int, int, int]


def _works(snapshot: Snapshot, question: Question) -> list[bytes]:
    if question.work is not None:
        return [ids.token_id(question.work, "work")]
    content = ids.bytes32(question.content or "", "a SHA-256")
    rows = snapshot.all("SELECT work FROM works WHERE content = ? ORDER BY seq LIMIT ?", (content, _MANY))
    return [row["work"] for row in rows]


_OFFER = ", ".join(f"f.{field.name} AS f_{field.name}" for field in Offer.fields())


def _licenses(snapshot: Snapshot, holder: bytes, work: bytes) -> list[Row]:
    return snapshot.all(
        f"SELECT l.*, b.hash AS block_hash, w.clean_since, {_OFFER} FROM licenses l "  # noqa: S608
        "JOIN blocks b ON b.number = l.changed >> 20 JOIN offers f ON f.offer_id = l.offer_id "
        "JOIN works w ON w.work = l.work WHERE l.work = ? AND l.holder = ? ORDER BY l.seq DESC LIMIT ?",
        (work, holder, _MANY),
    )


def _dataset_licenses(snapshot: Snapshot, holder: bytes, work: bytes) -> list[Row]:
    return snapshot.all(
        f"SELECT l.*, b.hash AS block_hash, w.clean_since, s.spell, s.joined, s.last, s.offer_id, s.work, "  # noqa: S608
        f"d.usages, d.aspects, {_OFFER} FROM spells s JOIN dataset_licenses l ON l.dataset_id = s.dataset_id "
        "JOIN datasets d ON d.dataset_id = s.dataset_id JOIN blocks b ON b.number = l.changed >> 20 "
        "JOIN offers f ON f.offer_id = s.offer_id JOIN works w ON w.work = s.work "
        "WHERE s.work = ? AND l.holder = ? ORDER BY l.seq DESC LIMIT ?",
        (work, holder, _MANY),
    )


def _reasons(row: Row, usages: int, aspects: int, wanted: _Wanted) -> list[str]:
    usage, aspect, start, end, at = wanted
    checks = {
        "usage_not_licensed": not usages & usage,
        "aspect_not_licensed": not aspects & aspect,
        "outside_the_scene": start < row["f_start_ms"] or end > row["f_end_ms"],
        "not_issued_yet": at < row["issued_at"],
        "expired": row["expires_at"] != NEVER and at >= row["expires_at"],
        "ended_by_ruling": bool(row["ended"]),
        "work_cleaned_by_ruling": row["issued_at"] < row["clean_since"],
    }
    return [name for name, applies in checks.items() if applies]


def _ground(snapshot: Snapshot, row: Row, kind: str, reasons: list[str], evidence: dict[str, Any]) -> dict[str, Any]:
    dataset = row["dataset_id"] if kind == "dataset_license" else None
    return {
        "kind": kind,
        "license": str(int.from_bytes(row["license"])),
        "work": str(int.from_bytes(row["work"])),
        "offer": show_digest(row["offer_id"]),
        "dataset": None if dataset is None else show_digest(dataset),
        "spell": row["spell"] if dataset is not None else None,
        "permits": not reasons,
        "reasons": reasons,
        "issued_at": row["issued_at"],
        "expires_at": None if row["expires_at"] == NEVER else row["expires_at"],
        "evidence": evidence,
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _license_ground(context: Context, snapshot: Snapshot, row: Row, holder: bytes, wanted: _Wanted) -> dict[str, Any]:
    usage, aspect, start, end, at = wanted
    arguments = [
        show_address(holder), str(int.from_bytes(row["license"])), show_digest(row["offer_id"]), int(usage),
        int(aspect), start, end, at,
    ]  # fmt: skip
    reasons = _reasons(row, row["f_usages"], row["f_aspects"], wanted)
    return _ground(snapshot, row, "license", reasons, _call(context, "LicenseMarket", arguments))


def _dataset_ground(context: Context, snapshot: Snapshot, row: Row, holder: bytes, wanted: _Wanted) -> dict[str, Any]:
    usage, aspect, start, end, at = wanted
    number = int.from_bytes(row["license"][28:])
    reasons = _reasons(row, row["usages"], row["aspects"], wanted)
    if not (row["joined"] < number and (row["last"] is None or number <= row["last"])):
        reasons.append("not_a_member_at_the_sale")
    arguments = [
        show_address(holder), str(int.from_bytes(row["license"])), show_digest(row["dataset_id"]),
        show_digest(row["offer_id"]), row["spell"], int(usage), int(aspect), start, end, at,
    ]  # fmt: skip
    return _ground(snapshot, row, "dataset_license", reasons, _call(context, "DatasetMarket", arguments))


def _call(context: Context, contract: str, arguments: list[Any]) -> dict[str, Any]:
    """Structs are named by their id; GET /offers/{id} and /datasets/{id} have them whole."""
    address = context.deployment.contracts.get(contract)
    return {"contract": contract, "address": address, "function": "permits", "arguments": arguments}
