# SPDX-License-Identifier: Apache-2.0
"""Licenses as JSON text, written straight from rows: the list of them is what is asked for most.

A page of fifty is 84 kB. As dictionaries for orjson it takes four times as long to make; a test compares the two forms
(`shapes.license`) value by value.
"""

from __future__ import annotations

import functools
from typing import Any

import orjson

from indexer.api.ids import show_account
from indexer.api.reader import Snapshot
from indexer.api.shapes import names_of, scene
from indexer.schema import ZERO32
from indexer.shown import show_address
from ipto.structs import NEVER, Aspect, Forbid, Usage

_LICENSE = (
    '{"id":"%d","id_hex":"0x%s","offer":"0x%s","work":"%d","work_hex":"0x%s","holder":"%s","licensee":"%s",'
    '"payer":"%s","payee":%s,"price":{"amount":"%d%s,"fee":{"amount":"%d%s,"total":{"amount":"%d%s,"issued_at":%d,'
    '"expires_at":%s,"running":%s,"ended":%s,"transferable":%s,%s,"scene":%s,"terms":%s,"cultural":%s,'
    '"claim_rank":%d,"party":"0x%s","finality":{"block":%d,"hash":"0x%s","confirmations":%d,"final":%s}}'
)
_WORDS = ("false", "true")


@functools.lru_cache(maxsize=16_384)
def _account(raw: bytes) -> str:
    return orjson.dumps(show_account(raw)).decode()


@functools.lru_cache(maxsize=1_024)
def _currency(currency: bytes, symbol: str | None, decimals: int | None) -> str:
    """What stands behind an amount."""
    shown = {"currency": show_address(currency), "symbol": symbol, "decimals": decimals}
    return '",' + orjson.dumps(shown).decode()[1:]


@functools.lru_cache(maxsize=16_384)
def _permits(usages: int, aspects: int, forbids: int) -> str:
    shown = {
        "usages": names_of(Usage, usages),
        "aspects": names_of(Aspect, aspects),
        "forbids": names_of(Forbid, forbids),
    }
    return orjson.dumps(shown).decode()[1:-1]


@functools.lru_cache(maxsize=4_096)
def _scene(start_ms: int | None, end_ms: int | None) -> str:
    return "null" if end_ms is None else orjson.dumps(scene({"start_ms": start_ms, "end_ms": end_ms})).decode()


# In the order that `license` takes them.
LICENSE_COLUMNS = (
    "o.seq, o.license, o.offer_id, o.work, o.holder, o.licensee, o.payer, o.payee, o.currency, o.price, o.fee, "
    "o.issued_at, o.expires_at, o.party, o.cultural, o.claim_rank, o.locked, o.ended, o.changed, b.hash, y.symbol, "
    "y.decimals, f.usages, f.aspects, f.forbids, f.start_ms, f.end_ms, f.terms"
)


def license(snapshot: Snapshot, row: tuple[Any, ...], now: int) -> orjson.Fragment:
    """models.License, as `shapes.license` shows it. row: LICENSE_COLUMNS."""
    (
        _, number, offer, work, holder, licensee, payer, payee, currency, price_word, fee_word, issued_at, expires_at,
        party, cultural, claim_rank, locked, ended, changed, block_hash, symbol, decimals, usages, aspects, forbids,
        start_ms, end_ms, terms,
    ) = row  # fmt: skip
    price, fee = int.from_bytes(price_word), int.from_bytes(fee_word)
    money = _currency(currency, symbol, decimals)
    block, at = changed >> 20, snapshot.at
    return orjson.Fragment(
        _LICENSE
        % (
            int.from_bytes(number), number.hex(), offer.hex(), int.from_bytes(work), work.hex(), show_address(holder),
            show_address(licensee), show_address(payer), _account(payee), price, money, fee, money, price + fee, money,
            issued_at,
            "null" if expires_at == NEVER else expires_at,
            _WORDS[(expires_at == NEVER or now < expires_at) and not ended],
            _WORDS[ended],
            _WORDS[not locked],
            _permits(usages or 0, aspects or 0, forbids or 0),
            _scene(start_ms, end_ms),
            f'"0x{terms.hex()}"' if terms and terms != ZERO32 else "null",
            f'"0x{cultural.hex()}"' if cultural != ZERO32 else "null",
            claim_rank, party.hex(), block, block_hash.hex(), at.number - block + 1,
            _WORDS[block <= at.final],
        )
    )  # fmt: skip
