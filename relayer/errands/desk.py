# SPDX-License-Identifier: Apache-2.0
"""From "this is owed" to a row of the queue, once for each need, however many keepers decide it and wherever they die.

All that is remembered is in the queue. A need is an account in a state: `marker` changes whenever money leaves it. Its
row's natural key is need and attempt, so that two keepers that see the same need write the same row; and no account
has two open rows. A need that a payout did not settle is tried again after a pause that doubles with each attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eth_utils.crypto import keccak

from relayer import ledger
from relayer.database import Database, Row
from relayer.intake import OPEN, Rules, accept_many
from relayer.problems import RefusedError
from relayer.records import NewAction

_REMEMBERED = 64  # of an account's newest rows: more than the pause ever needs


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds: between two payouts of one account; after one that did not help, at first and at most."""

    interval: int
    backoff: int
    most: int


@dataclass(frozen=True, slots=True)
class Need:
    """Something that is owed, as seen on chain. `subject` is whom or what it concerns; one at a time is under way."""

    subject: str
    marker: str
    asked: int | None = None  # the number of the newest request for it that was known when it was seen

    @property
    def digest(self) -> bytes:
        """Names the need; bytes32."""
        return keccak(text=f"{self.subject}|{self.marker}")

    def key(self, attempt: int) -> str:
        """The natural key's nonce; bytes32 hex."""
        return "0x" + keccak(self.digest + attempt.to_bytes(32, "big")).hex()


@dataclass(frozen=True, slots=True)
class Turn:
    """A need whose time has come: how often it was tried before, and up to which number requests are answered."""

    need: Need
    attempt: int
    answered: int

    @property
    def asked(self) -> bool:
        """Whether somebody asked for it since."""
        return self.is_new(self.need.asked)

    def is_new(self, request: int | None) -> bool:
        """Whether a request (by its number) is still to be answered."""
        return request is not None and request > self.answered


@dataclass(frozen=True, slots=True)
class Order:
    """The call that settles a need."""

    kind: str
    target: str
    calldata: bytes
    gas_limit: int
    reserve: int  # the most it can cost, in wei


class Desk:
    """Decides whose turn it is, and writes what is to be done into the queue."""

    def __init__(
        self, database: Database, rules: Rules, pause: Pause, patience: int, clock: Callable[[], float]
    ) -> None:
        """rules: with one open action for each signer, for subjects are what the queue calls signers."""
        self._database, self._rules, self._pause = database, rules, pause
        self._patience, self._clock = patience, clock
        self.refusals: dict[str, int] = {}  # code → how often since the start

    async def turn(self, need: Need, head: int) -> Turn | None:
        """Whether something may be done about a need now. head: the block it was seen in."""
        rows = await asyncio.to_thread(self._rows, need.subject)
        return self._judge(need, rows, head)

    def _rows(self, subject: str) -> list[Row]:
        return self._database.read(
            "SELECT state, digest, finished_at, block_number, since_block FROM actions WHERE signer = ?"
            " ORDER BY seq DESC LIMIT ?",
            subject, _REMEMBERED,
        )  # fmt: skip

    def _judge(self, need: Need, rows: Sequence[Row], head: int) -> Turn | None:
        if any(row["finished_at"] is None for row in rows):
            return None
        # A node that is behind the block of the last payout shows what was owed before it.
        if any((row["block_number"] or 0) > head for row in rows):
            return None
        digest = "0x" + need.digest.hex()
        attempt = sum(row["digest"] == digest for row in rows)
        # A request is answered by a payout that was decided knowing it; times would not tell which came first.
        answered = max((row["since_block"] for row in rows if row["state"] == "final"), default=0)
        turn = Turn(need, attempt, answered)
        if rows:
            last = rows[0]["finished_at"]
            wait = self._pause.backoff << (attempt - 1) if attempt else 0 if turn.asked else self._pause.interval
            if wait and int(self._clock()) < last + min(wait, self._pause.most):
                return None
        return turn

    async def order(self, turn: Turn, order: Order) -> str | None:
        """Write what is to be done; returns the row's id, None when budgets or an operator forbid it now."""
        now = int(self._clock())
        need = turn.need
        new = NewAction(
            kind=order.kind,
            signer=need.subject,
            nonce=need.key(turn.attempt),
            contract=order.target,
            digest="0x" + need.digest.hex(),
            target=order.target,
            calldata=order.calldata,
            gas_limit=order.gas_limit,
            deadline=now + self._patience,
            by_contract=turn.asked,  # the ledger's common account is that of everything that was asked for
            reserve=order.reserve,
            since_block=need.asked or 0,
        )
        (result,) = await asyncio.to_thread(accept_many, self._database, self._rules, [(new, None)], now)
        if isinstance(result, RefusedError):
            self.refusals[result.code] = self.refusals.get(result.code, 0) + 1
            return None
        return result.id

    def open(self) -> int:
        """How many rows have no result yet."""
        return int(self._database.read(f"SELECT count(*) AS n FROM actions WHERE {OPEN}")[0]["n"])  # noqa: S608

    def totals(self) -> Mapping[tuple[str, str], int]:
        """Rows by kind and state."""
        rows = self._database.read("SELECT kind, state, count(*) AS n FROM actions GROUP BY kind, state")
        return {(row["kind"], row["state"]): int(row["n"]) for row in rows}

    def spent(self, period: str) -> ledger.Account:
        """What all errands of a day (or `ledger.FOREVER`) cost."""
        return ledger.used(self._database, ledger.EVERYBODY, period)
