# SPDX-License-Identifier: Apache-2.0
"""The audit log: append-only by the database's own triggers, and hash-chained, so that whoever gets around those is
found out.

There is one chain per writer that writes in order anyway: `queue` for promises, results and money, one per lane for
what it signed, `admin` for what an operator did. Taking a chain's head also makes its writers wait for each other.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from relayer.database import Database, Transaction

QUEUE = "queue"
ADMIN = "admin"
_START = "0" * 64


class Entry(NamedTuple):
    """What is said: the hash covers all of it, its place in the chain and everything before."""

    at: int
    action_id: str | None
    event: str
    detail: str


def _hash(before: str, chain: str, number: int, entry: Entry) -> str:
    text = json.dumps([before, chain, number, *entry], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Log:
    """Appends to one chain within a transaction; `close` writes."""

    def __init__(self, change: Transaction, chain: str, dialect: str) -> None:
        """Waits for whoever else writes to this chain."""
        self._change, self._chain = change, chain
        lock = " FOR UPDATE" if dialect == "postgresql" else ""
        select = f"SELECT number, hash FROM chains WHERE name = ?{lock}"  # noqa: S608
        found = change.run(select, chain)
        if not found:
            change.change("INSERT INTO chains VALUES (?, 0, ?) ON CONFLICT DO NOTHING", chain, _START)
            found = change.run(select, chain)
        head = found[0]
        self._number, self._head = int(head["number"]), str(head["hash"])
        self._rows: list[tuple[object, ...]] = []

    def note(self, at: int, action_id: str | None, event: str, detail: str) -> None:
        """Append one entry."""
        entry = Entry(at, action_id, event, detail)
        self._number += 1
        self._head = _hash(self._head, self._chain, self._number, entry)
        self._rows.append((self._chain, self._number, *entry, self._head))

    def close(self) -> None:
        """Write what was noted."""
        if not self._rows:
            return
        self._change.many(
            "INSERT INTO audit (chain, number, at, action_id, event, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            self._rows,
        )
        self._change.change(
            "UPDATE chains SET number = ?, hash = ? WHERE name = ?", self._number, self._head, self._chain
        )
        self._rows = []


def verify(database: Database) -> list[str]:
    """What is wrong with the log, in words; empty when every chain is whole."""
    wrong = []
    heads = {row["name"]: row for row in database.read("SELECT name, number, hash FROM chains")}
    for name, head in heads.items():
        before, number = _START, 0
        while rows := database.read(
            "SELECT * FROM audit WHERE chain = ? AND number > ? ORDER BY number LIMIT 5000", name, number
        ):
            for row in rows:
                entry = Entry(row["at"], row["action_id"], row["event"], row["detail"])
                if row["number"] != number + 1:
                    wrong.append(f"chain {name}: entry {number + 1} is missing")
                elif row["hash"] != _hash(before, name, row["number"], entry):
                    wrong.append(f"chain {name}: entry {row['number']} was changed")
                before, number = row["hash"], row["number"]
        if (number, before) != (head["number"], head["hash"]):
            wrong.append(f"chain {name}: it ends at entry {number}, its head says {head['number']}")
    for row in database.read("SELECT DISTINCT chain FROM audit"):
        if row["chain"] not in heads:
            wrong.append(f"chain {row['chain']} has no head")
    return wrong
