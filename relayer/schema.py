# SPDX-License-Identifier: Apache-2.0
"""The relayer's database: what is promised to clients, what was signed, what it may cost, and a log of it all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from relayer.problems import ConfigurationError

VERSION = 1

# Wei do not fit SQLite's 63-bit integers: amounts are decimal text, and arithmetic is done in Python inside the
# transaction. `transactions` holds every byte string that may ever have reached a node.
SCHEMA = """
CREATE TABLE actions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    signer TEXT NOT NULL,
    nonce TEXT NOT NULL,
    contract TEXT NOT NULL,
    digest TEXT NOT NULL,
    target TEXT NOT NULL,
    calldata BLOB NOT NULL,
    gas_limit INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    by_contract INTEGER NOT NULL,
    since_block INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'mined', 'final', 'failed')),
    reason TEXT,
    lane TEXT,
    lane_nonce INTEGER,
    tx_hash TEXT,
    block_number INTEGER,
    block_hash TEXT,
    succeeded INTEGER,
    reserved TEXT NOT NULL,
    cost TEXT,
    budget_day TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    sent_at INTEGER,
    mined_at INTEGER,
    finished_at INTEGER,
    UNIQUE (signer, nonce, contract),
    CHECK ((lane IS NULL) = (lane_nonce IS NULL)),
    CHECK (state NOT IN ('sent', 'mined') OR lane IS NOT NULL),
    CHECK ((state IN ('final', 'failed')) = (finished_at IS NOT NULL))
);
CREATE INDEX actions_open ON actions (state, seq) WHERE state IN ('queued', 'sent', 'mined');
CREATE INDEX actions_signer ON actions (signer, seq);
CREATE UNIQUE INDEX actions_slot ON actions (lane, lane_nonce) WHERE lane IS NOT NULL;

CREATE TABLE transactions (
    hash TEXT PRIMARY KEY,
    action_id TEXT NOT NULL REFERENCES actions (id),
    lane TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    raw BLOB NOT NULL,
    max_fee TEXT NOT NULL,
    priority_fee TEXT NOT NULL,
    signed_at INTEGER NOT NULL,
    broadcast_at INTEGER,
    answer TEXT
);
CREATE INDEX transactions_slot ON transactions (lane, nonce);
CREATE INDEX transactions_action ON transactions (action_id);

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
    PRIMARY KEY (scope, period)
);

CREATE TABLE uploads (
    cid TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    day TEXT NOT NULL,
    size INTEGER NOT NULL
);
CREATE INDEX uploads_client ON uploads (client, day);

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    action_id TEXT,
    event TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_action ON audit (action_id);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the database, creating it at first. Raises ConfigurationError for one of another version.

    synchronous=FULL: a committed row survives a power cut, which is what makes "persist, then broadcast" true.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE;{SCHEMA}PRAGMA user_version = {VERSION};COMMIT;")
    elif version != VERSION:
        connection.close()
        raise ConfigurationError(
            f"{path} has database version {version}, this relayer speaks {VERSION}; "
            "use the relayer that wrote it, or another file"
        )
    return connection


def bind(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Tie the database to a fact of its first start. Raises ConfigurationError when it was made for another.

    A queue made for one chain or deployment must never be replayed on another.
    """
    connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, value))
    kept = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0]
    if kept != value:
        raise ConfigurationError(f"the database belongs to {name} {kept}, not {value}; choose another database file")
