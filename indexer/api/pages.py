# SPDX-License-Identifier: Apache-2.0
"""Lists: keyset pages, newest first or oldest first, each with a bound on rows returned and on rows looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orjson import Fragment
from pydantic import BaseModel, ConfigDict, Field

from indexer.api import cursor as cursors
from indexer.api.cursor import Place
from indexer.api.reader import Snapshot

SCAN = 2_000  # rows a page looks at, at most, when a filter has no index

_AFTER_ALL = (1 << 63) - 1
_LAST_LINE = (1 << 32) - 1


class PageQuery(BaseModel):
    """What every list takes. Unknown parameters are refused: a misspelt filter must not pass for none."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=100, description="Most items of a page.")
    cursor: str | None = Field(None, max_length=64, description="`next` of the page before.")
    order: Literal["newest", "oldest"] = Field("newest", description="By the place of the first event on the chain.")


@dataclass(slots=True)
class Listing:
    """One list query.

    source: the table; columns: SQL of what is selected, with `o` for the table's row and whatever `joins` name.
    indexed: a condition with an index that ends in the order, or none; other: conditions tested row by row.
    """

    source: str
    columns: str
    joins: str = ""
    indexed: list[tuple[str, Any]] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    # For a source that is a query.
    source_values: list[Any] = field(default_factory=list)
    by_line: bool = False
    # Rows come as tuples of the columns, the first of which is o.seq, and all at once to what shows them: less to make
    # where a list is asked for often.
    bare: bool = False
    # Bounds on seq, both inclusive.
    from_seq: int = -1
    to_seq: int = _AFTER_ALL

    def where(self, sql: str, *values: Any) -> None:
        """Add a condition tested row by row."""
        self.other.append(sql)
        self.values += values

    def equal(self, column: str, value: Any) -> None:
        """Add an equality on a column that may have an index; the first one added is used for it."""
        if self.indexed:
            self.where(f"o.{column} = ?", value)
        else:
            self.indexed.append((column, value))


def page(
    snapshot: Snapshot, listing: Listing, query: PageQuery, show: Callable[[Any], dict[str, Any] | Fragment]
) -> dict[str, Any]:
    """Run a list query and shape the answer; show: one row, or all of them where the listing is `bare`. A page can be
    shorter than its limit, even empty, while `next` is there: then the rows looked at were mostly filtered out."""
    digest = cursors.digest(query.model_dump())
    newest = query.order == "newest"
    # Just outside of the bound the list starts from: a cursor names the last place already seen.
    start = Place(min(listing.to_seq, _AFTER_ALL - 1) + 1, 0) if newest else Place(listing.from_seq - 1, _LAST_LINE)
    if query.cursor is not None:
        start = cursors.decode(query.cursor, digest)
    rows, place = _fetch(snapshot, listing, start, newest, query.limit)
    return {
        "items": show(rows) if listing.bare else [show(row) for row in rows],
        "next": None if place is None else cursors.encode(place, digest),
        "indexed": {"block": snapshot.at.number, "hash": "0x" + snapshot.at.hash.hex()},
    }


def _fetch(
    snapshot: Snapshot, listing: Listing, start: Place, newest: bool, limit: int
) -> tuple[Sequence[Any], Place | None]:
    sign, direction = ("<", "DESC") if newest else (">", "ASC")
    key = ("o.seq", "o.line") if listing.by_line else ("o.seq",)
    values = [*listing.source_values, *(value for _, value in listing.indexed)]
    conditions = [f"o.{column} = ?" for column, _ in listing.indexed]
    conditions.append(f"({', '.join(key)}) {sign} (?, ?)" if listing.by_line else f"o.seq {sign} ?")
    values += [start.seq, start.line] if listing.by_line else [start.seq]
    if newest and listing.from_seq >= 0:
        conditions.append("o.seq >= ?")
        values.append(listing.from_seq)
    if not newest and listing.to_seq < _AFTER_ALL:
        conditions.append("o.seq <= ?")
        values.append(listing.to_seq)
    order = ", ".join(f"{part} {direction}" for part in key)
    among = f"FROM {listing.source} o {{}} WHERE {' AND '.join(conditions)} ORDER BY {order}"
    # Conditions without an index are tested on so many rows and no more.
    candidates = f"SELECT o.* {among.format('')} LIMIT {SCAN}"
    if listing.other:
        sql = (
            f"SELECT {listing.columns} FROM ({candidates}) o {listing.joins} "  # noqa: S608
            f"WHERE {' AND '.join(listing.other)} ORDER BY {order} LIMIT {limit + 1}"
        )
    else:
        sql = f"SELECT {listing.columns} {among.format(listing.joins)} LIMIT {limit + 1}"
    ask = snapshot.tuples if listing.bare else snapshot.all
    rows: list[Any] = ask(sql, [*values, *listing.values])
    if len(rows) > limit:
        last = rows[limit - 1]
        if listing.bare:
            return rows[:limit], Place(last[0])
        return rows[:limit], Place(last["seq"], last["line"] if listing.by_line else 0)
    if not listing.other:
        return rows, None
    # Everything looked at is used up; is there more behind it?
    last_one = f"ORDER BY {order} LIMIT 1 OFFSET {SCAN - 1}"
    edge = snapshot.all(f"SELECT {', '.join(key)} FROM ({candidates}) o {last_one}", values)  # noqa: S608
    if not edge:
        return rows, None
    return rows, Place(edge[0]["seq"], edge[0]["line"] if listing.by_line else 0)
