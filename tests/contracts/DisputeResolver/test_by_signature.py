# SPDX-License-Identifier: Apache-2.0
"""Evidence, attestations and a community's stewardship by signature alone, through the real SignedActions."""

from ipto import ids, typed_data
from ipto.structs import ZERO32
from tests.contracts.support.build import digest, on_sale, sign
from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import Effect, Outcome, decided, on_trial, open_case
from tests.contracts.support.system import System, now

SCHEMA = digest("a community's claim")


def until() -> int:
    return now() + 3_600


def test_evidence(system: System) -> None:
    _, case = on_trial(system)
    message = typed_data.SubmitEvidence(
        str(system.creator), system.disputes.address, case, digest("letter"), 1, until()
    )
    signature = sign(system, system.creator, message)
    system.signed.submit_evidence(message, signature, sender=system.relayer)
    told = [log.args for log in system.signed.logs if log.name == "EvidenceSubmitted"]
    assert told == [{"case": case, "actor": system.creator, "evidence": digest("letter")}]
    with reverts("signed: nonce already used"):
        system.signed.submit_evidence(message, signature, sender=system.thief)


def test_an_attestation_and_its_revocation(system: System) -> None:
    subject = digest("work")
    said = typed_data.Attest(str(system.steward), system.attestations.address, subject, SCHEMA, ZERO32, 1, until())
    found = system.signed.attest(said, sign(system, system.steward, said), sender=system.relayer)
    assert system.attestations.stands(system.steward, subject, SCHEMA, ZERO32)
    back = typed_data.RevokeAttestation(str(system.steward), system.attestations.address, found, 2, until())
    system.signed.revoke_attestation(back, sign(system, system.steward, back), sender=system.relayer)
    assert not system.attestations.stands(system.steward, subject, SCHEMA, ZERO32)


def test_a_community_that_was_named_by_a_ruling_accepts_and_consents(system: System) -> None:
    offer = on_sale(system)
    case = open_case(system, offer.work, Effect.NAME_STEWARD, by=system.steward)
    decided(system, case, Outcome.FOR_OPENER)
    system.disputes.execute(case)
    who, work, registry, number = str(system.steward), offer.work, system.registry.address, ids.offer_id(offer)
    for name, message in (
        ("accept_stewardship", typed_data.AcceptStewardship(who, registry, work, 1, until())),
        ("set_cultural", typed_data.SetCultural(who, registry, work, digest("notice"), 2, until())),
        ("set_consent", typed_data.SetConsent(who, system.market.address, number, True, 3, until())),
    ):
        getattr(system.signed, name)(message, sign(system, system.steward, message), sender=system.relayer)
    assert system.registry.work_of(work)[4] & 16
    assert system.registry.work_of(work)[6] == digest("notice")
    assert system.market.has_consent(number, system.steward)
