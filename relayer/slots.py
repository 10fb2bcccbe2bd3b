# SPDX-License-Identifier: Apache-2.0
"""What the worker of a lane changes: which action goes under which nonce, and what became of it.

Every change proves in its own transaction that the lane is still this worker's (the epoch), so that one who was taken
for dead and comes back writes nothing. Nonce, signed bytes and rows are one transaction, before anything is broadcast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from relayer import audit, ledger
from relayer.database import Database, Hold, LaneLock, Transaction, marks
from relayer.records import Action, Attempt, Dispatch, InFlight, Mined, Verdict, action_of, attempt_of

_UNDER_WAY = "state IN ('sent', 'mined')"


class ConflictError(RuntimeError):
    """The row is not in the state this step starts from: somebody else took it, or it is over."""


class LostLaneError(ConflictError):
    """Another worker became this lane's."""


class Claim:
    """Queued actions that no other lane is given meanwhile; a context manager."""

    def __init__(self, slots: Slots, hold: Hold) -> None:
        self._slots, self._hold = slots, hold
        self.actions = [action_of(row) for row in hold.rows]

    def commit(
        self,
        now: int,
        *,
        dispatches: Sequence[Dispatch] = (),
        verdicts: Sequence[Verdict] = (),
        waits: Sequence[tuple[str, int]] = (),
        chain_count: int = 0,
    ) -> None:
        """Persist what becomes of the claimed actions, all of it or nothing.

        dispatches: signed transactions under the lane's next nonces. verdicts: actions that end unsent. waits: action
        and time before which it is not looked at again. chain_count: of `Slots.next_nonce`.
        Raises ConflictError when a nonce or a place in a signer's order was taken meanwhile: drop the bytes.
        """
        slots = self._slots
        with self._hold.transaction(durable=bool(dispatches or verdicts)) as change:
            slots.fence(change)
            if dispatches:
                slots.bind(change, dispatches, chain_count)
            if waits:
                change.many(
                    "UPDATE actions SET wait_until = ? WHERE id = ? AND state = 'queued'",
                    [(until, action_id) for action_id, until in waits],
                )
            if verdicts:
                slots.end(change, "queued", verdicts, now)

    def release(self) -> None:
        """Let other lanes have what was not sent. Safe to call twice."""
        self._hold.release()

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Slots:
    """One lane's part of the queue. Used by one worker."""

    def __init__(self, database: Database, lane: str, epoch: int, lock: LaneLock) -> None:
        self._database, self.lane, self._epoch, self._lock = database, lane, epoch, lock

    def is_held(self) -> bool:
        """Whether the lane is still ours, as far as one can know."""
        return self._lock.is_held()

    def close(self) -> None:
        """Let another worker have the lane."""
        self._lock.release()

    @contextmanager
    def _transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        with self._database.transaction(durable=durable) as change:
            self.fence(change)
            yield change

    def fence(self, change: Transaction) -> None:
        """Hold the lane until the transaction ends. Raises LostLaneError when it is another worker's."""
        lock = " FOR UPDATE" if self._database.dialect == "postgresql" else ""
        rows = change.run(f"SELECT epoch FROM lanes WHERE address = ?{lock}", self.lane)  # noqa: S608
        if not rows or rows[0]["epoch"] != self._epoch:
            raise LostLaneError(f"another worker has lane {self.lane} now")

    # --- sending ---------------------------------------------------------------------------------------------

    def claim(self, limit: int, now: int) -> Claim:
        """Queued actions, oldest first, for this lane alone until the claim is committed or left.

        What rests on a transaction of the same signer that is out on another lane waits for it: lanes have no order
        among each other.
        """
        hold = self._database.hold(
            "SELECT a.* FROM actions a WHERE a.state = 'queued' AND a.wait_until <= ? AND NOT EXISTS"
            " (SELECT 1 FROM actions b WHERE b.signer = a.signer AND b.state = 'sent' AND b.lane <> ?"
            " AND b.seq < a.seq) ORDER BY a.seq",
            now, self.lane, limit=limit,
        )  # fmt: skip
        return Claim(self, hold)

    def next_nonce(self, chain_count: int, change: Transaction | None = None) -> int:
        """The nonce the lane signs next: after the last persisted one, and never one the chain has consumed.

        `chain_count` is the mined transaction count of the lane, not the pending one: a foreign transaction in a
        mempool may vanish, and a nonce skipped for it would be a gap that jams the lane.
        """
        read = self._database.read if change is None else change.run
        last = read("SELECT max(nonce) AS n FROM transactions WHERE lane = ?", self.lane)[0]["n"]
        return chain_count if last is None else max(chain_count, int(last) + 1)

    def bind(self, change: Transaction, dispatches: Sequence[Dispatch], chain_count: int) -> None:
        """Bind queued actions to the lane's next nonces together with the signed bytes."""
        expected = self.next_nonce(chain_count, change)
        log = audit.Log(change, self.lane, self._database.dialect)
        moves = []
        for dispatch in dispatches:
            attempt = dispatch.attempt
            if attempt.lane != self.lane or attempt.nonce != expected:
                raise ConflictError(f"nonce {attempt.nonce} of {attempt.lane} is not the next one any more")
            expected += 1
            for place, action_id in enumerate(dispatch.action_ids):
                moves.append((self.lane, attempt.nonce, place, attempt.signed_at, action_id, self.lane))
                log.note(attempt.signed_at, action_id, "signed", _words(attempt))
        changed = change.many(
            "UPDATE actions SET state = 'sent', lane = ?, lane_nonce = ?, place = ?, sent_at = ?, reason = NULL"
            " WHERE id = ? AND state = 'queued' AND NOT EXISTS (SELECT 1 FROM actions b WHERE"
            " b.signer = actions.signer AND b.state = 'sent' AND b.lane <> ? AND b.seq < actions.seq)",
            moves,
        )
        if changed != len(moves):
            raise ConflictError("an action is not queued any more, or has to wait for another lane")
        self._add(change, [dispatch.attempt for dispatch in dispatches])
        change.many(
            "INSERT INTO cargo VALUES (?, ?, ?, ?)",
            [
                (self.lane, dispatch.attempt.nonce, place, action_id)
                for dispatch in dispatches
                for place, action_id in enumerate(dispatch.action_ids)
            ],
        )
        log.close()

    def record_replacement(self, replaced: str, attempt: Attempt) -> None:
        """Persist a dearer transaction for the same nonce and cargo, or one that cancels it, before it is broadcast.

        Raises ConflictError unless `replaced` is the newest transaction signed for that nonce.
        """
        with self._transaction() as change:
            rows = change.run(
                "SELECT hash FROM transactions WHERE lane = ? AND nonce = ? ORDER BY seq DESC LIMIT 1",
                self.lane, attempt.nonce,
            )  # fmt: skip
            if not rows or rows[0]["hash"] != replaced:
                raise ConflictError(f"nonce {attempt.nonce} of {self.lane} has a newer transaction")
            self._add(change, [attempt])
            log = audit.Log(change, self.lane, self._database.dialect)
            log.note(attempt.signed_at, None, "cancelling" if attempt.cancels else "replaced", _words(attempt))
            log.close()

    def _add(self, change: Transaction, attempts: Sequence[Attempt]) -> None:
        change.many(
            "INSERT INTO transactions (hash, lane, nonce, cancels, raw, max_fee, priority_fee, signed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (item.hash, item.lane, item.nonce, int(item.cancels), item.raw, str(item.max_fee),
                 str(item.priority_fee), item.signed_at)
                for item in attempts
            ],
        )  # fmt: skip

    def record_broadcasts(self, answers: Sequence[tuple[str, str]], now: int) -> None:
        """Remember when bytes (by hash) last went out and what the node said. Not worth a disk flush."""
        with self._transaction(durable=False) as change:
            change.many(
                "UPDATE transactions SET broadcast_at = ?, answer = ? WHERE hash = ?",
                [(now, answer[:500], tx_hash) for tx_hash, answer in answers],
            )

    # --- results ---------------------------------------------------------------------------------------------

    def record_mined(self, items: Sequence[tuple[InFlight, Mined]], now: int) -> None:
        """Blocks hold transactions of these slots (or, after a reorg, other blocks do)."""
        with self._transaction() as change:
            log = audit.Log(change, self.lane, self._database.dialect)
            for item, mined in items:
                for action, result in zip(item.actions, mined.results, strict=True):
                    if action.state == "mined" and action.block_hash == mined.block_hash:
                        continue
                    _step(
                        change, action.id, action.state if action.state == "mined" else "sent",
                        "state = 'mined', tx_hash = ?, block_number = ?, block_hash = ?, succeeded = ?, cost = ?,"
                        " reason = ?, mined_at = ?",
                        mined.tx_hash, mined.block_number, mined.block_hash,
                        None if result.succeeded is None else int(result.succeeded), str(result.cost),
                        result.reason, now,
                    )  # fmt: skip
                    where = f"{mined.tx_hash} in block {mined.block_number} {mined.block_hash}"
                    log.note(now, action.id, "mined", where)
            log.close()

    def record_unmined(self, item: InFlight, now: int) -> None:
        """The block that held the slot's transaction is no longer part of the chain."""
        with self._transaction() as change:
            log = audit.Log(change, self.lane, self._database.dialect)
            for action in item.actions:
                _step(
                    change, action.id, "mined",
                    "state = 'sent', tx_hash = NULL, block_number = NULL, block_hash = NULL, succeeded = NULL,"
                    " cost = NULL, reason = NULL, mined_at = NULL",
                )  # fmt: skip
                log.note(now, action.id, "unmined", "its block was reorganised away")
            log.close()

    def finish(self, verdicts: Sequence[Verdict], now: int) -> None:
        """End mined actions at confirmation depth."""
        with self._transaction() as change:
            self.end(change, "mined", verdicts, now)

    def requeue(self, item: InFlight, reason: str, now: int) -> None:
        """The slot's nonce was consumed by something else for good: its actions need another one."""
        with self._transaction() as change:
            log = audit.Log(change, self.lane, self._database.dialect)
            for action in item.actions:
                free = "state = 'queued', lane = NULL, lane_nonce = NULL, place = NULL, reason = ?"
                _step(change, action.id, "sent", free, reason)
                log.note(now, action.id, "requeued", reason)
            log.close()

    def end(self, change: Transaction, state: str, verdicts: Sequence[Verdict], now: int) -> None:
        """End actions that are in `state`, and settle their gas money."""
        names = [verdict.action_id for verdict in verdicts]
        rows = change.run(f"SELECT * FROM actions WHERE id IN ({marks(names)})", *names)  # noqa: S608
        actions = {row["id"]: action_of(row) for row in rows}
        log = audit.Log(change, audit.QUEUE, self._database.dialect)
        books = ledger.Books(change, {pair for a in actions.values() for pair in a.payer.scopes(a.budget_day)})
        for verdict in verdicts:
            action = actions[verdict.action_id]
            cost = (action.cost or 0) if state == "mined" else 0
            ending = "final" if verdict.done else "failed"
            _step(
                change, action.id, state,
                "state = ?, reason = ?, finished_at = ?, cost = ?, tx_hash = coalesce(?, tx_hash)",
                ending, verdict.reason, now, str(cost), verdict.by,
            )  # fmt: skip
            reverted = state == "mined" and action.succeeded is False
            books.settle(action.payer, action.budget_day, action.reserved, cost, reverted)
            log.note(now, action.id, ending, f"cost {cost}; {verdict.reason or 'carried out'}")
        books.close()
        log.close()

    # --- reading ---------------------------------------------------------------------------------------------

    def in_flight(self) -> list[InFlight]:
        """The slots that carry actions without a final result, by nonce."""
        sql = f"SELECT * FROM actions WHERE lane = ? AND {_UNDER_WAY} ORDER BY lane_nonce, place"  # noqa: S608
        slots: dict[int, list[Action]] = {}
        for row in self._database.read(sql, self.lane):
            slots.setdefault(row["lane_nonce"], []).append(action_of(row))
        if not slots:
            return []
        attempts = self._attempts(min(slots))
        return [InFlight(tuple(actions), tuple(attempts[nonce])) for nonce, actions in slots.items()]

    def load(self) -> tuple[int, int]:
        """How many slots no block has taken, and the most in wei they may still cost."""
        rows = self._database.read(
            "SELECT s.gas, (SELECT t.max_fee FROM transactions t WHERE t.lane = ? AND t.nonce = s.lane_nonce"
            " ORDER BY t.seq DESC LIMIT 1) AS max_fee FROM (SELECT lane_nonce, sum(gas_limit) AS gas FROM actions"
            " WHERE lane = ? AND state = 'sent' GROUP BY lane_nonce) s",
            self.lane, self.lane,
        )  # fmt: skip
        return len(rows), sum(int(row["gas"]) * int(row["max_fee"]) for row in rows)

    def slots_from(self, nonce: int) -> list[InFlight]:
        """Every slot of the lane from `nonce` on without its actions: all that was ever signed for it."""
        return [InFlight((), tuple(found)) for _, found in sorted(self._attempts(nonce).items())]

    def _attempts(self, nonce: int) -> dict[int, list[Attempt]]:
        found: dict[int, list[Attempt]] = {}
        sql = "SELECT * FROM transactions WHERE lane = ? AND nonce >= ? ORDER BY nonce, seq"
        for row in self._database.read(sql, self.lane, nonce):
            found.setdefault(row["nonce"], []).append(attempt_of(row))
        return found


def _words(attempt: Attempt) -> str:
    return f"{attempt.hash} nonce {attempt.nonce} max fee {attempt.max_fee}"


def _step(change: Transaction, action_id: str, state: str, what: str, *values: object) -> None:
    sql = f"UPDATE actions SET {what} WHERE id = ? AND state = ?"  # noqa: S608  # `what` is ours, not input
    if change.change(sql, *values, action_id, state) != 1:
        raise ConflictError(f"action {action_id} is not {state} any more")
