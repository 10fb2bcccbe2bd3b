# SPDX-License-Identifier: Apache-2.0
"""Disputes, their evidence, holds, panels and votes; attestations."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.event import Event, Handler, u256
from indexer.rows import Change, Put, Read, Set
from indexer.tables import table

OPEN, REFERRED, RULED = 1, 2, 3

CASES = table(
    "cases",
    "case_id:u256 opener:blob20 respondent:blob20 subject:u256 effect:int target:blob20 market:blob20 phase:int "
    "outcome:int remedy:blob32 reasons:blob32 answered:int executed:int settled:int opened_at:int ruled_at:int "
    "executable_at:int to_opener:u256 to_respondent:u256 rent:u256 rent_to:blob20",
    "case_id",
    "opener seq",
    "subject seq",
    "respondent seq",
    by_seq=True,
)
EVIDENCE = table("evidence", "seq:int case_id:u256 actor:blob20 evidence:blob32", "seq", "case_id seq", stamps=False)
# By whom a hold was asked for or ordered; `until` 0: ended.
HOLDS = table(
    "holds",
    "case_id:u256 ordered:int target:blob20 subject:u256 until:int rent:u256 rent_used:u256",
    "case_id ordered",
    "subject seq",
)
# On a hold; a member may vote again, and votes start anew when a hold was decided.
HOLD_VOTES = table(
    "hold_votes", "resolver:blob20 case_id:u256 member:blob20 held:int", "resolver case_id member", "case_id seq"
)
# Who judges: 20 bytes a member, in ascending order. A case keeps the panel it was opened under. Anyone may be a
# resolver and have its cases judged: what is of another than the deployment's own says nothing of our cases.
PANELS = table("panels", "panel:int quorum:int members:blob", "panel")
SITTINGS = table("sittings", "resolver:blob20 case_id:u256 panel:int", "resolver case_id")
# In which case a subject was last ordered on hold: the order of an earlier case is over with it.
ORDERS = table("orders", "target:blob20 subject:u256 case_id:u256", "target subject")
VOTES = table(
    "votes", "resolver:blob20 case_id:u256 member:blob20 outcome:int remedy:blob32 reasons:blob32",
    "resolver case_id member", "case_id seq",
)  # fmt: skip
ATTESTATIONS = table(
    "attestations",
    "attestation:blob32 attester:blob20 subject:blob32 topic:blob32 evidence:blob32 attested_at:int revoked_at:int",
    "attestation",
    "attester seq",
    "subject seq",
    "subject attester",
    "topic seq",
    by_seq=True,
)
TABLES = (CASES, EVIDENCE, HOLDS, ORDERS, VOTES, HOLD_VOTES, PANELS, SITTINGS, ATTESTATIONS)


def _case(event: Event) -> bytes:
    return u256(event.args["case"])


def _evidence(event: Event, actor: bytes) -> Change:
    row = {"seq": event.seq, "case_id": _case(event), "actor": actor, "evidence": event.args["evidence"]}
    return Put(EVIDENCE, row)


def case_opened(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    values = {name: args[name] for name in ("opener", "respondent", "effect", "target", "market")}
    values |= {"subject": u256(args["subject"]), "phase": OPEN, "opened_at": event.timestamp}
    return (Set(CASES, (_case(event),), values), _evidence(event, args["opener"]))


def case_answered(event: Event, _read: Read) -> Sequence[Change]:
    respondent = event.args["respondent"]
    values = {"respondent": respondent, "answered": 1}
    return (Set(CASES, (_case(event),), values), _evidence(event, respondent))


def evidence_submitted(event: Event, _read: Read) -> Sequence[Change]:
    return (_evidence(event, event.args["actor"]),)


def case_referred(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(CASES, (_case(event),), {"phase": REFERRED}),)


def case_ruled(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    values = {name: args[name] for name in ("outcome", "remedy", "reasons", "executable_at")}
    return (Set(CASES, (_case(event),), {**values, "phase": RULED, "ruled_at": event.timestamp}),)


def case_executed(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(CASES, (_case(event),), {"executed": 1}),)


def case_settled(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    values = {name: u256(args[name]) for name in ("to_opener", "to_respondent", "rent")}
    return (Set(CASES, (_case(event),), {**values, "phase": args["phase"], "rent_to": args["rent_to"], "settled": 1}),)


def hold_asked(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    values = {"target": args["target"], "subject": u256(args["subject"]), "until": args["until"]}
    return (Set(HOLDS, (_case(event), 0), {**values, "rent": u256(args["rent"])}),)


def hold_ended(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(HOLDS, (_case(event), 0), {"until": 0, "rent_used": u256(event.args["rent_used"])}),)


def hold_ordered(event: Event, read: Read) -> Sequence[Change]:
    args = event.args
    case, subject = _case(event), u256(args["subject"])
    values = {"target": args["target"], "subject": subject, "until": args["until"]}
    changes: list[Change] = [Set(HOLDS, (case, 1), values)]
    if args["until"]:
        key = (args["target"], subject)
        before = read(ORDERS, key)
        if before and before["case_id"] != case:
            changes.append(Set(HOLDS, (before["case_id"], 1), {"until": 0}))
        changes.append(Set(ORDERS, key, {"case_id": case}))
    return changes


def voted(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    values = {name: args[name] for name in ("outcome", "remedy", "reasons")}
    return (Set(VOTES, (args["resolver"], _case(event), args["member"]), values),)


def hold_voted(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    return (Set(HOLD_VOTES, (args["resolver"], _case(event), args["member"]), {"held": int(args["is_held"])}),)


def panel_set(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    values = {"quorum": args["quorum"], "members": b"".join(args["members"])}
    return (Set(PANELS, (args["panel"],), values),)


def case_taken(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(SITTINGS, (event.args["resolver"], _case(event)), {"panel": event.args["panel"]}),)


def attested(event: Event, _read: Read) -> Sequence[Change]:
    args = event.args
    values = {name: args[name] for name in ("attester", "subject", "evidence")}
    values |= {"topic": args["schema"], "attested_at": event.timestamp, "revoked_at": 0}
    return (Set(ATTESTATIONS, (args["id"],), values),)


def revoked(event: Event, _read: Read) -> Sequence[Change]:
    return (Set(ATTESTATIONS, (event.args["id"],), {"revoked_at": event.timestamp}),)


_D, _A = "DisputeResolver", "Attestations"
HANDLERS: dict[tuple[str, str], Handler] = {
    (_D, "CaseOpened"): case_opened,
    (_D, "CaseAnswered"): case_answered,
    (_D, "EvidenceSubmitted"): evidence_submitted,
    (_D, "CaseReferred"): case_referred,
    (_D, "CaseRuled"): case_ruled,
    (_D, "CaseExecuted"): case_executed,
    (_D, "CaseSettled"): case_settled,
    (_D, "HoldAsked"): hold_asked,
    (_D, "HoldEnded"): hold_ended,
    (_D, "HoldOrdered"): hold_ordered,
    ("PanelArbiter", "PanelSet"): panel_set,
    ("PanelArbiter", "CaseTaken"): case_taken,
    ("PanelArbiter", "Voted"): voted,
    ("PanelArbiter", "HoldVoted"): hold_voted,
    (_A, "Attested"): attested,
    (_A, "AttestationRevoked"): revoked,
}
