# SPDX-License-Identifier: Apache-2.0
"""Filters by what stands in another table: a work's steward, the culture its notice names, who vouches for it.

Such a filter has few matches or many. Few are looked up through their index and make the whole list; of many, rows are
tested in the list's own order, and pages fill quickly because there are many. Either way a page looks at a bounded
number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from indexer.api import ids
from indexer.api.pages import SCAN, Listing
from indexer.api.problems import bad_filter
from indexer.api.reader import Snapshot
from indexer.schema import ZERO20
from indexer.text import facet_value


@dataclass(frozen=True)
class Beside:
    """A filter by another table.

    column: of the list's rows, what the other table names. found: SQL of the other table's rows of this filter, by an
    index, with the column `key` among them; kept: which of these count. test: the same question of one row `o`, which
    has to be asked even of what was looked up when that is not `exact`.
    """

    column: str
    found: str
    values: tuple[Any, ...]
    test: str
    test_values: tuple[Any, ...]
    kept: str = "TRUE"
    kept_values: tuple[Any, ...] = ()
    exact: bool = True


def narrow(snapshot: Snapshot, listing: Listing, filters: list[Beside], most: int = SCAN) -> None:
    """Add filters to a list: the first with at most `most` matches becomes its source, the others test its rows."""
    for beside in filters:
        if not listing.source_values and _few(snapshot, listing.source, beside, most):
            listing.source = _only(listing.source, beside)
            listing.source_values = [*beside.values, *beside.kept_values]
            if beside.exact:
                continue
        listing.where(beside.test, *beside.test_values)


def _few(snapshot: Snapshot, source: str, beside: Beside, most: int) -> bool:
    found = snapshot.one(f"SELECT count(*) AS n FROM ({beside.found} LIMIT {SCAN + 1}) f", *beside.values)  # noqa: S608
    if found is None or found["n"] > most:
        return False
    rows = f"SELECT 1 FROM {_only(source, beside)} q LIMIT {SCAN + 1}"  # noqa: S608
    values = (*beside.values, *beside.kept_values)
    found = snapshot.one(f"SELECT count(*) AS n FROM ({rows}) r", *values)  # noqa: S608
    return found is not None and found["n"] <= most


def _only(source: str, beside: Beside) -> str:
    keys = f"SELECT f.key FROM ({beside.found} LIMIT {SCAN + 1}) f WHERE {beside.kept}"  # noqa: S608
    return f"(SELECT s.* FROM {source} s WHERE s.{beside.column} IN ({keys}))"  # noqa: S608


_NO_ONE = f"x'{ZERO20.hex()}'"


def by_steward(steward: str) -> Beside:
    """Of works whose steward this is, accepted or not."""
    address = ids.address(steward)
    if address == ZERO20:
        raise bad_filter("nobody is the steward of a work by the zero address")
    # The second condition names the index, which has only works with a steward.
    found = f"SELECT w.work AS key FROM works w WHERE w.steward = ? AND w.steward <> {_NO_ONE}"  # noqa: S608
    test = "EXISTS (SELECT 1 FROM works v WHERE v.work = o.work AND v.steward = ?)"
    return Beside("work", found, (address,), test, (address,))


def by_culture(culture: str) -> Beside:
    """Of works whose cultural notice, as far as it was resolved, names this community."""
    name = facet_value(culture)
    found = (
        "SELECT w.work AS key FROM document_facets a JOIN works w ON w.cultural = a.digest "
        "WHERE a.facet = 'culture' AND a.value = ?"
    )
    test = (
        "EXISTS (SELECT 1 FROM works v JOIN document_facets a ON a.digest = v.cultural "
        "WHERE v.work = o.work AND a.facet = 'culture' AND a.value = ?)"
    )
    return Beside("work", found, (name,), test, (name,))


def by_attester(attester: str, schema: str | None) -> Beside:
    """Of works about which this account made an attestation that stands; schema: only of this kind."""
    address = ids.address(attester)
    topic = () if schema is None else (ids.bytes32(schema, "a schema's digest"),)
    kept = "t.revoked_at = 0" + (" AND t.topic = ?" if topic else "")
    found = "SELECT t.subject AS key, t.revoked_at, t.topic FROM attestations t WHERE t.attester = ?"
    test = f"EXISTS (SELECT 1 FROM attestations t WHERE t.subject = o.work AND t.attester = ? AND {kept})"  # noqa: S608
    return Beside("work", found, (address,), test, (address, *topic), kept.replace("t.", "f."), topic)


def of_works(
    steward: str | None, culture: str | None, verified_by: str | None, verified_schema: str | None
) -> list[Beside]:
    """The filters that works and offers share. Raises ProblemError (400)."""
    if verified_schema is not None and verified_by is None:
        raise bad_filter("verified_schema needs verified_by: anybody can attest anything; name whom you believe")
    found = []
    if steward is not None:
        found.append(by_steward(steward))
    if verified_by is not None:
        found.append(by_attester(verified_by, verified_schema))
    if culture is not None:
        found.append(by_culture(culture))
    return found


def of_dataset_licenses(work: bytes) -> Beside:
    """Licenses of datasets that a work was a member of when they were sold."""
    found = "SELECT s.dataset_id AS key FROM spells s WHERE s.work = ?"
    test = (
        "EXISTS (SELECT 1 FROM spells s WHERE s.dataset_id = o.dataset_id AND s.work = ? AND s.joined < o.number "
        "AND (s.last IS NULL OR o.number <= s.last))"
    )
    return Beside("dataset_id", found, (work,), test, (work,), exact=False)
