# SPDX-License-Identifier: Apache-2.0
"""What the rows of the queue say. Hashes and addresses are 0x hex text, amounts wei, times UTC seconds."""

from __future__ import annotations

from dataclasses import dataclass

from relayer.database import Row
from relayer.ledger import Payer


@dataclass(frozen=True, slots=True)
class NewAction:
    """A verified, simulated action about to be accepted."""

    kind: str
    signer: str
    nonce: str  # bytes32 hex; with signer and contract the natural key
    contract: str  # where the nonce is kept: SignedActions, or the token of an authorization
    digest: str  # hash of the EIP-712 struct (bytes32 hex): what was signed
    target: str  # the contract called
    calldata: bytes
    gas_limit: int
    deadline: int
    by_contract: bool  # the signer is a contract account (ERC-1271)
    reserve: int  # the most it can cost, in wei
    since_block: int  # no effect of it can be in an earlier block; of an errand: the newest request it answers
    network: str | None = None  # the client's address range, as a day's hash

    @property
    def request(self) -> str:
        """What was asked for, whatever the spelling of the request's body."""
        return ":".join((self.kind, self.contract, self.signer, self.nonce, self.digest))

    @property
    def key(self) -> tuple[str, str, str]:
        """The natural key: at most one action has it."""
        return self.signer, self.nonce, self.contract

    @property
    def payer(self) -> Payer:
        """On whose account it goes."""
        return Payer(self.signer, self.by_contract, self.network)


@dataclass(frozen=True, slots=True)
class Action:
    """One row."""

    seq: int
    id: str
    kind: str
    signer: str
    nonce: str
    contract: str
    digest: str
    target: str
    calldata: bytes
    gas_limit: int
    deadline: int
    by_contract: bool
    network: str | None
    since_block: int
    state: str
    reason: str | None
    lane: str | None
    lane_nonce: int | None
    place: int | None
    wait_until: int
    tx_hash: str | None
    block_number: int | None
    block_hash: str | None
    succeeded: bool | None
    reserved: int
    cost: int | None
    budget_day: str
    accepted_at: int
    sent_at: int | None
    mined_at: int | None
    finished_at: int | None

    @property
    def payer(self) -> Payer:
        """On whose account it goes."""
        return Payer(self.signer, self.by_contract, self.network)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed transaction. Several may exist for one lane nonce; at most one of them can ever be mined."""

    lane: str
    nonce: int
    hash: str
    raw: bytes
    max_fee: int  # wei per gas
    priority_fee: int  # wei per gas
    signed_at: int
    broadcast_at: int | None = None
    cancels: bool = False  # carries nothing: it only uses the nonce up


@dataclass(frozen=True, slots=True)
class InFlight:
    """A slot, which is a nonce of a lane: the actions it carries, in order, and the transactions signed for it,
    oldest first. `actions` is empty when all of them ended."""

    actions: tuple[Action, ...]
    attempts: tuple[Attempt, ...]

    @property
    def newest(self) -> Attempt:
        """The transaction with the highest fees."""
        return self.attempts[-1]

    @property
    def is_mined(self) -> bool:
        """Whether a block was seen to hold it."""
        return self.actions[0].state == "mined"


@dataclass(frozen=True, slots=True)
class Result:
    """What a mined transaction did for one of its actions."""

    succeeded: bool | None  # None: the transaction carried nothing
    cost: int  # wei, this action's share
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Mined:
    """What a receipt says. `results` are in the order of the slot's actions."""

    tx_hash: str
    block_number: int
    block_hash: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an action ends: carried out or not, why in words, and whose transaction did it when it was not ours."""

    action_id: str
    done: bool
    reason: str | None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One signed transaction about to be persisted, and the actions it carries, in order."""

    attempt: Attempt
    action_ids: tuple[str, ...]


def action_of(row: Row) -> Action:
    """Read a row of `actions`."""
    values = dict(row)
    values["by_contract"] = bool(values["by_contract"])
    values["succeeded"] = None if values["succeeded"] is None else bool(values["succeeded"])
    values["reserved"] = int(values["reserved"])
    values["cost"] = None if values["cost"] is None else int(values["cost"])
    return Action(**values)


def attempt_of(row: Row) -> Attempt:
    """Read a row of `transactions`."""
    return Attempt(
        lane=row["lane"],
        nonce=row["nonce"],
        hash=row["hash"],
        raw=row["raw"],
        max_fee=int(row["max_fee"]),
        priority_fee=int(row["priority_fee"]),
        signed_at=row["signed_at"],
        broadcast_at=row["broadcast_at"],
        cancels=bool(row["cancels"]),
    )
