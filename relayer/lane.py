# SPDX-License-Identifier: Apache-2.0
"""One lane: one key, its transactions in nonce order, and what became of them.

The only truth is the queue and the chain; nothing that matters is kept in memory. The order of every send is sign →
persist (nonces, bytes and rows in one database transaction) → broadcast. A process that dies anywhere between
leaves either nothing or bytes that are broadcast again, unchanged. An unanswered broadcast counts as sent: the receipt
decides, or the same nonce is signed for again at a higher fee, so that one of the two at most is ever mined.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ipto.accounts import Signer
from ipto.rpc import AsyncRpc, quantity
from relayer import effects, fees
from relayer.broadcast import Broadcaster, Guard, GuardError
from relayer.cargo import Cargo, Packer, single
from relayer.follow import Follower
from relayer.queue import Queue
from relayer.records import Action, Dispatch, Verdict
from relayer.settings import Settings
from relayer.simulate import Simulator, used_of
from relayer.slots import Claim, LostLaneError, Slots

log = logging.getLogger("relayer.lane")

# An action that was simulated so lately, when it was accepted, is not simulated once more before it is sent.
_FRESH_SECONDS = 2
# Waiting actions looked at in one round: enough to fill transactions, and to leave some to the other lanes.
_LOOK_AHEAD = 200
_STOPPED = "the kill switch is on"
_LONGEST_WAIT = 30  # seconds until an action that has to wait is looked at again


@dataclass(frozen=True)
class Outlook:
    """What a round starts from."""

    room: int = 1  # transactions that may go out besides those that are
    promised: int = 0  # wei that what is out may still cost
    nonce: int = 0  # the next one
    claim: Claim | None = None  # what waits, held for this lane; None when nothing does
    notice: str | None = None  # why nothing is sent, for operators


@dataclass
class Plan:
    """What becomes of the claimed actions in this round."""

    send: list[Action] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    waits: list[tuple[str, int]] = field(default_factory=list)


class Lane:
    """Sends queued actions from one address and follows them to their result. Used by one task at a time."""

    def __init__(
        self,
        rpc: AsyncRpc,
        queue: Queue,
        signer: Signer,
        guard: Guard,
        packer: Packer,
        settings: Settings,
        *,
        owner: str = "",
        clock: Callable[[], float] = time.time,
        simulator: Simulator | None = None,
    ) -> None:
        """owner: a name of this process, for operators who look for a lane's worker."""
        self._rpc, self._queue, self._settings = rpc, queue, settings
        self._clock, self._owner, self._packer = clock, owner, packer
        self._broadcaster = Broadcaster(rpc, signer, guard, settings, clock)
        self._follower = Follower(rpc, self._broadcaster, settings, self.is_stopped, clock)
        self._simulator = simulator or Simulator(rpc, settings.simulate_at)
        self._slots: Slots | None = None
        self._followed = (-1, 0.0, 0)  # block, time and mined count of the last look at what is out
        self.address = signer.address
        self.is_full = False  # whether as much is out as may be
        self.notice: str | None = None  # why nothing new is being sent, for operators

    def _now(self) -> int:
        return int(self._clock())

    @property
    def is_ours(self) -> bool:
        """Whether this process is the lane's worker."""
        return self._slots is not None

    async def step(self) -> bool:
        """One round: look up results, push what is stuck, then send what waits. Returns whether more is waiting.

        Raises RpcError, RpcTransportError or StorageError when node or database do not answer; calling it again is
        always right.
        """
        slots = await self._take()
        if slots is None:
            self.notice = None  # somebody else's to tell
            return False
        try:
            head = await self._rpc.block_number()
            count = await self._follow(slots, head)
            self.notice, more = await self._send_waiting(slots, head, count)
        except LostLaneError:
            self.release()
            raise
        return more

    async def _follow(self, slots: Slots, head: int) -> int:
        """Look at what is out when there is a new block, or it is time; the lane's mined transaction count."""
        seen, at, count = self._followed
        if head != seen or self._clock() - at >= self._settings.poll_seconds:
            at = self._clock()
            count = await self._follower.round(slots, head)
            self._followed = (head, at, count)
        return count

    def is_stopped(self) -> bool:
        """Whether the operator's kill switch is on."""
        switch = self._settings.kill_switch
        return switch is not None and switch.exists()

    def release(self) -> None:
        """Let another process have the lane."""
        slots, self._slots = self._slots, None
        self._followed = (-1, 0.0, 0)
        if slots is not None:
            slots.close()

    async def _take(self) -> Slots | None:
        """Become the lane's worker. Before anything new, what was signed earlier goes out again, unchanged."""
        if self._slots is not None:
            return self._slots
        slots = await asyncio.to_thread(self._queue.open_lane, self.address, self._owner, self._now())
        if slots is None:
            return None
        try:
            items = await asyncio.to_thread(slots.in_flight)
            await self._broadcaster.send(slots, [item.newest for item in items if not item.is_mined])
        except BaseException:
            slots.close()
            raise
        self._slots = slots
        return slots

    # --- sending ---------------------------------------------------------------------------------------------

    async def _send_waiting(self, slots: Slots, head: int, count: int) -> tuple[str | None, bool]:
        """Send what waits, as far as there is room and money. Returns why something keeps waiting, for operators, and
        whether there is more to send at once."""
        if self.is_stopped():
            return _STOPPED, False
        outlook = await asyncio.to_thread(self._look_out, slots, count)
        claim, self.is_full = outlook.claim, outlook.room <= 0
        if claim is None:
            return outlook.notice, False
        try:
            plan = await self._plan(claim.actions, head)
            dispatches, notice = await self._sign(plan, outlook)
            if dispatches or plan.verdicts or plan.waits:
                await asyncio.to_thread(self._commit, claim, dispatches, plan, count)
        finally:
            await asyncio.to_thread(claim.release)
        await self._broadcaster.send(slots, [dispatch.attempt for dispatch in dispatches])
        return notice, bool(dispatches) and len(dispatches) < outlook.room

    def _look_out(self, slots: Slots, count: int) -> Outlook:
        """All that a round has to know of the database, in one visit."""
        if not slots.is_held():
            raise LostLaneError(f"the session that held lane {self.address} is gone")
        if self._queue.is_stopped():
            return Outlook(notice=_STOPPED)
        out, promised = slots.load()
        room = self._settings.in_flight - out
        if room <= 0:
            return Outlook(room)
        claim = slots.claim(_LOOK_AHEAD, self._now())
        if not claim.actions:
            claim.release()
            return Outlook(room)
        try:
            return Outlook(room, promised, slots.next_nonce(count), claim)
        except BaseException:
            claim.release()
            raise

    def _commit(self, claim: Claim, dispatches: Sequence[Dispatch], plan: Plan, count: int) -> None:
        claim.commit(self._now(), dispatches=dispatches, verdicts=plan.verdicts, waits=plan.waits, chain_count=count)

    async def _plan(self, actions: Sequence[Action], head: int) -> Plan:
        """Look again at actions that waited."""
        plan = Plan()
        found = await asyncio.gather(*(self._judge(action, head) for action in actions), return_exceptions=True)
        for action, result in zip(actions, found, strict=True):
            if isinstance(result, BaseException):
                await self._follower.pass_over(action, result)
            if isinstance(result, Verdict):
                plan.verdicts.append(result)
            elif result is True:
                plan.send.append(action)
            else:
                now = self._now()
                plan.waits.append((action.id, now + max(1, min(_LONGEST_WAIT, (now - action.accepted_at) // 8))))
        return plan

    async def _judge(self, action: Action, head: int) -> bool | Verdict:
        """Whether to send it now, or how it ended because it cannot succeed any more.

        "Failed" is only said when nobody can carry the action out any more, or when nothing of it was ever broadcast.
        """
        now, state = self._now(), self._settings.simulate_at
        if now > action.deadline:
            reason = "its deadline came before it could be carried out"
        elif now > action.deadline - self._settings.send_margin:
            return False  # too late to send, too early to say that nobody else will
        elif now - action.accepted_at <= _FRESH_SECONDS and action.wait_until == 0 and action.reason is None:
            return True
        else:
            outcome = await self._simulator.run(
                self.address, action.target, action.calldata, action.gas_limit, exact=action.by_contract
            )
            if outcome.succeeds:
                return True
            reason = f"it would revert now: {outcome.reason}"
        depth = head - self._settings.confirmations + 1
        if now > action.deadline and not await effects.is_over(self._rpc, action.deadline, depth):
            return False  # by this clock alone; the chain's, which counts, may be behind
        if await effects.nonce_used(self._rpc, action, state):
            effect = await effects.effect(self._rpc, action, depth) if depth >= 0 else None
            if effect is None:
                return False  # used a moment ago, or about to be: the verdict waits for confirmation depth
            if effect.tx_hash is not None:
                return Verdict(action.id, True, "carried out by somebody else's transaction", effect.tx_hash)
            return Verdict(action.id, False, "the signer cancelled this nonce")
        if now <= action.deadline and (
            # It may rest on an earlier action of the same signer: wait for that one's result.
            await asyncio.to_thread(self._queue.has_earlier, action)
            # Its bytes are public, so anybody can submit it until its deadline.
            or await asyncio.to_thread(self._queue.was_signed, action.id)
        ):
            return False
        return Verdict(action.id, False, reason)

    async def _sign(self, plan: Plan, outlook: Outlook) -> tuple[list[Dispatch], str | None]:
        """Sign for what is to be sent; what the guard refuses ends."""
        if not plan.send:
            return [], None
        market, balance = await asyncio.gather(
            fees.market(self._rpc), self._rpc.call("eth_getBalance", self.address, "latest")
        )
        first = fees.first(market, self._settings.max_fee)
        if first is None:
            return [], "gas costs more than the ceiling; actions wait"
        left = quantity(balance) - outlook.promised
        dispatches: list[Dispatch] = []
        for cargo in await self._pack(plan):
            left -= cargo.call.gas * first.max_fee + cargo.call.value
            if left < 0:
                return dispatches, f"the lane {self.address} needs more ETH; actions wait"
            number = outlook.nonce + len(dispatches)
            dispatch = await self._broadcaster.wait(self._sign_one, cargo, number, first, plan)
            if dispatch is not None:
                dispatches.append(dispatch)
            if len(dispatches) == outlook.room:
                break
        return dispatches, None

    async def _pack(self, plan: Plan) -> list[Cargo]:
        """Transactions for what is to be sent. Batches are tried once as a whole: their actions meet there first."""
        cargos = self._packer.pack(plan.send)
        found = await asyncio.gather(*(self._try(cargo) for cargo in cargos))
        packed: list[Cargo] = []
        for cargo, refused in zip(cargos, found, strict=True):
            if refused is None:
                packed += [single(action) for action in cargo.actions]
            elif refused:
                rest = [action for place, action in enumerate(cargo.actions) if not refused >> place & 1]
                late = [action for place, action in enumerate(cargo.actions) if refused >> place & 1]
                plan.waits += [(action.id, self._now() + 1) for action in late]
                packed += self._packer.pack(rest)
            else:
                packed.append(cargo)
        return packed

    async def _try(self, cargo: Cargo) -> int | None:
        """A bit for each action of a batch that would be refused in it; None when the batch would not go through or
        would not be cheaper."""
        if len(cargo.actions) == 1:
            return 0
        call = cargo.call
        outcome = await self._simulator.run(self.address, call.to, call.data, call.gas)
        alone = sum(used_of(action.gas_limit) for action in cargo.actions)
        if not outcome.succeeds or (outcome.used is not None and outcome.used >= alone):
            return None
        return int.from_bytes(outcome.returned[:32], "big")

    def _sign_one(self, cargo: Cargo, nonce: int, price: fees.Fees, plan: Plan) -> Dispatch | None:
        names = tuple(action.id for action in cargo.actions)
        try:
            return Dispatch(self._broadcaster.sign(cargo.call, nonce, price), names)
        except GuardError as error:
            log.error("refused to sign for actions %s: %s", ", ".join(names), error)
            why = "the relayer refused to sign it; ask its operator"
            plan.verdicts += [Verdict(name, False, why) for name in names]
            return None
