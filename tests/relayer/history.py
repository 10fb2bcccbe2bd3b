# SPDX-License-Identifier: Apache-2.0
"""A history of what concurrent clients asked and were told, and what must be true of it whatever failed meanwhile.

As Jepsen has it, an operation ends `ok`, `refused`, or `unknown`: then it may or may not have happened. The audit log
gives the one order in which promises were made and money was set aside; the checks replay it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from relayer import ledger

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"
_BUDGET_CODES = {"signer-budget", "signer-total", "day-budget", "total-budget", "signer-pending"}


@dataclass
class Operation:
    """One submission."""

    request: str  # the natural request: the same signed action has the same
    signer: str
    natural: str  # what may be accepted once: signer, nonce and contract
    key: str | None
    amount: int = 0  # wei it would set aside; 0 where it is not known
    began: int = 0  # entries of the audit log when it was sent
    ended: int | None = None  # and when it was answered
    outcome: str = UNKNOWN
    told: str = ""  # id or code


@dataclass
class History:
    """Everything that was asked, in the order of asking."""

    operations: list[Operation] = field(default_factory=list)

    def begin(self, operation: Operation, at: int) -> Operation:
        operation.began = at
        self.operations.append(operation)
        return operation

    @property
    def promised(self) -> dict[str, str]:
        """Request → id it was given."""
        return {one.request: one.told for one in self.operations if one.outcome == OK}

    # --- idempotency -------------------------------------------------------------------------------------------

    def check_idempotency(self) -> None:
        """One action has one id, one id one action; a key stands for one action; refusals have a cause."""
        ids: dict[str, set[str]] = defaultdict(set)
        requests: dict[str, set[str]] = defaultdict(set)
        keys: dict[str, set[str]] = defaultdict(set)
        naturals: dict[str, set[str]] = defaultdict(set)
        for one in self.operations:
            if one.outcome == OK:
                ids[one.request].add(one.told)
                requests[one.told].add(one.request)
                naturals[one.natural].add(one.request)
                if one.key is not None:
                    keys[one.key].add(one.request)
        for name, found in (("action, two ids", ids), ("id, two actions", requests), ("key, two actions", keys),
                            ("nonce, two actions", naturals)):  # fmt: skip
            twice = {what: values for what, values in found.items() if len(values) > 1}
            assert not twice, f"one {name}: {twice}"
        for one in self.operations:
            if one.outcome == REFUSED and one.told == "idempotency-key":
                # The key stands for another action, or this action has as many keys as it may.
                rivals = [
                    other for other in self.operations
                    if other is not one and _may_have_come_first(other, one)
                    and ((other.key == one.key and other.request != one.request) or other.request == one.request)
                ]  # fmt: skip
                assert rivals, f"a key was refused without a cause: {one}"
            if one.outcome == REFUSED and one.told == "nonce-taken":
                assert any(
                    other.natural == one.natural and other.request != one.request and _may_have_come_first(other, one)
                    for other in self.operations
                ), f"a nonce was refused without a cause: {one}"

    # --- quota -------------------------------------------------------------------------------------------------

    def check_quota(
        self,
        log: Iterable[Mapping[str, Any]],
        actions: Mapping[str, Mapping[str, Any]],
        limits: ledger.Limits,
        signer_pending: int,
    ) -> None:
        """At no point of the log was more promised than allowed, and who was refused was refused for a reason.

        log: entries of the chain `queue`, in order. actions: rows by id.
        """
        states: list[_Promised] = [_Promised()]
        for entry in log:
            state = states[-1]
            if entry["event"] in ("accepted", "final", "failed"):
                state = state.after(entry, actions[entry["action_id"]])
                state.check(limits, signer_pending)
            states.append(state)
        for one in self.operations:
            if one.outcome == REFUSED and one.told in _BUDGET_CODES and one.amount and one.ended is not None:
                window = states[one.began : one.ended + 1]
                assert any(state.refuses(one, limits, signer_pending) for state in window), (
                    f"refused with {one.told} while there was room: {one}"
                )


def _may_have_come_first(other: Operation, one: Operation) -> bool:
    return other.outcome != REFUSED and (one.ended is None or other.began <= one.ended)


@dataclass(frozen=True)
class _Promised:
    """What was promised and spent up to an entry of the log."""

    day: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (scope, day)
    ever: Mapping[str, int] = field(default_factory=dict)
    open: Mapping[str, int] = field(default_factory=dict)

    def after(self, entry: Mapping[str, Any], action: Mapping[str, Any]) -> _Promised:
        signer, day, reserved = action["signer"], action["budget_day"], int(action["reserved"])
        if entry["event"] == "accepted":
            change, count = reserved, 1
        else:
            change, count = int(entry["detail"].split(";")[0].removeprefix("cost ")) - reserved, -1
        days, ever, opened = dict(self.day), dict(self.ever), dict(self.open)
        for scope in (signer, ledger.EVERYBODY):
            days[scope, day] = days.get((scope, day), 0) + change
            ever[scope] = ever.get(scope, 0) + change
        opened[signer] = opened.get(signer, 0) + count
        return _Promised(days, ever, opened)

    def check(self, limits: ledger.Limits, pending: int) -> None:
        for (scope, _), amount in self.day.items():
            assert 0 <= amount <= (limits.day if scope == ledger.EVERYBODY else limits.signer_day), (scope, amount)
        for scope, amount in self.ever.items():
            assert 0 <= amount <= (limits.total if scope == ledger.EVERYBODY else limits.signer_total), (scope, amount)
        for signer, count in self.open.items():
            assert 0 <= count <= pending, (signer, count)

    def refuses(self, one: Operation, limits: ledger.Limits, pending: int) -> bool:
        if one.told == "signer-pending":
            return self.open.get(one.signer, 0) >= pending
        scope = one.signer if one.told.startswith("signer") else ledger.EVERYBODY
        if one.told.endswith("total") or one.told == "total-budget":
            limit = limits.signer_total if scope == one.signer else limits.total
            return self.ever.get(scope, 0) + one.amount > limit
        limit = limits.signer_day if scope == one.signer else limits.day
        used = [amount for (who, _), amount in self.day.items() if who == scope] or [0]
        return max(used) + one.amount > limit
