# SPDX-License-Identifier: Apache-2.0
"""What became of a lane's transactions: mined, reorganised away, replaced, dropped, displaced, final.

Results are final at confirmation depth only. Until then every round compares the blocks that were said to hold a
transaction with the chain as it is, so that a reorganisation is noticed whatever the node forgot to say.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from ipto.rpc import AsyncRpc, RpcError, RpcTransportError
from relayer import effects
from relayer.broadcast import Broadcaster
from relayer.cargo import read_receipt
from relayer.records import Action, InFlight, Mined, Result, Verdict
from relayer.settings import Settings
from relayer.simulate import revert_words
from relayer.slots import ConflictError, LostLaneError, Slots

log = logging.getLogger("relayer.follow")

CANCELLED = "its deadline passed before a block took it; the relayer cancelled the transaction"


class Follower:
    """Follows one lane's slots to their results and pushes what is stuck."""

    def __init__(
        self,
        rpc: AsyncRpc,
        broadcaster: Broadcaster,
        settings: Settings,
        is_stopped: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._rpc, self._broadcaster, self._settings = rpc, broadcaster, settings
        self._is_stopped, self._clock = is_stopped, clock
        self._head = (-1, 0.0)  # newest block seen and when: only for deciding whether raising fees can help

    async def round(self, slots: Slots, head: int) -> int:
        """Look at everything that is out; returns the lane's mined transaction count."""
        if head != self._head[0]:
            self._head = (head, self._clock())
        depth = head - self._settings.confirmations + 1
        # Counts before receipts: a nonce that was consumed at depth by one of ours then has a receipt for sure.
        settled, latest = await asyncio.gather(
            self._count(slots.lane, hex(depth) if depth >= 0 else None), self._count(slots.lane, "latest")
        )
        items = await asyncio.to_thread(slots.in_flight)
        await self._fill_gaps(slots, items, latest)
        if not items:
            return latest
        stable = await self._stable(items)
        # Most have no receipt to look for: of thousands that are out, no task is made for each.
        asked = [item for item in items if latest > item.newest.nonce and self._told(item, stable) is None]
        answers = await asyncio.gather(*map(self._look, asked), return_exceptions=True)
        by_nonce = {item.newest.nonce: answer for item, answer in zip(asked, answers, strict=True)}
        found = [by_nonce.get(item.newest.nonce, self._told(item, stable)) for item in items]
        mined: list[tuple[InFlight, Mined]] = []
        done: list[tuple[InFlight, Mined]] = []
        for item, result in zip(items, found, strict=True):
            if isinstance(result, BaseException):
                await self.pass_over(item.actions[0], result)
            elif result is not None:
                if result.block_hash != item.actions[0].block_hash:
                    mined.append((item, result))
                if result.block_number <= depth:
                    done.append((item, result))
            else:
                await self._unmined(slots, item, head, settled, latest)
        if mined:
            await asyncio.to_thread(slots.record_mined, mined, int(self._clock()))
        if done:
            await self._finish(slots, done, depth)
        return latest

    async def _count(self, lane: str, block: str | None) -> int:
        return 0 if block is None else await self._rpc.nonce(lane, block)

    async def pass_over(self, action: Action, error: BaseException) -> None:
        """One action that upsets the node must not stop the others; a node that is away stops the round (raises)."""
        if isinstance(error, LostLaneError) or not isinstance(error, (RpcError, RpcTransportError, ConflictError)):
            raise error
        log.warning("action %s: %s", action.id, error)
        if isinstance(error, RpcTransportError):
            await self._rpc.block_number()

    async def _stable(self, items: Sequence[InFlight]) -> set[str]:
        """Hashes of blocks that were said to hold transactions and are part of the chain now."""
        numbers = sorted({item.actions[0].block_number or 0 for item in items if item.is_mined})
        blocks = await asyncio.gather(
            *(self._rpc.call("eth_getBlockByNumber", hex(number), False) for number in numbers)
        )
        return {str(block["hash"]) for block in blocks if block}

    @staticmethod
    def _told(item: InFlight, stable: set[str]) -> Mined | None:
        """What an earlier receipt said, while its block is part of the chain."""
        first = item.actions[0]
        if first.block_hash in stable and first.tx_hash is not None and first.block_number is not None:
            return Mined(first.tx_hash, first.block_number, first.block_hash or "", ())
        return None

    async def _look(self, item: InFlight) -> Mined | None:
        """The receipt of whichever of the slot's transactions was mined; None when none was."""
        for attempt in reversed(item.attempts):
            receipt = await self._rpc.call("eth_getTransactionReceipt", attempt.hash)
            if receipt is not None and receipt.get("blockHash"):
                return read_receipt(item, attempt, receipt)
        return None

    async def _unmined(self, slots: Slots, item: InFlight, head: int, settled: int, latest: int) -> None:
        first, now = item.actions[0], int(self._clock())
        try:
            if item.is_mined:
                if first.block_number is not None and head < first.block_number:
                    return  # this node is behind the one that answered before
                await asyncio.to_thread(slots.record_unmined, item, now)
                await self._broadcaster.send(slots, [item.newest])
            elif settled > item.newest.nonce:
                why = "another transaction used the lane's nonce; sending again"
                await asyncio.to_thread(slots.requeue, item, why, now)
            elif latest <= item.newest.nonce:
                await self._push(slots, item, latest)
        except (RpcError, RpcTransportError, ConflictError) as error:
            await self.pass_over(first, error)

    async def _push(self, slots: Slots, item: InFlight, latest: int) -> None:
        # Without new blocks a higher fee buys nothing, and only the lowest nonce holds up the others.
        moving = self._clock() - self._head[1] < self._settings.replace_after
        may_raise = moving and latest == item.newest.nonce and not self._is_stopped()
        expired = all(action.deadline < int(self._clock()) - self._settings.cancel_after for action in item.actions)
        await self._broadcaster.push(slots, item, may_raise=may_raise, cancel=bool(item.actions) and expired)

    async def _fill_gaps(self, slots: Slots, items: Sequence[InFlight], latest: int) -> None:
        """Every nonce we ever signed for and the chain has not consumed must be in a mempool, or the lane jams.

        Those in flight are pushed one by one; here are the others: results taken for final that a deep reorg undid,
        and nonces that seemed to be lost to another transaction. Their bytes go out again as they are; the contract's
        own nonces keep an action from happening twice.
        """
        followed = {item.newest.nonce for item in items}
        for item in await asyncio.to_thread(slots.slots_from, latest):
            if item.newest.nonce not in followed:
                await self._push(slots, item, latest)

    async def _finish(self, slots: Slots, done: Sequence[tuple[InFlight, Mined]], depth: int) -> None:
        verdicts: list[Verdict] = []
        for item, mined in done:
            # Of an earlier round: as it was recorded then.
            results = mined.results or tuple(Result(a.succeeded, 0, a.reason) for a in item.actions)
            for action, result in zip(item.actions, results, strict=True):
                if result.succeeded:
                    verdicts.append(Verdict(action.id, True, None))
                    continue
                try:
                    verdicts.append(await self._failure(slots, action, result, mined, depth))
                except (RpcError, RpcTransportError) as error:
                    await self.pass_over(action, error)
        if verdicts:
            await asyncio.to_thread(slots.finish, verdicts, int(self._clock()))

    async def _failure(self, slots: Slots, action: Action, result: Result, mined: Mined, depth: int) -> Verdict:
        effect = await effects.effect(self._rpc, action, depth)
        if effect is not None and effect.tx_hash is not None:
            note = "carried out by somebody else's transaction, which came first"
            return Verdict(action.id, True, note, effect.tx_hash)
        if effect is not None:
            return Verdict(action.id, False, "the signer cancelled this nonce before the action was carried out")
        if result.succeeded is None:
            return Verdict(action.id, False, CANCELLED)
        words = result.reason or await revert_words(
            self._rpc, slots.lane, action.target, action.calldata, action.gas_limit, mined.block_number
        )
        return Verdict(action.id, False, f"reverted on chain: {words}")


__all__ = ["CANCELLED", "Follower"]
