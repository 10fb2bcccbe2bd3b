# SPDX-License-Identifier: Apache-2.0
"""Usage manifests: from entries to shares, exactly and the same everywhere."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ipto import documents
from ipto.documents import DocumentError
from ipto.errors import InputError, IntegrityError
from ipto.structs import ETH, WHOLE_END_MS
from ipto.sum_tree import Share, SumTree
from ipto.usage import PART_ENTRIES, Entry, Manifest, allocate, price, read_manifest, shares, write_manifest

CLIP = hashlib.sha256(b"clip").digest()


def offer(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()[:28] + bytes(4)


def entry(number: int = 1, weight: int = 1, **fields: Any) -> Entry:
    return Entry(offer(number), work=number, clip=CLIP, weight=weight, **fields)


class Shelf(dict[bytes, bytes]):
    """A content store's documents, by digest."""

    def put(self, data: bytes) -> None:
        self[hashlib.sha256(data).digest()] = data

    def get_document(self, digest: bytes) -> bytes:
        return self[digest]


def written(entries: list[Entry], shelf: Shelf, total: int = 1_000, **fields: Any) -> Manifest:
    said: dict[str, Any] = {
        "chain_id": 31337,
        "market": "0x" + "11" * 20,
        "license": 2**255,
        "model": bytes(32),
        "since": 10,
        "through": 20,
        "currency": ETH,
    }
    return write_manifest(entries, put=shelf.put, get=shelf.get_document, total=total, **{**said, **fields})


# ---- who gets how much


