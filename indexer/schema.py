# SPDX-License-Identifier: Apache-2.0
"""The tables, declared once: the writer, the undo journal, the API and the tests read them from here.

Column types: `int` fits 63 bits; `u256` is a 256-bit unsigned number as 32 big-endian bytes, whose byte order is the
numeric order; `blob` is an address (20 bytes), a digest or an account (32 bytes); `text` is text.

Every object has `seq`, the place of its first event on the chain, and `changed`, that of its last:
seq = block * 2**20 + index of the log in its block. One database holds one chain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 1
LOG_BITS = 20  # more logs than a block can hold

ZERO20 = bytes(20)
ZERO32 = bytes(32)

Row = dict[str, Any]
Key = tuple[Any, ...]

_DEFAULTS: dict[str, Any] = {"int": 0, "u256": ZERO32, "blob32": ZERO32, "blob20": ZERO20, "blob": b"", "text": ""}


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns as (name, type), the columns of its key, and its further indexes."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    # A table of objects keeps its rows in the order of `seq`; others in that of their key.
    by_seq: bool = False

    # Derived, once: they are used for every row.
    names: tuple[str, ...] = ()
    zeros: Row = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(name for name, _ in self.columns))
        object.__setattr__(self, "zeros", {name: _DEFAULTS[kind] for name, kind in self.columns})

    def blank(self) -> Row:
        """A row of zeros: what an object is before anything was said of it."""
        return self.zeros.copy()


def _table(name: str, columns: str, key: str, *indexes: str, by_seq: bool = False, stamps: bool = True) -> Table:
    """`columns` is `name:type …`; objects get `seq` and `changed` besides."""
    pairs = [tuple(word.split(":")) for word in columns.split()]
    if stamps:
        pairs += [("seq", "int"), ("changed", "int")]
    return Table(
        name, tuple((a, b) for a, b in pairs), tuple(key.split()), tuple(tuple(i.split()) for i in indexes), by_seq
    )


WORKS = _table(
    "works",
    "work:blob32 creator:blob20 owner:blob20 owned_since:int content:blob32 metadata:blob32 cultural:blob32 "
    "payee:blob32 steward:blob20 duration_ms:int cleared:int flags:int registered_at:int",
    "work",
    "owner seq",
    "creator seq",
    "content seq",
    by_seq=True,
)
# The fields of the chain's Offer keep its names and order.
OFFERS = _table(
    "offers",
    "offer_id:blob32 work:blob32 licensor:blob20 usages:int aspects:int forbids:int start_ms:int end_ms:int "
    "currency:blob20 price:u256 term:int revenue_share_bps:int unit:int unit_price:u256 report_every:int "
    "after_term:int supply:int licensee:blob20 opens_at:int closes_at:int flags:int terms:blob32 "
    "posted_at:int withdrawn:int sold:int",
    "offer_id",
    "work seq",
    "licensor seq",
    "currency seq",
    by_seq=True,
)
LICENSES = _table(
    "licenses",
    "license:blob32 offer_id:blob32 work:blob32 holder:blob20 licensee:blob20 payer:blob20 payee:blob32 "
    "currency:blob20 price:u256 fee:u256 issued_at:int expires_at:int party:blob32 cultural:blob32 claim_rank:int "
    "locked:int",
    "license",
    "holder seq",
    "work seq",
    "offer_id seq",
    by_seq=True,
)
CONSENTS = _table("consents", "offer_id:blob32 steward:blob20 given:int", "offer_id steward")
# Until when an exclusive license bars sales of one usage bit of a work.
EXCLUSIVITY = _table("exclusivity", "work:blob32 usage:int until:int", "work usage")
# What a work brought, by currency and the account it was booked to.
SALES = _table(
    "sales", "work:blob32 currency:blob20 payee:blob32 licenses:int price:u256 fee:u256", "work currency payee"
)
# `shares` is the preimage: account (32 bytes) and share (4 bytes), one recipient after the other.
SPLITS = _table("splits", "split:blob32 controller:blob20 shares:blob", "split", by_seq=True)
MEMBERS = _table("members", "account:blob32 split:blob32 share:int", "account split", "account seq")
# What a recipient has had from a split; `pushed` is the part that was sent out at once.
SPLIT_PAID = _table(
    "split_paid", "split:blob32 account:blob32 currency:blob20 amount:u256 pushed:u256", "split account currency"
)
# balance = credited + booked_in + shared_in - booked_out - distributed - withdrawn.
# Money that a split sent straight to an address never was in its balance: `pushed`.
BALANCES = _table(
    "balances",
    "account:blob32 currency:blob20 balance:u256 credited:u256 booked_in:u256 shared_in:u256 pushed:u256 "
    "booked_out:u256 distributed:u256 withdrawn:u256",
    "account currency",
)
ACCOUNTS = _table("accounts", "account:blob32 redirect:blob20", "account")
# One line for each movement of an account's money. `other` is whom it came from or went to.
LEDGER = _table(
    "ledger",
    "seq:int line:int account:blob32 currency:blob20 kind:text amount:u256 other:blob32",
    "seq line",
    "account seq line",
    stamps=False,
)
NONCES = _table("nonces", "actor:blob20 nonce:u256 action:blob32 cancelled:int", "actor nonce")
# Facts of the protocol itself: fee_bps, fee_recipient, sales_paused, registrations_paused, gate_closed.
PROTOCOL = _table("protocol", "name:text value:text", "name")

PROJECTIONS = (
    WORKS,
    OFFERS,
    LICENSES,
    CONSENTS,
    EXCLUSIVITY,
    SALES,
    SPLITS,
    MEMBERS,
    SPLIT_PAID,
    BALANCES,
    ACCOUNTS,
    LEDGER,
    NONCES,
    PROTOCOL,
)
BY_NAME = {table.name: table for table in PROJECTIONS}

# What the projections are made from, and what the writer needs to go back.
_CHAIN = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE checkpoint (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL, hash BLOB NOT NULL, timestamp INTEGER NOT NULL, final INTEGER NOT NULL
);
CREATE TABLE headers (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, parent BLOB NOT NULL, timestamp INTEGER NOT NULL);
CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, timestamp INTEGER NOT NULL);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, contract TEXT NOT NULL, name TEXT NOT NULL, tx BLOB NOT NULL,
    topics BLOB NOT NULL, data BLOB NOT NULL, work BLOB
);
CREATE INDEX events_name ON events (name, seq);
CREATE INDEX events_work ON events (work, seq) WHERE work IS NOT NULL;
CREATE TABLE undo (
    block INTEGER NOT NULL, step INTEGER NOT NULL, tbl TEXT NOT NULL, key TEXT NOT NULL, row TEXT,
    PRIMARY KEY (block, step)
) WITHOUT ROWID;
"""

