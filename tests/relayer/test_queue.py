# SPDX-License-Identifier: Apache-2.0
"""What the model does not reach: two at once, budgets over days, the audit log, a foreign database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from relayer import audit, ledger
from relayer.database import ConstraintError, Database, StorageError
from relayer.intake import KEYS_PER_ACTION, Rules
from relayer.problems import ConfigurationError, RefusedError
from relayer.queue import Queue
from relayer.records import Attempt, Dispatch, Mined, NewAction, Result, Verdict
from relayer.schema import bind, connect, connect_postgres
from relayer.slots import ConflictError, LostLaneError, Slots
from tests.support.postgres import PostgresServer

LIMITS = ledger.Limits(
    signer_day=10**18, signer_total=2 * 10**18, contracts_day=10**18, day=10**20, total=10**21, signer_day_reverts=0
)
CREATOR = "0x" + "11" * 20
LANE = "0x" + "aa" * 20
RULES = Rules(LIMITS, queue_limit=1000, signer_pending=100)


def action(nonce: int = 1, *, signer: str = CREATOR, reserve: int = 10**17, digest: str = "0xd") -> NewAction:
    return NewAction(
        "onboard", signer, f"0x{nonce:064x}", "0xC", digest, "0xC", b"call", 100_000, 10**9, False, reserve, 0
    )


def open_database(where: Path | str) -> Database:
    return connect_postgres(where) if isinstance(where, str) else connect(where)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a queue is kept."""
    if request.param == "sqlite":
        return tmp_path / "q.sqlite"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def db(place: Path | str) -> Iterator[Database]:
    database = open_database(place)
    yield database
    database.close()


@pytest.fixture
def queue(db: Database) -> Queue:
    return Queue(db, RULES)


@pytest.fixture
def slots(queue: Queue) -> Iterator[Slots]:
    opened = lane_of(queue)
    yield opened
    opened.close()


def lane_of(queue: Queue, address: str = LANE) -> Slots:
    opened = queue.open_lane(address, "test", 0)
    assert opened is not None
    return opened


def send(slots: Slots, *names: str, nonce: int, chain_count: int = 0) -> None:
    attempt = Attempt(slots.lane, nonce, f"0x{slots.lane}{nonce}", b"raw", 5, 1, 0)
    with slots.claim(100, 10**9) as claim:
        claim.commit(0, dispatches=[Dispatch(attempt, names)], chain_count=chain_count)


def test_two_processes_accepting_the_same_action_make_one_row(place: Path | str) -> None:
    connections = [open_database(place) for _ in range(8)]
    queues = [Queue(connection, RULES) for connection in connections]
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
    assert ledger.used(connections[0], CREATOR, "1970-01-01").reserved == 10**17, "reserved once"
    assert audit.verify(connections[0]) == []
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
    queue: Queue, slots: Slots, db: Database
) -> None:
    row, _ = queue.accept(action(), None, 0)
    send(slots, row.id, nonce=0)
    slots.record_mined([(slots.in_flight()[0], Mined("0x1", 3, "0xb", (Result(False, 7 * 10**15),)))], 1)
    slots.finish([Verdict(row.id, False, "reverted")], 2)
    for account in (ledger.used(db, CREATOR, "1970-01-01"), ledger.used(db, ledger.EVERYBODY, ledger.FOREVER)):
        assert account == ledger.Account(reserved=0, spent=7 * 10**15, reverts=1, actions=1)
    with pytest.raises(RefusedError, match="reverted"):
        queue.accept(action(2), None, 3)
    queue.accept(action(2, signer=LANE), None, 3)


def test_amounts_beyond_63_bits_are_exact(db: Database) -> None:
    huge = ledger.Limits(2**200, 2**200, 2**200, 2**200, 2**200, 0)
    queue = Queue(db, Rules(huge, queue_limit=10, signer_pending=10))
    queue.accept(action(1, reserve=2**100 + 1), None, 0)
    queue.accept(action(2, reserve=2**100 + 1), None, 0)
    assert ledger.used(db, CREATOR, "all").reserved == 2**101 + 2


