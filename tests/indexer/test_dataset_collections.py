# SPDX-License-Identifier: Apache-2.0
"""What a collection told in one array becomes: for each member its sales, its own price, whom its work pays."""

from __future__ import annotations

from typing import Any

from indexer.datasets import COLLECTED, DATASETS, SPELLS, collected
from indexer.event import Event, u256
from indexer.rows import Add
from indexer.schema import WORKS
from indexer.tables import Row, Table
from ipto.structs import ZERO32

NUMBER, SPLIT = b"\x05" * 28 + bytes(4), b"\x01" * 32
OFFERS = [bytes([n]) * 28 + bytes(4) for n in (1, 2, 3)]
OWNER = b"\x09" * 20


def read(table: Table, key: tuple[Any, ...]) -> Row | None:
    if table is SPELLS:
        dataset_id, offer_id, spell = key
        known = dataset_id == NUMBER and offer_id in OFFERS[:2] and spell == 1
        return {"work": offer_id, "price": u256(7 + OFFERS.index(offer_id))} if known else None
    assert table is WORKS
    return {"payee": SPLIT if key[0] == OFFERS[0] else ZERO32, "owner": OWNER}


def told(*entries: bytes) -> Event:
    args = {"dataset_id": NUMBER, "currency": bytes(20), "settled": entries}
    return Event(1, 1, 1, "DatasetMarket", "Collected", args)


def test_sales_prices_and_payees() -> None:
    entries = [offer[:28] + sales.to_bytes(4) for offer, sales in zip(OFFERS, (3, 2**32 - 2, 1), strict=True)]
    large = 8 * (2**32 - 2)
    assert list(collected(told(*entries), read)) == [
        Add(COLLECTED, (NUMBER, OFFERS[0], SPLIT), {"sales": 3, "amount": 21}),
        Add(COLLECTED, (NUMBER, OFFERS[1], bytes(12) + OWNER), {"sales": 2**32 - 2, "amount": large}),
        Add(DATASETS, (NUMBER,), {"collected": 21 + large}),
    ]
