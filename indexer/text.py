# SPDX-License-Identifier: Apache-2.0
"""What can be searched and counted of a work's metadata document: title, credits, culture, languages, tags.

Kept beside the chain, by the document's digest: written once when a document is resolved, and never undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from indexer.database import Writer
from indexer.ddl import Dialect
from indexer.tables import table

FACETS = ("culture", "tag", "language")
_MAX_TEXT = 20_000  # characters
_MAX_VALUES = 60  # of one document
_MAX_VALUE = 100  # characters
_MAX_DEPTH = 8

DOCUMENT_FACETS = table(
    "document_facets", "digest:blob32 facet:text value:text", "digest facet value", "facet value", stamps=False
)
# How many documents of works have a value.
FACET_COUNTS = table("facets", "facet:text value:text works:int", "facet value", "facet works", stamps=False)
TABLES = (DOCUMENT_FACETS, FACET_COUNTS)

# Of a work's metadata and of a cultural notice: what is meant to be read.
_READ = (
    "name", "alternateName", "description", "creator", "contributor", "creditText", "keywords", "inLanguage",
    "analysis", "community", "origin", "context", "elements", "attribution", "local_contexts",
)  # fmt: skip


def search_statements(dialect: Dialect) -> list[str]:
    """The full-text table, which each database has its own kind of."""
    if dialect == "sqlite":
        return ["CREATE VIRTUAL TABLE texts USING fts5 (digest UNINDEXED, words, tokenize = 'unicode61')"]
    return [
        "CREATE TABLE texts (digest BYTEA NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL)",
        "CREATE INDEX texts_words ON texts USING GIN (words)",
    ]


def note_text(db: Writer, digest: bytes, body: bytes) -> None:
    """Make a resolved metadata document findable. A document that is known already is left alone."""
    if db.one("SELECT 1 FROM texts WHERE digest = ?", (digest,)):
        return
    document = orjson.loads(body)
    text = " ".join(_texts([document.get(name) for name in _READ]))[:_MAX_TEXT].replace("\0", " ")
    words = "?" if db.dialect == "sqlite" else "to_tsvector('simple', ?)"
    db.run(f"INSERT INTO texts (digest, words) VALUES (?, {words})", (digest, text))  # noqa: S608
    for facet, value in sorted(set(facets_of(document)))[:_MAX_VALUES]:
        db.run("INSERT INTO document_facets VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (digest, facet, value))
        db.run(
            "INSERT INTO facets VALUES (?, ?, 1) ON CONFLICT (facet, value) DO UPDATE SET works = facets.works + 1",
            (facet, value),
        )


def facets_of(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a document says of culture, languages and tags, in lower case."""
    analysis = document.get("analysis") or {}
    found = {
        "tag": [document.get("keywords"), analysis.get("tags")],
        "language": [document.get("inLanguage")],
        "culture": [document.get("community")],
    }
    for facet, values in found.items():
        for text in _texts(values):
            if shown := facet_value(text):
                yield facet, shown


def facet_value(text: str) -> str:
    """A culture, language or tag as it is kept and asked for. PostgreSQL's text has no NUL."""
    return text.strip().lower()[:_MAX_VALUE].replace("\0", " ")


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    """Every text in a value that is meant to be read."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        # Digests, addresses and links are not words.
        if not value.startswith(("0x", "ipfs://", "http", "did:", "urn:")):
            yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, depth + 1)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item, depth + 1)