def test_keys_of_one_action_are_bounded(queue: Queue) -> None:
    for number in range(KEYS_PER_ACTION):
        queue.accept(action(), f"key-{number}", 0)
    assert queue.accept(action(), "key-3", 0)[1] is False
    assert queue.accept(action(), None, 0)[1] is False
    with pytest.raises(RefusedError) as error:
        queue.accept(action(), "one more", 0)
    assert error.value.status == 409


def test_a_refused_action_leaves_nothing(queue: Queue, db: Database) -> None:
    with pytest.raises(RefusedError):
        queue.accept(action(reserve=10**18 + 1), "key", 0)
    for table in ("actions", "idempotency", "budgets", "audit"):
        assert db.read(f"SELECT count(*) AS n FROM {table}")[0]["n"] == 0, table


def test_next_nonce_follows_the_chain_when_the_key_was_used_elsewhere(queue: Queue, slots: Slots) -> None:
    assert slots.next_nonce(7) == 7
    row, _ = queue.accept(action(), None, 0)
    send(slots, row.id, nonce=7, chain_count=7)
    assert slots.next_nonce(7) == 8
    assert slots.next_nonce(3) == 8, "a node that lags does not make a nonce come twice"
    assert slots.next_nonce(12) == 12
    other = lane_of(queue, "0x" + "bb" * 20)
    assert other.next_nonce(0) == 0, "lanes count for themselves"
    other.close()


def test_audit_log_cannot_be_changed(queue: Queue, db: Database) -> None:
    queue.accept(action(), None, 0)
    for statement in ("UPDATE audit SET detail = ''", "DELETE FROM audit"):
        with pytest.raises(ConstraintError, match="append-only"), db.transaction() as change:
            change.change(statement)


@pytest.mark.parametrize("statement", ["UPDATE audit SET detail = 'nothing'", "DELETE FROM audit WHERE number = 2"])
def test_whoever_gets_around_the_triggers_is_found_out(queue: Queue, db: Database, statement: str) -> None:
    for nonce in range(3):
        queue.accept(action(nonce), None, 0)
    assert audit.verify(db) == []
    with db.transaction() as change:
        if db.dialect == "sqlite":
            change.change("DROP TRIGGER audit_no_update")
            change.change("DROP TRIGGER audit_no_delete")
        else:
            change.change("DROP TRIGGER audit_no_change ON audit")
        change.change(statement)
    assert audit.verify(db) != []


def test_the_end_of_the_log_cannot_be_cut_off(queue: Queue, db: Database) -> None:
    for nonce in range(3):
        queue.accept(action(nonce), None, 0)
    with db.transaction() as change:
        trigger = "audit_no_delete" if db.dialect == "sqlite" else "audit_no_change ON audit"
        change.change(f"DROP TRIGGER {trigger}")
        change.change("DELETE FROM audit WHERE number = 3")
    assert audit.verify(db) == ["chain queue: it ends at entry 2, its head says 3"]


def test_commits_are_synchronous(db: Database) -> None:
    if db.dialect == "sqlite":
        assert db.read("PRAGMA synchronous")[0]["synchronous"] == 2
        assert db.read("PRAGMA journal_mode")[0]["journal_mode"] == "wal"
        for durable, level in ((False, 1), (True, 2)):
            with db.transaction(durable=durable):
                assert db.read("PRAGMA synchronous")[0]["synchronous"] == level
    else:
        assert db.read("SHOW synchronous_commit")[0]["synchronous_commit"] == "on"


def test_a_claimed_action_is_nobody_else_s(queue: Queue, slots: Slots) -> None:
    names = [queue.accept(action(nonce), None, 0)[0].id for nonce in range(4)]
    other = lane_of(queue, "0x" + "bb" * 20)
    with slots.claim(2, 1) as mine, other.claim(10, 1) as theirs:
        assert [a.id for a in mine.actions] == names[:2]
        assert [a.id for a in theirs.actions] == names[2:]
    with other.claim(10, 1) as theirs:
        assert [a.id for a in theirs.actions] == names
    other.close()


