# SPDX-License-Identifier: Apache-2.0
"""Disputes: open a case and stand by it, answer it, decide it as a judge, carry a ruling out; what a case waits for.

Evidence and reasons are files of at most 1 MiB in a content store; their SHA-256 stands on chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ipto._logs import Logs
from ipto.accounts import Signer
from ipto.chain import Contract, Deployment, EventLog, Receipt
from ipto.errors import InputError
from ipto.rpc import Rpc
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS

__all__ = ["Case", "Costs", "Disputes", "Effect", "Hold", "Outcome", "Phase", "remedy"]

_KEEPS_STEWARD = 1 << 40


class Effect(IntEnum):
    """What a case asks for; a ruling can do nothing else."""

    MOVE_CLAIM = 1
    NAME_STEWARD = 2
    VOID_REPORT = 3
    END_LICENSE = 4


class Phase(IntEnum):
    """Where a case is."""

    OPEN = 1
    REFERRED = 2
    RULED = 3
    WITHDRAWN = 4
    LAPSED = 5


class Outcome(IntEnum):
    """How a case was decided."""

    NONE = 0
    FOR_OPENER = 1
    FOR_RESPONDENT = 2
    NO_FAULT = 3


@dataclass(frozen=True, slots=True)
class Costs:
    """What disputes cost on a deployment, in the smallest unit of `currency`."""

    currency: str  # address; structs.ETH for ETH
    bond: int  # of each side
    fee: int  # the arbiter's, for a ruling
    rent_per_day: int  # of an asked hold


@dataclass(frozen=True, slots=True)
class Hold:
    """The holds of a work or report. Times: UTC seconds, zero for none."""

    case: int  # whose asked hold runs; zero: nobody's
    asked_until: int
    ordered_until: int
    seconds_left: int  # that cases may still ask for


@dataclass(frozen=True, slots=True)
class Case:
    """A case, as it stands. Times: UTC seconds, zero for none; amounts: smallest unit of the bonds' currency."""

    number: int
    effect: Effect
    phase: Phase
    outcome: Outcome
    opener: str
    respondent: str
    target: str
    subject: int
    remedy: bytes
    is_answered: bool
    is_executed: bool
    is_settled: bool
    opened_at: int
    answer_until: int
    lapses_at: int
    executable_at: int
    rent_paid: int
    rent_used: int

    def waits_for(self, now: int) -> str:
        """What has to happen next, in words."""
        if self.phase in (Phase.WITHDRAWN, Phase.LAPSED) or self.is_executed:
            return "nothing: it is over"
        if self.phase == Phase.RULED:
            return "execution, by anyone" if now >= self.executable_at else "the end of the public delay"
        if now >= self.lapses_at:
            return "its closing, by anyone: nobody ruled in time, so nothing changes"
        if self.phase == Phase.REFERRED:
            return "the ruling"
        if self.is_answered or now >= self.answer_until:
            return "its referral to the arbiter, by anyone"
        return "the respondent's answer"


def remedy(clean_since: int = 0, keeps_steward: bool = False) -> bytes:
    """The details of a ruling that moves a claim.

    clean_since: licenses of the work issued before it (UTC seconds) stop permitting; zero: all go on.
    Raises InputError.
    """
    if not 0 <= clean_since < 1 << 40:
        raise InputError("clean_since is a time in UTC seconds, or 0")
    return (clean_since | (_KEEPS_STEWARD if keeps_steward else 0)).to_bytes(32, "big")


