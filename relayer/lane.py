# SPDX-License-Identifier: Apache-2.0
"""One lane: one key, its transactions in nonce order, and what became of them.

The only truth is the queue and the chain; nothing that matters is kept in memory. The order of every send is sign →
persist (nonce, bytes and row in one database transaction) → broadcast. A process that dies anywhere between
leaves either nothing or bytes that are broadcast again, unchanged. An unanswered broadcast counts as sent: the receipt
decides, or the same nonce is signed for again at a higher fee, so that one of the two at most is ever mined.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from eth_utils.crypto import keccak

from ipto.accounts import Signer
from ipto.rpc import AsyncRpc, RpcError, RpcTransportError, quantity
from relayer import effects, fees
from relayer.queue import ConflictError, Queue
from relayer.records import Action, Attempt, InFlight, Mined
from relayer.settings import Settings
from relayer.simulate import revert_words, simulate

log = logging.getLogger("relayer.lane")

# Waiting actions looked at in one round. More than a lane sends, so that those that must wait do not hold up others.
_LOOK_AHEAD = 200


class Guard(Protocol):
    """The last look at a transaction before the key is used; see `relayer.policy`."""

    def check_transaction(self, transaction: Mapping[str, Any]) -> None:
        """Raise GuardError unless the transaction is one the key may sign."""


class GuardError(RuntimeError):
    """A transaction that the key must not sign reached the last check: the database was tampered with, or a bug."""


class Lane:
    """Sends queued actions from one address and follows them to their result. Used by one task at a time."""

    def __init__(
        self,
        rpc: AsyncRpc,
        queue: Queue,
        signer: Signer,
        guard: Guard,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rpc = rpc
        self._queue = queue
        self._signer = signer
        self._guard = guard
        self._settings = settings
        self._clock = clock
        self._head = (-1, 0.0)  # newest block seen and when: only for deciding whether raising fees can help
        self.address = signer.address
        self.notice: str | None = None  # why nothing new is being sent, for operators

    def _now(self) -> int:
        return int(self._clock())

    async def recover(self) -> None:
        """Broadcast again what was signed before the last stop, same bytes, lowest nonce first."""
        for item in await asyncio.to_thread(self._queue.in_flight, self.address):
            await self._broadcast(item.newest)

    async def step(self) -> None:
        """One round: look up results, push what is stuck, then send what waits.

        Raises RpcError or RpcTransportError when the node does not answer; calling it again is always right.
        """
        head = await self._rpc.block_number()
        if head != self._head[0]:
            self._head = (head, self._clock())
        await self._follow(head)
        if self.is_stopped():
            self.notice = "the kill switch is on"
            return
        self.notice = await self._send_waiting(head)

    def is_stopped(self) -> bool:
        """Whether the operator's kill switch is on."""
        switch = self._settings.kill_switch
        return switch is not None and switch.exists()

    # --- following -------------------------------------------------------------------------------------------

    async def _follow(self, head: int) -> None:
        depth = head - self._settings.confirmations + 1
        # Counts before receipts: a nonce that was consumed at depth by one of ours then has a receipt for sure.
        settled = await self._rpc.nonce(self.address, hex(depth)) if depth >= 0 else 0
        latest = await self._rpc.nonce(self.address, "latest")
        items = await asyncio.to_thread(self._queue.in_flight, self.address)
        await self._fill_gaps(items, latest)
        for item in items:
            try:
                await self._follow_one(item, head, depth, settled, latest)
            except ConflictError as error:
                log.warning("skipped: %s", error)
            except (RpcError, RpcTransportError) as error:
                await self._pass_over(item.action, error)

    async def _pass_over(self, action: Action, error: Exception) -> None:
        """One action that upsets the node must not stop the others; a node that is away stops the round (raises)."""
        log.warning("action %s: %s", action.id, error)
        if isinstance(error, RpcTransportError):
            await self._rpc.block_number()

    async def _follow_one(self, item: InFlight, head: int, depth: int, settled: int, latest: int) -> None:
        action, now = item.action, self._now()
        mined = await self._receipt(item)
        if mined is not None:
            await asyncio.to_thread(self._queue.record_mined, action.id, mined, now)
            if mined.block_number <= depth:
                await self._finish(item, mined, depth)
            return
        if action.state == "mined":
            if action.block_number is not None and head < action.block_number:
                return  # this node is behind the one that answered before
            await asyncio.to_thread(self._queue.record_unmined, action.id, now)
            await self._broadcast(item.newest)
        elif settled > item.newest.nonce:
            await asyncio.to_thread(
                self._queue.requeue, action.id, "another transaction used the lane's nonce; sending again", now
            )
        elif latest <= item.newest.nonce:
            await self._push(item, blocks_others=latest == item.newest.nonce)

    async def _receipt(self, item: InFlight) -> Mined | None:
        """The receipt of whichever of the nonce's transactions was mined."""
        for attempt in reversed(item.attempts):
            receipt = await self._rpc.call("eth_getTransactionReceipt", attempt.hash)
            if receipt is not None and receipt.get("blockHash"):
                cost = quantity(receipt["gasUsed"]) * quantity(receipt["effectiveGasPrice"])
                return Mined(
                    tx_hash=attempt.hash,
                    block_number=quantity(receipt["blockNumber"]),
                    block_hash=receipt["blockHash"],
                    succeeded=quantity(receipt["status"]) == 1,
                    # Rollups charge for their data besides.
                    cost=cost + (quantity(receipt["l1Fee"]) if receipt.get("l1Fee") else 0),
                )
        return None

    async def _finish(self, item: InFlight, mined: Mined, depth: int) -> None:
        action = item.action
        reason, by = None, None
        if not mined.succeeded:
            effect = await effects.effect(self._rpc, action, depth)
            if effect is not None and effect.tx_hash is not None:
                by, reason = effect.tx_hash, "carried out by somebody else's transaction, which came first"
            elif effect is not None:
                reason = "the signer cancelled this nonce before the action was carried out"
            else:
                words = await revert_words(
                    self._rpc, self.address, action.target, action.calldata, action.gas_limit, mined.block_number
                )
                reason = f"reverted on chain: {words}"
        done = mined.succeeded or by is not None
        await asyncio.to_thread(self._queue.finish, action.id, done, reason, self._now(), by=by)

    async def _fill_gaps(self, items: list[InFlight], latest: int) -> None:
        """Every nonce we ever signed for and the chain has not consumed must be in a mempool, or the lane jams.

        Those in flight are pushed one by one; here are the others: results taken for final that a deep reorg undid,
        and nonces that seemed to be lost to another transaction. Their bytes go out again as they are; the contract's
        own nonces keep an action from happening twice.
        """
        followed = {item.newest.nonce for item in items}
        for action_id, newest in await asyncio.to_thread(self._queue.newest_from, self.address, latest):
            if newest.nonce not in followed:
                action = await asyncio.to_thread(self._queue.get, action_id)
                await self._push(InFlight(action, [newest]), blocks_others=latest == newest.nonce)

    # --- pushing ---------------------------------------------------------------------------------------------

    async def _push(self, item: InFlight, *, blocks_others: bool) -> None:
        """An unmined transaction: raise its fees when it has waited long and holds up the lane, else send it again."""
        settings, now = self._settings, self._clock()
        newest = item.newest
        waited = now - newest.signed_at >= settings.replace_after
        # Without new blocks a higher fee buys nothing.
        moving = now - self._head[1] < settings.replace_after
        if waited and blocks_others and moving and not self.is_stopped():
            old = fees.Fees(newest.max_fee, newest.priority_fee)
            raised = fees.replacement(old, await fees.market(self._rpc), settings.max_fee)
            try:
                attempt = None if raised is None else self._sign(item.action, newest.nonce, raised)
            except GuardError as error:
                log.error("refused to raise the fees of action %s: %s", item.action.id, error)
                attempt = None
            if attempt is not None:
                await asyncio.to_thread(self._queue.record_replacement, newest.hash, attempt)
                await self._broadcast(attempt)
                return
        if newest.broadcast_at is None or now - newest.broadcast_at >= settings.rebroadcast_after:
            await self._broadcast(newest)

    async def _broadcast(self, attempt: Attempt) -> None:
        """Hand bytes to the node. Whatever it answers, they may be out: only a receipt or a consumed nonce decides."""
        try:
            await self._rpc.call("eth_sendRawTransaction", "0x" + attempt.raw.hex())
            answer = "accepted"
        except RpcTransportError as error:
            answer = f"unknown: {error}"
        except RpcError as error:
            answer = error.message
            # "Already known" and the like are the normal answers to sending the same bytes again.
            log.info("node on %s nonce %d: %s", attempt.hash, attempt.nonce, answer)
        await asyncio.to_thread(self._queue.record_broadcast, attempt.hash, answer, self._now())

    # --- sending ---------------------------------------------------------------------------------------------

    async def _send_waiting(self, head: int) -> str | None:
        """Send what waits, as far as there is room and money. Returns why something keeps waiting, for operators."""
        items = await asyncio.to_thread(self._queue.in_flight, self.address)
        unmined = [item for item in items if item.action.state == "sent"]
        room = self._settings.in_flight - len(unmined)
        waiting = await asyncio.to_thread(self._queue.waiting, _LOOK_AHEAD)
        if not waiting or room <= 0:
            return None
        first = fees.first(await fees.market(self._rpc), self._settings.max_fee)
        notice = "gas costs more than the ceiling; actions wait" if first is None else None
        balance = quantity(await self._rpc.call("eth_getBalance", self.address, "latest"))
        promised = sum(item.action.gas_limit * item.newest.max_fee for item in unmined)
        for action in waiting:
            try:
                if not await self._still_sendable(action, head) or first is None:
                    continue
                if promised + action.gas_limit * first.max_fee > balance:
                    return f"the lane {self.address} needs more ETH; actions wait"
                await self._send(action, first)
            except ConflictError as error:
                log.warning("skipped: %s", error)
                continue
            except GuardError as error:
                log.error("refused to sign action %s: %s", action.id, error)
                await asyncio.to_thread(
                    self._queue.give_up, action.id, "the relayer refused to sign it; ask its operator", self._now()
                )
                continue
            except (RpcError, RpcTransportError) as error:
                await self._pass_over(action, error)
                continue
            promised += action.gas_limit * first.max_fee
            room -= 1
            if room == 0:
                break
        return notice

    async def _still_sendable(self, action: Action, head: int) -> bool:
        """Look again at an action that waited. Ends it when it cannot succeed any more.

        "Failed" is only said when nobody can carry the action out any more, or when nothing of it was ever broadcast.
        """
        now, state = self._now(), self._settings.simulate_at
        reason = None
        if now > action.deadline:
            reason = "its deadline came before it could be carried out"
        elif now > action.deadline - self._settings.send_margin:
            return False  # too late to send, too early to say that nobody else will
        else:
            outcome = await simulate(self._rpc, self.address, action.target, action.calldata, action.gas_limit, state)
            if outcome.succeeds:
                return True
            reason = f"it would revert now: {outcome.reason}"
        if await effects.nonce_used(self._rpc, action, state):
            depth = head - self._settings.confirmations + 1
            effect = await effects.effect(self._rpc, action, depth) if depth >= 0 else None
            if effect is None:
                return False  # used a moment ago, or about to be: the verdict waits for confirmation depth
            if effect.tx_hash is not None:
                note = "carried out by somebody else's transaction"
                await asyncio.to_thread(self._queue.give_up, action.id, note, now, by=effect.tx_hash)
                return False
            reason = "the signer cancelled this nonce"
        elif now <= action.deadline and (
            # It may rest on an earlier action of the same signer: wait for that one's result.
            await asyncio.to_thread(self._queue.is_under_way, action.signer)
            # Its bytes are public, so anybody can submit it until its deadline.
            or await asyncio.to_thread(self._queue.was_signed, action.id)
        ):
            return False
        await asyncio.to_thread(self._queue.give_up, action.id, reason, now)
        return False

    async def _send(self, action: Action, first: fees.Fees) -> None:
        count = await self._rpc.nonce(self.address, "latest")
        nonce = await asyncio.to_thread(self._queue.next_nonce, self.address, count)
        attempt = self._sign(action, nonce, first)
        await asyncio.to_thread(self._queue.record_send, action.id, attempt, count)
        await self._broadcast(attempt)

    def _sign(self, action: Action, nonce: int, price: fees.Fees) -> Attempt:
        transaction = {
            "type": 2,
            "chainId": self._settings.chain_id,
            "nonce": nonce,
            "to": action.target,
            "value": 0,
            "data": "0x" + action.calldata.hex(),
            "gas": action.gas_limit,
            "maxFeePerGas": price.max_fee,
            "maxPriorityFeePerGas": price.priority_fee,
        }
        self._guard.check_transaction(transaction)
        raw = self._signer.sign_transaction(transaction)
        return Attempt(
            lane=self.address,
            nonce=nonce,
            hash="0x" + keccak(raw).hex(),
            raw=raw,
            max_fee=price.max_fee,
            priority_fee=price.priority_fee,
            signed_at=self._now(),
        )
