# SPDX-License-Identifier: Apache-2.0
"""Taking actions on: any number of submissions in one durable transaction, each judged for itself.

A commit costs a disk flush. Submissions that arrive while one is under way share the next (`Intake`), so that
durability costs the crowd one flush and the single creator no delay.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relayer import audit, ledger
from relayer.database import Database, Transaction, marks, places
from relayer.problems import RefusedError, busy, conflict, forbidden
from relayer.records import NewAction

# Idempotency keys remembered for one action; more would let a replayed request fill the disk.
KEYS_PER_ACTION = 16
OPEN = "state IN ('queued', 'sent', 'mined')"
_GROUP = 200

Submission = tuple[NewAction, str | None]


@dataclass(frozen=True, slots=True)
class Rules:
    """How much one queue holds."""

    limits: ledger.Limits
    queue_limit: int
    signer_pending: int
    free_actions: int | None = None  # of a signer who has proved nothing; None: nobody is asked for proof


@dataclass(frozen=True, slots=True)
class Accepted:
    """The row of a submission, and whether this submission made it."""

    id: str
    state: str
    created: bool


class _Group:
    """What one transaction has to know about all of its submissions, read in a few queries."""

    def __init__(self, change: Transaction, dialect: str, items: Sequence[Submission], day: str) -> None:
        # First of all: whoever holds the head of this chain is alone with budgets and counts.
        self.log = audit.Log(change, audit.QUEUE, dialect)
        self._change = change
        listed, values = places(sorted({new.key for new, _ in items}))
        rows = change.run(
            f"SELECT * FROM actions WHERE (signer, nonce, contract) IN ({listed})",  # noqa: S608  # only placeholders
            *values,
        )
        self.known = {(row["signer"], row["nonce"], row["contract"]): row for row in rows}
        keys = sorted({key for _, key in items if key is not None})
        self.keys: dict[str, tuple[str, str]] = {}
        if keys:
            sql = f"SELECT key, request, action_id FROM idempotency WHERE key IN ({marks(keys)})"  # noqa: S608
            self.keys = {row["key"]: (row["request"], row["action_id"]) for row in change.run(sql, *keys)}
        self.open = int(change.run(f"SELECT count(*) AS n FROM actions WHERE {OPEN}")[0]["n"])  # noqa: S608
        signers = sorted({new.signer for new, _ in items})
        counts = change.run(
            f"SELECT signer, count(*) AS n FROM actions WHERE {OPEN} AND signer IN ({marks(signers)})"  # noqa: S608
            " GROUP BY signer",
            *signers,
        )
        self.pending = {row["signer"]: int(row["n"]) for row in counts}
        self.stopped = bool(change.run("SELECT 1 AS one FROM meta WHERE name = 'stopped'"))
        found = change.run(f"SELECT address, rule FROM rules WHERE address IN ({marks(signers)})", *signers)  # noqa: S608
        self.rules = {row["address"]: row["rule"] for row in found}
        found = change.run(f"SELECT signer FROM proofs WHERE signer IN ({marks(signers)})", *signers)  # noqa: S608
        self.proved = {row["signer"] for row in found}
        self.books = ledger.Books(change, {pair for new, _ in items for pair in new.payer.scopes(day)})
        self.key_counts: dict[str, int] = {}
        self.new_actions: list[tuple[object, ...]] = []
        self.new_keys: list[tuple[str, str, str]] = []

    def keys_of(self, action_id: str) -> int:
        """How many idempotency keys an action has."""
        if action_id not in self.key_counts:
            sql = "SELECT count(*) AS n FROM idempotency WHERE action_id = ?"
            self.key_counts[action_id] = int(self._change.run(sql, action_id)[0]["n"])
        return self.key_counts[action_id]

    def close(self) -> None:
        """Write everything."""
        self._change.many(
            "INSERT INTO actions (id, kind, signer, nonce, contract, digest, target, calldata, gas_limit, deadline,"
            " by_contract, network, since_block, state, reserved, budget_day, accepted_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?)",
            self.new_actions,
        )
        self._change.many("INSERT INTO idempotency VALUES (?, ?, ?)", self.new_keys)
        self.books.close()
        self.log.close()


def accept_many(
    database: Database, rules: Rules, items: Sequence[Submission], now: int
) -> list[Accepted | RefusedError]:
    """Take actions on, or find the rows they already have; what is refused leaves nothing. Raises StorageError."""
    results: list[Accepted | RefusedError] = []
    for start in range(0, len(items), _GROUP):
        part = items[start : start + _GROUP]
        day = ledger.day_of(now)
        with database.transaction() as change:
            group = _Group(change, database.dialect, part, day)
            found = [_accept(group, rules, new, key, day, now) for new, key in part]
            group.close()
        results += found
    return results


def _accept(
    group: _Group, rules: Rules, new: NewAction, key: str | None, day: str, now: int
) -> Accepted | RefusedError:
    try:
        known = group.known.get(new.key)
        if known is not None:
            same_action(known["digest"], known["id"], new)
        if key is not None and key in group.keys:
            if group.keys[key][0] != new.request:
                raise conflict("idempotency-key", "this Idempotency-Key was used for another request; choose a new one")
            key = None
        if known is not None:
            if key is not None:
                _remember(group, key, new, known["id"])
            return Accepted(known["id"], known["state"], created=False)
        _check_sponsor(group, rules, new)
        if group.open >= rules.queue_limit:
            raise busy("queue-full", "too many actions are waiting; try again in a minute", 60)
        mine = group.pending.get(new.signer, 0)
        if mine >= rules.signer_pending:
            raise busy("signer-pending", f"{mine} actions of this signer are under way; wait for one to finish", 30)
        group.books.reserve(new.payer, day, new.reserve, rules.limits)
    except RefusedError as refusal:
        return refusal
    action_id = uuid.uuid4().hex
    group.open += 1
    group.pending[new.signer] = mine + 1
    group.known[new.key] = {"id": action_id, "digest": new.digest, "state": "queued"}
    group.key_counts[action_id] = 0
    group.new_actions.append(
        (action_id, new.kind, new.signer, new.nonce, new.contract, new.digest, new.target, new.calldata,
         new.gas_limit, new.deadline, int(new.by_contract), new.network, new.since_block, str(new.reserve), day, now)
    )  # fmt: skip
    group.log.note(now, action_id, "accepted", f"{new.kind} of {new.signer}")
    if key is not None:
        _remember(group, key, new, action_id)
    return Accepted(action_id, "queued", created=True)


def _check_sponsor(group: _Group, rules: Rules, new: NewAction) -> None:
    """What the operator decided while the relayer runs, and whether a newcomer has to prove something first."""
    if group.stopped:
        raise busy("stopped", "the relayer accepts nothing at the moment; try again later", 600)
    if group.rules.get(new.signer) == "deny":
        raise forbidden("denied", f"{new.signer} is not served here; submit the action yourself")
    known = new.signer in group.proved or group.rules.get(new.signer) == "allow"
    if rules.free_actions is None or known:
        return
    if group.books.account(new.signer, ledger.FOREVER).actions >= rules.free_actions:
        raise forbidden(
            "proof-needed",
            f"the first {rules.free_actions} actions were free; prove that you are one of a kind at /v1/proofs, "
            "then send this again",
        )


def same_action(digest: str, action_id: str, new: NewAction) -> None:
    """Raises RefusedError (409) when the signer used this nonce for something else."""
    if digest != new.digest:
        raise conflict("nonce-taken", f"{new.signer} used this nonce for action {action_id}; sign with a new nonce")


def _remember(group: _Group, key: str, new: NewAction, action_id: str) -> None:
    count = group.keys_of(action_id)
    if count >= KEYS_PER_ACTION:
        raise conflict("idempotency-key", f"action {action_id} has been sent under {count} keys; use one of them")
    group.key_counts[action_id] = count + 1
    group.keys[key] = (new.request, action_id)
    group.new_keys.append((key, new.request, action_id))


class Intake:
    """Gathers what arrives while a commit is under way."""

    def __init__(self, database: Database, rules: Rules, clock: Callable[[], float]) -> None:
        self._database, self._rules, self._clock = database, rules, clock
        self._waiting: list[tuple[Submission, asyncio.Future[Accepted]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def accept(self, new: NewAction, key: str | None) -> Accepted:
        """Returns when the row is on disk. Raises RefusedError, StorageError."""
        answer: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._waiting.append(((new, key), answer))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="intake")
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            part, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
            items, now = [item for item, _ in part], int(self._clock())
            try:
                results = await asyncio.to_thread(accept_many, self._database, self._rules, items, now)
            except Exception as error:
                for _, answer in part:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), result in zip(part, results, strict=True):
                if answer.done():
                    continue  # its client went away
                if isinstance(result, RefusedError):
                    answer.set_exception(result)
                else:
                    answer.set_result(result)