# Not from events: documents and currencies are looked up beside the chain and are never undone. A document is known by
# digest and kind, because anyone may name anyone's digest anywhere. `next_at` is when to try again (UTC seconds), -1
# for never.
_BESIDE = """
CREATE TABLE documents (
    digest BLOB NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL, body BLOB, title TEXT, error TEXT NOT NULL, PRIMARY KEY (digest, kind)
) WITHOUT ROWID;
CREATE INDEX documents_due ON documents (next_at) WHERE next_at >= 0;
CREATE TABLE currencies (
    currency BLOB PRIMARY KEY, symbol TEXT, decimals INTEGER, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE status (
    only INTEGER PRIMARY KEY CHECK (only = 1), head INTEGER NOT NULL, seen_at INTEGER NOT NULL, error TEXT NOT NULL
);
"""

_SQLITE = {"int": "INTEGER", "u256": "BLOB", "blob": "BLOB", "blob20": "BLOB", "blob32": "BLOB", "text": "TEXT"}


def sqlite_ddl() -> str:
    """All statements that make an empty SQLite database."""
    parts = [_CHAIN, _BESIDE]
    for table in PROJECTIONS:
        columns = ", ".join(
            f"{name} INTEGER PRIMARY KEY" if table.by_seq and name == "seq" else f"{name} {_SQLITE[kind]} NOT NULL"
            for name, kind in table.columns
        )
        key = ", ".join(table.key)
        if table.by_seq:
            parts.append(f"CREATE TABLE {table.name} ({columns});")
            parts.append(f"CREATE UNIQUE INDEX {table.name}_key ON {table.name} ({key});")
        else:
            parts.append(f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID;")
        for index in table.indexes:
            parts.append(f"CREATE INDEX {table.name}_{index[0]} ON {table.name} ({', '.join(index)});")
    return "\n".join(parts)
