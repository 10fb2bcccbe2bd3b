# SPDX-License-Identifier: Apache-2.0
"""Tells an operator's other services what becomes of actions and films: signed requests as Standard Webhooks has them.

What is told is the audit log, which is written with every change anyway: each hook remembers how far it got in each of
its chains, so nothing is told too early, nothing is forgotten by a crash, and an action's events arrive in the order of
their chain. Something may arrive twice: `webhook-id` is the same then. One relayer of a queue delivers.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from typing import Any

import httpx
import orjson

from relayer import audit, ledger
from relayer.database import Database, LaneLock, Row, StorageError
from relayer.problems import malformed

log = logging.getLogger("relayer.webhooks")

EVENTS = {
    "accepted": "action.queued",
    "signed": "action.sent",
    "mined": "action.mined",
    "unmined": "action.sent",
    "requeued": "action.queued",
    "final": "action.final",
    "failed": "action.failed",
}
FILM_EVENTS = {
    "announced": "film.accepted",
    "quarantined": "film.quarantined",
    "verified": "film.verified",
    "pinned": "film.pinned",
    "refused": "film.refused",
    "ended": "film.ended",
    "expired": "film.expired",
}
FILMS = "films"  # their chain of the audit log
_PREFIX = "whsec_"
_LEADER = "webhooks"
_PART = 100
_LONGEST = 3600  # seconds between tries at most
_TIMEOUT = 15.0


def signature(secret: str, message_id: str, at: int, body: bytes) -> str:
    """The `webhook-signature` header: v1, HMAC-SHA256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{message_id}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class Hooks:
    """The hooks an operator set up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, url: str, signer: str | None, now: int) -> tuple[str, str]:
        """A hook for everything that happens from now on, or for one signer's. Returns its id and secret, told once.

        Raises RefusedError (422) for a URL that is not https, or http on this machine.
        """
        host = httpx.URL(url).host if url.startswith(("https://", "http://")) else ""
        if not host or (url.startswith("http://") and host not in ("127.0.0.1", "localhost", "::1")):
            raise malformed("a hook's URL starts with https://")
        name, secret = secrets.token_hex(8), _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        with self._database.transaction() as change:
            admin = audit.Log(change, audit.ADMIN, self._database.dialect)
            change.change("INSERT INTO hooks (id, url, secret, signer) VALUES (?, ?, ?, ?)", name, url, secret, signer)
            change.change("INSERT INTO hook_cursors SELECT ?, name, number FROM chains", name)
            admin.note(now, None, "hook", f"{name} at {host} for {signer or 'everybody'}")
            admin.close()
        return name, secret

    def remove(self, name: str, now: int) -> None:
        """Tell a hook nothing more."""
        with self._database.transaction() as change:
            admin = audit.Log(change, audit.ADMIN, self._database.dialect)
            change.change("DELETE FROM hook_cursors WHERE hook_id = ?", name)
            change.change("DELETE FROM hooks WHERE id = ?", name)
            admin.note(now, None, "hook removed", name)
            admin.close()

    def all(self) -> list[Row]:
        """The hooks and how their last delivery went; not their secrets."""
        return self._database.read("SELECT id, url, signer, tries, next_at, answer FROM hooks ORDER BY id")

    def due(self, now: int) -> list[Row]:
        """Hooks that may be tried now."""
        return self._database.read("SELECT * FROM hooks WHERE next_at <= ? ORDER BY id", now)

    def events(self, hook: Row) -> list[Row]:
        """What a hook has not been told, some of it, in each chain's order."""
        found: list[Row] = []
        chains = self._database.read(
            "SELECT c.name, coalesce(h.number, 0) AS told FROM chains c"
            " LEFT JOIN hook_cursors h ON h.chain = c.name AND h.hook_id = ? WHERE c.number > coalesce(h.number, 0)",
            hook["id"],
        )
        for chain in chains:
            if chain["name"] == FILMS:
                found += self._films(chain["told"])
                continue
            found += self._database.read(
                "SELECT u.chain, u.number, u.at, u.event, u.hash, a.id, a.kind, a.signer, a.reason, a.tx_hash"
                " FROM audit u LEFT JOIN actions a ON a.id = u.action_id"
                " WHERE u.chain = ? AND u.number > ? ORDER BY u.number LIMIT ?",
                chain["name"], chain["told"], _PART,
            )  # fmt: skip
        return found

    def _films(self, told: int) -> list[Row]:
        return self._database.read(
            "SELECT u.chain, u.number, u.at, u.event, u.hash, f.id, f.account AS signer, f.length, f.sha256, f.cid,"
            " f.code, f.reason FROM audit u LEFT JOIN films f ON f.id = u.action_id"
            " WHERE u.chain = ? AND u.number > ? ORDER BY u.number LIMIT ?",
            FILMS, told, _PART,
        )  # fmt: skip

    def told(self, hook: Row, chain: str, number: int) -> None:
        """Remember how far a hook got."""
        with self._database.transaction(durable=False) as change:
            change.change(
                "INSERT INTO hook_cursors VALUES (?, ?, ?)"
                " ON CONFLICT (hook_id, chain) DO UPDATE SET number = excluded.number",
                hook["id"], chain, number,
            )  # fmt: skip

    def note(self, hook: Row, tries: int, next_at: int, answer: str) -> None:
        """Remember how a delivery went."""
        with self._database.transaction(durable=False) as change:
            sql = "UPDATE hooks SET tries = ?, next_at = ?, answer = ? WHERE id = ?"
            change.change(sql, tries, next_at, answer[:200], hook["id"])


