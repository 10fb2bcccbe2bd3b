# SPDX-License-Identifier: Apache-2.0
"""Ownership evidence: what speaks for a claim on a film, in parts and a level. Nothing here proves ownership.

Registration shows who claimed first *here*, a signature who signed, a domain who controls it. Copyright is decided by
agreements and courts.
"""

from ipto.evidence.challenge import Challenge, DomainProof, prove_domain
from ipto.evidence.report import EVIDENCE_SCHEMA, Evidence, Registration, Resemblance, assess, validate_evidence

__all__ = [
    "EVIDENCE_SCHEMA",
    "Challenge",
    "DomainProof",
    "Evidence",
    "Registration",
    "Resemblance",
    "assess",
    "prove_domain",
    "validate_evidence",
]
