# SPDX-License-Identifier: Apache-2.0
"""Text written straight from rows says what the dictionaries say, value by value."""

from __future__ import annotations

import random
from typing import Any

import orjson

from indexer.api import models, rendered, shapes
from indexer.api.reader import Indexed, Snapshot
from indexer.schema import ZERO32
from ipto.structs import NEVER, WHOLE_END_MS

NO_OFFER: dict[str, Any] = dict.fromkeys(("usages", "aspects", "forbids", "start_ms", "end_ms", "terms"))
# A token says anything: quotes, control characters, percent signs, letters of many bytes.
SYMBOLS = (None, "ETH", "", '%s"\\', "\x00\n\x7f", "%d%%", "é€😀")


def made_up(rng: random.Random) -> dict[str, Any]:
    """A row as the database may have it."""

    def word(*others: bytes) -> bytes:
        return rng.choice([rng.randbytes(32), *others])

    row: dict[str, Any] = {
        "seq": rng.getrandbits(62),
        **{name: word(ZERO32) for name in ("license", "offer_id", "work")},
        **{name: rng.choice([rng.randbytes(20), bytes(20)]) for name in ("holder", "licensee", "payer")},
        "payee": word(bytes(12) + rng.randbytes(20), b"\1" + bytes(31), b"\2" + rng.randbytes(31)),
        "currency": rng.randbytes(20),
        **{name: word(ZERO32, b"\xff" * 32) for name in ("price", "fee")},
        "issued_at": rng.getrandbits(40),
        "expires_at": rng.choice([NEVER, rng.getrandbits(40), rng.getrandbits(34)]),
        **{name: word(ZERO32) for name in ("party", "cultural")},
        **{name: rng.getrandbits(1) for name in ("claim_rank", "locked", "ended")},
        "changed": rng.getrandbits(62),
        "block_hash": rng.randbytes(32),
        "symbol": rng.choice(SYMBOLS),
        "decimals": rng.choice([None, 0, 18, 77]),
    }
    if rng.random() < 0.1:
        return row | NO_OFFER
    start, end = rng.choice([(0, WHOLE_END_MS), (0, 5), (rng.getrandbits(31), rng.getrandbits(32))])
    permits = {"usages": rng.getrandbits(8), "aspects": rng.getrandbits(9), "forbids": rng.getrandbits(8)}
    return row | permits | {"start_ms": start, "end_ms": end, "terms": word(ZERO32)}


def test_a_license() -> None:
    rng = random.Random(11)
    seen: set[tuple[Any, ...]] = set()
    for _ in range(2_000):
        row, now = made_up(rng), rng.getrandbits(rng.choice([34, 40]))
        at = Indexed(rng.getrandbits(42), bytes(32), 0, rng.choice([-1, rng.getrandbits(42)]))
        snapshot = Snapshot(None, at)  # type: ignore[arg-type]
        text = orjson.dumps(rendered.licenses(snapshot, [tuple(row.values())], now))[1:-1]
        shown = shapes.license(snapshot, row, now)
        assert orjson.loads(text) == shown
        models.License.model_validate_json(text, strict=True)
        kinds = (shown["running"], shown["ended"], shown["finality"]["final"], shown["payee"]["kind"])
        seen.add((*kinds, shown["scene"] is None, shown["cultural"] is None, shown["expires_at"] is None))
    # Enough of every kind for the comparison to mean something.
    assert len(seen) > 60


def test_columns_are_in_the_order_of_the_rows() -> None:
    names = [part.rpartition(".")[2].strip() for part in rendered.LICENSE_COLUMNS.split(",")]
    names[names.index("hash")] = "block_hash"
    whole = {
        "seq", "license", "offer_id", "work", "holder", "licensee", "payer", "payee", "currency", "price", "fee",
        "issued_at", "expires_at", "party", "cultural", "claim_rank", "locked", "ended", "changed", "block_hash",
        "symbol", "decimals", *NO_OFFER,
    }  # fmt: skip
    assert set(names) == whole
    assert len(names) == len(whole)
