# SPDX-License-Identifier: Apache-2.0
"""The report: its parts, each with what it shows, and a level that follows from them by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ipto import documents
from ipto.documents import Document
from ipto.errors import InputError
from ipto.evidence.challenge import DomainProof
from ipto.media.rights.provenance import Provenance
from ipto.structs import checksum_address

EVIDENCE_SCHEMA = "urn:ipto:schema:evidence:1"
LEVELS = ("contested", "claim only", "first here", "supported", "well supported")
STATEMENT = (
    "This is evidence, not proof of ownership. It shows who claimed first in this registry, who signed, and who "
    "controls a domain. Copyright is decided by agreements and courts."
)
_OLD_ACCOUNT = 25  # transactions
_WHAT = "evidence report"


@dataclass(frozen=True, slots=True)
class Registration:
    """What the registry says of the same content."""

    first_claim: int | None  # the work that claimed it first; None: nobody did
    first_claim_at: int  # UTC seconds
    claimant: str | None  # of that claim


@dataclass(frozen=True, slots=True)
class Resemblance:
    """A registered work that shares content with the film, from trace."""

    work: int
    owner: str
    scenes: int
    false_alarms_log10_hundredths: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A report and its level."""

    document: Document
    level: int

    @property
    def digest(self) -> bytes:
        """What goes on chain with `Attestations.attest`, as the evidence."""
        return documents.digest(self.document)

    def lines(self) -> list[str]:
        """The report in words."""
        shown = [f"Ownership evidence: level {self.level} of {len(LEVELS) - 1}, {LEVELS[self.level]}."]
        shown += [f"  {'+' if part['supports'] else '-'} {part['says']}" for part in self.document["parts"]]
        return [*shown, STATEMENT]


def assess(
    *,
    work: int,
    claimant: str,
    content: bytes,
    registration: Registration,
    resemblances: Sequence[Resemblance] = (),
    provenance: Provenance | None = None,
    domains: Sequence[DomainProof] = (),
    transactions: int | None = None,
    attestations: Sequence[tuple[str, str]] = (),
    other_attestations: Sequence[tuple[str, str, str]] = (),
    at: int,
) -> Evidence:
    """Put parts together. transactions: of the claimant's account so far.

    attestations: (attester, id) that stand, for the claim, by those whose word the reader trusts. other_attestations:
    (attester, id, schema) of all else that was stated of the work; shown, and worth nothing by itself, because anybody
    can have a second account.

    Level 0 contested: somebody else claimed this content, or content it shares, before. 1 claim only. 2 first here.
    3 supported: first here, and one independent part (trusted signature, domain, attestation). 4: two kinds of them.
    """
    account = checksum_address(claimant)
    parts = [_first(registration, work, account)]
    parts += [_resemblance(item) for item in resemblances if item.owner != account]
    independent = []
    if provenance is not None:
        parts.append(_signature(provenance))
        independent.append("signature" if provenance.state == "Trusted" else "")
    for proof in domains:
        says = f"whoever controls {proof.domain} published this account's claim ({proof.method})"
        parts.append(_part("domain", True, says, domain=proof.domain, method=proof.method, seen_at=proof.seen_at))
        independent.append("domain")
    for attester, identifier in attestations:
        says = f"{checksum_address(attester)} attests to it on chain"
        parts.append(_part("attestation", True, says, attester=checksum_address(attester), id=identifier))
        independent.append("attestation" if checksum_address(attester) != account else "")
    for attester, identifier, schema in other_attestations:
        says = f"{checksum_address(attester)}, whom you did not name as trusted, states on chain: {schema}"
        facts = {"attester": checksum_address(attester), "id": identifier, "schema": schema}
        parts.append(_part("attestation", False, says, **facts))
    if transactions is not None:
        is_used = transactions >= _OLD_ACCOUNT
        says = f"the account has sent {transactions} transactions" + ("" if is_used else ", so it may be new")
        parts.append(_part("account", is_used, says, transactions=transactions))
    contested = any(part["kind"] in ("first-here", "same-content") and not part["supports"] for part in parts)
    is_first = registration.first_claim == work
    kinds = len(set(independent) - {""})
    level = 0 if contested else 1 if not is_first else min(4, 2 + kinds)
    document: Document = {
        "$schema": EVIDENCE_SCHEMA,
        "work": str(work),
        "claimant": account,
        "content": "0x" + content.hex(),
        "level": level,
        "level_name": LEVELS[level],
        "parts": parts,
        "statement": STATEMENT,
        "at": at,
    }
    validate_evidence(document)
    return Evidence(document, level)


def validate_evidence(document: Mapping[str, Any]) -> None:
    """Check a report's shape. Raises DocumentError naming the field."""
    documents.validate(document, "evidence-1", _WHAT)
    if document["level_name"] != LEVELS[document["level"]]:
        raise InputError(f"{_WHAT}, level_name: level {document['level']} is called {LEVELS[document['level']]}")


def _part(kind: str, supports: bool, says: str, **facts: Any) -> Document:
    return {"kind": kind, "supports": supports, "says": says, "facts": facts}


def _first(registration: Registration, work: int, account: str) -> Document:
    facts = {"first_claim": str(registration.first_claim or 0), "first_claim_at": registration.first_claim_at}
    if registration.first_claim is None:
        return _part("first-here", True, "nobody claimed this content here before", **facts)
    if registration.first_claim == work or registration.claimant == account:
        return _part("first-here", True, "this account's claim on this content is the first here", **facts)
    return _part("first-here", False, f"{registration.claimant} claimed the very same file here first", **facts)


def _resemblance(item: Resemblance) -> Document:
    says = f"work {item.work} of {item.owner} shares {item.scenes} scenes with it and was registered before"
    return _part(
        "same-content",
        False,
        says,
        work=str(item.work),
        owner=item.owner,
        scenes=item.scenes,
        false_alarms_log10_hundredths=item.false_alarms_log10_hundredths,
    )


def _signature(provenance: Provenance) -> Document:
    names = f"{provenance.signer or 'somebody unnamed'} ({provenance.issuer or 'no organisation named'})"
    says = {
        "Trusted": f"the file was signed by {names}, vouched for by an authority you trust, and is unchanged since",
        "Valid": f"the file was signed by {names}, whom nobody you trust vouches for, and is unchanged since",
    }.get(provenance.state, "the file's signature does not fit the file; it was changed after signing")
    facts = {"state": provenance.state, "signer": provenance.signer or "", "signed_at": provenance.signed_at or ""}
    return _part("signature", provenance.state == "Trusted", says, **facts)
