# SPDX-License-Identifier: Apache-2.0
"""The durable queue: one row per signed action, from the promise made to a client to its result on chain.

    queued → sent → mined → final        carried out, at confirmation depth
       │       │       └───→ failed      reverted, at confirmation depth
       │       ←───────┘ reorg           a block that held it is gone
       ←───────┘ displaced               its lane nonce went to something else, at confirmation depth
       └─────────────────────→ failed    cannot be sent any more; nothing was spent

Every transition is one SQLite transaction that checks the state it starts from, so whoever comes second finds out
(`ConflictError`) and changes nothing. Times are UTC seconds, amounts wei.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from relayer import ledger
from relayer.problems import busy, conflict
from relayer.records import Action, Attempt, InFlight, Mined, NewAction, action_of, attempt_of

# Idempotency keys remembered for one action; more would let a replayed request fill the disk.
KEYS_PER_ACTION = 16
_OPEN = "state IN ('queued', 'sent', 'mined')"


class ConflictError(RuntimeError):
    """The row is not in the state this step starts from: somebody else took it, or it is over."""


class Queue:
    """All reads and writes of actions. Safe to share between threads, and between processes for reading."""

    def __init__(self, db: sqlite3.Connection, limits: ledger.Limits, *, queue_limit: int, signer_pending: int) -> None:
        self._db = db
        self._lock = threading.RLock()
        self._limits = limits
        self._queue_limit = queue_limit
        self._signer_pending = signer_pending

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One atomic, durable change; rolled back on any exception."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                # A full disk may have ended the transaction already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, sql: str, *args: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, args).fetchall()

    # --- accepting -------------------------------------------------------------------------------------------

    def find(self, action: NewAction) -> Action | None:
        """The row of the same signed action, if there is one.

        Raises RefusedError (409) when the signer used this nonce for something else.
        """
        rows = self._rows(
            "SELECT * FROM actions WHERE signer = ? AND nonce = ? AND contract = ?",
            action.signer, action.nonce, action.contract,
        )  # fmt: skip
        if not rows:
            return None
        if rows[0]["digest"] != action.digest:
            raise conflict(
                "nonce-taken", f"{action.signer} used this nonce for action {rows[0]['id']}; sign with a new nonce"
            )
        return action_of(rows[0])

    def accept(self, new: NewAction, key: str | None, now: int) -> tuple[Action, bool]:
        """Take an action on, or find the row it already has. Returns the row and whether it is new.

        An idempotency `key` stands for one signed action; a request is "another" when it asks for another one.
        Raises RefusedError: key or nonce used for something else (409), queue or budget full (429, 503).
        """
        with self.transaction() as db:
            known = self.find(new)
            if key is not None:
                row = db.execute("SELECT request, action_id FROM idempotency WHERE key = ?", (key,)).fetchone()
                if row is not None and row["request"] != new.request:
                    raise conflict(
                        "idempotency-key", "this Idempotency-Key was used for another request; choose a new one"
                    )
            known_id = self._insert(db, new, now) if known is None else known.id
            if key is not None and row is None:
                self._remember_key(db, key, new.request, known_id)
            return self.get(known_id), known is None

    def _insert(self, db: sqlite3.Connection, new: NewAction, now: int) -> str:
        if db.execute(f"SELECT count(*) FROM actions WHERE {_OPEN}").fetchone()[0] >= self._queue_limit:  # noqa: S608
            raise busy("queue-full", "too many actions are waiting; try again in a minute", 60)
        mine = db.execute(f"SELECT count(*) FROM actions WHERE signer = ? AND {_OPEN}", (new.signer,)).fetchone()[0]  # noqa: S608
        if mine >= self._signer_pending:
            raise busy("signer-pending", f"{mine} actions of this signer are under way; wait for one to finish", 30)
        day = ledger.day_of(now)
        ledger.reserve(db, new.signer, new.by_contract, day, new.reserve, self._limits)
        action_id = uuid.uuid4().hex
        db.execute(
            "INSERT INTO actions (id, kind, signer, nonce, contract, digest, target, calldata, gas_limit, deadline,"
            " by_contract, since_block, state, reserved, budget_day, accepted_at)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,'queued',?,?,?)",
            (action_id, new.kind, new.signer, new.nonce, new.contract, new.digest, new.target, new.calldata,
             new.gas_limit, new.deadline, new.by_contract, new.since_block, str(new.reserve), day, now),
        )  # fmt: skip
        self._note(db, now, action_id, "accepted", f"{new.kind} of {new.signer}")
        return action_id

    @staticmethod
    def _remember_key(db: sqlite3.Connection, key: str, request: str, action_id: str) -> None:
        count = db.execute("SELECT count(*) FROM idempotency WHERE action_id = ?", (action_id,)).fetchone()[0]
        if count >= KEYS_PER_ACTION:
            raise conflict("idempotency-key", f"action {action_id} has been sent under {count} keys; use one of them")
        db.execute("INSERT INTO idempotency VALUES (?, ?, ?)", (key, request, action_id))

    @staticmethod
    def _note(db: sqlite3.Connection, now: int, action_id: str, event: str, detail: str) -> None:
        db.execute(
            "INSERT INTO audit (at, action_id, event, detail) VALUES (?, ?, ?, ?)", (now, action_id, event, detail)
        )

    # --- sending ---------------------------------------------------------------------------------------------

    def next_nonce(self, lane: str, chain_count: int) -> int:
        """The nonce the lane signs next: after the last persisted one, and never one the chain has consumed.

        `chain_count` is the mined transaction count of the lane, not the pending one: a foreign transaction in a
        mempool may vanish, and a nonce skipped for it would be a gap that jams the lane.
        """
        row = self._rows("SELECT max(nonce) FROM transactions WHERE lane = ?", lane)[0]
        return chain_count if row[0] is None else max(chain_count, int(row[0]) + 1)

    def record_send(self, action_id: str, attempt: Attempt, chain_count: int) -> None:
        """Bind a queued action to a lane nonce together with its signed bytes, before they are broadcast.

        Raises ConflictError when the action or the nonce was taken meanwhile: drop the bytes and start over.
        """
        with self.transaction() as db:
            if attempt.nonce != self.next_nonce(attempt.lane, chain_count):
                raise ConflictError(f"nonce {attempt.nonce} of {attempt.lane} is not the next one any more")
            self._step(
                db, action_id, "queued", "state = 'sent', lane = ?, lane_nonce = ?, sent_at = ?, reason = NULL",
                attempt.lane, attempt.nonce, attempt.signed_at,
            )  # fmt: skip
            self._add_attempt(db, action_id, attempt)

    def record_replacement(self, replaced: str, attempt: Attempt) -> None:
        """Persist a dearer transaction for the same nonce and action, before it is broadcast.

        Raises ConflictError unless `replaced` is the newest transaction signed for that nonce.
        """
        with self.transaction() as db:
            row = db.execute(
                "SELECT hash, action_id FROM transactions WHERE lane = ? AND nonce = ? ORDER BY rowid DESC LIMIT 1",
                (attempt.lane, attempt.nonce),
            ).fetchone()
            if row is None or row["hash"] != replaced:
                raise ConflictError(f"nonce {attempt.nonce} of {attempt.lane} has a newer transaction")
            self._add_attempt(db, row["action_id"], attempt)

    def _add_attempt(self, db: sqlite3.Connection, action_id: str, attempt: Attempt) -> None:
        db.execute(
            "INSERT INTO transactions (hash, action_id, lane, nonce, raw, max_fee, priority_fee, signed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (attempt.hash, action_id, attempt.lane, attempt.nonce, attempt.raw, str(attempt.max_fee),
             str(attempt.priority_fee), attempt.signed_at),
        )  # fmt: skip
        detail = f"{attempt.hash} nonce {attempt.nonce} max fee {attempt.max_fee}"
        self._note(db, attempt.signed_at, action_id, "signed", detail)

    def record_broadcast(self, tx_hash: str, answer: str, now: int) -> None:
        """Remember when bytes last went out and what the node said."""
        with self.transaction() as db:
            db.execute("UPDATE transactions SET broadcast_at = ?, answer = ? WHERE hash = ?", (now, answer, tx_hash))

    # --- results ---------------------------------------------------------------------------------------------

    def record_mined(self, action_id: str, mined: Mined, now: int) -> None:
        """A block holds one of the action's transactions (or, after a reorg, another block does)."""
        with self.transaction() as db:
            row = self._row(db, action_id)
            if row["state"] == "mined" and row["block_hash"] == mined.block_hash:
                return
            self._step(
                db, action_id, row["state"] if row["state"] == "mined" else "sent",
                "state = 'mined', tx_hash = ?, block_number = ?, block_hash = ?, succeeded = ?, cost = ?, mined_at = ?",
                mined.tx_hash, mined.block_number, mined.block_hash, mined.succeeded, str(mined.cost), now,
            )  # fmt: skip
            self._note(db, now, action_id, "mined", f"{mined.tx_hash} in block {mined.block_number} {mined.block_hash}")

    def record_unmined(self, action_id: str, now: int) -> None:
        """The block that held the action's transaction is no longer part of the chain."""
        with self.transaction() as db:
            self._step(
                db, action_id, "mined",
                "state = 'sent', tx_hash = NULL, block_number = NULL, block_hash = NULL, succeeded = NULL,"
                " cost = NULL, mined_at = NULL",
            )  # fmt: skip
            self._note(db, now, action_id, "unmined", "its block was reorganised away")

    def finish(self, action_id: str, done: bool, reason: str | None, now: int, *, by: str | None = None) -> None:
        """End a mined action at confirmation depth. `by`: the effect came from this transaction of somebody else."""
        with self.transaction() as db:
            row = self._row(db, action_id)
            self._end(db, row, "mined", done, reason, now, cost=int(row["cost"] or 0), by=by)

    def give_up(self, action_id: str, reason: str, now: int, *, by: str | None = None) -> None:
        """End a queued action that cannot be sent; with `by`, one that somebody else's transaction carried out."""
        with self.transaction() as db:
            self._end(db, self._row(db, action_id), "queued", by is not None, reason, now, cost=0, by=by)

    def requeue(self, action_id: str, reason: str, now: int) -> None:
        """The action's lane nonce was consumed by something else for good: it needs another one."""
        with self.transaction() as db:
            self._step(db, action_id, "sent", "state = 'queued', lane = NULL, lane_nonce = NULL, reason = ?", reason)
            self._note(db, now, action_id, "requeued", reason)

    def _end(
        self, db: sqlite3.Connection, row: sqlite3.Row, state: str, done: bool, reason: str | None, now: int,
        *, cost: int, by: str | None,
    ) -> None:  # fmt: skip
        self._step(
            db, row["id"], state, "state = ?, reason = ?, finished_at = ?, cost = ?, tx_hash = coalesce(?, tx_hash)",
            "final" if done else "failed", reason, now, str(cost), by,
        )  # fmt: skip
        reverted = state == "mined" and not row["succeeded"]
        ledger.settle(
            db, row["signer"], bool(row["by_contract"]), row["budget_day"], int(row["reserved"]), cost, reverted
        )
        self._note(db, now, row["id"], "final" if done else "failed", f"cost {cost}; {reason or 'carried out'}")

    # --- reading ---------------------------------------------------------------------------------------------

    def get(self, action_id: str) -> Action:
        """One action; raises LookupError when there is none."""
        return action_of(self._row(self._db, action_id))

    def of_signer(self, signer: str, limit: int, before: int | None = None) -> list[Action]:
        """A signer's actions, newest first, older than sequence number `before`."""
        rows = self._rows(
            "SELECT * FROM actions WHERE signer = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            signer, before if before is not None else 2**62, limit,
        )  # fmt: skip
        return [action_of(row) for row in rows]

    def waiting(self, limit: int) -> list[Action]:
        """Queued actions, oldest first."""
        rows = self._rows("SELECT * FROM actions WHERE state = 'queued' ORDER BY seq LIMIT ?", limit)
        return [action_of(row) for row in rows]

    def in_flight(self, lane: str) -> list[InFlight]:
        """The lane's actions without a final result, by nonce, each with its transactions, oldest first."""
        rows = self._rows(
            "SELECT * FROM actions WHERE lane = ? AND state IN ('sent', 'mined') ORDER BY lane_nonce", lane
        )
        return [InFlight(action_of(row), self._attempts(row["id"], row["lane_nonce"])) for row in rows]

    def busy_lanes(self) -> list[str]:
        """The lanes with transactions whose result is open."""
        rows = self._rows("SELECT DISTINCT lane FROM actions WHERE state IN ('sent', 'mined') ORDER BY lane")
        return [row[0] for row in rows]

    def newest_from(self, lane: str, nonce: int) -> list[tuple[str, Attempt]]:
        """The newest transaction for each nonce of the lane from `nonce` on, with its action's id."""
        rows = self._rows(
            "SELECT * FROM transactions WHERE rowid IN (SELECT max(rowid) FROM transactions"
            " WHERE lane = ? AND nonce >= ? GROUP BY nonce) ORDER BY nonce",
            lane, nonce,
        )  # fmt: skip
        return [(row["action_id"], attempt_of(row)) for row in rows]

    def is_under_way(self, signer: str) -> bool:
        """Whether an action of the signer is sent and not yet final."""
        sql = "SELECT 1 FROM actions WHERE signer = ? AND state IN ('sent', 'mined') LIMIT 1"
        return bool(self._rows(sql, signer))

    def was_signed(self, action_id: str) -> bool:
        """Whether bytes of the action may be public."""
        return bool(self._attempts(action_id))

    def transactions(self, action_id: str) -> list[Attempt]:
        """Everything that was ever signed for an action, oldest first."""
        return self._attempts(action_id)

    def summary(self, now: int) -> dict[str, object]:
        """Counts by state, the age in seconds of the oldest unfinished action, and gas money."""
        counts = {row[0]: row[1] for row in self._rows("SELECT state, count(*) FROM actions GROUP BY state")}
        oldest = self._rows(f"SELECT min(accepted_at) FROM actions WHERE {_OPEN}")[0][0]  # noqa: S608
        with self._lock:
            day = ledger.used(self._db, ledger.EVERYBODY, ledger.day_of(now))
            total = ledger.used(self._db, ledger.EVERYBODY, ledger.FOREVER)
        return {
            "actions": {state: counts.get(state, 0) for state in ("queued", "sent", "mined", "final", "failed")},
            "oldest_open_seconds": max(0, now - oldest) if oldest is not None else 0,
            "budget": {
                "day": {"reserved": str(day[0]), "spent": str(day[1]), "limit": str(self._limits.day)},
                "total": {"reserved": str(total[0]), "spent": str(total[1]), "limit": str(self._limits.total)},
            },
        }

    def _attempts(self, action_id: str, nonce: int | None = None) -> list[Attempt]:
        rows = self._rows(
            "SELECT * FROM transactions WHERE action_id = ? AND (? IS NULL OR nonce = ?) ORDER BY rowid",
            action_id, nonce, nonce,
        )  # fmt: skip
        return [attempt_of(row) for row in rows]

    def _row(self, db: sqlite3.Connection, action_id: str) -> sqlite3.Row:
        with self._lock:
            row = db.execute("SELECT * FROM actions WHERE id = ?", (action_id,)).fetchone()
        if row is None:
            raise LookupError(f"there is no action {action_id}")
        return row  # type: ignore[no-any-return]

    @staticmethod
    def _step(db: sqlite3.Connection, action_id: str, state: str, change: str, *args: object) -> None:
        sql = f"UPDATE actions SET {change} WHERE id = ? AND state = ?"  # noqa: S608  # `change` is ours, not input
        if db.execute(sql, (*args, action_id, state)).rowcount != 1:
            raise ConflictError(f"action {action_id} is not {state} any more")
