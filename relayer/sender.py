# SPDX-License-Identifier: Apache-2.0
"""Runs the lanes: each takes a step whenever something arrives or time has passed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

from ipto.kms import KeyServiceError
from ipto.rpc import RpcError, RpcTransportError
from relayer.database import StorageError
from relayer.lane import Lane
from relayer.slots import ConflictError

log = logging.getLogger("relayer.sender")

_PACE = 0.03  # seconds


class Sender:
    """One task per lane. `wake` after accepting an action saves the client a poll interval."""

    def __init__(
        self, lanes: Sequence[Lane], poll_seconds: float, batch_wait: float = 0.0, pace: float = _PACE
    ) -> None:
        """batch_wait: seconds between being woken and taking a step, for others to arrive. pace: seconds between the
        beginnings of a lane's steps at least, so that what arrives in a crowd is carried in few rounds."""
        self.lanes = tuple(lanes)
        self._poll, self._batch_wait, self._pace = poll_seconds, batch_wait, pace
        self._wakes = {lane.address: asyncio.Event() for lane in lanes}
        self._asleep: OrderedDict[str, Lane] = OrderedDict()  # in the order in which they fell asleep
        self._tasks: list[asyncio.Task[None]] = []
        self.errors: dict[str, str] = {}  # lane → why its last step failed, for operators

    def wake(self) -> None:
        """Something is waiting: the lane that can send and has rested longest looks; all do when none can for sure."""
        able = [lane for lane in self.lanes if self._is_able(lane)]
        resting = [lane for lane in self._asleep.values() if lane in able]
        for lane in resting[:1] or able or self.lanes:
            self._wakes[lane.address].set()
            self._asleep.pop(lane.address, None)

    def _is_able(self, lane: Lane) -> bool:
        return lane.is_ours and not lane.is_full and not lane.notice and lane.address not in self.errors

    @property
    def is_running(self) -> bool:
        """Whether every lane has its task."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    def start(self) -> None:
        """Start the lanes' tasks in the running event loop."""
        self._tasks = [asyncio.create_task(self._run(lane), name=f"lane {lane.address}") for lane in self.lanes]

    async def stop(self) -> None:
        """End the tasks and let others have the lanes. Being cut off anywhere is safe; so is this."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        for lane in self.lanes:
            lane.release()

    async def _run(self, lane: Lane) -> None:
        while True:
            self._wakes[lane.address].clear()
            more, begun = False, time.monotonic()
            try:
                more = await lane.step()
                self.errors.pop(lane.address, None)
            except (RpcError, RpcTransportError) as error:
                self._failed(lane, f"the node: {error}")
            except KeyServiceError as error:
                self._failed(lane, f"the key: {error}")
            except StorageError as error:
                # A full, busy or absent database. Nothing was broadcast that was not persisted; try again.
                self._failed(lane, f"the database: {error}")
            except ConflictError as error:
                # Somebody else was first. Nothing was kept of this round.
                log.info("lane %s: %s", lane.address, error)
                more = True
            except Exception as error:
                # A lane must outlive a surprise, and say so; every step starts from the database again.
                log.exception("lane %s", lane.address)
                self._failed(lane, f"{type(error).__name__}: {error}")
            if more:
                self._wakes[lane.address].set()
            elif lane.is_full:
                self._pass_on(lane)
            await asyncio.sleep(max(0.0, begun + self._pace - time.monotonic()))
            self._asleep[lane.address] = lane
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wakes[lane.address].wait(), self._poll)
                await asyncio.sleep(self._batch_wait)
            self._asleep.pop(lane.address, None)

    def _pass_on(self, full: Lane) -> None:
        """What a lane has no room for may be for another one."""
        if any(self._is_able(lane) for lane in self.lanes if lane is not full):
            self.wake()

    def _failed(self, lane: Lane, why: str) -> None:
        if self.errors.get(lane.address) != why:
            log.warning("lane %s: %s", lane.address, why)
        self.errors[lane.address] = why
