# SPDX-License-Identifier: Apache-2.0
"""Kinds of objects: how a list of them and one of them are asked for and answered, the same way for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from indexer.api.answers import Answer
from indexer.api.context import Context, answer
from indexer.api.pages import Listing, PageQuery, page
from indexer.api.problems import not_found
from indexer.api.reader import Row, Snapshot

Read = Callable[[str], bytes]
Show = Callable[[Any], Any]


@dataclass(frozen=True)
class Kind:
    """Objects of one table, or what is told of them.

    table, columns, joins, by_line, bare: as of `Listing`; columns may depend on the moment. show: for a snapshot, what
    makes JSON of a row (of all rows where `bare`), and whether of one object shown whole. filters: of a list, each a
    parameter, the column it is compared with, and how its text is read; the first that is given finds rows by index.
    named, key, read: what one object is called, the column of its id, and how the text of an id is read.
    """

    table: str
    columns: str | Callable[[Snapshot], str]
    joins: str
    show: Callable[[Snapshot, bool], Show]
    filters: tuple[tuple[str, str, Read], ...] = ()
    named: str = ""
    key: str = ""
    read: Read = str.encode
    by_line: bool = False
    bare: bool = False

    def listing(self, query: PageQuery) -> Listing:
        """The list query of what was asked. Raises ProblemError (400) for values that cannot be read."""
        columns = self.columns if isinstance(self.columns, str) else ""
        made = Listing(self.table, columns, self.joins, by_line=self.by_line, bare=self.bare)
        for name, column, read in self.filters:
            value = getattr(query, name)
            if value is not None:
                made.equal(column, read(value))
        return made

    def page(
        self,
        context: Context,
        query: PageQuery,
        listing: Listing | None = None,
        refine: Callable[[Snapshot], object] | None = None,
    ) -> Answer:
        """A page of a list. listing: with conditions added to it; refine: adds those that depend on the snapshot."""
        listing = listing or self.listing(query)
        with context.reader.snapshot() as snapshot:
            if not isinstance(self.columns, str):
                listing.columns = self.columns(snapshot)
            if refine is not None:
                refine(snapshot)
            return answer(snapshot, page(snapshot, listing, query, self.show(snapshot, False)))

    def one(self, context: Context, text: str) -> Answer:
        """One object by its id. Raises ProblemError: 400 when it is no id, 404 when nothing has it."""
        key = self.read(text)
        with context.reader.snapshot() as snapshot:
            return answer(snapshot, self.show(snapshot, True)(self.row(snapshot, key, text)))

    def row(self, snapshot: Snapshot, key: bytes, text: str) -> Row:
        """The row of an id; text: the id as it was given. Raises ProblemError (404)."""
        columns = self.columns if isinstance(self.columns, str) else self.columns(snapshot)
        sql = f"SELECT {columns} FROM {self.table} o {self.joins} WHERE o.{self.key} = ?"  # noqa: S608
        row = snapshot.one(sql, key)
        if row is None:
            raise not_found(f"{self.named} {text}")
        return row


def each(show: Callable[[Snapshot, Row], Any]) -> Callable[[Snapshot, bool], Show]:
    """Rows that are shown the same way wherever they are, each by itself."""
    return lambda snapshot, _whole: partial(show, snapshot)
