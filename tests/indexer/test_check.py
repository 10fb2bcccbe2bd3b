# SPDX-License-Identifier: Apache-2.0
"""`indexer check` agrees after a saga in which everything happens, and finds each single thing that is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.check import Report, check
from indexer.database import open_read, open_writer
from indexer.model import PROTOCOL_MODEL
from indexer.raw import RAW
from ipto.chain import artifact
from ipto.errors import NotFoundError
from tests.indexer.conftest import Databases
from tests.indexer.saga import Saga
from tests.indexer.sagas import Sagas
from tests.indexer.world import SCHEMA, fresh, new_store, sync, tables


@pytest.fixture(scope="module")
def saga(sagas: Sagas) -> Saga:
    return sagas.saga()


def compare(saga: Saga, url: str) -> Report:
    reader = open_read(url, SCHEMA)
    try:
        return check(reader, saga.world.deployment, saga.world.chain.rpc)
    finally:
        reader.close()


def test_every_event_is_projected_or_has_a_reason() -> None:
    events = {
        (name, item["name"])
        for name in PROTOCOL_MODEL.contracts
        for item in artifact(name)["abi"]
        if item["type"] == "event"
    }
    assert events == set(PROTOCOL_MODEL.handlers) | set(RAW)
    assert not set(PROTOCOL_MODEL.handlers) & set(RAW)
    assert all(len(reason) > 20 for reason in RAW.values())


def test_the_database_equals_the_chain_after_everything_happened(saga: Saga, databases: Databases) -> None:
    with new_store(saga.world, databases("a")) as store:
        sync(saga.world, store, width=10_000)
        happened = set(store.db.all("SELECT DISTINCT contract, name FROM events"))
        empty = {table.name for table in PROTOCOL_MODEL.tables if store.db.one(f"SELECT 1 FROM {table.name}") is None}
    # No handler was left to synthetic events alone.
    assert happened >= set(PROTOCOL_MODEL.handlers)
    assert not empty
    report = compare(saga, databases("a"))
    assert report.first == []
    assert report.compared.total() > 150
    # Block by block with a journal, the same bytes.
    assert tables(databases("a")) == fresh(saga.world, databases("b"), finality_blocks=10_000, width=3)
    with open_writer(databases("a"), SCHEMA) as db:
        db.run("UPDATE checkpoint SET hash = ?", (b"\x01" * 32,))
    with pytest.raises(NotFoundError, match="not on the chain"):
        compare(saga, databases("a"))


# What a bug or a bad disk might do to one row: how, and in which table it has to be found.
WRONG = [
    ("works", "UPDATE works SET owner = creator WHERE owner <> creator"),
    ("works", "UPDATE works SET steward = creator WHERE steward <> creator"),
    ("works", "UPDATE works SET content = metadata WHERE seq = (SELECT min(seq) FROM works)"),
    ("works", "UPDATE works SET clean_since = clean_since + 1 WHERE clean_since > 0"),
    ("works", "DELETE FROM works WHERE seq = (SELECT max(seq) FROM works)"),
    ("offers", "UPDATE offers SET sold = sold + 1 WHERE seq = (SELECT min(seq) FROM offers)"),
    ("offers", "UPDATE offers SET terms = offer_id WHERE seq = (SELECT max(seq) FROM offers)"),
    ("licenses", "UPDATE licenses SET ended = 0 WHERE ended = 1"),
    ("licenses", "DELETE FROM licenses WHERE seq = (SELECT max(seq) FROM licenses)"),
    ("consents", "UPDATE consents SET given = 1 - given"),
    ("exclusivity", "UPDATE exclusivity SET until = 9"),
    ("splits", "UPDATE splits SET controller = zeroblob(20)"),
    ("members", "UPDATE members SET share = share + 1 WHERE seq = (SELECT min(seq) FROM members)"),
    ("balances", "UPDATE balances SET credited = balance WHERE booked_in > credited"),
    ("accounts", "UPDATE accounts SET accepted_by = (SELECT min(owner) FROM works) WHERE accepted_by > zeroblob(20)"),
    ("accounts", "UPDATE accounts SET redirect = receiver WHERE redirect > receiver"),
    ("nonces", "UPDATE nonces SET nonce = action WHERE cancelled = 0"),
    ("protocol", "UPDATE protocol SET value = '7' WHERE name = 'dataset_fee_bps'"),
    ("datasets", "UPDATE datasets SET state = terms"),
    ("datasets", "UPDATE datasets SET curator_fee_bps = 0"),
    ("spells", "UPDATE spells SET last = NULL WHERE spell = 1"),
    ("collected", "UPDATE collected SET sales = sales + 1"),
    ("collected", "DELETE FROM spells WHERE spell = 2"),
    ("dataset_licenses", "UPDATE dataset_licenses SET holder = payer, expires_at = 5 WHERE ended = 1"),
    ("dataset_licenses", "DELETE FROM dataset_licenses WHERE seq = (SELECT max(seq) FROM dataset_licenses)"),
    ("models", "UPDATE models SET developer = zeroblob(20)"),
    ("manifests", "UPDATE manifests SET committed_at = 1"),
    ("bound_models", "UPDATE bound_models SET model = license"),
    ("reporters", "UPDATE reporters SET allowed = 0"),
    ("reports", "UPDATE reports SET pool_paid = pool WHERE pool_paid < pool"),
    ("reports", "UPDATE reports SET flags = 0 WHERE flags > 0"),
    ("usage_paid", "UPDATE usage_paid SET number = 1"),
    ("usage_paid", "DELETE FROM usage_paid"),
    ("duties", "UPDATE duties SET through = through - 1 WHERE reports > 0"),
    ("duties", "UPDATE duties SET due_at = NULL WHERE due_at IS NOT NULL"),
    ("cases", "UPDATE cases SET outcome = 3 WHERE outcome = 1"),
    ("cases", "DELETE FROM cases WHERE case_id = (SELECT max(case_id) FROM cases)"),
    ("holds", "UPDATE holds SET until = 0, rent_used = rent WHERE until > 0"),
    ("holds", "UPDATE holds SET rent_used = rent WHERE until = 0 AND ordered = 0"),
    ("holds", "UPDATE holds SET until = 2000000000 WHERE ordered = 1"),
    ("orders", "UPDATE holds SET until = 2000000000 WHERE ordered = 1"),
    ("votes", "UPDATE votes SET outcome = 2"),
    ("panels", "UPDATE panels SET quorum = quorum + 1"),
    ("sittings", "UPDATE sittings SET panel = 3 - panel"),
    ("attestations", "UPDATE attestations SET revoked_at = 0 WHERE revoked_at > 0"),
    ("attestations", "UPDATE attestations SET topic = evidence"),
]


@pytest.fixture(scope="module")
def whole(saga: Saga, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "a.db"
    with new_store(saga.world, f"sqlite:///{path}") as store:
        sync(saga.world, store, width=10_000)
        store.db.compact()
    return path.read_bytes()


@pytest.mark.parametrize(("table", "statement"), WRONG, ids=lambda value: value[:60])
def test_what_is_changed_is_found(saga: Saga, whole: bytes, tmp_path: Path, table: str, statement: str) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(whole)
    with open_writer(f"sqlite:///{path}", SCHEMA) as db:
        assert db.run(statement) > 0
    report = compare(saga, f"sqlite:///{path}")
    assert report.wrong[table] > 0, report.first
    lines = list(report.lines())
    assert lines[0].startswith("first difference: ")
    assert lines[-1].endswith(f"{report.wrong.total()} differences")
