# SPDX-License-Identifier: Apache-2.0
"""Documents behind the digests on the chain, and what currencies are called.

A document is `pending` until it was looked for, `resolved` when bytes with its digest are a document of its kind,
`invalid` when what was found is not (a source may mend its bytes, the right bytes in the wrong form stay wrong),
`missing` when no source has it. What may still change is tried again, each time after twice the pause.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import orjson
from eth_abi.exceptions import DecodingError

from indexer.database import Writer
from indexer.fetch import Node
from indexer.text import note_text
from ipto.codec import decode as abi_decode
from ipto.content import LocalStore
from ipto.content.store import MissingContentError, StoreUnavailableError
from ipto.documents import DocumentError
from ipto.errors import InputError, IntegrityError
from ipto.rpc import RpcError, RpcTransportError
from ipto.structs import ETH
from ipto.terms import parse_terms
from ipto.works import parse_cultural, parse_metadata

log = logging.getLogger(__name__)

_PARSERS: dict[str, Callable[[bytes, bytes], object]] = {
    "metadata": parse_metadata,
    "cultural": parse_cultural,
    "terms": parse_terms,
}
_BATCH = 16  # looked up at once
_IDLE = 0.5  # seconds
_MAX_PAUSE = 3600
_NEVER = None
_SYMBOL = "0x95d89b41"  # symbol()
_DECIMALS = "0x313ce567"  # decimals()
_MAX_TITLE = 300
_MAX_SYMBOL = 32
_MAX_DECIMALS = 77  # 10**78 does not fit 256 bits
_ETH = bytes.fromhex(ETH[2:])


class Source(Protocol):
    """Where documents come from; raises as `ipto.content` stores do."""

    async def get_document(self, digest: bytes) -> bytes:
        """The bytes with this SHA-256, checked."""
        ...


class FolderSource:
    """The local content store."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    async def get_document(self, digest: bytes) -> bytes:
        """See Source. Reads on a thread: a slow disk must not hold up the follower."""
        return await asyncio.to_thread(self._store.get_document, digest)


class Resolver:
    """Looks up what the writer noted as due, on the writer's connection and its event loop."""

    def __init__(self, db: Writer, sources: Sequence[Source], rpc: Node, *, attempts: int = 20) -> None:
        self._db = db
        self._sources = sources
        self._rpc = rpc
        self._attempts = attempts
        self._wake = asyncio.Event()
        self._stopped = False

    def wake(self) -> None:
        """There may be something new."""
        self._wake.set()

    def stop(self) -> None:
        """End `run` after what is under way."""
        self._stopped = True
        self._wake.set()

    async def run(self) -> None:
        """Resolve until `stop`."""
        while not self._stopped:
            self._wake.clear()
            if await self.step():
                continue
            try:
                await asyncio.wait_for(self._wake.wait(), _IDLE)
            except TimeoutError:
                continue

    async def step(self) -> int:
        """Try what is due, up to a batch; returns how many things were tried."""
        now = int(time.time())
        due = "WHERE next_at <= ? ORDER BY next_at LIMIT ?"
        documents = self._db.all(f"SELECT digest, kind, attempts FROM documents {due}", (now, _BATCH))  # noqa: S608
        currencies = self._db.all(f"SELECT currency, attempts FROM currencies {due}", (now, _BATCH))  # noqa: S608
        await asyncio.gather(
            *[self._document(digest, kind, attempts + 1) for digest, kind, attempts in documents],
            *[self._currency(currency, attempts + 1) for currency, attempts in currencies],
        )
        return len(documents) + len(currencies)

    # ---- documents --------------------------------------------------------------------------------------

    async def _document(self, digest: bytes, kind: str, attempt: int) -> None:
        state, body, error, final = await self._find(digest, kind)
        next_at = _NEVER if final else self._again(attempt)
        if body is not None and kind in ("metadata", "cultural"):
            note_text(self._db, digest, body)
        self._db.run(
            "UPDATE documents SET state = ?, body = ?, title = ?, error = ?, attempts = ?, next_at = ? "
            "WHERE digest = ? AND kind = ?",
            (state, body, title_of(body), error, attempt, next_at, digest, kind),
        )

    async def _find(self, digest: bytes, kind: str) -> tuple[str, bytes | None, str, bool]:
        """State, body, what is wrong, and whether that is the last word."""
        # What is shown names no host and no folder of ours; the log does.
        state, problem = "missing", "" if self._sources else "no content source is configured"
        for source in self._sources:
            try:
                body = await source.get_document(digest)
            except MissingContentError:
                problem = problem or "no content source has it"
                continue
            except IntegrityError as error:
                log.warning("document %s: %s", digest.hex(), error)
                state, problem = "invalid", "what a content source has under this digest are other bytes"
                continue
            except (StoreUnavailableError, InputError) as error:
                log.info("document %s: %s", digest.hex(), error)
                problem = problem or "a content source cannot be asked"
                continue
            try:
                await asyncio.to_thread(_PARSERS[kind], body, digest)
            except DocumentError as error:
                return "invalid", None, str(error), True
            return "resolved", body, "", True
        return state, None, problem, False

    def _again(self, attempt: int) -> int | None:
        if attempt >= self._attempts:
            return _NEVER
        return int(time.time()) + min(_MAX_PAUSE, 1 << attempt)

    # ---- currencies -------------------------------------------------------------------------------------

    async def _currency(self, currency: bytes, attempt: int) -> None:
        symbol: str | None = "ETH"
        decimals: int | None = 18
        reached = True
        if currency != _ETH:
            to = "0x" + currency.hex()
            try:
                calls = [("eth_call", [{"to": to, "data": data}, "latest"]) for data in (_SYMBOL, _DECIMALS)]
                answers = await self._rpc.try_batch(calls)
                symbol, decimals = read_symbol(answers[0]), read_decimals(answers[1])
            except RpcTransportError as error:
                log.info("currency %s: %s", to, error)
                symbol = decimals = None
                reached = False
        known = symbol is not None and decimals is not None
        # A token that does not say what it is will not learn to.
        next_at = _NEVER if known or (reached and attempt >= 3) else self._again(attempt)
        self._db.run(
            "UPDATE currencies SET symbol = ?, decimals = ?, attempts = ?, next_at = ? WHERE currency = ?",
            (symbol, decimals, attempt, next_at, currency),
        )


def title_of(body: bytes | None) -> str | None:
    """What a document calls itself, short enough for a list."""
    title = orjson.loads(body).get("name") if body else None
    return title[:_MAX_TITLE] if isinstance(title, str) else None


def _word(answer: object) -> bytes | None:
    if isinstance(answer, RpcError) or not isinstance(answer, str) or not 66 <= len(answer) <= 2 + 2 * 1024:
        return None
    try:
        return bytes.fromhex(answer[2:])
    except ValueError:
        return None


def read_symbol(answer: object) -> str | None:
    """A token's answer to symbol(): a string, or 32 bytes as old tokens give; None when it is neither, or not fit to be
    shown."""
    data = _word(answer)
    if data is None:
        return None
    try:
        text = data.rstrip(b"\0").decode() if len(data) == 32 else abi_decode(["string"], data)[0]
    except (UnicodeDecodeError, DecodingError, OverflowError):
        return None
    return text if 0 < len(text) <= _MAX_SYMBOL and text.isprintable() else None


def read_decimals(answer: object) -> int | None:
    """A token's answer to decimals(); None when it is not a number below 78."""
    data = _word(answer)
    value = int.from_bytes(data[:32]) if data else _MAX_DECIMALS + 1
    return value if value <= _MAX_DECIMALS else None
