# SPDX-License-Identifier: Apache-2.0
"""A catalog for trace, built from public things alone: works on the chain, their documents, their fingerprints by CID.

So anyone can run a trace. Every byte was checked against the digest the chain holds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ipto import works as documents_of_works
from ipto.content import Cid, ContentStore
from ipto.content.store import MissingContentError, StoreUnavailableError
from ipto.errors import InputError, IntegrityError, IptoError
from ipto.media import choreography, fingerprint
from ipto.services import Indexer
from ipto.trace.choreography import ChoreographyIndex
from ipto.trace.index import ExactIndex, FaissIndex, SceneIndex
from ipto.trace.match import Catalog, Work

log = logging.getLogger(__name__)
_PAGE = 100
MAX_FINGERPRINT = 256 * 1024 * 1024
# Above this many rows the inverted file is worth its training.
MANY_ROWS = 300_000


def registered(indexer: Indexer) -> Iterator[tuple[str, bytes]]:
    """Every work's id and the digest of its metadata document, as the indexer lists them."""
    for work in indexer.every(indexer.list_works, limit=_PAGE):
        if work["metadata"]:
            yield work["id"], bytes.fromhex(work["metadata"]["digest"][2:])


def load_work(name: str, document: Mapping[str, Any], store: ContentStore) -> Work | None:
    """A work with its fingerprint; None when its document names none. Raises like a store, and InputError."""
    found = document.get("fingerprint")
    if not found:
        return None
    data = store.get(Cid.parse_uri(found["data"]), MAX_FINGERPRINT)
    return Work(name, str(document["name"]), fingerprint.decode(data))


def build(
    works: Iterable[tuple[str, bytes]],
    store: ContentStore,
    *,
    many: bool = False,
    postgres: str | None = None,
    report: Callable[[str], object] = lambda _: None,
) -> Catalog:
    """A catalog of these works (id, digest of the metadata document). What cannot be had is reported and left out.

    many: expect more than some ten thousand scenes; needs the extra `trace`. postgres: the address of a database with
    pgvector to keep the scenes in, so that the next start only compares; needs the extra `services`.
    """
    index = _index(many, postgres)
    catalog = Catalog(index)
    for name, digest in works:
        try:
            document = documents_of_works.parse_metadata(store.get_document(digest), digest)
            work = load_work(name, document, store)
        except (MissingContentError, StoreUnavailableError, IntegrityError, InputError) as error:
            report(f"work {name} is left out: {error}")
            continue
        if work is not None:
            catalog.add(work)
    if isinstance(index, FaissIndex) and len(index) >= MANY_ROWS:
        index.train()
    if postgres is not None:
        index.train()  # type: ignore[attr-defined]
    return catalog


def choreographies(
    works: Iterable[tuple[str, bytes]], store: ContentStore, report: Callable[[str], object] = lambda _: None
) -> ChoreographyIndex:
    """The choreographies of those of these works (id, digest of the metadata document) that carry one. What cannot be
    had is reported and left out."""
    index = ChoreographyIndex()
    for name, digest in works:
        try:
            document = documents_of_works.parse_metadata(store.get_document(digest), digest)
            if found := document.get("choreography"):
                data = store.get(Cid.parse_uri(found["data"]), MAX_FINGERPRINT)
                index.add(name, str(document["name"]), choreography.decode(data))
        except (MissingContentError, StoreUnavailableError, IntegrityError, InputError) as error:
            report(f"the choreography of work {name} is left out: {error}")
    return index


def _index(many: bool, postgres: str | None) -> SceneIndex:
    if postgres is None:
        return FaissIndex() if many else ExactIndex()
    try:
        from ipto.trace.postgres import PostgresIndex
    except ImportError as error:
        raise IptoError("scenes in PostgreSQL need psycopg; install ipto[services]") from error
    return PostgresIndex(postgres)
