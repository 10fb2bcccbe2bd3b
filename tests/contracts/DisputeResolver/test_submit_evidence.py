# SPDX-License-Identifier: Apache-2.0
"""submit_evidence: by anyone in its own name, until the ruling."""

from ipto.structs import ZERO32
from tests.contracts.support.build import digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.disputes import LIFE, Outcome, on_trial, refer, rule
from tests.contracts.support.system import System, travel


def submit(system: System, case: int, actor: str, sender: str | None = None, evidence: bytes = b"\x01" * 32) -> None:
    system.disputes.submit_evidence(actor, case, evidence, sender=sender or actor)


def test_by_anyone_before_and_after_the_referral(system: System) -> None:
    _, case = on_trial(system)
    for actor in (system.challenger, system.creator, system.licensee):
        submit(system, case, actor)
        assert system.disputes.events("EvidenceSubmitted") == [{"case": case, "actor": actor, "evidence": b"\x01" * 32}]
    refer(system, case)
    submit(system, case, system.steward, evidence=digest("a community's letter"))


def test_by_signature(system: System) -> None:
    _, case = on_trial(system)
    submit(system, case, system.creator, sender=system.signed.address)


def test_not_in_anothers_name(system: System) -> None:
    _, case = on_trial(system)
    with reverts("disputes: not the actor"):
        submit(system, case, system.creator, sender=system.thief)


def test_not_after_the_ruling_nor_the_end(system: System) -> None:
    _, case = on_trial(system)
    refer(system, case)
    rule(system, case, Outcome.NO_FAULT)
    with reverts("disputes: case is over"):
        submit(system, case, system.creator)
    _, case = on_trial(system)
    travel(LIFE)
    with reverts("disputes: case is over"):
        submit(system, case, system.creator)


def test_zero_and_unknown(system: System) -> None:
    _, case = on_trial(system)
    with reverts("disputes: evidence is zero"):
        submit(system, case, system.creator, evidence=ZERO32)
    with reverts("disputes: no such case"):
        submit(system, case + 1, system.creator)