class Courier:
    """Delivers, as a task of one relayer of the queue."""

    def __init__(self, hooks: Hooks, database: Database, clock: Callable[[], float], pause: float = 1.0) -> None:
        self._hooks, self._database, self._clock, self._pause = hooks, database, clock, pause
        self._task: asyncio.Task[None] | None = None
        self._lock: LaneLock | None = None

    def start(self) -> None:
        """Start delivering in the running event loop."""
        self._task = asyncio.create_task(self._run(), name="webhooks")

    async def stop(self) -> None:
        """Stop; being cut off anywhere is safe."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._lock is not None:
            self._lock.release()

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as client:
            while True:
                try:
                    if await asyncio.to_thread(self._leads):
                        await self.round(client)
                except StorageError as error:
                    log.warning("the database: %s", error)
                except Exception:
                    log.exception("webhooks")
                await asyncio.sleep(self._pause)

    def _leads(self) -> bool:
        if self._lock is not None and not self._lock.is_held():
            self._lock.release()
            self._lock = None
        if self._lock is None:
            self._lock = self._database.lock_lane(_LEADER)
        return self._lock is not None

    async def round(self, client: httpx.AsyncClient) -> None:
        """Tell every hook what it has not been told."""
        for hook in await asyncio.to_thread(self._hooks.due, int(self._clock())):
            for event in await asyncio.to_thread(self._hooks.events, hook):
                wanted = event["id"] is not None and _name(event) is not None
                if wanted and (hook["signer"] is None or hook["signer"] == event["signer"]):
                    why = await self._deliver(client, hook, event)
                    if why is not None:
                        tries = hook["tries"] + 1
                        wait = min(_LONGEST, 2**tries)
                        await asyncio.to_thread(self._hooks.note, hook, tries, int(self._clock()) + wait, why)
                        break
                await asyncio.to_thread(self._hooks.told, hook, event["chain"], event["number"])
            else:
                if hook["tries"]:
                    await asyncio.to_thread(self._hooks.note, hook, 0, 0, "delivered")

    async def _deliver(self, client: httpx.AsyncClient, hook: Row, event: Row) -> str | None:
        """Why it was not taken; None when it was."""
        body = orjson.dumps({"type": _name(event), "timestamp": ledger.time_of(event["at"]), "data": _data(event)})
        message_id, at = f"msg_{event['hash'][:32]}", int(self._clock())
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(hook["secret"], message_id, at, body),
        }
        try:
            answer = await client.post(hook["url"], content=body, headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__
        return None if 200 <= answer.status_code < 300 else f"HTTP {answer.status_code}"


def _name(event: Row) -> str | None:
    """The event's type; None for what is told to nobody."""
    return (FILM_EVENTS if event["chain"] == FILMS else EVENTS).get(event["event"])


def _data(event: Row) -> dict[str, Any]:
    state = (_name(event) or "").partition(".")[2]
    if event["chain"] != FILMS:
        told = {key: event[key] for key in ("id", "kind", "signer", "reason")}
        return told | {"state": state, "transaction": event["tx_hash"]}
    data = {"id": event["id"], "signer": event["signer"], "size": event["length"], "sha256": event["sha256"]}
    # What the row says beyond that belongs to how it ended.
    why = {key: event[key] if state == "refused" else None for key in ("code", "reason")}
    return data | why | {"state": state, "cid": event["cid"] if state == "pinned" else None}
