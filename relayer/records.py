# SPDX-License-Identifier: Apache-2.0
"""What the rows of the queue say. Hashes and addresses are 0x hex text, amounts wei, times UTC seconds."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


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
    since_block: int  # no effect of it can be in an earlier block

    @property
    def request(self) -> str:
        """What was asked for, whatever the spelling of the request's body."""
        return ":".join((self.kind, self.contract, self.signer, self.nonce, self.digest))


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
    since_block: int
    state: str
    reason: str | None
    lane: str | None
    lane_nonce: int | None
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


@dataclass(frozen=True, slots=True)
class InFlight:
    """An action that has a lane nonce, with the transactions signed for that nonce, oldest first."""

    action: Action
    attempts: list[Attempt]

    @property
    def newest(self) -> Attempt:
        """The transaction with the highest fees."""
        return self.attempts[-1]


@dataclass(frozen=True, slots=True)
class Mined:
    """What a receipt says."""

    tx_hash: str
    block_number: int
    block_hash: str
    succeeded: bool
    cost: int  # wei


def action_of(row: sqlite3.Row) -> Action:
    """Read a row of `actions`."""
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118  # a Row iterates over values
    values["by_contract"] = bool(values["by_contract"])
    values["succeeded"] = None if values["succeeded"] is None else bool(values["succeeded"])
    values["reserved"] = int(values["reserved"])
    values["cost"] = None if values["cost"] is None else int(values["cost"])
    return Action(**values)


def attempt_of(row: sqlite3.Row) -> Attempt:
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
    )
