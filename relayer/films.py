# SPDX-License-Identifier: Apache-2.0
"""Films as they arrive: one row each, from the first byte that is announced to the pin, and what one may take up.

`receiving` → `quarantined` (all bytes are here, nobody has looked at them) → `verified` (a film, and the one that was
announced) → `pinned`; or `refused`, `ended` by its creator, `expired`. The whole announced length is set aside at the
beginning, so what arrives can pass no limit.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relayer import audit
from relayer.database import Database, Row, Transaction
from relayer.ledger import day_of, time_of
from relayer.problems import RefusedError, busy
from relayer.settings import Settings

OPEN = ("receiving", "quarantined", "verified")
CLOSED = ("pinned", "refused", "ended", "expired")
_OPEN = "state IN ('receiving', 'quarantined', 'verified')"
_KEPT = "state IN ('receiving', 'quarantined', 'verified', 'pinned')"
_REMEMBERED_DAYS = 90  # rows of films that came to nothing
CHAIN = "films"  # their chain of the audit log


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a creator says is coming."""

    account: str
    network: str | None  # the client's address range, as a day's hash
    length: int  # bytes
    sha256: str  # 64 hex digits
    name: str  # shown to its owner, never part of a path


@dataclass(frozen=True, slots=True)
class FilmNumbers:
    """How many films there are, by state and by why; rows that came to nothing are counted for 90 days."""

    counts: dict[str, int]  # by state
    room: dict[str, int]  # bytes announced, by state
    waiting: dict[str, int]  # verified and not pinned, by code
    refused: dict[str, int]  # by code
    unseen_seconds: int  # how long the oldest film in quarantine has been waiting for a look


@dataclass(frozen=True, slots=True)
class Film:
    """One row. Times are UTC seconds."""

    id: str
    account: str
    length: int
    received: int
    sha256: str
    name: str
    state: str
    code: str | None
    reason: str | None
    facts: dict[str, Any] | None
    cid: str | None
    created_at: int
    changed_at: int
    expires_at: int

    @property
    def words(self) -> str:
        """Where it stands, for people."""
        if self.state == "receiving":
            return f"{self.received:,} of {self.length:,} bytes are here; send the rest"
        if self.state == "quarantined":
            return "all bytes are here; they are being looked at"
        if self.state == "verified":
            return f"it is the film that was announced; {self.reason or 'it waits to be pinned'}"
        if self.state == "pinned":
            return "kept, and given to whoever asks for its CID"
        if self.state == "refused":
            return f"not taken: {self.reason}"
        return "taken back by its creator" if self.state == "ended" else "dropped: it did not go on in time"

    def view(self) -> dict[str, Any]:
        """As its creator sees it."""
        return {
            "id": self.id,
            "state": self.state,
            "words": self.words,
            "code": self.code,
            "reason": self.reason,
            "name": self.name,
            "sha256": self.sha256,
            "length": self.length,
            "received": self.received,
            "facts": self.facts,
            "cid": self.cid,
            "created_at": time_of(self.created_at),
            "changed_at": time_of(self.changed_at),
            "expires_at": time_of(self.expires_at) if self.state in OPEN else None,
        }


def _film(row: Row) -> Film:
    values = {key: value for key, value in row.items() if key not in ("network", "day", "looked_at")}
    values["facts"] = None if row["facts"] is None else json.loads(row["facts"])
    return Film(**values)