def test_what_waits_is_left_alone_until_its_time(queue: Queue, slots: Slots) -> None:
    first, second = (queue.accept(action(nonce), None, 0)[0].id for nonce in range(2))
    with slots.claim(10, 5) as claim:
        claim.commit(5, waits=[(first, 8)])
    for now, names in ((7, [second]), (8, [first, second])):
        with slots.claim(10, now) as claim:
            assert [a.id for a in claim.actions] == names


def test_lanes_keep_a_signer_s_order(queue: Queue, slots: Slots) -> None:
    """Lanes have no order among each other: what may rest on a transaction that is out elsewhere waits for it."""
    first, second = (queue.accept(action(nonce), None, 0)[0].id for nonce in range(2))
    other = lane_of(queue, "0x" + "bb" * 20)
    early = other.claim(1, 1)
    assert [a.id for a in early.actions] == [first]
    early.release()
    with slots.claim(1, 1) as mine, other.claim(10, 1) as theirs:
        mine.commit(1, dispatches=[Dispatch(Attempt(LANE, 0, "0x1", b"raw", 5, 1, 0), (first,))])
        assert [a.id for a in theirs.actions] == [second], "claimed before the first one went out"
        late = Dispatch(Attempt(other.lane, 0, "0x2", b"raw", 5, 1, 0), (second,))
        with pytest.raises(ConflictError):
            theirs.commit(1, dispatches=[late])
    with other.claim(10, 1) as theirs:
        assert theirs.actions == []
    with slots.claim(10, 1) as mine:
        assert [a.id for a in mine.actions] == [second]
    other.close()


def test_a_lane_has_one_worker_and_the_one_before_can_change_nothing(queue: Queue, slots: Slots) -> None:
    row, _ = queue.accept(action(), None, 0)
    assert queue.open_lane(LANE, "second", 1) is None
    slots.close()
    second = lane_of(queue)
    with pytest.raises(LostLaneError), slots.claim(1, 1) as claim:
        claim.commit(0, dispatches=[Dispatch(Attempt(LANE, 0, "0x1", b"raw", 5, 1, 0), (row.id,))])
    assert queue.get(row.id).state == "queued"
    send(second, row.id, nonce=0)
    with pytest.raises(LostLaneError):
        slots.record_broadcasts([("0x1", "accepted")], 1)
    second.close()


def test_a_database_that_went_away_and_came_back(postgres: PostgresServer) -> None:
    database = connect_postgres(postgres.new_database())
    queue = Queue(database, RULES)
    slots = lane_of(queue)
    rows = [queue.accept(action(nonce), None, 0)[0] for nonce in range(2)]
    send(slots, rows[0].id, nonce=0)
    claim = slots.claim(1, 1)
    postgres.restart()
    with pytest.raises(StorageError):
        claim.commit(0, dispatches=[Dispatch(Attempt(LANE, 1, "0x1", b"raw", 5, 1, 0), (rows[1].id,))], chain_count=0)
    assert not slots.is_held(), "the session was the lock"
    assert [queue.get(row.id).state for row in rows] == ["sent", "queued"], "what was committed is there"
    again = lane_of(queue)
    send(again, rows[1].id, nonce=1)
    again.close()
    database.close()


def test_database_of_another_chain_or_version_is_refused(tmp_path: Path) -> None:
    connection = connect(tmp_path / "q.sqlite")
    bind(connection, "chain", "1")
    bind(connection, "chain", "1")
    with pytest.raises(ConfigurationError, match="belongs to chain 1"):
        bind(connection, "chain", "2")
    with connection.transaction() as change:
        change.change("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationError, match="version 99"):
        connect(tmp_path / "q.sqlite")
