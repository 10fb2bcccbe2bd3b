# SPDX-License-Identifier: Apache-2.0
"""A database of many works, offers and licenses, written without a chain: what the API is measured on.

Every value is what a hash would give: spread evenly, so that no index gets an easy order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

from indexer.database import open_writer
from indexer.fetch import Header
from indexer.model import PROTOCOL_MODEL
from indexer.schema import BLOCKS, DOCUMENTS, LICENSES, OFFERS, WORKS
from indexer.store import Chain, Store
from indexer.tables import Table
from ipto.structs import ETH, NEVER, UNLIMITED, WHOLE_END_MS

PEOPLE = 5_000
_PER_BLOCK = 50
_BATCH = 20_000
_ETH = bytes.fromhex(ETH[2:])


def digest(*parts: object) -> bytes:
    """32 bytes that nothing else has."""
    return hashlib.sha256(repr(parts).encode()).digest()


def person(number: int) -> bytes:
    """An address."""
    return digest("person", number % PEOPLE)[:20]


def work_key(number: int) -> bytes:
    """The id of a work."""
    return digest("work", number)


def offer_key(number: int) -> bytes:
    """The id of the offer of work `number`."""
    return digest("offer", number)[:28] + bytes(4)


def license_key(number: int) -> bytes:
    """The id of the license of work `number`."""
    return digest("offer", number)[:28] + (1).to_bytes(4)


def fill(url: str, schema: str, chain: Chain, works: int) -> None:
    """Write `works` works, each with an offer and a license, into an empty database."""
    with Store(open_writer(url, schema), chain, PROTOCOL_MODEL, {}) as store:
        blocks = 1 + 3 * works // _PER_BLOCK
        store.begin(Header(chain.start - 1, digest("start"), bytes(32), 1_700_000_000))
        db = store.db
        with db.transaction():
            for table, rows in _tables(works):
                while part := list(islice(rows, _BATCH)):
                    db.insert(table, part)
            db.insert(BLOCKS, [(n, digest("block", n), 1_700_000_000 + 12 * n) for n in range(blocks + 1)])
            db.run("UPDATE checkpoint SET number = ?, hash = ?, final = ?", (blocks, digest("block", blocks), blocks))
        store.note(blocks)
        if db.dialect == "postgresql" or works > 100_000:
            db.run("ANALYZE")


def _row(table: Table, **values: Any) -> tuple[Any, ...]:
    row = table.zeros | values
    return tuple([row[name] for name in table.names])


def _seq(number: int, kind: int) -> int:
    at = 3 * number + kind
    return ((1 + at // _PER_BLOCK) << 20) + at % _PER_BLOCK


def _tables(works: int) -> list[tuple[Table, Iterator[tuple[Any, ...]]]]:
    return [
        (WORKS, map(_work, range(works))),
        (OFFERS, map(_offer, range(works))),
        (LICENSES, map(_license, range(works))),
        (DOCUMENTS, map(_document, range(works))),
    ]


def _work(n: int) -> tuple[Any, ...]:
    seq = _seq(n, 0)
    return _row(
        WORKS, work=work_key(n), creator=person(n), owner=person(n), owned_since=1_700_000_000, content=digest("c", n),
        metadata=digest("m", n), duration_ms=60_000, cleared=511, registered_at=1_700_000_000, seq=seq, changed=seq,
    )  # fmt: skip


def _offer(n: int) -> tuple[Any, ...]:
    seq = _seq(n, 1)
    return _row(
        OFFERS, offer_id=offer_key(n), work=work_key(n), licensor=person(n), usages=1 + n % 255,
        aspects=1 + n % 511, end_ms=WHOLE_END_MS, currency=_ETH, price=(10**15 + n).to_bytes(32), term=31_536_000,
        after_term=1, supply=UNLIMITED, closes_at=NEVER, terms=digest("t", n), posted_at=1_700_000_000, sold=1,
        seq=seq, changed=seq,
    )  # fmt: skip


def _license(n: int) -> tuple[Any, ...]:
    seq = _seq(n, 2)
    return _row(
        LICENSES, license=license_key(n), offer_id=offer_key(n), work=work_key(n),
        holder=person(7 * n), licensee=person(7 * n), payer=person(7 * n), payee=bytes(12) + person(n), currency=_ETH,
        price=(10**15 + n).to_bytes(32), issued_at=1_700_000_000, expires_at=NEVER, party=digest("p", n), locked=1,
        seq=seq, changed=seq,
    )  # fmt: skip


def _document(n: int) -> tuple[Any, ...]:
    return (digest("m", n), "metadata", "resolved", 1, None, b'{"name":"Work"}', f"Work number {n}", "")
