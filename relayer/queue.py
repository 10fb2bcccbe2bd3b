# SPDX-License-Identifier: Apache-2.0
"""The durable queue: one row per signed action, from the promise made to a client to its result on chain.

    queued → sent → mined → final        carried out, at confirmation depth
       │       │       └───→ failed      reverted, at confirmation depth
       │       ←───────┘ reorg           a block that held it is gone
       ←───────┘ displaced               its lane nonce went to something else, at confirmation depth
       └─────────────────────→ failed    cannot be sent any more; nothing was spent

Every transition is one database transaction that checks the state it starts from, so whoever comes second finds out
(`ConflictError`) and changes nothing. What a lane changes is in `relayer.slots`. Times are UTC seconds, amounts wei.
"""

from __future__ import annotations

from relayer import ledger
from relayer.database import Database
from relayer.intake import OPEN, Rules, accept_many
from relayer.problems import RefusedError
from relayer.records import Action, Attempt, NewAction, action_of, attempt_of
from relayer.slots import ConflictError, LostLaneError, Slots

STATES = ("queued", "sent", "mined", "final", "failed")


class Queue:
    """All reads of actions, and accepting them. Safe to share between threads."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self.database = database
        self.rules = rules

    # --- accepting -------------------------------------------------------------------------------------------

    def accept(self, new: NewAction, key: str | None, now: int) -> tuple[Action, bool]:
        """Take an action on, or find the row it already has. Returns the row and whether it is new.

        An idempotency `key` stands for one signed action; a request is "another" when it asks for another one.
        Raises RefusedError: key or nonce used for something else (409), queue or budget full (429, 503).
        """
        (result,) = accept_many(self.database, self.rules, [(new, key)], now)
        if isinstance(result, RefusedError):
            raise result
        return self.get(result.id), result.created

    # --- lanes -----------------------------------------------------------------------------------------------

    def open_lane(self, address: str, owner: str, now: int) -> Slots | None:
        """Become the worker of a lane; None while somebody else is. Whoever was it before can change nothing more.

        owner: who asks, for operators to read.
        """
        lock = self.database.lock_lane(address)
        if lock is None:
            return None
        try:
            with self.database.transaction() as change:
                change.change("INSERT INTO lanes VALUES (?, 0, ?, ?) ON CONFLICT DO NOTHING", address, owner, now)
                change.change(
                    "UPDATE lanes SET epoch = epoch + 1, owner = ?, since = ? WHERE address = ?", owner, now, address
                )
                epoch = change.run("SELECT epoch FROM lanes WHERE address = ?", address)[0]["epoch"]
        except BaseException:
            lock.release()
            raise
        return Slots(self.database, address, int(epoch), lock)

    def is_stopped(self) -> bool:
        """Whether an operator stopped all relayers of this queue."""
        return bool(self.database.read("SELECT 1 AS one FROM meta WHERE name = 'stopped'"))

    def busy_lanes(self) -> list[str]:
        """The lanes with transactions whose result is open."""
        rows = self.database.read("SELECT DISTINCT lane FROM actions WHERE state IN ('sent', 'mined') ORDER BY lane")
        return [row["lane"] for row in rows]

    def owners(self) -> dict[str, str]:
        """Who last became the worker of each lane."""
        return {row["address"]: row["owner"] for row in self.database.read("SELECT address, owner FROM lanes")}

    # --- reading ---------------------------------------------------------------------------------------------

    def get(self, action_id: str) -> Action:
        """One action; raises LookupError when there is none."""
        rows = self.database.read("SELECT * FROM actions WHERE id = ?", action_id)
        if not rows:
            raise LookupError(f"there is no action {action_id}")
        return action_of(rows[0])

    def of_signer(self, signer: str, limit: int, before: int | None = None) -> list[Action]:
        """A signer's actions, newest first, older than sequence number `before`."""
        rows = self.database.read(
            "SELECT * FROM actions WHERE signer = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            signer, before if before is not None else 2**62, limit,
        )  # fmt: skip
        return [action_of(row) for row in rows]

    def waiting(self, limit: int) -> list[Action]:
        """Queued actions, oldest first."""
        rows = self.database.read("SELECT * FROM actions WHERE state = 'queued' ORDER BY seq LIMIT ?", limit)
        return [action_of(row) for row in rows]

    def has_earlier(self, action: Action) -> bool:
        """Whether an older action of the same signer has no result yet."""
        sql = f"SELECT 1 AS one FROM actions WHERE signer = ? AND seq < ? AND {OPEN} LIMIT 1"  # noqa: S608
        return bool(self.database.read(sql, action.signer, action.seq))

    def was_signed(self, action_id: str) -> bool:
        """Whether bytes of the action may be public."""
        return bool(self.database.read("SELECT 1 AS one FROM cargo WHERE action_id = ? LIMIT 1", action_id))

    def transactions(self, action_id: str) -> list[Attempt]:
        """Everything that was ever signed for an action, oldest first."""
        rows = self.database.read(
            "SELECT t.* FROM transactions t JOIN cargo c ON c.lane = t.lane AND c.nonce = t.nonce"
            " WHERE c.action_id = ? ORDER BY t.seq",
            action_id,
        )
        return [attempt_of(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Actions by state."""
        rows = self.database.read("SELECT state, count(*) AS n FROM actions GROUP BY state")
        found = {row["state"]: int(row["n"]) for row in rows}
        return {state: found.get(state, 0) for state in STATES}

    def oldest_open(self, now: int) -> int:
        """The age in seconds of the oldest unfinished action; 0 without one."""
        oldest = self.database.read(f"SELECT min(accepted_at) AS at FROM actions WHERE {OPEN}")[0]["at"]  # noqa: S608
        return max(0, now - oldest) if oldest is not None else 0

    def summary(self, now: int) -> dict[str, object]:
        """Counts by state, the age in seconds of the oldest unfinished action, and gas money."""
        limits = self.rules.limits
        day = ledger.used(self.database, ledger.EVERYBODY, ledger.day_of(now))
        total = ledger.used(self.database, ledger.EVERYBODY, ledger.FOREVER)
        return {
            "actions": self.counts(),
            "oldest_open_seconds": self.oldest_open(now),
            "budget": {
                "day": {"reserved": str(day.reserved), "spent": str(day.spent), "limit": str(limits.day)},
                "total": {"reserved": str(total.reserved), "spent": str(total.spent), "limit": str(limits.total)},
            },
        }


__all__ = ["STATES", "ConflictError", "LostLaneError", "Queue"]