class Disputes:
    """The dispute resolution of one deployment. Raises RevertedError where the contracts refuse."""

    def __init__(self, deployment: Deployment, rpc: Rpc) -> None:
        self._deployment, self._rpc = deployment, rpc
        self._resolver = deployment.contract("DisputeResolver", rpc)
        self._panel = deployment.contract("PanelArbiter", rpc)

    # ---- what there is

    def costs(self) -> Costs:
        """Bond, fee and rent."""
        return Costs(*(self._resolver.call(name) for name in ("BOND_CURRENCY", "BOND", "FEE", "RENT_PER_DAY")))

    def case(self, number: int) -> Case:
        """A case. Raises RevertedError for an unknown one."""
        found: dict[str, Any] = self._resolver.call("case_of", number)
        answer_until, lapses_at, executable_at = self._resolver.call("deadlines_of", number)
        paid, used, _ = self._resolver.call("rent_of", number)
        return Case(
            number=number,
            effect=Effect(found["effect"]),
            phase=Phase(found["phase"]),
            outcome=Outcome(found["outcome"]),
            opener=found["opener"],
            respondent=found["respondent"],
            target=found["target"],
            subject=found["subject"],
            remedy=found["remedy"],
            is_answered=found["is_answered"],
            is_executed=found["is_executed"],
            is_settled=found["is_settled"],
            opened_at=found["opened_at"],
            answer_until=answer_until,
            lapses_at=lapses_at,
            executable_at=executable_at,
            rent_paid=paid,
            rent_used=used,
        )

    def hold_on(self, target: str, subject: int) -> Hold:
        """The holds of a work or report."""
        return Hold(*self._resolver.call("hold_of", target, subject))

    def documents(self, number: int) -> list[EventLog]:
        """Every event of a case that names a document (`evidence` or `reasons`), and every vote, in order."""
        logs = Logs(self._rpc, self._deployment.block_number)
        found: list[EventLog] = []
        for event in ("CaseOpened", "CaseAnswered", "EvidenceSubmitted", "CaseRuled"):
            found += logs.all(self._resolver, event, number)
        topic = "0x" + self._panel.abi.event("Voted").topic.hex()
        votes = logs.matching(self._panel, [topic, _word(int(self._resolver.address, 16)), _word(number)])
        return sorted([*found, *votes], key=lambda log: (log.block_number, log.log_index))

    # ---- parties

    def open(
        self,
        signer: Signer,
        effect: Effect,
        subject: int,
        evidence: bytes,
        *,
        market: str = "LicenseMarket",
        number: int = 0,
        hold_days: int = 0,
    ) -> int:
        """Open a case, paying its bond and the rent of a hold; its number.

        subject: the work or license; for VOID_REPORT the license, and `number` its report. evidence: SHA-256 of the
        document. market: "LicenseMarket" or "DatasetMarket", whose license it is.
        """
        targets = {Effect.VOID_REPORT: "UsageSettlement", Effect.END_LICENSE: market}
        target = self._deployment.address(targets.get(effect, "WorkRegistry"))
        beside = ZERO_ADDRESS
        if effect is Effect.MOVE_CLAIM:
            beside = self._deployment.address("LicenseMarket")
        elif effect is Effect.VOID_REPORT:
            beside = self._deployment.address(market)
        costs = self.costs()
        arguments = (effect, target, beside, subject, number, hold_days, evidence)
        receipt = self._pay(signer, costs, costs.bond + costs.rent_per_day * hold_days, "open_case", *arguments)
        return int(self._resolver.events(receipt, "CaseOpened")[0].args["case"])

    def answer(self, signer: Signer, case: int, evidence: bytes) -> Receipt:
        """Stand by what is yours, with a bond."""
        costs = self.costs()
        return self._pay(signer, costs, costs.bond, "answer", case, evidence)

    def ask_hold(self, signer: Signer, case: int, days: int) -> Receipt:
        """Ask for a hold as the opener, once a case, and pay its rent ahead."""
        costs = self.costs()
        return self._pay(signer, costs, costs.rent_per_day * days, "ask_hold", case, days)

    def submit_evidence(self, signer: Signer, case: int, evidence: bytes) -> Receipt:
        """Add a document, as anyone."""
        return self._resolver.send(signer, "submit_evidence", signer.address, case, evidence)

    def withdraw(self, signer: Signer, case: int) -> Receipt:
        """Give up a case that was not yet referred, as its opener."""
        return self._resolver.send(signer, "withdraw_case", case)

    # ---- anyone

    def refer(self, signer: Signer, case: int) -> Receipt:
        """Let the arbiter decide."""
        return self._resolver.send(signer, "refer", case)

    def execute(self, signer: Signer, case: int) -> Receipt:
        """Carry out a ruling after its delay and settle the money; or close a case that lapsed."""
        return self._resolver.send(signer, "execute", case)

    def settle(self, signer: Signer, case: int) -> Receipt:
        """Settle the money alone, should the target refuse the effect."""
        return self._resolver.send(signer, "settle", case)

    # ---- judges

    def vote(self, signer: Signer, case: int, outcome: Outcome, reasons: bytes, what: bytes = ZERO32) -> Receipt:
        """Vote as a member of the case's panel. reasons: SHA-256 of the document. what: see `remedy`, or a new root."""
        return self._panel.send(signer, "vote", self._resolver.address, case, outcome, what, reasons)

    def vote_hold(self, signer: Signer, case: int, is_held: bool) -> Receipt:
        """Vote to put the subject on hold, or to end its hold."""
        return self._panel.send(signer, "vote_hold", self._resolver.address, case, is_held)

    def share_fee(self, signer: Signer, case: int) -> Receipt:
        """Book a ruling's fee to those who voted, as anyone."""
        return self._panel.send(signer, "share_fee", self._resolver.address, case)

    # ---- internal

    def _pay(self, signer: Signer, costs: Costs, amount: int, function: str, *arguments: Any) -> Receipt:
        if costs.currency == ETH:
            return self._resolver.send(signer, function, *arguments, value=amount)
        token = Contract("TestUSD", costs.currency, self._rpc)
        token.send(signer, "approve", self._resolver.address, amount)
        return self._resolver.send(signer, function, *arguments)


def _word(value: int) -> str:
    return f"0x{value:064x}"
