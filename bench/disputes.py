# SPDX-License-Identifier: Apache-2.0
"""What a case, a ruling, an attestation and a hundred registrations cost."""

from __future__ import annotations

from bench.operation import Operation
from bench.protocol import DAY, Protocol
from ipto.disputes import Effect, Outcome
from ipto.structs import ZERO32, ZERO_ADDRESS

EVIDENCE = b"\x01" * 32
HOLD_DAYS = 30


def _open(protocol: Protocol, hold_days: int = 0) -> tuple[int, int]:
    """A case of a steward's on a creator's work: its number, and what opening it cost."""
    disputes, work = protocol.contracts["DisputeResolver"], protocol.register()
    cost = disputes.call("BOND") + hold_days * disputes.call("RENT_PER_DAY")
    arguments = (Effect.MOVE_CLAIM, protocol.registry.address, ZERO_ADDRESS, work, 0, hold_days, EVIDENCE)
    gas = disputes.gas(protocol["steward"], "open_case", *arguments, value=cost)
    return disputes.call("cases"), gas


def _answer(protocol: Protocol) -> tuple[int, int]:
    disputes = protocol.contracts["DisputeResolver"]
    case, _ = _open(protocol)
    return case, disputes.gas(protocol["creator"], "answer", case, EVIDENCE, value=disputes.call("BOND"))


def _ruled(protocol: Protocol) -> tuple[int, int]:
    disputes = protocol.contracts["DisputeResolver"]
    case, _ = _answer(protocol)
    disputes.send(protocol["keeper"], "refer", case)
    arguments = (disputes.address, case, Outcome.FOR_OPENER, ZERO32, EVIDENCE)
    return case, protocol.contracts["PanelArbiter"].gas(protocol["owner"], "vote", *arguments)


def _executed(protocol: Protocol) -> int:
    case, _ = _ruled(protocol)
    protocol.chain.now += 7 * DAY
    return protocol.contracts["DisputeResolver"].gas(protocol["keeper"], "execute", case)


def _attest(protocol: Protocol) -> int:
    steward = protocol["steward"]
    return protocol.contracts["Attestations"].gas(steward, "attest", steward.address, EVIDENCE, EVIDENCE, EVIDENCE)


def _register_many(protocol: Protocol) -> int:
    creator = protocol["creator"]
    protocol.register()
    works = [protocol.work() for _ in range(100)]
    return protocol.registry.gas(creator, "register_many", creator.address, works) // len(works)


OPERATIONS = {
    "register_many_100": Operation(
        "register a work in a batch of 100", "creator has one; owner is the sole payee; gas for each", _register_many
    ),
    "case_open": Operation("open a case on a work", "bond in ETH, no hold", lambda p: _open(p)[1]),
    "case_open_hold": Operation(
        "open a case on a work", "bond and rent in ETH, 30 days of hold", lambda p: _open(p, HOLD_DAYS)[1]
    ),
    "case_answer": Operation("answer a case", "bond in ETH", lambda p: _answer(p)[1]),
    "case_rule": Operation(
        "rule on a case", "the one vote of a panel of one; work put on hold, fee booked", lambda p: _ruled(p)[1]
    ),
    "case_execute": Operation("carry a ruling out", "a claim moves; both bonds to the winner", _executed),
    "attest": Operation("attest", "attester's first", _attest),
}
