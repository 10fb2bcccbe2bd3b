# SPDX-License-Identifier: Apache-2.0
"""revoke: by whoever stated it, for good."""

import pytest

from ipto.structs import ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.system import System, now, travel

SUBJECT, SCHEMA = digest("subject"), digest("schema")


def stated(system: System) -> bytes:
    done: bytes = system.attestations.attest(system.steward, SUBJECT, SCHEMA, ZERO32, sender=system.steward)
    return done


def test_takes_it_back(system: System) -> None:
    found, at = stated(system), now()
    travel(100)
    system.attestations.revoke(system.steward, found, sender=system.steward)
    assert system.attestations.events("AttestationRevoked") == [{"id": found, "attester": system.steward}]
    assert system.attestations.attestation_of(found) == (system.steward, at, now())
    assert not system.attestations.stands(system.steward, SUBJECT, SCHEMA, ZERO32)


@pytest.mark.parametrize("at", [2**39 - 1, 2**40 - 2, 2**40 - 1])
def test_the_two_times_do_not_touch(system: System, at: int) -> None:
    """All their bits are told apart from each other's and from the attester's."""
    travel(at - now())
    found = stated(system)
    assert system.attestations.attestation_of(found) == (system.steward, at, 0)
    system.attestations.revoke(system.steward, found, sender=system.steward)
    assert system.attestations.attestation_of(found) == (system.steward, at, at)


def test_for_good(system: System) -> None:
    found = stated(system)
    system.attestations.revoke(system.steward, found, sender=system.steward)
    with reverts("attestations: revoked before"):
        system.attestations.revoke(system.steward, found, sender=system.steward)
    with reverts("attestations: stated before"):
        stated(system)


def test_by_the_attester_alone(system: System) -> None:
    found = stated(system)
    with reverts("attestations: not the attester"):
        system.attestations.revoke(system.thief, found, sender=system.thief)
    with reverts("attestations: not the actor"):
        system.attestations.revoke(system.steward, found, sender=system.thief)
    system.attestations.revoke(system.steward, found, sender=system.signed.address)


def test_unknown(system: System) -> None:
    with reverts("attestations: not the attester"):
        system.attestations.revoke(system.steward, digest(), sender=system.steward)
    with reverts("attestations: not the attester"):
        system.attestations.revoke(ZERO_ADDRESS, digest(), sender=ZERO_ADDRESS)
