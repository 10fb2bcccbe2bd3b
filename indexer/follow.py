# SPDX-License-Identifier: Apache-2.0
"""The loop: what is new on the chain goes into the store, block after block, whatever the chain does meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from indexer.fetch import Fetcher, Header, NotThereError
from indexer.schema import ZERO32
from indexer.store import Checkpoint, DivergedError, Store
from ipto.errors import IntegrityError, IptoError
from ipto.rpc import RpcTransportError

log = logging.getLogger(__name__)

_TIGHT = 64  # blocks of a range that a reorg may still take away
_LOOK_BACK = 32  # headers compared at once when looking for the common ancestor
_HEARTBEAT = 5.0  # seconds; the API tells a dead follower from a quiet chain by it
_MAX_PAUSE = 30.0


class WrongChainError(IntegrityError):
    """The node serves another chain than the deployment file names."""


class Follower:
    """Keeps one store at the head of one chain.

    chain_id: refuse nodes of another chain.
    start: the first block that can hold events. finality_blocks: depth of final blocks, None: the node's tag, or
    `fallback_finality` where it has none. journal_blocks: how deep a reorg is undone without a rebuild.
    on_commit: called after each change of the store.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        store: Store,
        start: int,
        *,
        chain_id: int | None = None,
        finality_blocks: int | None = None,
        fallback_finality: int = 64,
        journal_blocks: int = 10_000,
        poll_seconds: float = 0.25,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._fetcher = fetcher
        self._store = store
        self._start = start
        self._chain_id = chain_id
        self._finality = finality_blocks
        self._fallback = fallback_finality
        self._journal = journal_blocks
        self._poll = poll_seconds
        self._on_commit = on_commit
        self._noted: tuple[int, float] = (-1, 0.0)
        self._stop = asyncio.Event()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be a new block: do not wait for the next poll."""
        self._woken.set()

    def stop(self) -> None:
        """Ask the loop to end after what it is writing."""
        self._stop.set()
        self._woken.set()

    async def run(self) -> None:
        """Follow until `stop`. Trouble with the node or the chain is waited out, and shown by the API meanwhile."""
        failures = 0
        checked = False
        while not self._stop.is_set():
            pause = self._poll
            self._woken.clear()
            before = self._store.checkpoint()
            try:
                if not checked:
                    await self._check_chain()
                    checked = True
                await self.step()
                failures = 0
            except (NotThereError, DivergedError) as error:
                log.info("%s", error)
            except WrongChainError:
                raise
            except IptoError as error:
                # Trouble between two advances is no reason to wait longer and longer.
                failures = failures + 1 if self._store.checkpoint() == before else 1
                pause = min(_MAX_PAUSE, self._poll * 2**failures)
                log.warning("%s; trying again in %.1f s", error, pause)
                # Anyone may read this; the log has the host.
                words = "the node does not answer" if isinstance(error, RpcTransportError) else str(error)
                self._store.note(max(self._noted[0], 0), words)
                self._noted = (-1, 0.0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)

    async def step(self) -> Checkpoint:
        """Read everything up to the chain's present head; returns where the store then ends.

        Raises NotThereError when the chain moved meanwhile; the next step sees to it.
        """
        head = await self._fetcher.head()
        at = self._store.checkpoint() or await self._begin()
        if not self._follows(at, head):
            at = await self._go_back(head)
        final = await self._final(head)
        self._note(head.number)
        base = max(final, head.number - self._journal)
        try:
            if at.number < base:
                async with contextlib.aclosing(self._fetcher.bulk(at.number + 1, base)) as segments:
                    async for segment in segments:
                        self._store.commit(segment, final)
                        self._changed()
                        self._note(head.number)
                        # Others on this loop (the documents) get their turn.
                        await asyncio.sleep(0)
                        if self._stop.is_set():
                            break
            while not self._stop.is_set() and (at := self._end()).number < head.number:
                segment = await self._fetcher.tight(at.number + 1, min(head.number, at.number + _TIGHT))
                self._store.commit(segment, final)
                self._changed()
        except DivergedError:
            return await self._go_back(head)
        self._store.finalize(final, base)
        return self._end()

    # ---- internal ---------------------------------------------------------------------------------------

    async def _check_chain(self) -> None:
        actual = await self._fetcher.chain_id()
        if self._chain_id not in (None, actual):
            raise WrongChainError(
                f"the node is on chain {actual}, the deployment on {self._chain_id}; check IPTO_INDEXER_RPC_URL"
            )

    def _end(self) -> Checkpoint:
        at = self._store.checkpoint()
        assert at is not None
        return at

    def _follows(self, at: Checkpoint, head: Header) -> bool:
        """Whether the head can stand on what is stored; what is further ahead is checked when it is committed."""
        if head.number > at.number:
            return True
        # A node that lags behind shows a block we know.
        known = dict(self._store.ring())
        return known.get(head.number, head.hash) == head.hash

    async def _begin(self) -> Checkpoint:
        before = self._start - 1
        header: Header | None = Header(-1, ZERO32, ZERO32, 0)
        if before >= 0:
            header = await self._fetcher.header(before)
        if header is None:
            raise NotThereError(f"the chain has not reached block {before} yet; is this the chain of the deployment?")
        self._store.begin(header)
        self._changed()
        return self._end()

    async def _final(self, head: Header) -> int:
        depth = self._finality
        if depth is None:
            tagged = await self._fetcher.finalized()
            if tagged is not None:
                return tagged
            depth = self._fallback
        return head.number - depth

    async def _go_back(self, head: Header) -> Checkpoint:
        """Return to the last stored block that is still on the chain."""
        was = self._end().number
        ring = [item for item in self._store.ring() if item[0] <= head.number]
        for at in range(0, len(ring), _LOOK_BACK):
            part = ring[at : at + _LOOK_BACK]
            found = await self._fetcher.headers([number for number, _ in part])
            for (number, stored), header in zip(part, found, strict=True):
                if header is not None and header.hash == stored:
                    log.info("reorganisation: from block %d back to %d", was, number)
                    self._store.rewind(number)
                    self._changed()
                    return self._end()
        ancestor = await self._deep_ancestor(was)
        if ancestor is None:
            log.warning("no stored block is on the chain any more: starting again")
            return await self._begin()
        log.warning("deep reorganisation: from block %d back to %d, rebuilding", was, ancestor.number)
        self._store.rebuild(up_to=ancestor)
        self._changed()
        return self._end()

    async def _deep_ancestor(self, was: int) -> Header | None:
        """The newest block with events that is still on the chain, found by halving: below it all agree."""
        low, high = -1, was
        best: Header | None = None
        while low < high:
            middle = (low + high + 1) // 2
            candidate = self._store.event_block(middle)
            if candidate is None or candidate[0] <= low:
                low = middle  # nothing to ask for down there
                continue
            number, stored = candidate
            header = await self._fetcher.header(number)
            if header is not None and header.hash == stored:
                low, best = middle, header
            else:
                high = number - 1
        return best

    def _changed(self) -> None:
        self._on_commit()

    def _note(self, head: int) -> None:
        now = time.monotonic()
        if head != self._noted[0] or now - self._noted[1] > _HEARTBEAT:
            self._store.note(head)
            self._noted = (head, now)
