# SPDX-License-Identifier: Apache-2.0
"""The tables of the protocol, and those that every index has.

Every object has `seq`, the place of its first event on the chain, and `changed`, that of its last:
seq = block * 2**20 + index of the log in its block. One database, or one schema of a PostgreSQL database, holds one
chain.
"""

from __future__ import annotations

from indexer.tables import ZERO20, ZERO32, Key, Row, Table
from indexer.tables import table as _table

__all__ = ["ZERO20", "ZERO32", "Key", "Row", "Table"]

SCHEMA_VERSION = 2
LOG_BITS = 20  # more logs than a block can hold

WORKS = _table(
    "works",
    "work:blob32 creator:blob20 owner:blob20 owned_since:int content:blob32 metadata:blob32 cultural:blob32 "
    "payee:blob32 steward:blob20 duration_ms:int cleared:int flags:int registered_at:int held_until:int "
    "clean_since:int",
    "work",
    "owner seq",
    "creator seq",
    "content seq",
    "metadata seq",
    "cultural seq",
    "steward seq !steward",
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
    "locked:int ended:int",
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
# What all licenses of works and datasets brought.
TURNOVER = _table("turnover", "currency:blob20 licenses:int price:u256 fee:u256", "currency")
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
# `accepted_by`: whoever accepted the invitation an account stands for; it is theirs for good.
ACCOUNTS = _table("accounts", "account:blob32 redirect:blob20 receiver:blob20 accepted_by:blob20", "account")
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
    TURNOVER,
    SPLITS,
    MEMBERS,
    SPLIT_PAID,
    BALANCES,
    ACCOUNTS,
    LEDGER,
    NONCES,
    PROTOCOL,
)

# What the projections are made from, and what the writer needs to go back.
META = _table("meta", "name:text value:text", "name", stamps=False)
CHECKPOINT = _table("checkpoint", "id:int number:int hash:blob32 timestamp:int final:int", "id", stamps=False)
HEADERS = _table("headers", "number:int hash:blob32 parent:blob32 timestamp:int", "number", stamps=False)
BLOCKS = _table("blocks", "number:int hash:blob32 timestamp:int", "number", stamps=False)
EVENTS = _table(
    "events",
    "seq:int contract:text name:text tx:blob32 topics:blob data:blob work:blob32?",
    "seq",
    "name seq",
    "work seq ?work",
    stamps=False,
)
UNDO = _table("undo", "block:int step:int tbl:text key:text row:text?", "block step", stamps=False)
CHAIN = (META, CHECKPOINT, HEADERS, BLOCKS, EVENTS, UNDO)

# Not from events: documents and currencies are looked up beside the chain and are never undone. A document is known by
# digest and kind, because anyone may name anyone's digest anywhere. `next_at` is when to try again (UTC seconds), NULL
# for never.
DOCUMENTS = _table(
    "documents",
    "digest:blob32 kind:text state:text attempts:int next_at:int? body:blob? title:text? error:text",
    "digest kind",
    "next_at ?next_at",
    stamps=False,
)
CURRENCIES = _table(
    "currencies", "currency:blob20 symbol:text? decimals:int? attempts:int next_at:int?", "currency", stamps=False
)
STATUS = _table("status", "id:int head:int seen_at:int error:text", "id", stamps=False)
BESIDE = (DOCUMENTS, CURRENCIES, STATUS)
