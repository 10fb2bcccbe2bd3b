# SPDX-License-Identifier: Apache-2.0
"""What keeper and treasury have in common: a queue of their own, lanes that send from it, and their numbers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from ipto.accounts import Signer
from ipto.chain import Deployment
from ipto.rpc import AsyncRpc, RpcError, RpcTransportError, quantity
from relayer import ledger
from relayer.broadcast import Guard
from relayer.database import Database
from relayer.errands.desk import Desk, Pause
from relayer.errands.lane import ErrandPacker
from relayer.intake import Rules
from relayer.lane import Lane
from relayer.queue import Queue
from relayer.sender import Sender
from relayer.settings import Settings
from relayer.simulate import Simulator

_QUEUE_LIMIT = 5_000  # errands under way at most


def rules_of(settings: Settings, *, subject_day: int, asked_day: int) -> Rules:
    """The budgets of an errand queue, in wei: for one subject and for all that was asked for, in a day."""
    limits = ledger.Limits(
        signer_day=subject_day,
        signer_total=settings.total_wei,
        contracts_day=asked_day,
        day=settings.day_wei,
        total=settings.total_wei,
        signer_day_reverts=settings.signer_day_reverts,
    )
    # One open row for each subject: two deciders never do the same thing at the same time.
    return Rules(limits, _QUEUE_LIMIT, signer_pending=1)


class Office:
    """Lanes on a queue, and a task that decides."""

    def __init__(
        self,
        rpc: AsyncRpc,
        database: Database,
        rules: Rules,
        signers: Sequence[Signer],
        guard: Guard,
        simulator: Simulator,
        deployment: Deployment,
        settings: Settings,
        pause: Pause,
        patience: int,
        *,
        owner: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rpc, self.database, self.settings, self.clock = rpc, database, settings, clock
        self.queue = Queue(database, rules)
        self.desk = Desk(database, rules, pause, patience, clock)
        packer = ErrandPacker(deployment.address("SignedActions"), settings)
        lanes = [
            Lane(rpc, self.queue, key, guard, packer, settings, owner=owner, clock=clock, simulator=simulator)
            for key in signers
        ]
        self.sender = Sender(lanes, settings.poll_seconds)

    @property
    def address(self) -> str:
        """Of the first lane: whose calls are tried."""
        return self.sender.lanes[0].address

    def troubles(self) -> list[str]:
        """Why nothing is sent now; empty when all is well."""
        found = [f"lane {address}: {why}" for address, why in self.sender.errors.items()]
        return found + [lane.notice for lane in self.sender.lanes if lane.notice]

    async def balances(self) -> dict[str, int | None]:
        """Gas money of each lane in wei; None when the node does not say."""
        found: dict[str, int | None] = {}
        for lane in self.sender.lanes:
            try:
                found[lane.address] = quantity(await self.rpc.call("eth_getBalance", lane.address, "latest"))
            except (RpcError, RpcTransportError):
                found[lane.address] = None
        return found

    async def budget(self) -> dict[str, dict[str, str]]:
        """What was set aside and spent, today and in all, in wei."""
        limits = self.queue.rules.limits
        found = {}
        for name, period, limit in (
            ("day", ledger.day_of(int(self.clock())), limits.day), ("total", ledger.FOREVER, limits.total)
        ):  # fmt: skip
            account = await asyncio.to_thread(self.desk.spent, period)
            found[name] = {
                "reserved": str(account.reserved), "spent": str(account.spent), "limit": str(limit),
                "reverts": str(account.reverts),
            }  # fmt: skip
        return found

    async def numbers(self, prefix: str, more: Mapping[str, tuple[str, Mapping[str, float]]]) -> str:
        """The metrics page. more: name → what it says, and values by label text (`""` or `a="b"`)."""
        now = int(self.clock())
        totals = await asyncio.to_thread(self.desk.totals)
        budget = await self.budget()
        lanes = self.sender.lanes
        families: dict[str, tuple[str, Mapping[str, float]]] = {
            "actions": (
                "Errands by kind and state.",
                {f'kind="{kind}",state="{state}"': count for (kind, state), count in totals.items()},
            ),
            "oldest_open_seconds": (
                "Age of the oldest errand without a result.",
                {"": await asyncio.to_thread(self.queue.oldest_open, now)},
            ),
            "budget_day": ("Money of this day in wei.", {f'what="{k}"': int(v) for k, v in budget["day"].items()}),
            "budget_total": ("Money in all, in wei.", {f'what="{k}"': int(v) for k, v in budget["total"].items()}),
            "lane_balance_wei": (
                "Gas money of a lane.",
                {f'lane="{lane}"': wei for lane, wei in (await self.balances()).items() if wei is not None},
            ),
            "lane_is_ours": (
                "Whether this process is the lane's worker.",
                {f'lane="{lane.address}"': int(lane.is_ours) for lane in lanes},
            ),
            "troubles": ("Reasons why nothing is sent.", {"": len(self.troubles())}),
            "refused": (
                "Errands that a budget or an operator refused since the start.",
                {f'code="{code}"': count for code, count in self.desk.refusals.items()},
            ),
            **more,
        }
        return "\n".join(_lines(prefix, families)) + "\n"


def _lines(prefix: str, families: Mapping[str, tuple[str, Mapping[str, float]]]) -> Iterator[str]:
    for name, (words, values) in families.items():
        yield f"# HELP {prefix}_{name} {words}"
        yield f"# TYPE {prefix}_{name} gauge"
        for labels, value in values.items():
            yield f"{prefix}_{name}{'{' + labels + '}' if labels else ''} {value}"
