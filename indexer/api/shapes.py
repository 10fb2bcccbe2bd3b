# SPDX-License-Identifier: Apache-2.0
"""From rows to JSON. The shapes are those of `models`; a test compares them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import IntFlag
from typing import Any

import orjson

from indexer.api.ids import (
    show_account,
    show_address,
    show_amount,
    show_digest,
    show_some_address,
    show_some_digest,
)
from indexer.api.reader import Row, Snapshot
from indexer.project import HELD, LATER_CLAIM, STEWARD_ACCEPTED
from indexer.schema import ZERO20, ZERO32
from ipto.content import Cid
from ipto.ids import acknowledgement
from ipto.structs import (
    NEVER,
    UNLIMITED,
    WHOLE_END_MS,
    AfterTerm,
    Aspect,
    Forbid,
    Offer,
    OfferFlag,
    Unit,
    Usage,
)

# Why an offer cannot be bought now. SQL over o (the offer) and w (its work); {now} is UTC seconds.
BLOCKED_BY = {
    "withdrawn": "o.withdrawn = 1",
    "work_transferred": "w.owner IS DISTINCT FROM o.licensor OR o.posted_at < w.owned_since",
    "work_held": f"w.flags & {HELD} <> 0 AND w.held_until > {{now}}",
    "not_open_yet": "o.opens_at > {now}",
    "closed": f"o.closes_at <= {{now}} AND o.closes_at <> {NEVER}",
    "sold_out": "o.sold >= o.supply",
    "exclusive_license_running": (
        "EXISTS (SELECT 1 FROM exclusivity x WHERE x.work = o.work AND x.usage & o.usages <> 0 AND x.until > {now})"
    ),
    "consent_missing": (
        "w.steward <> x'0000000000000000000000000000000000000000' AND NOT EXISTS (SELECT 1 FROM consents k "
        "WHERE k.offer_id = o.offer_id AND k.steward = w.steward AND k.given = 1)"
    ),
    "sales_paused": "EXISTS (SELECT 1 FROM protocol p WHERE p.name = 'sales_paused' AND p.value = '1')",
}

_BLOCK = "JOIN blocks b ON b.number = o.changed >> 20"
_CURRENCY = "LEFT JOIN currencies y ON y.currency = o.currency"
WORK_COLUMNS = (
    "o.*, b.hash AS block_hash, d.state AS d_state, d.title AS d_title, d.error AS d_error, "
    "n.state AS n_state, n.title AS n_title, n.error AS n_error"
)
WORK_JOINS = (
    f"{_BLOCK} LEFT JOIN documents d ON d.digest = o.metadata AND d.kind = 'metadata' "
    "LEFT JOIN documents n ON n.digest = o.cultural AND n.kind = 'cultural'"
)
OFFER_JOINS = (
    f"{_BLOCK} LEFT JOIN works w ON w.work = o.work {_CURRENCY} "
    "LEFT JOIN documents d ON d.digest = o.terms AND d.kind = 'terms'"
)
LICENSE_COLUMNS = (
    "o.*, b.hash AS block_hash, y.symbol, y.decimals, f.usages, f.aspects, f.forbids, f.start_ms, f.end_ms, f.terms"
)
LICENSE_JOINS = f"{_BLOCK} {_CURRENCY} LEFT JOIN offers f ON f.offer_id = o.offer_id"
LINE_COLUMNS = "o.*, b.hash AS block_hash, b.timestamp, y.symbol, y.decimals, e.tx"
LINE_JOINS = f"JOIN blocks b ON b.number = o.seq >> 20 JOIN events e ON e.seq = o.seq {_CURRENCY}"


def offer_columns(now: int) -> str:
    """What an offer's shape needs at a time."""
    reasons = ", ".join(f"({sql.format(now=now)}) AS blocked_{name}" for name, sql in BLOCKED_BY.items())
    return (
        "o.*, b.hash AS block_hash, y.symbol, y.decimals, d.state AS d_state, d.title AS d_title, d.error AS d_error, "
        "w.flags AS w_flags, w.cultural AS w_cultural, w.payee AS w_payee, w.owner AS w_owner, w.steward AS w_steward, "
        + reasons
    )


def is_live(now: int) -> str:
    """The condition that nothing keeps an offer from being bought."""
    return " AND ".join(f"NOT ({sql.format(now=now)})" for sql in BLOCKED_BY.values())