class Films:
    """The rows. Raises StorageError everywhere."""

    def __init__(self, database: Database, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._database, self._settings, self._clock = database, settings, clock

    def announce(self, new: Announcement, *, proved: bool) -> Film:
        """Set room aside for a film. proved: its account is no newcomer.

        Raises RefusedError: 413 for a film that is too long, 429 and 507 when a quota is used up.
        """
        settings, now = self._settings, int(self._clock())
        if new.length > settings.film_limit:
            raise RefusedError(413, "too-large", f"a film has at most {settings.film_limit:,} bytes here")
        name, day = secrets.token_hex(16), day_of(now)
        with self._database.transaction() as change:
            # Announcements wait for each other here: quotas are added up.
            log = audit.Log(change, CHAIN, self._database.dialect)
            self._check_quotas(change, new, day, proved)
            change.change(
                "INSERT INTO films (id, account, network, day, length, sha256, name, state, created_at, changed_at,"
                " expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'receiving', ?, ?, ?)",
                name, new.account, new.network, day, new.length, new.sha256, new.name, now, now,
                self._expiry(now, now),
            )  # fmt: skip
            log.note(now, name, "announced", f"{name} of {new.account}: {new.length} bytes, {new.sha256}")
            log.close()
            return _film(change.run("SELECT * FROM films WHERE id = ?", name)[0])

    def _check_quotas(self, change: Transaction, new: Announcement, day: str, proved: bool) -> None:
        settings = self._settings
        mine = change.run(
            f"SELECT coalesce(sum(CASE WHEN {_KEPT} THEN length ELSE 0 END), 0) AS bytes,"  # noqa: S608
            f" coalesce(sum(CASE WHEN {_OPEN} THEN 1 ELSE 0 END), 0) AS open,"
            " coalesce(sum(CASE WHEN day = ? THEN 1 ELSE 0 END), 0) AS begun FROM films WHERE account = ?",
            day, new.account,
        )[0]  # fmt: skip
        if int(mine["open"]) >= settings.film_account_open:
            raise busy("signer-films", "too many of your films are under way; finish or delete one first", 600)
        if int(mine["begun"]) >= settings.film_account_day:
            raise busy("signer-films", "you began as many films today as one may; go on tomorrow", 86400)
        most = settings.film_account_bytes if proved else min(settings.film_newcomer_bytes, settings.film_account_bytes)
        if int(mine["bytes"]) + new.length > most:
            code = "signer-quota" if proved else "proof-needed"
            cure = "delete what is not needed" if proved else "give a proof at /v1/proofs, and you have more"
            if not proved:
                raise RefusedError(403, code, f"your films have {most:,} bytes at most; {cure}")
            raise busy(code, f"your films have {most:,} bytes at most; {cure}", 86400)
        if new.network is not None:
            sql = "SELECT coalesce(sum(length), 0) AS n FROM films WHERE network = ? AND day = ?"
            if int(change.run(sql, new.network, day)[0]["n"]) + new.length > settings.film_network_day:
                raise busy("network-quota", "your network has sent as much as it may today; go on tomorrow", 86400)
        total = change.run(f"SELECT coalesce(sum(length), 0) AS n FROM films WHERE {_KEPT}")[0]["n"]  # noqa: S608
        if int(total) + new.length > settings.film_total:
            raise RefusedError(507, "store-full", "the operator's room for films is used up; store it elsewhere")

    def _expiry(self, created_at: int, now: int) -> int:
        """Activity puts the end off, but not for ever: else a byte now and then would hold the room."""
        return min(now + self._settings.film_hours * 3600, created_at + self._settings.film_days * 86400)

    def outstanding(self) -> int:
        """Bytes that were announced and are not here yet."""
        sql = "SELECT coalesce(sum(length - received), 0) AS n FROM films WHERE state = 'receiving'"
        return int(self._database.read(sql)[0]["n"])

    # --- reading ---------------------------------------------------------------------------------------------

    def get(self, name: str, account: str | None = None) -> Film:
        """A film; of one account only, if given. Raises LookupError."""
        rows = self._database.read("SELECT * FROM films WHERE id = ?", name)
        if not rows or (account is not None and rows[0]["account"] != account):
            raise LookupError("there is no such film")
        return _film(rows[0])

    def of_account(self, account: str, limit: int = 100) -> list[Film]:
        """An account's films, newest first."""
        sql = "SELECT * FROM films WHERE account = ? ORDER BY created_at DESC, id LIMIT ?"
        return [_film(row) for row in self._database.read(sql, account, limit)]

    def waiting(self, state: str, rest: int, limit: int = 100) -> list[Film]:
        """Films in a state that nobody looked at for `rest` seconds, those that waited longest first."""
        sql = "SELECT * FROM films WHERE state = ? AND looked_at <= ? ORDER BY looked_at, changed_at, id LIMIT ?"
        return [_film(row) for row in self._database.read(sql, state, int(self._clock()) - rest, limit)]

    def numbers(self) -> FilmNumbers:
        """What operators watch."""
        by_state = self._database.read("SELECT state, count(*) AS n, sum(length) AS bytes FROM films GROUP BY state")
        codes = self._database.read(
            "SELECT state, code, count(*) AS n FROM films WHERE state IN ('verified', 'refused') AND code IS NOT NULL"
            " GROUP BY state, code"
        )
        sql = "SELECT min(changed_at) AS at FROM films WHERE state = 'quarantined'"
        oldest = self._database.read(sql)[0]["at"]
        return FilmNumbers(
            counts={row["state"]: int(row["n"]) for row in by_state},
            room={row["state"]: int(row["bytes"]) for row in by_state},
            waiting={row["code"]: int(row["n"]) for row in codes if row["state"] == "verified"},
            refused={row["code"]: int(row["n"]) for row in codes if row["state"] == "refused"},
            unseen_seconds=0 if oldest is None else max(0, int(self._clock()) - oldest),
        )

    # --- changing --------------------------------------------------------------------------------------------

    def received(self, film: Film, offset: int) -> Film:
        """Remember that the bytes up to `offset` are on the disk; the last one puts the film into quarantine.

        Only whoever holds the film's file calls this. Raises LookupError when it is not receiving any more.
        """
        now = int(self._clock())
        state = "quarantined" if offset == film.length else "receiving"
        expires_at = now + self._settings.film_days * 86400 if state == "quarantined" else None
        with self._database.transaction() as change:
            if state == "quarantined":
                log = audit.Log(change, CHAIN, self._database.dialect)
                log.note(now, film.id, state, f"{film.id} of {film.account}: {film.sha256}")
                log.close()
            changed = change.change(
                "UPDATE films SET received = ?, state = ?, changed_at = ?, expires_at = ?"
                " WHERE id = ? AND state = 'receiving'",
                offset, state, now, expires_at or self._expiry(film.created_at, now), film.id,
            )  # fmt: skip
            if changed != 1:
                raise LookupError("this film is not expected any more")
            return _film(change.run("SELECT * FROM films WHERE id = ?", film.id)[0])

    def verified(self, film: Film, facts: dict[str, Any]) -> None:
        """It is what was announced."""
        self._move(film, "quarantined", "verified", facts=json.dumps(facts))

    def refused(self, film: Film, code: str, reason: str) -> None:
        """It will not be taken; why, for its creator."""
        self._move(film, film.state, "refused", code=code, reason=reason[:500])

    def pinned(self, film: Film, cid: str) -> None:
        """It is in the content store."""
        self._move(film, "verified", "pinned", cid=cid, code=None, reason=None)

    def waits(self, film: Film, code: str | None = None, reason: str | None = None) -> None:
        """Somebody looked at it, and it stays as it is; why it is not pinned yet. The others come first now."""
        with self._database.transaction(durable=False) as change:
            change.change(
                "UPDATE films SET looked_at = ?, code = coalesce(?, code), reason = coalesce(?, reason)"
                " WHERE id = ? AND state = ?",
                int(self._clock()), code, reason, film.id, film.state,
            )  # fmt: skip

    def end(self, film: Film) -> bool:
        """Its creator takes it back; whether it was still under way."""
        return film.state in OPEN and self._move(film, film.state, "ended", code=None, reason=None)

    def expire(self) -> list[str]:
        """Drop what did not go on in time; the ids. Forgets rows that came to nothing long ago."""
        now, dropped = int(self._clock()), []
        sql = f"SELECT * FROM films WHERE {_OPEN} AND expires_at <= ? LIMIT 200"  # noqa: S608
        for row in self._database.read(sql, now):
            if self._move(_film(row), row["state"], "expired", code=None, reason=None):
                dropped.append(row["id"])
        with self._database.transaction(durable=False) as change:
            change.change(
                "DELETE FROM films WHERE state IN ('refused', 'ended', 'expired') AND changed_at < ?",
                now - _REMEMBERED_DAYS * 86400,
            )
        return dropped

    def _move(self, film: Film, before: str, after: str, **values: object) -> bool:
        """One step; False when somebody else moved it meanwhile."""
        now = int(self._clock())
        fields = {"state": after, "changed_at": now, "looked_at": 0, **values}
        names = ", ".join(f"{name} = ?" for name in fields)
        with self._database.transaction() as change:
            log = audit.Log(change, CHAIN, self._database.dialect)
            sql = f"UPDATE films SET {names} WHERE id = ? AND state = ?"  # noqa: S608
            if change.change(sql, *fields.values(), film.id, before) != 1:
                return False
            detail = values.get("cid") or values.get("reason") or film.sha256
            log.note(now, film.id, after, f"{film.id} of {film.account}: {detail}")
            log.close()
            return True
