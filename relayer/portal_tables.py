# SPDX-License-Identifier: Apache-2.0
"""Tables of sessions and films, beside those of the queue: added where they are missing, on either database."""

from __future__ import annotations

from relayer.postgres import PostgresDatabase
from relayer.sqlite import SqliteDatabase

# `films.received` counts only what was flushed to the disk; a session's token is kept as its SHA-256 alone.
TABLES = """
CREATE TABLE IF NOT EXISTS used_nonces (
    nonce TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS sessions (
    digest TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    site TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_account ON sessions (account, created_at);

CREATE TABLE IF NOT EXISTS films (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    network TEXT,
    day TEXT NOT NULL,
    length BIGINT NOT NULL,
    received BIGINT NOT NULL DEFAULT 0,
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('receiving', 'quarantined', 'verified', 'pinned', 'refused', 'ended', 'expired')),
    code TEXT,
    reason TEXT,
    facts TEXT,
    cid TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    looked_at BIGINT NOT NULL DEFAULT 0,
    expires_at BIGINT NOT NULL,
    CHECK (received >= 0 AND received <= length),
    CHECK (state NOT IN ('quarantined', 'verified', 'pinned') OR received = length),
    CHECK ((state = 'pinned') = (cid IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS films_account ON films (account, created_at);
CREATE INDEX IF NOT EXISTS films_state ON films (state, looked_at);
CREATE INDEX IF NOT EXISTS films_network ON films (network, day);
"""


def add_tables(database: SqliteDatabase | PostgresDatabase) -> None:
    """Make the tables if they are not there. Raises StorageError."""
    database.script(TABLES)
