# SPDX-License-Identifier: Apache-2.0
"""The queue against a model in plain Python: any order of requests, sends, results, reorgs and restarts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from relayer import audit, ledger
from relayer.intake import Rules
from relayer.problems import RefusedError
from relayer.queue import Queue
from relayer.records import Attempt, Dispatch, InFlight, Mined, NewAction, Result, Verdict
from relayer.schema import connect, connect_postgres
from relayer.slots import ConflictError
from tests.support.postgres import PostgresServer, fast_folder

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
        self.prepare()
        self.rows: dict[str, Row] = {}
        self.keys: dict[str, str] = {}
        self.next_nonce = 0
        self.count = 0  # of transactions signed
        self.open()

    def prepare(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=fast_folder())
        self.path = Path(self.folder.name) / "queue.sqlite"

    def connect(self) -> Any:
        return connect(self.path)

    def close(self) -> None:
        self.db.close()
        self.folder.cleanup()

    def open(self) -> None:
        self.db = self.connect()
        self.queue = Queue(self.db, Rules(LIMITS, queue_limit=6, signer_pending=3))
        slots = self.queue.open_lane(LANE, "model", 1)
        assert slots is not None
        self.slots = slots

    def teardown(self) -> None:
        if hasattr(self, "db"):
            assert audit.verify(self.db) == []
            self.close()

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
        nonce = self.slots.next_nonce(0)
        assert nonce == self.next_nonce
        attempt = self.attempt(nonce - 1 if stale and nonce else nonce)
        # A batch: the named action and, if it waits too, the oldest of the others.
        names = [name, *[n for n, r in self.rows.items() if r.state == "queued" and n != name][:1]]
        dispatch = Dispatch(attempt, tuple(names))
        with self.slots.claim(99, 1) as claim:
            assert [a.id for a in claim.actions] == [n for n, r in self.rows.items() if r.state == "queued"]
            if attempt.nonce != nonce or row.state != "queued":
                with pytest.raises(ConflictError):
                    claim.commit(6, dispatches=[dispatch])
                return
            claim.commit(6, dispatches=[dispatch])
        for one in names:
            sent = self.rows[one]
            sent.state, sent.nonce, sent.hashes = "sent", nonce, [attempt.hash]
        self.next_nonce += 1

    def slot(self, name: str) -> tuple[InFlight, list[Row]]:
        """The slot that carries an action as the queue tells it, and the model's rows in it."""
        item = next(item for item in self.slots.in_flight() if name in [action.id for action in item.actions])
        return item, [self.rows[action.id] for action in item.actions]

    @rule(name=ids, stale=st.booleans())
    def replace(self, name: str, stale: bool) -> None:
        row = self.rows[name]
        if row.nonce is None:
            return
        attempt = self.attempt(row.nonce)
        if stale and len(row.hashes) > 1:
            with pytest.raises(ConflictError):
                self.slots.record_replacement(row.hashes[0], attempt)
            return
        self.slots.record_replacement(row.hashes[-1], attempt)
        for one in self.rows.values():
            if one.nonce == row.nonce:
                one.hashes.append(attempt.hash)

    @rule(name=ids, which=st.integers(0, 3), succeeded=st.booleans(), block=st.integers(1, 3))
    def mine(self, name: str, which: int, succeeded: bool, block: int) -> None:
        if self.rows[name].state not in ("sent", "mined"):
            return
        item, rows = self.slot(name)
        tx_hash = rows[0].hashes[which % len(rows[0].hashes)]
        results = []
        for place, row in enumerate(rows):
            cost = min(row.new.reserve, 1 + which)
            result = Result(succeeded if place == 0 else not succeeded, cost)
            if row.state == "mined" and self.queue.get(name).block_hash == f"0xb{block}":
                result = Result(row.succeeded, row.cost)  # the same block says the same
            results.append(result)
        self.slots.record_mined([(item, Mined(tx_hash, block, f"0xb{block}", tuple(results)))], 7)
        with pytest.raises(ConflictError):
            self.slots.requeue(item, "mined ones keep their slot", 7)
        for row, result in zip(rows, results, strict=True):
            row.state, row.succeeded, row.cost = "mined", bool(result.succeeded), result.cost

    @rule(name=ids)
    def reorg(self, name: str) -> None:
        if self.rows[name].state not in ("sent", "mined"):
            return
        item, rows = self.slot(name)
        if rows[0].state != "mined":
            with pytest.raises(ConflictError):
                self.slots.record_unmined(item, 8)
            return
        self.slots.record_unmined(item, 8)
        for row in rows:
            row.state = "sent"

    @rule(name=ids)
    def displace(self, name: str) -> None:
        if self.rows[name].state != "sent":
            return
        item, rows = self.slot(name)
        self.slots.requeue(item, "gone", 8)
        for row in rows:
            row.state, row.nonce, row.hashes = "queued", None, []

    @rule(name=consumes(ids), done=st.booleans())
    def end(self, name: str, done: bool) -> None:
        row = self.rows[name]
        if row.state == "queued":
            with self.slots.claim(99, 1) as claim:
                claim.commit(9, verdicts=[Verdict(name, done, "no", "0xf" if done else None)])
            row.state, row.cost, row.succeeded = ("final" if done else "failed"), 0, True
        elif row.state == "mined":
            _, rows = self.slot(name)
            names = [n for n, r in self.rows.items() if r.state == "mined" and r.nonce == row.nonce]
            self.slots.finish([Verdict(n, self.rows[n].succeeded, None) for n in names], 9)
            for one in rows:
                one.state = "final" if one.succeeded else "failed"
        else:
            with pytest.raises(ConflictError):
                self.slots.finish([Verdict(name, True, "x")], 9)
            with self.slots.claim(99, 1) as claim, pytest.raises(ConflictError):
                claim.commit(9, verdicts=[Verdict(name, True, "x")])

    @rule()
    def restart(self) -> None:
        before = self.slots
        before.close()
        self.db.close()
        self.open()
        before._database = self.db
        with pytest.raises(ConflictError):  # who was taken for dead changes nothing
            before.finish([], 9)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "queue"):
            return
        for name, row in self.rows.items():
            action = self.queue.get(name)
            assert (action.state, action.lane_nonce) == (row.state, row.nonce), name
        for scope in (ledger.EVERYBODY, ledger.CONTRACTS, *SIGNERS):
            account = ledger.used(self.db, scope, DAY)
            assert (account.reserved, account.spent) == self.held(scope)
        assert sum(self.held(ledger.EVERYBODY)) <= LIMITS.day
        flight = self.slots.in_flight()
        under_way = {action.id for item in flight for action in item.actions}
        assert under_way == {n for n, r in self.rows.items() if r.state in ("sent", "mined")}
        for item in flight:
            for action in item.actions:
                assert [attempt.hash for attempt in item.attempts] == self.rows[action.id].hashes
        nonces = [row["nonce"] for row in self.db.read("SELECT DISTINCT nonce FROM transactions ORDER BY nonce")]
        assert nonces == list(range(self.next_nonce)), "a nonce gap"
        oldest_first = [action.id for action in self.queue.waiting(99)]
        assert oldest_first == [n for n, r in self.rows.items() if r.state == "queued"]


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class PostgresQueueMachine(QueueMachine):
    """The same model; the same SQL on PostgreSQL."""

    server: PostgresServer

    def prepare(self) -> None:
        self.url = self.server.new_database()

    def connect(self) -> Any:
        return connect_postgres(self.url, connections=3)

    def close(self) -> None:
        self.slots.close()
        self.db.close()


def test_postgres_queue_machine(postgres: PostgresServer) -> None:
    PostgresQueueMachine.server = postgres
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        PostgresQueueMachine,
        settings=settings(
            max_examples=6,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            phases=[Phase.generate],
        ),
    )
