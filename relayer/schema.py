# SPDX-License-Identifier: Apache-2.0
"""The relayer's database: what is promised to clients, what was signed, what it may cost, and a log of it all."""

from __future__ import annotations

from pathlib import Path

from relayer.database import Database
from relayer.postgres import PostgresDatabase
from relayer.problems import ConfigurationError
from relayer.sqlite import SqliteDatabase

VERSION = 2

# Wei do not fit 63-bit integers: amounts are decimal text, and arithmetic is done in Python inside the transaction.
# A slot is a nonce of a lane. `cargo` says which actions it was ever meant for, `transactions` holds every byte string
# that may ever have reached a node; neither is ever deleted.
SCHEMA = """
CREATE TABLE actions (
    seq {serial} PRIMARY KEY{auto},
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    signer TEXT NOT NULL,
    nonce TEXT NOT NULL,
    contract TEXT NOT NULL,
    digest TEXT NOT NULL,
    target TEXT NOT NULL,
    calldata {blob} NOT NULL,
    gas_limit BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    by_contract INTEGER NOT NULL,
    network TEXT,
    since_block BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'mined', 'final', 'failed')),
    reason TEXT,
    lane TEXT,
    lane_nonce BIGINT,
    place INTEGER,
    wait_until BIGINT NOT NULL DEFAULT 0,
    tx_hash TEXT,
    block_number BIGINT,
    block_hash TEXT,
    succeeded INTEGER,
    reserved TEXT NOT NULL,
    cost TEXT,
    budget_day TEXT NOT NULL,
    accepted_at BIGINT NOT NULL,
    sent_at BIGINT,
    mined_at BIGINT,
    finished_at BIGINT,
    UNIQUE (signer, nonce, contract),
    CHECK ((lane IS NULL) = (lane_nonce IS NULL)),
    CHECK (state NOT IN ('sent', 'mined') OR lane IS NOT NULL),
    CHECK ((state IN ('final', 'failed')) = (finished_at IS NOT NULL))
);
CREATE INDEX actions_open ON actions (state, seq) WHERE state IN ('queued', 'sent', 'mined');
CREATE INDEX actions_under_way ON actions (lane, lane_nonce) WHERE state IN ('sent', 'mined');
CREATE INDEX actions_signer ON actions (signer, seq);
CREATE UNIQUE INDEX actions_slot ON actions (lane, lane_nonce, place) WHERE lane IS NOT NULL;

CREATE TABLE transactions (
    seq {serial} PRIMARY KEY{auto},
    hash TEXT NOT NULL UNIQUE,
    lane TEXT NOT NULL,
    nonce BIGINT NOT NULL,
    cancels INTEGER NOT NULL,
    raw {blob} NOT NULL,
    max_fee TEXT NOT NULL,
    priority_fee TEXT NOT NULL,
    signed_at BIGINT NOT NULL,
    broadcast_at BIGINT,
    answer TEXT
);
CREATE INDEX transactions_slot ON transactions (lane, nonce, seq);

CREATE TABLE cargo (
    lane TEXT NOT NULL,
    nonce BIGINT NOT NULL,
    place INTEGER NOT NULL,
    action_id TEXT NOT NULL REFERENCES actions (id),
    PRIMARY KEY (lane, nonce, place)
);
CREATE INDEX cargo_action ON cargo (action_id);

CREATE TABLE lanes (
    address TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    owner TEXT NOT NULL,
    since BIGINT NOT NULL
);

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    action_id TEXT NOT NULL REFERENCES actions (id)
);
CREATE INDEX idempotency_action ON idempotency (action_id);

CREATE TABLE budgets (
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    reserved TEXT NOT NULL DEFAULT '0',
    spent TEXT NOT NULL DEFAULT '0',
    reverts INTEGER NOT NULL DEFAULT 0,
    actions INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, period)
);

CREATE TABLE proofs (
    signer TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE invitations (
    digest TEXT PRIMARY KEY,
    uses INTEGER NOT NULL,
    expires_at BIGINT NOT NULL,
    note TEXT NOT NULL
);

CREATE TABLE rules (
    address TEXT PRIMARY KEY,
    rule TEXT NOT NULL CHECK (rule IN ('allow', 'deny')),
    note TEXT NOT NULL
);

CREATE TABLE hooks (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    signer TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL DEFAULT 0,
    answer TEXT
);

CREATE TABLE hook_cursors (
    hook_id TEXT NOT NULL REFERENCES hooks (id),
    chain TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (hook_id, chain)
);

CREATE TABLE uploads (
    cid TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    day TEXT NOT NULL,
    size BIGINT NOT NULL
);
CREATE INDEX uploads_client ON uploads (client, day);

CREATE TABLE chains (
    name TEXT PRIMARY KEY,
    number BIGINT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE audit (
    seq {serial} PRIMARY KEY{auto},
    chain TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    action_id TEXT,
    event TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL,
    UNIQUE (chain, number)
);
CREATE INDEX audit_action ON audit (action_id);

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

# Made too in databases of this version that were without it: what of a signer is out, without reading all that is.
_LATER = "CREATE INDEX IF NOT EXISTS actions_out_of_signer ON actions (signer, seq) WHERE state = 'sent';"

_SQLITE_ONLY = """
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
"""
_POSTGRES_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
_WORDS = {
    "sqlite": {"serial": "INTEGER", "auto": " AUTOINCREMENT", "blob": "BLOB"},
    "postgresql": {"serial": "BIGINT GENERATED ALWAYS AS IDENTITY", "auto": "", "blob": "BYTEA"},
}


def connect(path: Path) -> SqliteDatabase:
    """Open an SQLite queue, creating it at first. Raises ConfigurationError for one of another version."""
    database = SqliteDatabase(path)
    try:
        version = database.read("PRAGMA user_version")[0]["user_version"]
        if version == 0:
            schema = SCHEMA.format(**_WORDS["sqlite"])
            database.script(f"{schema}{_SQLITE_ONLY}PRAGMA user_version = {VERSION};")
        else:
            _check_version(str(path), version)
        database.script(_LATER)
    except BaseException:
        database.close()
        raise
    return database


def connect_postgres(url: str, *, connections: int = 8) -> PostgresDatabase:
    """Open a PostgreSQL queue, creating its tables at first.

    Raises StorageError, and ConfigurationError for one of another version or a server that may lose commits.
    """
    database = PostgresDatabase(url, connections=connections)
    _prepare(database)
    return database


def prepare_postgres(url: str) -> None:
    """Make the tables of a PostgreSQL queue where there are none. Raises as `connect_postgres`."""
    connect_postgres(url, connections=1).close()


def _prepare(database: PostgresDatabase) -> None:
    if database.read("SHOW fsync")[0]["fsync"] != "on":
        raise ConfigurationError("the PostgreSQL server runs with fsync off: a power cut would lose signed bytes")
    if database.read("SELECT to_regclass('actions') AS found")[0]["found"] is None:
        schema = SCHEMA.format(**_WORDS["postgresql"])
        try:
            database.script(f"{schema}{_POSTGRES_ONLY}INSERT INTO meta VALUES ('version', '{VERSION}');")  # noqa: S608
        except Exception:
            # Another relayer that starts at the same time may have been first.
            if database.read("SELECT to_regclass('actions') AS found")[0]["found"] is None:
                raise
    rows = database.read("SELECT value FROM meta WHERE name = 'version'")
    _check_version("the database", int(rows[0]["value"]) if rows else 1)
    if database.read("SELECT to_regclass('actions_out_of_signer') AS found")[0]["found"] is None:
        database.script(_LATER)


def _check_version(where: str, version: int) -> None:
    if version != VERSION:
        raise ConfigurationError(
            f"{where} has database version {version}, this relayer speaks {VERSION}; "
            "use the relayer that wrote it, or another database"
        )


def bind(database: Database, name: str, value: str) -> None:
    """Tie the database to a fact of its first start. Raises ConfigurationError when it was made for another.

    A queue made for one chain or deployment must never be replayed on another.
    """
    with database.transaction() as change:
        change.change("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", name, value)
        kept = change.run("SELECT value FROM meta WHERE name = ?", name)[0]["value"]
    if kept != value:
        raise ConfigurationError(f"the database belongs to {name} {kept}, not {value}; choose another database")
