# SPDX-License-Identifier: Apache-2.0
"""Usage manifests: what a model used under one license, and what follows from it for everybody's share of a report.

A manifest is a document (`usage-manifest`, RFC 8785) that names its entries in parts of at most 2,000, each
(`usage-entries`) by its SHA-256, so that hundreds of thousands of entries stand behind one digest on chain. From
manifest and total follow shares, tree and root, to the last unit and the same on every machine: an auditor who has the
manifest needs nobody's word for how a report was shared out.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ipto import documents
from ipto.documents import Document, DocumentError
from ipto.errors import InputError
from ipto.structs import WHOLE_END_MS, checksum_address
from ipto.sum_tree import Share, SumTree

__all__ = [
    "PART_ENTRIES",
    "RULE",
    "Entry",
    "Manifest",
    "allocate",
    "price",
    "read_manifest",
    "shares",
    "write_manifest",
]

RULE = "pro rata by weight, largest remainder"
PART_ENTRIES = 2_000  # entries in one part; a part stays below 1 MiB
_MANIFEST, _ENTRIES = "usage-manifest-1", "usage-entries-1"
_URN = "urn:ipto:schema:"

_OFFER = re.compile(r"0x[0-9a-f]{56}00000000")
_DIGEST = re.compile(r"0x[0-9a-f]{64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,77}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One stretch of one work that was used. Raises DocumentError for a field that cannot be."""

    offer: bytes  # id of the offer it was licensed by
    work: int
    clip: bytes  # SHA-256 of the bytes that were used
    weight: int  # its part of the sum of all weights
    spell: int = 0  # of the dataset's member; 0 for a license of one offer
    start_ms: int = 0  # inclusive
    end_ms: int = WHOLE_END_MS  # exclusive
    epochs: int = 0  # how many times it was trained on

    def __post_init__(self) -> None:
        if len(self.offer) != 32 or self.offer[28:] != bytes(4):
            raise DocumentError(f"0x{self.offer.hex()} is not an offer id", "offer")
        if len(self.clip) != 32:
            raise DocumentError("a clip is named by a SHA-256 of 32 bytes", "clip")
        limits = {"work": 256, "spell": 32, "start_ms": 32, "end_ms": 32, "epochs": 32, "weight": 53}
        for name, bits in limits.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
                raise DocumentError(f"{name} is {value!r:.80}; it must be a whole number of at most {bits} bits", name)
        if self.start_ms >= self.end_ms:
            raise DocumentError("the stretch ends before it begins", "end_ms")

    def to_json(self) -> Document:
        """As it stands in a part."""
        return {
            "offer": "0x" + self.offer.hex(),
            "spell": self.spell,
            "work": str(self.work),
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "clip": "0x" + self.clip.hex(),
            "epochs": self.epochs,
            "weight": self.weight,
        }

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """Read the JSON form; as strict as the schema, and fast enough for hundreds of thousands.

        Raises DocumentError for missing, unknown and unreadable fields.
        """
        known = {"offer", "spell", "work", "start_ms", "end_ms", "clip", "epochs", "weight"}
        if not isinstance(data, Mapping) or set(data) != known:
            wrong = sorted(map(str, known ^ set(data))) if isinstance(data, Mapping) else sorted(known)
            raise DocumentError(f"an entry has exactly the fields {', '.join(sorted(known))}; see {', '.join(wrong)}")
        for name, form in (("offer", _OFFER), ("clip", _DIGEST), ("work", _NUMBER)):
            if not isinstance(data[name], str) or not form.fullmatch(data[name]):
                raise DocumentError(f"{name} cannot be {data[name]!r:.80}", name)
        return cls(
            offer=bytes.fromhex(data["offer"][2:]),
            spell=data["spell"],
            work=int(data["work"]),
            start_ms=data["start_ms"],
            end_ms=data["end_ms"],
            clip=bytes.fromhex(data["clip"][2:]),
            epochs=data["epochs"],
            weight=data["weight"],
        )


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` pro rata to whole weights, exactly: what does not divide goes, one unit each, to the largest
    remainders; among equal remainders to the earlier. The parts sum to the total.

    Raises InputError for negative numbers, and for a total that nobody has any weight for.
    """
    whole = sum(weights)
    if total < 0 or min(weights, default=0) < 0:
        raise InputError("neither the total nor a weight can be negative")
    if not whole:
        if total:
            raise InputError("the weights sum to zero, so nobody has a share in the total; weigh what was used")
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    rest = total - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(total * weights[place] % whole), place))
    for place in by_remainder[:rest]:
        parts[place] += 1
    return parts


def price(units: Sequence[int], unit_price: int) -> int:
    """What usage charged by the unit comes to: the sum of the units times the price of one, smallest unit.

    With the units as weights, `allocate` then gives everybody exactly its units times the price.
    """
    if min(units, default=0) < 0 or unit_price < 0:
        raise InputError("neither units nor their price can be negative")
    return sum(units) * unit_price


def shares(entries: Iterable[Entry], total: int) -> list[Share]:
    """Everybody's share of a report, in the order of the tree: ascending by offer and spell, without those of zero.

    Entries of one offer and spell are added up first. Raises InputError as `allocate`.
    """
    weights: dict[tuple[bytes, int], int] = {}
    for entry in entries:
        key = entry.offer, entry.spell
        weights[key] = weights.get(key, 0) + entry.weight
    keys = sorted(weights)
    parts = allocate(total, [weights[key] for key in keys])
    return [Share(*key, part) for key, part in zip(keys, parts, strict=True) if part]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was written or read. `entries` reads the parts again, one at a time, each checked."""

    digest: bytes  # as it stands on chain
    document: Document
    get: Callable[[bytes], bytes]

    @property
    def total(self) -> int:
        """What the report pays, smallest unit."""
        return int(self.document["total"])

    def entries(self) -> Iterator[Entry]:
        """All entries. Raises IntegrityError for a part that is another than the manifest names, DocumentError."""
        count = weight = 0
        for name in self.document["entries"]["parts"]:
            digest = bytes.fromhex(name[2:])
            part = documents.parse_stored(self.get(digest), digest, "part of the usage manifest")
            if set(part) != {"$schema", "entries"} or part["$schema"] != _urn(_ENTRIES):
                raise DocumentError("a part of the usage manifest is not a list of usage entries of version 1")
            if not isinstance(part["entries"], list) or not 0 < len(part["entries"]) <= PART_ENTRIES:
                raise DocumentError(f"a part of the usage manifest must hold 1 to {PART_ENTRIES} entries")
            for data in part["entries"]:
                entry = Entry.from_mapping(data)
                count, weight = count + 1, weight + entry.weight
                yield entry
        said = self.document["entries"]
        if (count, str(weight)) != (said["count"], said["weight"]):
            raise DocumentError("the usage manifest miscounts its entries or their weight", "entries")

    def shares(self) -> list[Share]:
        """Everybody's share; see `shares`."""
        return shares(self.entries(), self.total)

    def tree(self) -> SumTree | None:
        """The tree over them; None when the report brings nothing."""
        return SumTree(self.shares()) if self.total else None


def write_manifest(
    entries: Iterable[Entry],
    *,
    put: Callable[[bytes], object],
    get: Callable[[bytes], bytes],
    chain_id: int,
    market: str,
    license: int,
    model: bytes,
    since: int,
    through: int,
    currency: str,
    total: int,
    note: str | None = None,
) -> Manifest:
    """Write a manifest and its parts to a store (`put`, `get`: a content store's put_document and get_document).

    Takes the entries one by one and keeps one part of them at a time. Raises DocumentError for what cannot stand in it.
    """
    parts: list[str] = []
    count = weight = 0
    rest = iter(entries)
    while part := list(itertools.islice(rest, PART_ENTRIES)):
        data = documents.canonical({"$schema": _urn(_ENTRIES), "entries": [entry.to_json() for entry in part]})
        put(data)
        parts.append("0x" + _sha256(data).hex())
        count, weight = count + len(part), weight + sum(entry.weight for entry in part)
    document: Document = {
        "$schema": _urn(_MANIFEST),
        "chain_id": chain_id,
        "market": checksum_address(market, "market"),
        "license": str(license),
        "model": "0x" + model.hex(),
        "since": since,
        "through": through,
        "currency": checksum_address(currency, "currency"),
        "total": str(total),
        "rule": RULE,
        "entries": {"count": count, "weight": str(weight), "parts": parts},
    }
    if note is not None:
        document["note"] = note
    documents.validate(document, _MANIFEST, "usage manifest")
    data = documents.canonical(document)
    put(data)
    return Manifest(_sha256(data), document, get)


def read_manifest(digest: bytes, get: Callable[[bytes], bytes]) -> Manifest:
    """The manifest a digest stands for. Raises IntegrityError when the store has another, DocumentError."""
    document = documents.parse_stored(get(digest), digest, "usage manifest")
    documents.validate(document, _MANIFEST, "usage manifest")
    return Manifest(digest, document, get)


def _urn(schema: str) -> str:
    return _URN + schema.removesuffix("-1") + ":1"


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
