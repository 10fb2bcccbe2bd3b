# SPDX-License-Identifier: Apache-2.0
"""From a request to a row: read, verify, look up, judge, simulate, accept. Cheap checks come first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from ipto.rpc import AsyncRpc, RpcError, RpcTransportError
from relayer import effects
from relayer.actions import Reader, Request
from relayer.guard import Guard
from relayer.intake import Accepted, Intake, same_action
from relayer.lookup import Lookup
from relayer.policy import Policy
from relayer.problems import RefusedError, busy, conflict
from relayer.queue import Queue
from relayer.records import NewAction
from relayer.sender import Sender
from relayer.settings import Settings
from relayer.simulate import Simulator
from relayer.verify import check_signature

# How long a submission waits for its turn to be checked before it is asked to come back.
_TURN_SECONDS = 5.0
_HEAD_SECONDS = 2.0


class Service:
    """What the API does, without HTTP."""

    def __init__(
        self,
        settings: Settings,
        rpc: AsyncRpc,
        queue: Queue,
        reader: Reader,
        policy: Policy,
        sender: Sender,
        guard: Guard,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.rpc = rpc
        self.queue = queue
        self.sender = sender
        self._reader = reader
        self._policy = policy
        self._guard = guard
        self._clock = clock
        self._lookup = Lookup(queue)
        self._intake = Intake(queue.database, queue.rules, clock)
        self._simulator = Simulator(rpc, settings.simulate_at)
        self._turns = asyncio.Semaphore(settings.concurrent_checks)
        self._head = (0, float("-inf"))  # a block number, and until when it will do

    @property
    def currencies(self) -> tuple[str, ...]:
        """The tokens purchases can be paid with."""
        return self._reader.currencies

    def now(self) -> int:
        """UTC seconds."""
        return int(self._clock())

    async def submit_action(self, body: bytes, key: str | None, network: str | None = None) -> Accepted:
        """Accept a signed action (`kind`, `message`, `signature`). Raises RefusedError."""
        async with self._turn():
            return await self._submit(self._reader.read_action(body), key, network)

    async def submit_purchase(self, body: bytes, key: str | None, network: str | None = None) -> Accepted:
        """Accept a purchase paid by an EIP-3009 authorization. Raises RefusedError."""
        async with self._turn():
            return await self._submit(await self._reader.read_purchase(body), key, network)

    async def _submit(self, request: Request, key: str | None, network: str | None) -> Accepted:
        self._policy.check_targets(request)
        by_contract = await check_signature(
            self.rpc, request.signer, request.digest, request.signature, contracts=self.settings.contract_signers
        )
        new = NewAction(
            kind=request.kind,
            signer=request.signer,
            nonce=request.nonce,
            contract=request.contract,
            digest=request.struct_hash,
            target=request.target,
            calldata=request.calldata,
            gas_limit=0,
            deadline=request.deadline,
            by_contract=by_contract,
            reserve=0,
            since_block=0,
            network=network,
        )
        # The same signed action again is an answer, whatever has changed since it was accepted.
        known = await self._lookup.find(new)
        if known is None:
            new = await self._judge(request, new)
        else:
            same_action(known["digest"], known["id"], new)
        accepted = await self._intake.accept(new, key)
        if accepted.created:
            self._guard.vouch(new.target, new.calldata)
            self.sender.wake()
        return accepted

    async def _judge(self, request: Request, new: NewAction) -> NewAction:
        """Policy, nonce and simulation. Returns the action with its gas limit and the most it can cost."""
        self._policy.check_new(request, self.now())
        lane = self.sender.lanes[0].address
        gas_cap = self.settings.gas_cap(request.kind, by_contract=new.by_contract)
        head = await self._recent_head()
        outcome = await self._simulator.run(lane, request.target, request.calldata, gas_cap, exact=new.by_contract)
        if not outcome.succeeds:
            if await self._lookup.find(new) is not None:
                return new  # the same action at the same time was faster, perhaps onto the chain: its row is the answer
            if await effects.nonce_used(self.rpc, new, "latest"):
                raise conflict("nonce-used", "this nonce is used or cancelled on chain; sign with a new nonce")
            raise RefusedError(422, "would-revert", f"the chain would refuse it: {outcome.reason}")
        return replace(
            new,
            gas_limit=outcome.gas_limit,
            reserve=outcome.gas_limit * self.settings.max_fee,
            # A reorg may move an effect back, but not before blocks that are final.
            since_block=max(0, head - 2 * self.settings.confirmations),
        )

    async def _recent_head(self) -> int:
        """A block number that was the newest a moment ago: an older one only looks for effects from earlier on."""
        number, until = self._head
        if time.monotonic() >= until:
            number = await self.rpc.block_number()
            self._head = number, time.monotonic() + _HEAD_SECONDS
        return number

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Bounds the work asked of the node; turns its silence into an answer for the client."""
        if self._turns.locked():
            try:
                await asyncio.wait_for(self._turns.acquire(), _TURN_SECONDS)
            except TimeoutError:
                raise busy("busy", "too many submissions are being checked; try again in a moment", 5) from None
        else:
            await self._turns.acquire()  # at once: no timer, no task
        try:
            yield
        except (RpcTransportError, RpcError) as error:
            raise busy("node", f"the chain cannot be asked now ({error}); try again in a moment", 10) from error
        finally:
            self._turns.release()
