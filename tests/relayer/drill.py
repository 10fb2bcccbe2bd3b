# SPDX-License-Identifier: Apache-2.0
"""One drill: clients submit, the world misbehaves, the relayer is killed between any two lines; then it is quiet and
everything is counted. All of it follows from one seed.

A kill is an exception no handler of the relayer catches, raised before a random line of its code by a trace function;
from then on neither database nor node hears anything of that life. The next one starts from the file.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, cast

from ipto.accounts import LocalSigner
from ipto.rpc import RpcError, RpcTransportError
from relayer import audit, ledger
from relayer.cargo import Packer
from relayer.database import StorageError, Transaction
from relayer.intake import Accepted, Rules, accept_many
from relayer.lane import Lane
from relayer.problems import RefusedError
from relayer.queue import Queue
from relayer.records import NewAction
from relayer.schema import connect
from relayer.settings import Settings
from relayer.slots import ConflictError
from relayer.sqlite import SqliteDatabase
from tests.relayer.model_node import SIGNED, Deed, ModelChain, ModelNode
from tests.support.postgres import fast_folder

CONFIRMATIONS = 4
KEYS = [LocalSigner(bytes([number]) * 32) for number in (0x41, 0x42)]
SIGNERS = [LocalSigner(bytes([number]) * 32).address for number in range(1, 6)]
RESERVE = 2 * 10**15
LIMITS = ledger.Limits(
    signer_day=4 * RESERVE, signer_total=7 * RESERVE, contracts_day=RESERVE, day=16 * RESERVE, total=18 * RESERVE,
    signer_day_reverts=100,
)  # fmt: skip
RULES = Rules(LIMITS, queue_limit=1000, signer_pending=4)
TRACED = {
    "lane.py", "follow.py", "broadcast.py", "slots.py", "intake.py", "queue.py", "cargo.py", "audit.py", "ledger.py",
    "sqlite.py", "effects.py", "simulate.py", "fees.py", "transactions.py",
}  # fmt: skip


class Killed(BaseException):
    """kill -9."""


class Drill:
    """Everything of one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.deeds: dict[bytes, Deed] = {}
        self.chain = ModelChain(self.dice, self.deeds)
        self.counts: Counter[str] = Counter()
        self.quiet = False
        self.dead = False
        self.skew = 0
        self.lines_left = -1
        self.promises: dict[str, str] = {}  # natural request → id it was given
        self.keys: dict[str, tuple[str, str]] = {}  # idempotency key → request and id
        self.known: dict[str, NewAction] = {}

    # --- lives -------------------------------------------------------------------------------------------------

    def clock(self) -> float:
        return self.chain.now + self.skew

    def open(self) -> None:
        """A new life on the same file."""
        self.dead = False
        self.database = Faulty(connect(self.path), self)
        self.queue = Queue(cast(Any, self.database), RULES)
        self.node = ModelNode(self.chain, self.fault)
        settings = Settings(
            confirmations=CONFIRMATIONS, in_flight=3, batch=4, replace_after=30, rebroadcast_after=10,
            simulate_at="latest", send_margin=20, cancel_after=30, max_fee=50 * 10**9,
        )  # fmt: skip
        packer = Packer(SIGNED, settings)
        rpc = cast(Any, self.node)
        self.lanes = [Lane(rpc, self.queue, key, Anything(), packer, settings, clock=self.clock) for key in KEYS]
        chance = 0.7
        self.lines_left = self.dice.randrange(1, 4000) if self.dice.random() < chance and not self.quiet else -1
        self.skew = 0 if self.quiet else self.dice.choice([0, 0, 0, -20, 15])

    def fault(self, method: str) -> str:
        if self.dead:
            raise Killed
        if self.quiet or self.dice.random() > 0.06:
            return "pass"
        verdict = self.dice.choice(["lose request", "lose answer"])
        self.counts[f"{verdict} of {method}"] += 1
        return verdict

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Counts lines of the relayer's own code."""
        if Path(frame.f_code.co_filename).parent.name != "relayer" or Path(frame.f_code.co_filename).name not in TRACED:
            return None
        return self.line

    def line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and self.lines_left >= 0:
            self.lines_left -= 1
            if self.lines_left < 0:
                self.dead = True
                self.counts["killed"] += 1
                self.counts[f"killed in {Path(frame.f_code.co_filename).name}"] += 1
                raise Killed
        return self.line

    def life(self, work: Callable[[], Any]) -> Any:
        """Do something as the relayer; when it is killed the next life begins."""
        sys.settrace(self.trace if self.lines_left >= 0 else None)
        try:
            result = work()
            return asyncio.run(result) if asyncio.iscoroutine(result) else result
        except Killed:
            return None
        except (StorageError, RpcError, RpcTransportError, ConflictError) as error:
            self.counts[type(error).__name__] += 1
            return None
        finally:
            sys.settrace(None)
            if self.dead:
                self.database.abandon()
                self.open()

    # --- clients -----------------------------------------------------------------------------------------------

    def new(self) -> NewAction:
        number = len(self.deeds)
        signer = self.dice.choice(SIGNERS)
        deadline = self.chain.now + self.dice.choice([60, 200, 5000])
        calldata = b"deed" + number.to_bytes(28, "big")
        deed = Deed(signer, number, f"0x{number + 1:064x}", deadline, calldata)
        self.deeds[calldata] = deed
        return NewAction(
            "CancelNonce", signer, f"0x{number:064x}", SIGNED, deed.digest, SIGNED, calldata, 140_000, deadline, False,
            self.dice.randrange(RESERVE // 2, RESERVE), 0,
        )  # fmt: skip

    def submit(self) -> None:
        """A client sends something new, or again what it got no answer for, or abuses a key."""
        old = [self.known[request] for request in sorted(self.known)]
        items: list[tuple[NewAction, str | None]] = []
        for _ in range(self.dice.randrange(1, 5)):
            again = old and self.dice.random() < 0.4
            new = self.dice.choice(old) if again else self.new()
            self.known[new.request] = new
            key = self.dice.choice([None, f"key-{self.dice.randrange(12)}"])
            items.append((new, key))
        results = self.life(lambda: accept_many(cast(Any, self.database), RULES, items, int(self.clock())))
        for (new, key), result in zip(items, results or [], strict=False):
            self.judge(new, key, result)

    def judge(self, new: NewAction, key: str | None, result: Accepted | RefusedError) -> None:
        """The history a client sees has to be that of one queue that forgets nothing."""
        if isinstance(result, RefusedError):
            self.counts[f"refused: {result.code}"] += 1
            assert result.status in (403, 409, 429, 503)
            if result.code == "idempotency-key":
                assert key is not None
            return
        self.counts["accepted"] += result.created
        promised = self.promises.setdefault(new.request, result.id)
        assert promised == result.id, "one action, two ids"
        if key is not None:
            assert self.keys.setdefault(key, (new.request, result.id)) == (new.request, result.id), "a key, two actions"

    def check_money(self) -> None:
        """No budget is ever exceeded."""
        limits = {ledger.FOREVER: (LIMITS.total, LIMITS.signer_total)}
        for row in self.database.read("SELECT * FROM budgets"):
            whole, signer = limits.get(row["period"], (LIMITS.day, LIMITS.signer_day))
            limit = whole if row["scope"] == ledger.EVERYBODY else signer
            assert int(row["reserved"]) >= 0, "more came back than was set aside"
            assert int(row["reserved"]) + int(row["spent"]) <= limit, f"{row['scope']} is over its limit"

    # --- the world ---------------------------------------------------------------------------------------------

    def misbehave(self) -> None:
        """Something happens that is nobody's fault here."""
        dice, chain = self.dice, self.chain
        what = dice.choice(["reorg", "forget", "spike", "calm", "outsider", "cancel", "clock", "full", "nothing"])
        self.counts[what] += 1
        if what == "reorg":
            chain.reorg(dice.randrange(1, CONFIRMATIONS))
        elif what == "forget":
            chain.pool.clear()
        elif what == "spike":
            chain.base_fee = dice.choice([5, 20, 80]) * 10**9
        elif what == "calm":
            chain.base_fee = 10**9
        elif what in ("outsider", "cancel") and chain.deeds:
            # Of the newest ones, which are still on their way.
            chain.outsider(dice.choice(list(chain.deeds.values())[-6:]), cancels=what == "cancel")
        elif what == "clock":
            self.skew = dice.choice([-30, -5, 0, 10, 25])
        elif what == "full":
            self.database.full = dice.randrange(1, 6)

    # --- the drill -----------------------------------------------------------------------------------------------

    def run(self) -> Counter[str]:
        with tempfile.TemporaryDirectory(dir=fast_folder()) as folder, inline():
            self.path = Path(folder) / "queue.sqlite"
            self.open()
            for _ in range(self.dice.randrange(15, 40)):
                if self.dice.random() < 0.5:
                    self.submit()
                for _ in range(self.dice.randrange(1, 3)):
                    place = self.dice.randrange(len(self.lanes))
                    self.life(lambda place=place: self.lanes[place].step())
                if self.dice.random() < 0.5:
                    self.misbehave()
                if self.dice.random() < 0.7:
                    self.chain.mine()
                self.check_money()
            self.settle()
            self.judge_end()
            self.database.close()
        return self.counts

    def settle(self) -> None:
        """The world is quiet; everything comes to an end."""
        self.quiet, self.chain.base_fee = True, 10**9
        self.database.abandon()
        self.open()
        for _ in range(700):
            for lane in self.lanes:
                self.life(lane.step)
            self.chain.mine()
            open_ = self.database.read("SELECT 1 AS one FROM actions WHERE state NOT IN ('final', 'failed') LIMIT 1")
            if not open_ and not self.chain.pool:
                break
        else:
            rows = self.database.read("SELECT * FROM actions WHERE state NOT IN ('final', 'failed')")
            raise AssertionError(f"without an end: {[dict(row) for row in rows]}")
        for _ in range(CONFIRMATIONS + 2):
            self.chain.mine()

    def judge_end(self) -> None:
        rows = self.database.read("SELECT * FROM actions")
        for row in rows:
            deed = self.deeds[row["calldata"]]
            done = [use for use in self.chain.effects(deed.signer, deed.nonce) if use[2] == deed.digest]
            assert len(done) == (1 if row["state"] == "final" else 0), (dict(row), done)
            assert row["state"] == "final" or row["reason"], "a failure without a reason"
            self.counts[row["state"]] += 1
        promised = set(self.promises.values())
        assert promised <= {row["id"] for row in rows}, "a promise was lost"
        for key in KEYS:
            persisted = [
                row["nonce"]
                for row in self.database.read("SELECT DISTINCT nonce FROM transactions WHERE lane = ?", key.address)
            ]
            assert sorted(persisted) == list(range(self.chain.count(key.address))), "a nonce gap"
        for row in self.database.read("SELECT * FROM budgets"):
            assert row["reserved"] == "0", "money stays set aside"
        spent = sum(int(row["cost"]) for row in rows)
        assert ledger.used(cast(Any, self.database), ledger.EVERYBODY, ledger.FOREVER).spent == spent
        assert audit.verify(cast(Any, self.database)) == []


class Anything:
    """The guard is tested by itself, with real calls."""

    def check_transaction(self, transaction: Any, sender: str) -> None:
        pass


class Faulty:
    """The SQLite queue with a disk that fills up, and a commit whose answer may get lost."""

    dialect = "sqlite"

    def __init__(self, database: SqliteDatabase, drill: Drill) -> None:
        self._database, self._drill, self.full = database, drill, 0

    def _alive(self) -> None:
        if self._drill.dead:
            raise Killed

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        self._alive()
        if self.full > 0:
            self.full -= 1
            raise StorageError("database or disk is full")
        with self._database.transaction(durable=durable) as change:
            yield change
            self._alive()
        if not self._drill.quiet and self._drill.dice.random() < 0.01:
            self._drill.counts["commit without an answer"] += 1
            raise StorageError("the connection was lost while the server committed")

    def read(self, sql: str, *values: object) -> Any:
        self._alive()
        return self._database.read(sql, *values)

    def hold(self, sql: str, *values: object, limit: int) -> Any:
        self._alive()
        return FaultyHold(self, self._database.hold(sql, *values, limit=limit))

    def lock_lane(self, address: str) -> Any:
        self._alive()
        return self._database.lock_lane(address)

    def close(self) -> None:
        self._database.close()

    def abandon(self) -> None:
        """What the kernel does with a dead process's file."""
        self._database.close()


class FaultyHold:
    """A hold whose transaction has the same faults."""

    def __init__(self, database: Faulty, hold: Any) -> None:
        self._database, self._hold, self.rows = database, hold, hold.rows

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        with self._database.transaction(durable=durable) as change:
            yield change
        self.release()

    def release(self) -> None:
        self._hold.release()


@contextmanager
def inline() -> Iterator[None]:
    """Threads would make a drill depend on the machine: what belongs in one runs in place."""
    before = asyncio.to_thread

    async def run(function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    asyncio.to_thread = run  # type: ignore[assignment]
    try:
        yield
    finally:
        asyncio.to_thread = before