@given(total=st.integers(0, 2**128), weights=st.lists(st.integers(0, 2**53), min_size=1, max_size=60).filter(any))
def test_shares_sum_to_the_last_unit_and_nobody_is_off_by_one(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        exact = Fraction(total * weight, whole)
        assert exact.numerator // exact.denominator <= part <= -(-exact.numerator // exact.denominator)
    left = [Fraction(total * weight, whole) % 1 for weight in weights]
    rounded_up = [place for place, part in enumerate(parts) if part > total * weights[place] // whole]
    for place, remainder in enumerate(left):
        for other in rounded_up:
            assert (left[other], -other) >= (remainder, -place) or place in rounded_up


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (10, [0, 1, 1, 1], [0, 4, 3, 3]),
        (1, [1, 2], [0, 1]),
        (2, [3, 3, 2], [1, 1, 0]),
        (0, [1, 2], [0, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
        (7, [5], [7]),
    ],
)
def test_by_hand(total: int, weights: list[int], parts: list[int]) -> None:
    assert allocate(total, weights) == parts


def test_a_total_that_nobody_has_weight_for() -> None:
    for weights in ([], [0, 0]):
        with pytest.raises(InputError, match="nobody has a share"):
            allocate(1, weights)
    with pytest.raises(InputError, match="negative"):
        allocate(-1, [1])
    with pytest.raises(InputError, match="negative"):
        allocate(1, [2, -1])


@given(units=st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any), unit_price=st.integers(0, 10**20))
def test_usage_by_the_unit_pays_each_exactly_its_units(units: list[int], unit_price: int) -> None:
    assert allocate(price(units, unit_price), units) == [unit * unit_price for unit in units]


def test_no_negative_units() -> None:
    for units, unit_price in (([-1], 1), ([1], -1)):
        with pytest.raises(InputError, match="negative"):
            price(units, unit_price)


def test_entries_of_one_offer_and_spell_are_one_share() -> None:
    entries = [entry(1, 1), entry(2, 2, spell=1), entry(1, 3, start_ms=5, end_ms=9), entry(2, 4, spell=2), entry(3, 0)]
    expected = {(offer(1), 0): 40, (offer(2), 1): 20, (offer(2), 2): 40}
    found = shares(entries, 100)
    assert {(item.offer_id, item.spell): item.amount for item in found} == expected
    assert found == sorted(found)


def test_the_order_of_entries_changes_nothing() -> None:
    entries = [entry(number, number) for number in range(1, 30)]
    assert shares(entries, 997) == shares(reversed(entries), 997)


# ---- the document


def test_written_and_read_again() -> None:
    shelf, entries = Shelf(), [entry(1, 3, epochs=2), entry(2, 5, start_ms=0, end_ms=1_000)]
    manifest = written(entries, shelf, note="seconds of output that drew on it")
    again = read_manifest(manifest.digest, shelf.get_document)
    assert again.document == manifest.document
    assert list(again.entries()) == entries
    assert again.shares() == shares(entries, 1_000)
    tree = again.tree()
    assert tree is not None
    assert tree.root == SumTree(shares(entries, 1_000)).root
    assert manifest.digest == hashlib.sha256(documents.canonical(manifest.document)).digest()


def test_many_entries_stand_in_parts() -> None:
    shelf = Shelf()
    entries = [entry(number) for number in range(PART_ENTRIES + 1)]
    manifest = written(entries, shelf)
    assert len(manifest.document["entries"]["parts"]) == 2
    assert all(len(data) < documents.MAX_DOCUMENT_BYTES for data in shelf.values())
    assert sum(1 for _ in manifest.entries()) == PART_ENTRIES + 1


def test_the_largest_part_fits_a_document() -> None:
    offer_id, most = b"\xff" * 28 + bytes(4), 2**32 - 1
    entry_ = Entry(offer_id, 2**256 - 1, b"\xff" * 32, 2**53 - 1, most, most - 1, most, most)
    assert written([entry_] * PART_ENTRIES, Shelf()).document["entries"]["count"] == PART_ENTRIES


def test_a_report_of_nothing() -> None:
    manifest = written([], Shelf(), total=0)
    assert manifest.shares() == []
    assert manifest.tree() is None


def test_another_document_than_the_digest_stands_for() -> None:
    shelf = Shelf()
    manifest = written([entry()], shelf)
    shelf[manifest.digest] = documents.canonical({**manifest.document, "total": "2000"})
    with pytest.raises(IntegrityError):
        read_manifest(manifest.digest, shelf.get_document)


def test_another_part_than_the_manifest_names() -> None:
    shelf = Shelf()
    manifest = written([entry()], shelf)
    name = bytes.fromhex(manifest.document["entries"]["parts"][0][2:])
    part = json.loads(shelf[name])
    part["entries"][0]["weight"] = 2
    shelf[name] = documents.canonical(part)
    with pytest.raises(IntegrityError):
        list(manifest.entries())


@pytest.mark.parametrize("change", [{"count": 2}, {"weight": "2"}, {"parts": []}])
def test_a_manifest_that_miscounts(change: dict[str, object]) -> None:
    shelf = Shelf()
    manifest = written([entry()], shelf)
    document = {**manifest.document, "entries": {**manifest.document["entries"], **change}}
    shelf.put(data := documents.canonical(document))
    again = read_manifest(hashlib.sha256(data).digest(), shelf.get_document)
    with pytest.raises(DocumentError, match="miscounts"):
        list(again.entries())


@pytest.mark.parametrize(
    "part",
    [
        {"$schema": "urn:ipto:schema:usage-entries:2", "entries": [entry().to_json()]},
        {"$schema": "urn:ipto:schema:usage-entries:1", "entries": []},
        {"$schema": "urn:ipto:schema:usage-entries:1", "entries": {}},
        {"$schema": "urn:ipto:schema:usage-entries:1", "entries": [entry().to_json()], "more": 1},
    ],
)
def test_a_part_that_is_none(part: dict[str, Any]) -> None:
    shelf = Shelf()
    manifest = written([entry()], shelf)
    shelf.put(data := documents.canonical(part))
    said = {"count": 1, "weight": "1", "parts": ["0x" + hashlib.sha256(data).hexdigest()]}
    shelf.put(whole := documents.canonical({**manifest.document, "entries": said}))
    with pytest.raises(DocumentError, match="part of the usage manifest"):
        list(read_manifest(hashlib.sha256(whole).digest(), shelf.get_document).entries())


@pytest.mark.parametrize(
    ("field", "value"),
    [("model", b"short"), ("since", -1), ("note", ""), ("chain_id", 0), ("license", -5)],
)
def test_what_no_manifest_says(field: str, value: object) -> None:
    with pytest.raises(DocumentError):
        written([entry()], Shelf(), **{field: value})


# ---- entries: the reader in Python agrees with the schema

_SCHEMA = documents.load_schema("usage-entries-1")["properties"]["entries"]["items"]
_NUMBERS = [0, 1, -1, 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**300, True]
_TEXTS = ["", "0", "1", "01", "-1", "1\n", "9" * 78, "9" * 79, "ab" * 32]
_HEX = ["0x" + "ab" * 32, "0x" + "AB" * 32, "0x" + "ab" * 28 + "00" * 4, "0x" + "ab" * 31]
_ODD = st.sampled_from([*_NUMBERS, *_TEXTS, *_HEX, None, [], {}])


@given(field=st.sampled_from([*entry().to_json(), "more"]), value=_ODD)
def test_python_reads_what_the_schema_admits(field: str, value: object) -> None:
    data = {**entry(1, 1, start_ms=5, end_ms=9).to_json(), field: value}
    is_valid = Draft202012Validator(_SCHEMA).is_valid(data)
    ordered = not is_valid or data["start_ms"] < data["end_ms"]
    fits = not is_valid or int(data["work"]) < 2**256
    if is_valid and ordered and fits:
        assert Entry.from_mapping(data).to_json() == data
    else:
        with pytest.raises(DocumentError):
            Entry.from_mapping(data)


@pytest.mark.parametrize("field", list(entry().to_json()))
def test_no_field_is_left_out(field: str) -> None:
    data = entry().to_json()
    del data[field]
    with pytest.raises(DocumentError, match=field):
        Entry.from_mapping(data)


def test_what_no_entry_is() -> None:
    with pytest.raises(DocumentError, match="exactly the fields"):
        Entry.from_mapping([])  # type: ignore[arg-type]
    with pytest.raises(DocumentError, match="offer id"):
        Entry(b"\xff" * 32, 1, CLIP, 1)
    with pytest.raises(DocumentError, match="SHA-256"):
        Entry(offer(1), 1, b"", 1)
    with pytest.raises(DocumentError, match="before it begins"):
        entry(start_ms=WHOLE_END_MS)


def test_a_share_is_as_the_tree_takes_it() -> None:
    assert shares([entry(1)], 5) == [Share(offer(1), 0, 5)]
