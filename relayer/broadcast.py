# SPDX-License-Identifier: Apache-2.0
"""Signs for a lane and hands bytes to the node: first sends, sends again, dearer ones, and ones that cancel.

Whatever the node answers, bytes may be out: only a receipt or a consumed nonce decides.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from ipto._keccak import keccak
from ipto.accounts import Signer
from ipto.kms import KmsSigner
from ipto.rpc import AsyncRpc, RpcError, RpcTransportError
from relayer import fees
from relayer.records import Attempt, InFlight
from relayer.settings import Settings
from relayer.slots import Slots
from relayer.transactions import Call, call_of, sign

log = logging.getLogger("relayer.broadcast")

CANCEL_GAS = 21_000
_T = TypeVar("_T")


class Guard(Protocol):
    """The last look at a transaction before the key is used; see `relayer.policy`."""

    def check_transaction(self, transaction: Mapping[str, Any], sender: str) -> None:
        """Raise GuardError unless the transaction is one the key may sign."""


class GuardError(RuntimeError):
    """A transaction that the key must not sign reached the last check: the database was tampered with, or a bug."""


class Broadcaster:
    """One lane's key and the node."""

    def __init__(
        self, rpc: AsyncRpc, signer: Signer, guard: Guard, settings: Settings, clock: Callable[[], float]
    ) -> None:
        self._rpc, self._signer, self._guard = rpc, signer, guard
        self._settings, self._clock = settings, clock

    def sign(self, call: Call, nonce: int, price: fees.Fees, *, cancels: bool = False) -> Attempt:
        """Check and sign one transaction. Raises GuardError."""
        address = self._signer.address
        transaction = call.transaction(self._settings.chain_id, nonce, price.max_fee, price.priority_fee)
        self._guard.check_transaction(transaction, address)
        raw = sign(transaction, self._signer)
        return Attempt(
            lane=address,
            nonce=nonce,
            hash="0x" + keccak(raw).hex(),
            raw=raw,
            max_fee=price.max_fee,
            priority_fee=price.priority_fee,
            signed_at=int(self._clock()),
            cancels=cancels,
        )

    async def wait(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Do what signs: a key in a service is waited for on a thread, one in memory signs at once."""
        if isinstance(self._signer, KmsSigner):
            return await asyncio.to_thread(work, *arguments)
        return work(*arguments)

    async def send(self, slots: Slots, attempts: Sequence[Attempt]) -> None:
        """Broadcast persisted bytes, lowest nonce first."""
        if not attempts:
            return
        answers = await asyncio.gather(*(self._hand_over(attempt) for attempt in attempts))
        found = [(attempt.hash, answer) for attempt, answer in zip(attempts, answers, strict=True)]
        await asyncio.to_thread(slots.record_broadcasts, found, int(self._clock()))

    async def _hand_over(self, attempt: Attempt) -> str:
        try:
            await self._rpc.call("eth_sendRawTransaction", "0x" + attempt.raw.hex())
        except RpcTransportError as error:
            return f"unknown: {error}"
        except RpcError as error:
            # "Already known" and the like are the normal answers to sending the same bytes again.
            log.info("node on %s nonce %d: %s", attempt.hash, attempt.nonce, error.message)
            return error.message
        return "accepted"

    async def push(self, slots: Slots, item: InFlight, *, may_raise: bool, cancel: bool = False) -> None:
        """An unmined slot: sign again at higher fees when it is time and they `may_raise`, else send its bytes again.

        cancel: nobody wants its cargo carried any more, so what is signed carries nothing.
        """
        settings, now, newest = self._settings, self._clock(), item.newest
        waited = now - newest.signed_at >= settings.replace_after
        if may_raise and (waited or (cancel and not newest.cancels)):
            attempt = await self._dearer(newest, cancel or newest.cancels)
            if attempt is not None:
                await asyncio.to_thread(slots.record_replacement, newest.hash, attempt)
                await self.send(slots, [attempt])
                return
        if newest.broadcast_at is None or now - newest.broadcast_at >= settings.rebroadcast_after:
            await self.send(slots, [newest])

    async def _dearer(self, newest: Attempt, cancels: bool) -> Attempt | None:
        old = fees.Fees(newest.max_fee, newest.priority_fee)
        raised = fees.replacement(old, await fees.market(self._rpc), self._settings.max_fee)
        if raised is None:
            return None
        call = Call(self._signer.address, b"", CANCEL_GAS) if cancels else call_of(newest.raw)
        try:
            return await self.wait(partial(self.sign, call, newest.nonce, raised, cancels=cancels))
        except GuardError as error:
            log.error("refused to raise the fees of nonce %d: %s", newest.nonce, error)
            return None
