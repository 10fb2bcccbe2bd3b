# SPDX-License-Identifier: Apache-2.0
"""Webhooks: events pushed to the operator's own services, signed, at least once, in the words of the API.

What is to be sent is written in the transaction that writes the event (the outbox), so nothing is lost by a crash and
nothing is sent that was not stored. When a reorganisation takes an event away, what was not sent yet is forgotten, and
for what was sent a message with `removed: true` follows. Source: https://www.standardwebhooks.com
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from indexer.database import Writer
from indexer.guard import Guarded
from indexer.schema import LOG_BITS
from indexer.shown import Shower
from indexer.tables import table
from ipto.errors import InputError, IptoError

log = logging.getLogger(__name__)

OUTBOX = table(
    "outbox",
    "hook:text seq:int removed:int body:text attempts:int next_at:int? sent_at:int? status:int",
    "hook seq removed",
    "next_at ?next_at",
    stamps=False,
)
TABLES = (OUTBOX,)

_SECRET = "whsec_"  # noqa: S105  # the prefix, not a secret
_BATCH = 20
_PAUSE = 1.0
_KEPT = 7 * 86_400  # seconds that what was sent is remembered, to be taken back
# Seconds until the next attempt, as the specification suggests; then it is given up.
RETRIES = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)


@dataclass(frozen=True, slots=True)
class Hook:
    """One receiver. events: names as in the ABI, none for all. secret: `whsec_` and base64 of 24 to 64 bytes."""

    url: str
    secret: str = field(repr=False)
    events: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called in the outbox: a new URL is a new receiver."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    def key(self) -> bytes:
        """The signing key. Raises InputError."""
        try:
            key = base64.b64decode(self.secret.removeprefix(_SECRET), validate=True)
        except ValueError:
            key = b""
        if not self.secret.startswith(_SECRET) or not 24 <= len(key) <= 64:
            raise InputError("a webhook's secret is whsec_ and base64 of 24 to 64 bytes")
        return key

    def wants(self, event: str) -> bool:
        """Whether an event is to be sent to it."""
        return bool(event) and (not self.events or event in self.events)


def signature(key: bytes, message: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`."""
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


class Outbox:
    """What is to be sent, in the writer's transactions."""

    def __init__(self, hooks: Sequence[Hook], showers: Mapping[str, Shower]) -> None:
        self.hooks = {hook.name: hook for hook in hooks}
        self._showers = showers

    def note(self, db: Writer, events: Iterable[tuple[Any, ...]], blocks: Mapping[int, tuple[int, bytes, int]]) -> None:
        """Write down what receivers want of new events, given as rows of `events` and `blocks`."""
        now = int(time.time())
        rows = []
        for seq, contract, name, tx, topics, data, _work in events:
            wanted = [hook for hook in self.hooks.values() if hook.wants(name)]
            if not wanted:
                continue
            block, block_hash, timestamp = blocks[seq >> LOG_BITS]
            payload = {
                "type": name,
                "timestamp": timestamp,
                "data": {
                    "contract": contract,
                    "name": name,
                    "args": self._showers[contract].arguments(topics, data),
                    "block": block,
                    "block_hash": "0x" + block_hash.hex(),
                    "log_index": seq & ((1 << LOG_BITS) - 1),
                    "transaction": "0x" + tx.hex(),
                    "removed": False,
                },
            }
            body = orjson.dumps(payload).decode()
            rows += [(hook.name, seq, 0, body, 0, now, None, 0) for hook in wanted]
        # An event may come back at the very place that it was removed from.
        for hook_name, seq, *_ in rows:
            db.run("DELETE FROM outbox WHERE hook = ? AND seq = ?", (hook_name, seq))
        db.insert(OUTBOX, rows)

    @staticmethod
    def take_back(db: Writer, after: int) -> None:
        """Events from this seq on are gone: forget what was not sent, and send word of the rest."""
        now = int(time.time())
        db.run("DELETE FROM outbox WHERE seq >= ? AND removed = 0 AND sent_at IS NULL", (after,))
        sql = "SELECT hook, seq, body FROM outbox WHERE seq >= ? AND removed = 0"
        rows = []
        for hook, seq, body in db.all(sql, (after,)):
            payload = orjson.loads(body)
            payload["data"]["removed"] = True
            rows.append((hook, seq, 1, orjson.dumps(payload).decode(), 0, now, None, 0))
        db.run("DELETE FROM outbox WHERE seq >= ? AND removed = 0", (after,))
        db.insert_missing(OUTBOX, rows)


class Sender:
    """Sends what is in the outbox, on the writer's connection and its event loop."""

    def __init__(
        self, db: Writer, outbox: Outbox, *, timeout: float, allow_private: bool, clock: Callable[[], float] = time.time
    ) -> None:
        """allow_private: receivers on this machine and in private networks. Raises InputError for a bad secret."""
        self._db = db
        self._hooks = {name: (hook, hook.key()) for name, hook in outbox.hooks.items()}
        self._to = {
            name: Guarded(hook.url, timeout=timeout, allow_private=allow_private) for name, hook in outbox.hooks.items()
        }
        self._clock = clock
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End `run` after what is under way."""
        self._stopped.set()

    async def run(self) -> None:
        """Send until `stop`."""
        while not self._stopped.is_set():
            if await self.step():
                continue
            try:
                await asyncio.wait_for(self._stopped.wait(), _PAUSE)
            except TimeoutError:
                continue

    async def aclose(self) -> None:
        """Give the connections back."""
        for guarded in self._to.values():
            await guarded.aclose()

    async def step(self) -> int:
        """Send what is due, up to a batch, in order for each receiver; returns how much was tried."""
        now = int(self._clock())
        due = self._db.all(
            "SELECT hook, seq, removed, body, attempts FROM outbox WHERE next_at <= ? "
            "ORDER BY seq, removed DESC LIMIT ?",
            (now, _BATCH),
        )
        by_hook: dict[str, list[tuple[Any, ...]]] = {}
        for row in due:
            by_hook.setdefault(row[0], []).append(row)
        await asyncio.gather(*[self._deliver(rows) for rows in by_hook.values()])
        self._db.run("DELETE FROM outbox WHERE sent_at < ?", (now - _KEPT,))
        return len(due)

    async def _deliver(self, rows: list[tuple[Any, ...]]) -> None:
        for hook, seq, removed, body, attempts in rows:
            status = await self._send(hook, seq, removed, body)
            now = int(self._clock())
            sent = 200 <= status < 300
            again = None if sent or attempts >= len(RETRIES) else now + RETRIES[attempts]
            self._db.run(
                "UPDATE outbox SET attempts = ?, next_at = ?, sent_at = ?, status = ? "
                "WHERE hook = ? AND seq = ? AND removed = ?",
                (attempts + 1, again, now if sent else None, status, hook, seq, removed),
            )
            if not sent:
                log.info("webhook %s: HTTP %d at attempt %d", hook, status, attempts + 1)
                return

    async def _send(self, name: str, seq: int, removed: int, body: str) -> int:
        """The receiver's HTTP status; 0 when there was none."""
        if name not in self._hooks:
            return 410  # no longer configured
        _, key = self._hooks[name]
        data, timestamp = body.encode(), int(self._clock())
        message = f"msg_{name}_{seq}_{'removed' if removed else 'event'}"
        headers = {
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(key, message, timestamp, data),
        }
        try:
            return await self._to[name].post(data, headers)
        except (httpx.HTTPError, OSError, TimeoutError, IptoError) as error:
            log.info("webhook %s: %s", name, type(error).__name__)
            return 0
