# SPDX-License-Identifier: Apache-2.0
"""Gas money: reserved when an action is accepted, settled when its result is final, never above a limit.

A reservation is the most an action can cost: its gas limit at the highest fee that is ever signed. So what is
spent cannot exceed what was reserved, whatever happens to fees in between. Amounts are wei.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from relayer.database import Database, Row, Transaction, places
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
    network_day: int = 2**255


@dataclass(frozen=True, slots=True)
class Payer:
    """On whose account an action goes."""

    signer: str
    by_contract: bool = False
    network: str | None = None  # the client's address range, as a day's hash

    def scopes(self, day: str) -> list[tuple[str, str]]:
        """All (scope, period) pairs an action of that day counts in."""
        found = [(self.signer, day), (self.signer, FOREVER), (EVERYBODY, day), (EVERYBODY, FOREVER)]
        if self.by_contract:
            found.append((CONTRACTS, day))
        if self.network is not None:
            found.append((f"network {self.network}", day))
        return found


@dataclass(frozen=True, slots=True)
class Account:
    """What a scope used in a period."""

    reserved: int = 0
    spent: int = 0
    reverts: int = 0
    actions: int = 0


def day_of(now: int) -> str:
    """The UTC day of a time in seconds, as 2026-01-31."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def time_of(seconds: int) -> str:
    """A time in seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def used(database: Database, scope: str, period: str) -> Account:
    """What a scope used in a period."""
    rows = database.read("SELECT * FROM budgets WHERE scope = ? AND period = ?", scope, period)
    return _account(rows[0]) if rows else Account()


def _account(row: Row) -> Account:
    return Account(int(row["reserved"]), int(row["spent"]), row["reverts"], row["actions"])


class Books:
    """Accounts read once and written once within a transaction, however many actions it is about.

    Whoever opens books must hold the head of the audit chain `queue`: amounts are added in Python.
    """

    def __init__(self, change: Transaction, pairs: Iterable[tuple[str, str]]) -> None:
        """pairs: every (scope, period) that may be asked for."""
        self._change = change
        self._accounts = dict.fromkeys(pairs, Account())
        self._touched: set[tuple[str, str]] = set()
        keys = sorted(self._accounts)
        for start in range(0, len(keys), 200):
            listed, values = places(keys[start : start + 200])
            for row in change.run(f"SELECT * FROM budgets WHERE (scope, period) IN ({listed})", *values):  # noqa: S608
                self._accounts[row["scope"], row["period"]] = _account(row)

    def account(self, scope: str, period: str) -> Account:
        """As it stands now."""
        return self._accounts[scope, period]

    def reserve(self, payer: Payer, day: str, amount: int, limits: Limits) -> None:
        """Set `amount` aside for an action; raises RefusedError, and changes nothing, when it would pass a limit."""
        if self.account(payer.signer, day).reverts > limits.signer_day_reverts:
            raise busy(
                "signer-reverts", "too many of this signer's actions reverted on chain today; try again tomorrow", 86400
            )
        bounds = {
            (payer.signer, day): (limits.signer_day, "signer-budget", "this signer's gas money for today"),
            (payer.signer, FOREVER): (limits.signer_total, "signer-total", "this signer's gas money"),
            (EVERYBODY, day): (limits.day, "day-budget", "the sponsor's gas money for today"),
            (EVERYBODY, FOREVER): (limits.total, "total-budget", "the sponsor's gas money"),
            (CONTRACTS, day): (limits.contracts_day, "contracts-budget", "the gas money for contract accounts today"),
        }
        network = (limits.network_day, "network-budget", "the gas money for your network today")
        for pair in payer.scopes(day):
            limit, code, name = bounds.get(pair, network)
            account = self.account(*pair)
            if account.reserved + account.spent + amount > limit:
                if pair[1] == FOREVER:
                    raise forbidden(code, f"{name} is used up; submit the action from an account of your own")
                raise busy(code, f"{name} is used up or set aside; try again later", 3600)
        for pair in payer.scopes(day):
            account = self.account(*pair)
            self._set(pair, replace(account, reserved=account.reserved + amount, actions=account.actions + 1))

    def settle(self, payer: Payer, day: str, reserved: int, cost: int, reverted: bool) -> None:
        """Turn a reservation into what was really spent; `reverted` counts against the signer for that day."""
        for pair in payer.scopes(day):
            account = self.account(*pair)
            self._set(
                pair,
                replace(
                    account,
                    reserved=account.reserved - reserved,
                    spent=account.spent + cost,
                    reverts=account.reverts + reverted,
                ),
            )

    def _set(self, pair: tuple[str, str], account: Account) -> None:
        self._accounts[pair] = account
        self._touched.add(pair)

    def close(self) -> None:
        """Write what changed."""
        self._change.many(
            "INSERT INTO budgets (scope, period, reserved, spent, reverts, actions) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (scope, period) DO UPDATE SET reserved = excluded.reserved, spent = excluded.spent,"
            " reverts = excluded.reverts, actions = excluded.actions",
            [
                (*pair, str(account.reserved), str(account.spent), account.reverts, account.actions)
                for pair, account in ((pair, self._accounts[pair]) for pair in sorted(self._touched))
            ],
        )
        self._touched.clear()