@functools.lru_cache(maxsize=4096)
def names_of(kind: type[IntFlag], bits: int) -> list[str]:
    return [str(flag.name) for flag in kind if bits & flag]


@functools.lru_cache(maxsize=16_384)
def _cid(digest: bytes) -> str:
    return str(Cid.raw(digest))


def document(row: Row, digest: bytes, prefix: str, body: bytes | None = None) -> dict[str, Any] | None:
    """A digest and what is known of the bytes behind it; None for zeros. body: only where one object is shown."""
    if digest == ZERO32:
        return None
    shown: dict[str, Any] = {
        "digest": show_digest(digest),
        "cid": _cid(digest),
        "state": row[f"{prefix}_state"] or "pending",
        "title": row[f"{prefix}_title"],
        "error": row[f"{prefix}_error"] or None,
    }
    if body is not None:
        shown["content"] = orjson.Fragment(body)
    return shown


def body_of(snapshot: Snapshot, digest: bytes, kind: str) -> bytes | None:
    """A resolved document's bytes."""
    row = snapshot.one("SELECT body FROM documents WHERE digest = ? AND kind = ? AND state = 'resolved'", digest, kind)
    return row["body"] if row else None


def work(snapshot: Snapshot, row: Row, *, bodies: bool = False) -> dict[str, Any]:
    """models.Work"""
    metadata = body_of(snapshot, row["metadata"], "metadata") if bodies else None
    notice = body_of(snapshot, row["cultural"], "cultural") if bodies and row["cultural"] != ZERO32 else None
    steward = None
    if row["steward"] != ZERO20:
        steward = {"address": show_address(row["steward"]), "accepted": bool(row["flags"] & STEWARD_ACCEPTED)}
    return {
        "id": str(int.from_bytes(row["work"])),
        "id_hex": show_digest(row["work"]),
        "creator": show_address(row["creator"]),
        "owner": show_address(row["owner"]),
        "owned_since": row["owned_since"],
        "registered_at": row["registered_at"],
        "content": show_digest(row["content"]),
        "metadata": document(row, row["metadata"], "d", metadata),
        "cultural": document(row, row["cultural"], "n", notice),
        "payee": show_account(_payee(row["payee"], row["owner"])),
        "steward": steward,
        "duration_ms": row["duration_ms"],
        "cleared": names_of(Aspect, row["cleared"]),
        "later_claim": bool(row["flags"] & LATER_CLAIM),
        "held": bool(row["flags"] & HELD) and row["held_until"] > snapshot.at.timestamp,
        "held_until": row["held_until"] if row["flags"] & HELD else None,
        "clean_since": row["clean_since"] or None,
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def offer(snapshot: Snapshot, row: Row, fee_bps: int, *, bodies: bool = False) -> dict[str, Any]:
    """models.Offer"""
    money = (row["currency"], row["symbol"], row["decimals"])
    blocked = [name for name in BLOCKED_BY if row[f"blocked_{name}"]]
    terms = body_of(snapshot, row["terms"], "terms") if bodies else None
    return {
        "id": show_digest(row["offer_id"]),
        "work": str(int.from_bytes(row["work"])),
        "work_hex": show_digest(row["work"]),
        "licensor": show_address(row["licensor"]),
        "live": not blocked,
        "blocked_by": blocked,
        "usages": names_of(Usage, row["usages"]),
        "aspects": names_of(Aspect, row["aspects"]),
        "forbids": names_of(Forbid, row["forbids"]),
        "scene": scene(row),
        "price": show_amount(row["price"], *money),
        "term_seconds": _unless(row["term"], NEVER),
        "revenue_share_bps": row["revenue_share_bps"],
        "unit": Unit(row["unit"]).name if row["unit"] else None,
        "unit_price": show_amount(row["unit_price"], *money) if row["unit"] else None,
        "report_every_seconds": row["report_every"] or None,
        "after_term": after_term(row["after_term"]),
        "supply": _unless(row["supply"], UNLIMITED),
        "sold": row["sold"],
        "licensee": show_some_address(row["licensee"]),
        "opens_at": row["opens_at"],
        "closes_at": _unless(row["closes_at"], NEVER),
        "flags": names_of(OfferFlag, row["flags"]),
        "terms": document(row, row["terms"], "d", terms),
        "posted_at": row["posted_at"],
        "quote": _quote(row, fee_bps, money),
        "chain": {spec.name: _CHAIN_VALUES[spec.abi](row[spec.name]) for spec in _OFFER_FIELDS},
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def _quote(row: Row, fee_bps: int, money: tuple[Any, ...]) -> dict[str, Any] | None:
    if row["w_flags"] is None:
        return None
    price = int.from_bytes(row["price"])
    fee = price * fee_bps // 10_000
    claim_rank = 1 if row["w_flags"] & LATER_CLAIM else 0
    return {
        "price": show_amount(price, *money),
        "fee": show_amount(fee, *money),
        "total": show_amount(price + fee, *money),
        "fee_bps": fee_bps,
        "payee": show_account(_payee(row["w_payee"], row["w_owner"])),
        "acknowledge": {
            "terms": show_digest(row["terms"]),
            "cultural": show_digest(row["w_cultural"]),
            "claim_rank": claim_rank,
            "hash": show_digest(acknowledgement(row["terms"], row["w_cultural"], claim_rank)),
        },
    }


_OFFER_FIELDS = Offer.fields()
# The struct as `ipto.structs.Offer.from_mapping` reads it: numbers above 53 bits as decimal strings.
_CHAIN_VALUES: dict[str, Callable[[Any], Any]] = {
    "uint256": lambda value: str(int.from_bytes(value)),
    "uint96": lambda value: str(int.from_bytes(value)),
    "address": show_address,
    "bytes32": show_digest,
}
_CHAIN_VALUES |= dict.fromkeys(("uint8", "uint16", "uint32", "uint40"), int)


def license(snapshot: Snapshot, row: Row, now: int) -> dict[str, Any]:
    """models.License"""
    money = (row["currency"], row["symbol"], row["decimals"])
    price, fee = int.from_bytes(row["price"]), int.from_bytes(row["fee"])
    expires_at = _unless(row["expires_at"], NEVER)
    return {
        "id": str(int.from_bytes(row["license"])),
        "id_hex": show_digest(row["license"]),
        "offer": show_digest(row["offer_id"]),
        "work": str(int.from_bytes(row["work"])),
        "work_hex": show_digest(row["work"]),
        "holder": show_address(row["holder"]),
        "licensee": show_address(row["licensee"]),
        "payer": show_address(row["payer"]),
        "payee": show_account(row["payee"]),
        "price": show_amount(price, *money),
        "fee": show_amount(fee, *money),
        "total": show_amount(price + fee, *money),
        "issued_at": row["issued_at"],
        "expires_at": expires_at,
        "running": (expires_at is None or now < expires_at) and not row["ended"],
        "ended": bool(row["ended"]),
        "transferable": not row["locked"],
        "usages": names_of(Usage, row["usages"] or 0),
        "aspects": names_of(Aspect, row["aspects"] or 0),
        "forbids": names_of(Forbid, row["forbids"] or 0),
        "scene": scene(row) if row["end_ms"] is not None else None,
        "terms": show_some_digest(row["terms"] or ZERO32),
        "cultural": show_some_digest(row["cultural"]),
        "claim_rank": row["claim_rank"],
        "party": show_digest(row["party"]),
        "finality": snapshot.finality(row["changed"], row["block_hash"]),
    }


def line(snapshot: Snapshot, row: Row) -> dict[str, Any]:
    """models.LedgerLine"""
    return {
        "account": show_account(row["account"]),
        "kind": row["kind"],
        "amount": show_amount(row["amount"], row["currency"], row["symbol"], row["decimals"]),
        "other": show_account(row["other"]),
        "at": row["timestamp"],
        "transaction": show_digest(row["tx"]),
        "finality": snapshot.finality(row["seq"], row["block_hash"]),
    }


def _payee(payee: bytes, owner: bytes) -> bytes:
    return payee if payee != ZERO32 else bytes(12) + owner


def scene(row: Row) -> dict[str, Any]:
    whole = row["start_ms"] == 0 and row["end_ms"] == WHOLE_END_MS
    return {"whole": whole, "start_ms": row["start_ms"], "end_ms": None if whole else row["end_ms"]}


def _unless(value: int, never: int) -> int | None:
    return None if value == never else value


def after_term(value: int) -> str | None:
    return AfterTerm(value).name if value in set(AfterTerm) else None
