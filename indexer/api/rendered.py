# SPDX-License-Identifier: Apache-2.0
"""Licenses as JSON text, written straight from rows: the list of them is what is asked for most.

A page of fifty is 84 kB. As dictionaries for orjson it takes five times as long to make; a test compares the two forms
(`shapes.license`) value by value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from indexer.api.ids import show_account
from indexer.api.reader import Indexed, Snapshot
from indexer.api.shapes import names_of, scene
from indexer.schema import LOG_BITS, ZERO32
from indexer.shown import show_address
from ipto.structs import NEVER, Aspect, Forbid, Usage

_WORDS = ("false", "true")


class _Memo(dict[Any, str]):
    """What a function gives, kept for so many arguments; then all are forgotten. Half of what lru_cache costs."""

    def __init__(self, make: Callable[..., str], most: int) -> None:
        self._make, self._most = make, most

    def __missing__(self, key: Any) -> str:
        if len(self) >= self._most:
            self.clear()
        made = self[key] = self._make(*key) if isinstance(key, tuple) else self._make(key)
        return made


def _account(raw: bytes) -> str:
    return orjson.dumps(show_account(raw)).decode()


def _currency(currency: bytes, symbol: str | None, decimals: int | None) -> str:
    """What stands behind an amount."""
    shown = {"currency": show_address(currency), "symbol": symbol, "decimals": decimals}
    return '",' + orjson.dumps(shown).decode()[1:]


def _permits(usages: int | None, aspects: int | None, forbids: int | None) -> str:
    shown = {
        "usages": names_of(Usage, usages or 0),
        "aspects": names_of(Aspect, aspects or 0),
        "forbids": names_of(Forbid, forbids or 0),
    }
    return orjson.dumps(shown).decode()[1:-1]


def _scene(start_ms: int | None, end_ms: int | None) -> str:
    return "null" if end_ms is None else orjson.dumps(scene({"start_ms": start_ms, "end_ms": end_ms})).decode()


_ADDRESSES = _Memo(show_address, 16_384)
_ACCOUNTS = _Memo(_account, 16_384)
_CURRENCIES = _Memo(_currency, 1_024)
_PERMITS = _Memo(_permits, 16_384)
_SCENES = _Memo(_scene, 4_096)

# In the order that `licenses` takes them.
LICENSE_COLUMNS = (
    "o.seq, o.license, o.offer_id, o.work, o.holder, o.licensee, o.payer, o.payee, o.currency, o.price, o.fee, "
    "o.issued_at, o.expires_at, o.party, o.cultural, o.claim_rank, o.locked, o.ended, o.changed, b.hash, y.symbol, "
    "y.decimals, f.usages, f.aspects, f.forbids, f.start_ms, f.end_ms, f.terms"
)


def licenses(snapshot: Snapshot, rows: Sequence[tuple[Any, ...]], now: int) -> orjson.Fragment:
    """A list of models.License, each as `shapes.license` shows it. rows: LICENSE_COLUMNS."""
    at = snapshot.at
    addresses, accounts, words = _ADDRESSES, _ACCOUNTS, _WORDS
    shown, settled = [], _Memo(lambda block, hash: _finality(at, block, hash), 1_000)
    for (
        _, number, offer, work, holder, licensee, payer, payee, currency, price_word, fee_word, issued_at, expires_at,
        party, cultural, claim_rank, locked, ended, changed, block_hash, symbol, decimals, usages, aspects, forbids,
        start_ms, end_ms, terms,
    ) in rows:  # fmt: skip
        price, fee = int.from_bytes(price_word), int.from_bytes(fee_word)
        money = _CURRENCIES[currency, symbol, decimals]
        running, expiry = now < expires_at, expires_at
        if expires_at == NEVER:
            running, expiry = True, "null"
        terms_digest = f'"0x{terms.hex()}"' if terms and terms != ZERO32 else "null"
        notice = f'"0x{cultural.hex()}"' if cultural != ZERO32 else "null"
        shown.append(
            f'{{"id":"{int.from_bytes(number)}","id_hex":"0x{number.hex()}","offer":"0x{offer.hex()}",'
            f'"work":"{int.from_bytes(work)}","work_hex":"0x{work.hex()}","holder":"{addresses[holder]}",'
            f'"licensee":"{addresses[licensee]}","payer":"{addresses[payer]}","payee":{accounts[payee]},'
            f'"price":{{"amount":"{price}{money},"fee":{{"amount":"{fee}{money},'
            f'"total":{{"amount":"{price + fee}{money},"issued_at":{issued_at},"expires_at":{expiry},'
            f'"running":{words[running and not ended]},"ended":{words[ended]},"transferable":{words[not locked]},'
            f'{_PERMITS[usages, aspects, forbids]},"scene":{_SCENES[start_ms, end_ms]},"terms":{terms_digest},'
            f'"cultural":{notice},"claim_rank":{claim_rank},"party":"0x{party.hex()}",'
            f'"finality":{settled[changed >> LOG_BITS, block_hash]}}}'
        )
    return orjson.Fragment(f"[{','.join(shown)}]")


def _finality(at: Indexed, block: int, block_hash: bytes) -> str:
    return (
        f'{{"block":{block},"hash":"0x{block_hash.hex()}","confirmations":{at.number - block + 1},'
        f'"final":{_WORDS[block <= at.final]}}}'
    )
