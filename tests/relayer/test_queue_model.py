# SPDX-License-Identifier: Apache-2.0
"""The queue against a model in plain Python: any order of requests, sends, results, reorgs and restarts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from relayer import ledger
from relayer.problems import RefusedError
from relayer.queue import ConflictError, Queue
from relayer.records import Attempt, Mined, NewAction
from relayer.schema import connect

LANE = "0x" + "aa" * 20
LIMITS = ledger.Limits(signer_day=30, signer_total=60, contracts_day=25, day=70, total=90, signer_day_reverts=1)
SIGNERS = ["0x" + f"{number:02x}" * 20 for number in (1, 2, 3)]
DAY = "1970-01-01"


@dataclass
class Row:
    """What the model knows of an action."""

    new: NewAction
    state: str = "queued"
    nonce: int | None = None
    hashes: list[str] = field(default_factory=list)
    succeeded: bool = True
    cost: int = 0


class QueueMachine(RuleBasedStateMachine):
    """Drives the queue; `rows` is what should be in it."""

    ids = Bundle("ids")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "queue.sqlite"
        self.rows: dict[str, Row] = {}
        self.keys: dict[str, str] = {}
        self.next_nonce = 0
        self.count = 0  # of transactions signed
        self.open()

    def open(self) -> None:
        self.db = connect(self.path)
        self.queue = Queue(self.db, LIMITS, queue_limit=6, signer_pending=3)

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.db.close()
            self.folder.cleanup()

    def held(self, scope: str) -> tuple[int, int]:
        """Reserved and spent by the model's account."""
        rows = [
            row for row in self.rows.values()
            if scope in (ledger.EVERYBODY, row.new.signer) or (scope == ledger.CONTRACTS and row.new.by_contract)
        ]  # fmt: skip
        return (
            sum(row.new.reserve for row in rows if row.state not in ("final", "failed")),
            sum(row.cost for row in rows if row.state in ("final", "failed")),
        )

    def reverts(self, signer: str) -> int:
        return sum(
            row.state == "failed" and not row.succeeded for row in self.rows.values() if row.new.signer == signer
        )

    @rule(
        target=ids,
        signer=st.sampled_from(SIGNERS),
        nonce=st.integers(0, 6),
        digest=st.integers(0, 1),
        reserve=st.integers(1, 12),
        by_contract=st.booleans(),
        key=st.none() | st.sampled_from(["k1", "k2", "k3"]),
    )
    def accept(self, signer: str, nonce: int, digest: int, reserve: int, by_contract: bool, key: str | None) -> object:
        new = NewAction(
            "onboard", signer, f"0x{nonce:064x}", "0xC", f"0x{digest:064x}", "0xC", b"call", 7, 99, by_contract,
            reserve, 0,
        )  # fmt: skip
        same = [name for name, row in self.rows.items() if (row.new.signer, row.new.nonce) == (signer, new.nonce)]
        known = self.rows[same[0]] if same else None
        is_open = [row for row in self.rows.values() if row.state not in ("final", "failed")]
        used_up = any(
            sum(self.held(scope)) + reserve > limit
            for scope, limit in (
                (signer, 30), (ledger.EVERYBODY, 70), *([(ledger.CONTRACTS, 25)] if by_contract else []),
            )
        )  # fmt: skip
        expected = None
        if known is not None and known.new.digest != new.digest:
            expected = {"nonce-taken"}
        elif key in self.keys and self.keys[key] != new.request:
            expected = {"idempotency-key"}
        elif known is None and len(is_open) >= 6:
            expected = {"queue-full"}
        elif known is None and sum(row.new.signer == signer for row in is_open) >= 3:
            expected = {"signer-pending"}
        elif known is None and self.reverts(signer) > LIMITS.signer_day_reverts:
            expected = {"signer-reverts"}
        elif known is None and used_up:
            expected = {"signer-budget", "day-budget", "contracts-budget", "signer-total", "total-budget"}
        if expected is not None:
            with pytest.raises(RefusedError) as error:
                self.queue.accept(new, key, 5)
            assert error.value.code in expected
            return multiple()
        action, created = self.queue.accept(new, key, 5)
        assert created == (known is None)
        if key is not None:
            self.keys[key] = new.request
        if known is not None:
            assert action.id == same[0]
            return multiple()
        self.rows[action.id] = Row(new)
        return action.id

    def attempt(self, nonce: int) -> Attempt:
        self.count += 1
        return Attempt(LANE, nonce, f"0x{self.count:064x}", self.count.to_bytes(4, "big"), self.count, 1, 6)

    @rule(name=ids, stale=st.booleans())
    def send(self, name: str, stale: bool) -> None:
        row = self.rows[name]
        nonce = self.queue.next_nonce(LANE, 0)
        assert nonce == self.next_nonce
        attempt = self.attempt(nonce - 1 if stale and nonce else nonce)
        if attempt.nonce != nonce or row.state != "queued":
            with pytest.raises(ConflictError):
                self.queue.record_send(name, attempt, 0)
            return
        self.queue.record_send(name, attempt, 0)
        row.state, row.nonce, row.hashes = "sent", nonce, [attempt.hash]
        self.next_nonce += 1

    @rule(name=ids, stale=st.booleans())
    def replace(self, name: str, stale: bool) -> None:
        row = self.rows[name]
        if row.nonce is None:
            return
        attempt = self.attempt(row.nonce)
        if stale and len(row.hashes) > 1:
            with pytest.raises(ConflictError):
                self.queue.record_replacement(row.hashes[0], attempt)
            return
        self.queue.record_replacement(row.hashes[-1], attempt)
        row.hashes.append(attempt.hash)

    @rule(name=ids, which=st.integers(0, 3), succeeded=st.booleans(), block=st.integers(1, 3))
    def mine(self, name: str, which: int, succeeded: bool, block: int) -> None:
        row = self.rows[name]
        cost = min(row.new.reserve, 1 + which)
        if row.state not in ("sent", "mined"):
            with pytest.raises(ConflictError):
                self.queue.record_mined(name, Mined("0x1", block, "0xb0", succeeded, cost), 7)
            return
        tx_hash = row.hashes[which % len(row.hashes)]
        if row.state == "mined" and self.queue.get(name).block_hash == f"0xb{block}":
            succeeded, cost = row.succeeded, row.cost  # the same block says the same
        self.queue.record_mined(name, Mined(tx_hash, block, f"0xb{block}", succeeded, cost), 7)
        row.state, row.succeeded, row.cost = "mined", succeeded, cost

    @rule(name=ids)
    def reorg(self, name: str) -> None:
        row = self.rows[name]
        if row.state != "mined":
            with pytest.raises(ConflictError):
                self.queue.record_unmined(name, 8)
            return
        self.queue.record_unmined(name, 8)
        row.state = "sent"

    @rule(name=ids)
    def displace(self, name: str) -> None:
        row = self.rows[name]
        if row.state != "sent":
            with pytest.raises(ConflictError):
                self.queue.requeue(name, "gone", 8)
            return
        self.queue.requeue(name, "gone", 8)
        row.state, row.nonce, row.hashes = "queued", None, []

    @rule(name=consumes(ids), done=st.booleans())
    def end(self, name: str, done: bool) -> None:
        row = self.rows[name]
        if row.state == "queued":
            self.queue.give_up(name, "no", 9, by="0xf" if done else None)
            row.state, row.cost, row.succeeded = ("final" if done else "failed"), 0, True
        elif row.state == "mined":
            self.queue.finish(name, row.succeeded, None, 9)
            row.state = "final" if row.succeeded else "failed"
        else:
            for step in (self.queue.finish, self.queue.give_up):
                with pytest.raises(ConflictError):
                    step(name, True, "x", 9) if step == self.queue.finish else step(name, "x", 9)  # type: ignore[operator, call-arg, arg-type]

    @rule()
    def restart(self) -> None:
        self.db.close()
        self.open()

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "queue"):
            return
        for name, row in self.rows.items():
            action = self.queue.get(name)
            assert (action.state, action.lane_nonce) == (row.state, row.nonce), name
        for scope in (ledger.EVERYBODY, ledger.CONTRACTS, *SIGNERS):
            reserved, spent, _ = ledger.used(self.db, scope, DAY)
            assert (reserved, spent) == self.held(scope)
        assert sum(self.held(ledger.EVERYBODY)) <= LIMITS.day
        flight = self.queue.in_flight(LANE)
        assert {item.action.id for item in flight} == {n for n, r in self.rows.items() if r.state in ("sent", "mined")}
        for item in flight:
            assert [attempt.hash for attempt in item.attempts] == self.rows[item.action.id].hashes
        nonces = [row[0] for row in self.db.execute("SELECT DISTINCT nonce FROM transactions ORDER BY nonce")]
        assert nonces == list(range(self.next_nonce)), "a nonce gap"
        oldest_first = [action.id for action in self.queue.waiting(99)]
        assert oldest_first == [n for n, r in self.rows.items() if r.state == "queued"]


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
