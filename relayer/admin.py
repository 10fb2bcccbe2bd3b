# SPDX-License-Identifier: Apache-2.0
"""What an operator decides while relayers run: in the database, so that all of them obey, and in the audit log."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from relayer import audit
from relayer.database import Database, Row, Transaction


class Admin:
    """The operator's hand. Times are UTC seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def _change(self, now: int, event: str, detail: str) -> Iterator[Transaction]:
        with self._database.transaction() as change:
            log = audit.Log(change, audit.ADMIN, self._database.dialect)
            yield change
            log.note(now, None, event, detail)
            log.close()

    def stop(self, stopped: bool, now: int) -> None:
        """Accept and sign nothing new, on any relayer of this queue, until started again. Results are followed."""
        with self._change(now, "stopped" if stopped else "started", "by an operator") as change:
            change.change("DELETE FROM meta WHERE name = 'stopped'")
            if stopped:
                change.change("INSERT INTO meta VALUES ('stopped', ?)", str(now))

    def set_rule(self, address: str, rule: str | None, note: str, now: int) -> None:
        """`allow` frees a signer from proofs, `deny` refuses it, None takes the rule back."""
        with self._change(now, "rule", f"{rule or 'none'} for {address}: {note}") as change:
            change.change("DELETE FROM rules WHERE address = ?", address)
            if rule is not None:
                change.change("INSERT INTO rules VALUES (?, ?, ?)", address, rule, note)

    def rules(self) -> list[Row]:
        """All rules."""
        return self._database.read("SELECT address, rule, note FROM rules ORDER BY address")

    def invite(self, uses: int, expires_at: int, note: str, now: int) -> str:
        """A new invitation code, told once: only its digest is kept."""
        code = secrets.token_urlsafe(18)
        with self._change(now, "invitation", f"{uses} uses until {expires_at}: {note}") as change:
            change.change("INSERT INTO invitations VALUES (?, ?, ?, ?)", digest_of(code), uses, expires_at, note)
        return code

    def audit(self, after: int, limit: int) -> list[Row]:
        """Entries of the audit log, oldest first."""
        return self._database.read("SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)


def digest_of(code: str) -> str:
    """What is kept of an invitation code."""
    return hashlib.sha256(code.encode()).hexdigest()
