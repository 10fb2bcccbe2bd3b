# SPDX-License-Identifier: Apache-2.0
"""What the model does not reach: two at once, budgets over days, the audit log, a foreign database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from relayer import ledger
from relayer.problems import ConfigurationError, RefusedError
from relayer.queue import KEYS_PER_ACTION, Queue
from relayer.records import Attempt, Mined, NewAction
from relayer.schema import bind, connect

LIMITS = ledger.Limits(
    signer_day=10**18, signer_total=2 * 10**18, contracts_day=10**18, day=10**20, total=10**21, signer_day_reverts=0
)
CREATOR = "0x" + "11" * 20
LANE = "0x" + "aa" * 20


def action(nonce: int = 1, *, signer: str = CREATOR, reserve: int = 10**17, digest: str = "0xd") -> NewAction:
    return NewAction(
        "onboard", signer, f"0x{nonce:064x}", "0xC", digest, "0xC", b"call", 100_000, 10**9, False, reserve, 0
    )


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "q.sqlite")
    yield connection
    connection.close()


@pytest.fixture
def queue(db: sqlite3.Connection) -> Queue:
    return Queue(db, LIMITS, queue_limit=1000, signer_pending=100)


def test_two_processes_accepting_the_same_action_make_one_row(tmp_path: Path) -> None:
    path = tmp_path / "q.sqlite"
    connections = [connect(path) for _ in range(8)]
    queues = [Queue(connection, LIMITS, queue_limit=1000, signer_pending=100) for connection in connections]
    barrier = threading.Barrier(len(queues))
    results: list[tuple[str, bool]] = []

    def submit(queue: Queue, key: str) -> None:
        barrier.wait()
        row, created = queue.accept(action(), key, 5)
        results.append((row.id, created))

    threads = [threading.Thread(target=submit, args=(queue, f"k{n % 2}")) for n, queue in enumerate(queues)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(queues)
    assert len({name for name, _ in results}) == 1
    assert sum(created for _, created in results) == 1
    assert ledger.used(connections[0], CREATOR, "1970-01-01")[0] == 10**17, "reserved once"
    for connection in connections:
        connection.close()


def test_budget_of_a_day_ends_with_the_day_and_the_total_does_not(queue: Queue) -> None:
    for nonce in range(10):
        queue.accept(action(nonce), None, 0)
    with pytest.raises(RefusedError, match="today") as today:
        queue.accept(action(10), None, 86_399)
    assert (today.value.status, today.value.code) == (429, "signer-budget")
    for nonce in range(10, 20):
        queue.accept(action(nonce), None, 86_400)
    with pytest.raises(RefusedError, match="account of your own") as ever:
        queue.accept(action(20), None, 2 * 86_400)
    assert (ever.value.status, ever.value.code) == (403, "signer-total")


def test_unspent_reservation_comes_back_and_a_revert_is_charged_and_counted(
    queue: Queue, db: sqlite3.Connection
) -> None:
    row, _ = queue.accept(action(), None, 0)
    queue.record_send(row.id, Attempt(LANE, 0, "0x1", b"raw", 5, 1, 0), 0)
    queue.record_mined(row.id, Mined("0x1", 3, "0xb", False, 7 * 10**15), 1)
    queue.finish(row.id, False, "reverted", 2)
    assert ledger.used(db, CREATOR, "1970-01-01") == (0, 7 * 10**15, 1)
    assert ledger.used(db, ledger.EVERYBODY, ledger.FOREVER) == (0, 7 * 10**15, 1)
    with pytest.raises(RefusedError, match="reverted"):
        queue.accept(action(2), None, 3)
    queue.accept(action(2, signer=LANE), None, 3)


def test_amounts_beyond_63_bits_are_exact(tmp_path: Path) -> None:
    connection = connect(tmp_path / "q.sqlite")
    huge = ledger.Limits(2**200, 2**200, 2**200, 2**200, 2**200, 0)
    queue = Queue(connection, huge, queue_limit=10, signer_pending=10)
    queue.accept(action(1, reserve=2**100 + 1), None, 0)
    queue.accept(action(2, reserve=2**100 + 1), None, 0)
    assert ledger.used(connection, CREATOR, "all")[0] == 2**101 + 2
    connection.close()


def test_keys_of_one_action_are_bounded(queue: Queue) -> None:
    for number in range(KEYS_PER_ACTION):
        queue.accept(action(), f"key-{number}", 0)
    assert queue.accept(action(), "key-3", 0)[1] is False
    assert queue.accept(action(), None, 0)[1] is False
    with pytest.raises(RefusedError) as error:
        queue.accept(action(), "one more", 0)
    assert error.value.status == 409


def test_a_refused_action_leaves_nothing(queue: Queue, db: sqlite3.Connection) -> None:
    with pytest.raises(RefusedError):
        queue.accept(action(reserve=10**18 + 1), "key", 0)
    for table in ("actions", "idempotency", "budgets", "audit"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, table


def test_next_nonce_follows_the_chain_when_the_key_was_used_elsewhere(queue: Queue) -> None:
    assert queue.next_nonce(LANE, 7) == 7
    row, _ = queue.accept(action(), None, 0)
    queue.record_send(row.id, Attempt(LANE, 7, "0x1", b"raw", 5, 1, 0), 7)
    assert queue.next_nonce(LANE, 7) == 8
    assert queue.next_nonce(LANE, 3) == 8, "a node that lags does not make a nonce come twice"
    assert queue.next_nonce(LANE, 12) == 12
    assert queue.next_nonce("0x" + "bb" * 20, 0) == 0, "lanes count for themselves"


def test_audit_log_cannot_be_changed(queue: Queue, db: sqlite3.Connection) -> None:
    queue.accept(action(), None, 0)
    for statement in ("UPDATE audit SET detail = ''", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)


def test_commits_are_synchronous(db: sqlite3.Connection) -> None:
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_database_of_another_chain_or_version_is_refused(tmp_path: Path) -> None:
    connection = connect(tmp_path / "q.sqlite")
    bind(connection, "chain", "1")
    bind(connection, "chain", "1")
    with pytest.raises(ConfigurationError, match="belongs to chain 1"):
        bind(connection, "chain", "2")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationError, match="version 99"):
        connect(tmp_path / "q.sqlite")
