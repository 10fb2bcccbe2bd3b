# SPDX-License-Identifier: Apache-2.0
"""The level follows from the parts, and no word of a report claims more than it shows."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipto import documents
from ipto.evidence import DomainProof, Evidence, Registration, Resemblance, assess, validate_evidence
from ipto.media.rights import Statement
from ipto.media.rights.provenance import Provenance
from ipto.structs import checksum_address

ME = checksum_address("0x" + "1a" * 20)
OTHER = checksum_address("0x" + "2b" * 20)
MINE = Registration(7, 1000, ME)


def signed(state: str, signer: str = "A Person") -> Provenance:
    return Provenance(state, signer, "A House", "2026-01-01", (), (), Statement())


def report(**changes: object) -> Evidence:
    fields = {"work": 7, "claimant": ME, "content": bytes(32), "registration": MINE, "at": 2000, **changes}
    return assess(**fields)  # type: ignore[arg-type]


DOMAIN = DomainProof("example.org", "dns", 1500)


@pytest.mark.parametrize(
    ("level", "changes"),
    [
        (0, {"registration": Registration(9, 900, OTHER), "domains": [DOMAIN], "provenance": signed("Trusted")}),
        (0, {"resemblances": [Resemblance(9, OTHER, 4, -900)], "domains": [DOMAIN]}),
        (1, {"registration": Registration(None, 0, None)}),
        (2, {}),
        (2, {"provenance": signed("Valid")}),  # anybody can sign as anybody
        (2, {"provenance": signed("Invalid")}),
        (2, {"attestations": [(ME, "0x01")]}),  # one's own word is no second voice
        (2, {"resemblances": [Resemblance(6, ME, 4, -900)]}),  # an earlier cut of one's own
        (3, {"provenance": signed("Trusted")}),
        (3, {"domains": [DOMAIN, DOMAIN]}),  # two domains are one kind
        (3, {"attestations": [(OTHER, "0x01")]}),
        (2, {"other_attestations": [(OTHER, "0x01", "rights-checked")]}),  # by nobody the reader trusts
        (4, {"domains": [DOMAIN], "provenance": signed("Trusted"), "transactions": 100}),
        (4, {"domains": [DOMAIN], "provenance": signed("Trusted"), "attestations": [(OTHER, "0x01")]}),
    ],
)  # fmt: skip
def test_levels(level: int, changes: dict[str, object]) -> None:
    made = report(**changes)
    assert made.level == level
    assert made.document["level_name"] in made.lines()[0]
    assert made.digest == documents.digest(json.loads(documents.canonical(made.document)))


@given(st.sets(st.sampled_from(["domain", "trusted", "attested"])), st.booleans())
def test_more_support_never_lowers_the_level(kinds: set[str], is_first: bool) -> None:
    def level(chosen: set[str]) -> int:
        return report(
            registration=MINE if is_first else Registration(None, 0, None),
            domains=[DOMAIN] if "domain" in chosen else [],
            provenance=signed("Trusted") if "trusted" in chosen else None,
            attestations=[(OTHER, "0x01")] if "attested" in chosen else [],
        ).level

    assert all(level(kinds - {kind}) <= level(kinds) for kind in kinds)


def test_nothing_says_owner_is_verified() -> None:
    everything = [
        report(
            domains=[DOMAIN], provenance=signed(state), transactions=3, resemblances=[Resemblance(9, OTHER, 2, -800)]
        )
        for state in ("Trusted", "Valid", "Invalid")
    ]
    text = " ".join(itertools.chain.from_iterable(made.lines() for made in everything)).lower()
    for word in ("verified owner", "proves", "owner of", "authentic", "stolen", "legitimate"):
        assert word not in text
    assert "not proof of ownership" in text


def test_a_report_that_was_edited_is_refused() -> None:
    document = report().document
    for wrong in ({"level": 4}, {"level": 5}, {"parts": []}, {"level_name": "verified owner"}, {"owner": ME}):
        with pytest.raises(ValueError):
            validate_evidence({**document, **wrong})
