# SPDX-License-Identifier: Apache-2.0
"""Cases from opening to execution, in as few words as a test can bear."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from eth_abi import encode
from eth_utils import keccak, to_checksum_address

from ipto.structs import ETH, ZERO32, ZERO_ADDRESS
from tests.contracts.support.build import account, digest, register
from tests.contracts.support.contract import Contract, deploy, hostile
from tests.contracts.support.system import ARBITER_FEE, BOND, CONTRACTS, RENT, System, travel

DAY = 86_400
ANSWER_TIME, LIFE, DELAY, GRACE = 14 * DAY, 90 * DAY, 7 * DAY, 30 * DAY
BUDGET, REST = 90 * DAY, 180 * DAY


class Effect(IntEnum):
    MOVE_CLAIM = 1
    NAME_STEWARD = 2
    VOID_REPORT = 3
    END_LICENSE = 4


class Phase(IntEnum):
    OPEN = 1
    REFERRED = 2
    RULED = 3
    WITHDRAWN = 4
    LAPSED = 5


class Outcome(IntEnum):
    FOR_OPENER = 1
    FOR_RESPONDENT = 2
    NO_FAULT = 3


FIELDS = (
    *("opener", "respondent", "effect", "phase", "outcome", "is_answered", "is_executed", "is_settled"),
    *("opened_at", "ruled_at", "target", "market", "subject", "remedy"),
)


def open_case(
    system: System,
    subject: int,
    effect: int = Effect.MOVE_CLAIM,
    by: str | None = None,
    target: str | None = None,
    hold_days: int = 0,
    **changes: Any,
) -> int:
    """Open a case on a work of the registry unless another target is named; returns its number."""
    result: int = system.disputes.open_case(
        effect,
        target or system.registry.address,
        changes.get("market", ZERO_ADDRESS),
        subject,
        changes.get("number", 0),
        hold_days,
        changes.get("evidence", digest("evidence")),
        sender=by or system.challenger,
        value=changes.get("value", BOND + RENT * hold_days),
    )
    return result


def on_trial(system: System, **options: Any) -> tuple[int, int]:
    """A new work and a case on it."""
    work = register(system)
    return work, open_case(system, work, **options)


def answer(system: System, case: int, by: str | None = None) -> None:
    """The creator stands by it."""
    system.disputes.answer(case, digest("answer"), sender=by or system.creator, value=BOND)


def refer(system: System, case: int, answered_by: str | None = None) -> None:
    """Hand the case over: answered by somebody, else when the time to answer has passed."""
    if answered_by is not None:
        answer(system, case, answered_by)
    else:
        travel(ANSWER_TIME)
    system.disputes.refer(case, sender=system.keeper)


def rule(system: System, case: int, outcome: int, remedy: bytes = ZERO32) -> None:
    """Three of five judges decide it."""
    for judge in system.judges[:3]:
        vote(system, case, judge, outcome, remedy)


def vote(system: System, case: int, judge: str, outcome: int, remedy: bytes = ZERO32) -> None:
    """One judge votes."""
    system.panel.vote(system.disputes.address, case, outcome, remedy, digest("reasons"), sender=judge)


def order_hold(system: System, case: int, is_held: bool) -> None:
    """Three of five judges put the subject on hold, or end its hold."""
    for judge in system.judges[:3]:
        system.panel.vote_hold(system.disputes.address, case, is_held, sender=judge)


def decided(system: System, case: int, outcome: int, answered_by: str | None = None, remedy: bytes = ZERO32) -> None:
    """From opening to the end of the public delay."""
    refer(system, case, answered_by)
    rule(system, case, outcome, remedy)
    travel(DELAY)


def case_of(system: System, case: int) -> dict[str, Any]:
    """What is stored of a case, by name."""
    found = dict(zip(FIELDS, system.disputes.case_of(case), strict=True))
    return found | {name: to_checksum_address(found[name]) for name in ("opener", "respondent", "target", "market")}


def remedy(clean_since: int = 0, keeps_steward: bool = False) -> bytes:
    """A remedy for MOVE_CLAIM."""
    return (clean_since | keeps_steward << 40).to_bytes(32, "big")


def chest(system: System, case: int) -> int:
    """What the vault holds for a case."""
    sub = system.vault.sub_account(system.disputes.address, case.to_bytes(32, "big"))
    return int(system.vault.balance_of(sub, system.disputes.BOND_CURRENCY()))


def purse(system: System, party: str) -> int:
    """What the vault holds for an account."""
    return int(system.vault.balance_of(account(party), system.disputes.BOND_CURRENCY()))


def case_key(system: System, case: int) -> bytes:
    """How a panel knows a case; also the salt of its fee's sub-account."""
    return keccak(encode(["address", "uint256"], [system.disputes.address, case]))


def fee_chest(system: System, case: int) -> int:
    """What the vault holds for the arbiter from a case."""
    sub = system.vault.sub_account(system.panel.address, case_key(system, case))
    return int(system.vault.balance_of(sub, system.disputes.BOND_CURRENCY()))


def resolver_with(system: System, **changes: Any) -> Contract:
    """Another resolver of this vault: with another arbiter, currency or amounts."""
    arguments = {
        "arbiter": system.panel.address,
        "vault": system.vault.address,
        "signed": system.signed.address,
        "currency": ETH,
        "bond": BOND,
        "fee": ARBITER_FEE,
        "rent": RENT,
    }
    return deploy(CONTRACTS / "DisputeResolver.vy", *(arguments | changes).values())


def docket(system: System, owner: str | None = None, subject: int = 7) -> Contract:
    """A stranger's contract that takes this resolver's rulings and notes them."""
    stranger = hostile("Docket")
    stranger.take_rulings_of(system.disputes.address, stranger.address)
    stranger.set_owner(subject, owner or system.creator)
    return stranger
