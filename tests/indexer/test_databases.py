# SPDX-License-Identifier: Apache-2.0
"""Both databases keep the same values, make the same tables by both ways, and have one writer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.database import Writer, WriterBusyError, open_read, open_writer
from indexer.database.copying import packed, packer
from indexer.database.postgres import CHANNEL, translate
from indexer.database.urls import is_postgres, redacted, sqlite_path
from indexer.ddl import DIALECTS
from indexer.migrations import HERE, migrate, open_schema, version_of
from indexer.migrations.freeze import frozen
from indexer.model import PROTOCOL_MODEL
from indexer.tables import Table, table
from ipto.errors import InputError, NotFoundError
from tests.indexer.conftest import Databases
from tests.indexer.test_follow import play
from tests.indexer.world import World, new_store, settings_for, sync
from tests.support.postgres import PostgresServer

SCHEMA = "ipto_test"
THINGS = table("things", "id:int number:u256 who:blob20 what:blob? words:text? count:int?", "id number", stamps=False)
FIXED = table("fixed", "number:u256 id:int who:blob20", "number", stamps=False)

U256 = st.one_of(st.integers(0, 2**256 - 1), st.sampled_from([0, 1, 2**255, 2**256 - 1])).map(lambda n: n.to_bytes(32))
INT = st.integers(-(2**63), 2**63 - 1)
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@pytest.fixture
def writer(databases: Databases) -> Iterator[Writer]:
    with open_writer(databases("w"), SCHEMA) as db:
        yield db


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(INT, U256, st.binary(min_size=20, max_size=20), st.none() | st.binary(), st.none() | WORDS, INT),
        max_size=20,
        unique_by=lambda row: row[:2],
    )
)
def test_what_goes_in_comes_out(writer: Writer, rows: list[tuple[object, ...]]) -> None:
    make(writer, THINGS)
    try:
        writer.insert(THINGS, rows)
        keys = [row[:2] for row in rows]
        found = writer.load(THINGS, keys)
        assert [tuple(found[key].values()) for key in keys] == rows
        changed = [(*row[:2], b"\xff" * 20, None, "other", 7) for row in rows]
        writer.update(THINGS, changed)
        writer.insert_missing(THINGS, [*rows, (5, b"\x05" * 32, bytes(20), None, None, 0)])
        found = writer.load(THINGS, keys)
        assert [tuple(found[key].values()) for key in keys] == changed
        # 256 bits sort as numbers do.
        numbers = [row[0] for row in writer.all("SELECT number FROM things ORDER BY number")]
        assert numbers == sorted(numbers, key=int.from_bytes)
    finally:
        writer.run("DROP TABLE things")


def test_rows_of_one_size_are_packed_the_same_way() -> None:
    rows = [(bytes(31) + b"\x01", -5, b"\x02" * 20), (b"\xff" * 32, 2**63 - 1, bytes(20))]
    loose = replace(FIXED, columns=(*FIXED.columns[:2], ("who", "blob")))
    assert packed(packer(FIXED), rows) == packed(packer(loose), rows)


def test_a_transaction_is_all_or_nothing(writer: Writer) -> None:
    make(writer, FIXED)

    def interrupted() -> None:
        with writer.transaction():
            writer.insert(FIXED, [(bytes(32), 1, bytes(20))])
            writer.update(FIXED, [(bytes(32), 2, bytes(20))])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert writer.all("SELECT * FROM fixed") == []
    # What was staged is gone with it; the next update makes it anew.
    writer.insert(FIXED, [(bytes(32), 1, bytes(20))])
    writer.update(FIXED, [(bytes(32), 3, bytes(20))])
    assert writer.all("SELECT id FROM fixed") == [(3,)]


def make(db: Writer, what: Table) -> None:
    from indexer.ddl import statements

    for statement in statements(db.dialect, [what]):
        db.run(statement)


# ---- migrations -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_first_migration_is_frozen(dialect: str) -> None:
    """Until the first release it follows the declarations: python -m indexer.migrations.freeze"""
    assert (HERE / "versions" / f"0001.{dialect}.sql").read_text() == frozen(dialect)  # type: ignore[arg-type]


def described(db: Writer) -> list[tuple[object, ...]]:
    if db.dialect == "sqlite":
        return sorted(db.all("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'"), key=str)
    columns = db.all(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = ? AND table_name <> 'alembic_version'",
        (SCHEMA,),
    )
    indexes = db.all("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = ?", (SCHEMA,))
    return sorted([*columns, *(row for row in indexes if "alembic" not in row[0])], key=str)


def test_migrating_makes_the_tables_of_an_empty_database(databases: Databases) -> None:
    with open_writer(databases("a"), SCHEMA) as made:
        open_schema(made, PROTOCOL_MODEL)
        open_writer(databases("b"), SCHEMA).close()
        migrate(databases("b"), SCHEMA)
        with open_writer(databases("b"), SCHEMA) as migrated:
            assert described(made) == described(migrated)
            assert version_of(made) == version_of(migrated)
            open_schema(migrated, PROTOCOL_MODEL)
            migrated.run("UPDATE alembic_version SET version_num = '0000'")
            with pytest.raises(InputError, match="migrate"):
                open_schema(migrated, PROTOCOL_MODEL)
            migrated.run("DROP TABLE alembic_version")
            with pytest.raises(InputError, match="before migrations"):
                open_schema(migrated, PROTOCOL_MODEL)


def test_migrating_beside_the_writer_keeps_its_lock(databases: Databases) -> None:
    with open_writer(databases("a"), SCHEMA) as db:
        open_schema(db, PROTOCOL_MODEL)
        with db.aside():
            migrate(databases("a"), SCHEMA)
            with pytest.raises(WriterBusyError):
                open_writer(databases("a"), SCHEMA)
        with db.transaction():
            db.run("INSERT INTO meta VALUES ('after', '1')")
        assert version_of(db) is not None
        with pytest.raises(WriterBusyError):
            open_writer(databases("a"), SCHEMA)


# ---- one writer, many readers ---------------------------------------------------------------------------


def test_a_standby_takes_over(world: World, databases: Databases) -> None:
    play(world, 5)
    url, taken = databases("a"), threading.Event()
    first = new_store(world, url)
    sync(world, first)

    def wait() -> None:
        from indexer.service import open_store

        with open_store(settings_for(world, url, standby=True), world.deployment) as second:
            assert second.checkpoint() is not None
            taken.set()

    other = threading.Thread(target=wait)
    other.start()
    assert not taken.wait(0.3)
    first.close()
    other.join(30)
    assert taken.is_set()


def test_readers_cannot_write(world: World, databases: Databases) -> None:
    with pytest.raises(NotFoundError):
        open_read(databases("a"), "ipto_31337")
    with new_store(world, databases("a")) as store:
        sync(world, store)
    reader = open_read(databases("a"), "ipto_31337")
    try:
        with pytest.raises(Exception, match=r"read.?only"):
            reader.all("DELETE FROM checkpoint RETURNING 1")
        reader.begin()
        assert len(list(reader.each("SELECT name FROM meta"))) > 1
        reader.end()
    finally:
        reader.close()


def test_readers_hear_of_each_commit(world: World, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as ear, new_store(world, url) as store:
        ear.execute(f"LISTEN {CHANNEL}".encode())
        sync(world, store)
        heard = [message.payload for message in ear.notifies(timeout=5, stop_after=1)]
        assert heard[0].startswith("ipto_31337:")
    postgres.drop(url)


def test_a_leader_that_lost_its_session_cannot_write(world: World, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    first = new_store(world, url)
    sync(world, first)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (url.partition("?")[0].rpartition("/")[2],),
        )
    deadline = time.monotonic() + 20
    while True:  # the server frees the lock when it has noticed
        try:
            second = new_store(world, url)
            break
        except Exception:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    with pytest.raises(psycopg.OperationalError):
        first.note(1)
    second.note(1)
    second.close()
    first.close()
    postgres.drop(url)


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(InputError) as caught:
        open_writer("postgresql://me:secret@127.0.0.1:1/db", SCHEMA)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_urls() -> None:
    assert is_postgres("postgres://h/d")
    assert not is_postgres("sqlite:///a.db")
    assert str(sqlite_path("sqlite:////var/a.db")) == "/var/a.db"
    assert redacted("sqlite:///a.db") == "sqlite:///a.db"
    assert translate("SELECT x'00ff' WHERE a LIKE '%' AND b = ?") == (
        b"SELECT '\\x00ff'::bytea WHERE a LIKE '%%' AND b = %s"
    )
