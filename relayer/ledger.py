# SPDX-License-Identifier: Apache-2.0
"""Gas money: reserved when an action is accepted, settled when its result is final, never above a limit.

A reservation is the most an action can cost: its gas limit at the highest fee that is ever signed. So what is
spent cannot exceed what was reserved, whatever happens to fees in between. Functions run inside the caller's
database transaction; amounts are wei.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from relayer.problems import busy, forbidden

FOREVER = "all"
EVERYBODY = "everybody"
CONTRACTS = "contracts"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most wei per scope and period, and the reverts a signer may cause in a day."""

    signer_day: int
    signer_total: int
    contracts_day: int
    day: int
    total: int
    signer_day_reverts: int


def day_of(now: int) -> str:
    """The UTC day of a time in seconds, as 2026-01-31."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def _scopes(signer: str, by_contract: bool, day: str) -> list[tuple[str, str]]:
    scopes = [(signer, day), (signer, FOREVER), (EVERYBODY, day), (EVERYBODY, FOREVER)]
    return scopes + [(CONTRACTS, day)] * by_contract


def used(db: sqlite3.Connection, scope: str, period: str) -> tuple[int, int, int]:
    """Reserved wei, spent wei and reverts of a scope in a period."""
    row = db.execute(
        "SELECT reserved, spent, reverts FROM budgets WHERE scope = ? AND period = ?", (scope, period)
    ).fetchone()
    return (int(row[0]), int(row[1]), row[2]) if row else (0, 0, 0)


def _write(db: sqlite3.Connection, scope: str, period: str, reserved: int, spent: int, reverts: int) -> None:
    db.execute(
        "INSERT INTO budgets VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope, period) DO UPDATE SET "
        "reserved = excluded.reserved, spent = excluded.spent, reverts = excluded.reverts",
        (scope, period, str(reserved), str(spent), reverts),
    )


def reserve(db: sqlite3.Connection, signer: str, by_contract: bool, day: str, amount: int, limits: Limits) -> None:
    """Set `amount` aside for an action; raises RefusedError, and changes nothing, when it would pass a limit."""
    if used(db, signer, day)[2] > limits.signer_day_reverts:
        raise busy(
            "signer-reverts", "too many of this signer's actions reverted on chain today; try again tomorrow", 86400
        )
    bounds = {
        (signer, day): (limits.signer_day, "signer-budget", "this signer's gas money for today"),
        (signer, FOREVER): (limits.signer_total, "signer-total", "this signer's gas money"),
        (EVERYBODY, day): (limits.day, "day-budget", "the sponsor's gas money for today"),
        (EVERYBODY, FOREVER): (limits.total, "total-budget", "the sponsor's gas money"),
        (CONTRACTS, day): (limits.contracts_day, "contracts-budget", "the gas money for contract accounts today"),
    }
    scopes = _scopes(signer, by_contract, day)
    for scope in scopes:
        limit, code, name = bounds[scope]
        reserved, spent, _ = used(db, *scope)
        if reserved + spent + amount > limit:
            if scope[1] == FOREVER:
                raise forbidden(code, f"{name} is used up; submit the action from an account of your own")
            raise busy(code, f"{name} is used up or set aside; try again later", 3600)
    for scope in scopes:
        reserved, spent, reverts = used(db, *scope)
        _write(db, *scope, reserved + amount, spent, reverts)


def settle(
    db: sqlite3.Connection, signer: str, by_contract: bool, day: str, reserved: int, cost: int, reverted: bool
) -> None:
    """Turn a reservation into what was really spent; `reverted` counts against the signer for that day."""
    for scope in _scopes(signer, by_contract, day):
        held, spent, reverts = used(db, *scope)
        _write(db, *scope, held - reserved, spent + cost, reverts + reverted)
