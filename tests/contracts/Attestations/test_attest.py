# SPDX-License-Identifier: Apache-2.0
"""attest: anybody, about anything, once, in its own name."""

from eth_abi import encode
from eth_utils import keccak

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import digest, register
from tests.contracts.support.contract import deploy, reverts
from tests.contracts.support.system import CONTRACTS, System, now

SCHEMA = digest("a community's claim")


def attest(system: System, subject: bytes, actor: str, evidence: bytes = ZERO32, sender: str | None = None) -> bytes:
    done: bytes = system.attestations.attest(actor, subject, SCHEMA, evidence, sender=sender or actor)
    return done


def test_states_stores_and_logs(system: System) -> None:
    subject, evidence = digest(), digest()
    found = attest(system, subject, system.steward, evidence)
    expected = keccak(encode(["address", "bytes32", "bytes32", "bytes32"], [system.steward, subject, SCHEMA, evidence]))
    assert found == expected == system.attestations.attestation_id(system.steward, subject, SCHEMA, evidence)
    assert system.attestations.events("Attested") == [
        {"id": found, "attester": system.steward, "subject": subject, "schema": SCHEMA, "evidence": evidence}
    ]
    assert system.attestations.attestation_of(found) == (system.steward, now(), 0)
    assert system.attestations.stands(system.steward, subject, SCHEMA, evidence)


def test_a_communitys_claim_on_a_work_that_did_not_name_it(system: System) -> None:
    """It changes nothing on the work; whoever trusts the community sees it."""
    work = register(system)
    before = system.registry.work_of(work)
    attest(system, work.to_bytes(32, "big"), system.steward)
    assert system.registry.work_of(work) == before
    assert system.attestations.stands(system.steward, work.to_bytes(32, "big"), SCHEMA, ZERO32)


def test_everybody_for_itself(system: System) -> None:
    subject = digest()
    one, two = attest(system, subject, system.steward), attest(system, subject, system.thief)
    assert one != two
    assert system.attestations.attestation_of(two)[0] == system.thief


def test_not_in_anothers_name_but_by_its_signature(system: System) -> None:
    with reverts("attestations: not the actor"):
        attest(system, digest(), system.steward, sender=system.thief)
    attest(system, digest(), system.steward, sender=system.signed.address)


def test_once(system: System) -> None:
    subject = digest()
    attest(system, subject, system.steward)
    with reverts("attestations: stated before"):
        attest(system, subject, system.steward)
    attest(system, subject, system.steward, digest())


def test_says_something(system: System) -> None:
    with reverts("attestations: schema is zero"):
        system.attestations.attest(system.steward, digest(), ZERO32, digest(), sender=system.steward)


def test_what_was_never_stated(system: System) -> None:
    assert system.attestations.attestation_of(digest()) == (ZERO_ADDRESS, 0, 0)
    assert not system.attestations.stands(system.steward, digest(), SCHEMA, ZERO32)


def test_wiring(system: System) -> None:
    assert system.attestations.SIGNED_ACTIONS() == system.signed.address
    with reverts("attestations: bad wiring"):
        deploy(CONTRACTS / "Attestations.vy", system.thief)
