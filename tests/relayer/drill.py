# SPDX-License-Identifier: Apache-2.0
"""One drill: clients submit, the world misbehaves, relayers are killed between any two lines; then it is quiet and
everything is counted. All of it follows from one seed.

A kill is an exception no handler of the relayer catches, raised before a random line of its code by a trace function;
from then on neither database nor node hears anything of that life. The next one starts from what is on disk. On SQLite
there is one relayer; on PostgreSQL two share the queue and the keys, work at the same time and take over from each
other, while sessions are cut and the server crashes.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, cast

from ipto.accounts import LocalSigner
from ipto.rpc import RpcError, RpcTransportError
from relayer import audit, ledger
from relayer.cargo import Packer
from relayer.database import Database, StorageError
from relayer.intake import Rules, accept_many
from relayer.lane import Lane
from relayer.problems import RefusedError
from relayer.queue import Queue
from relayer.records import NewAction
from relayer.schema import connect, prepare_postgres
from relayer.settings import Settings
from relayer.slots import ConflictError
from tests.relayer.faults import Fate, Faulty, Killed, TrackedPostgres, inline
from tests.relayer.history import OK, REFUSED, History, Operation
from tests.relayer.model_node import SIGNED, Deed, ModelChain, ModelNode
from tests.support.postgres import PostgresServer, fast_folder

CONFIRMATIONS = 4
KEYS = [LocalSigner(bytes([number]) * 32) for number in (0x41, 0x42)]
SIGNERS = [LocalSigner(bytes([number]) * 32).address for number in range(1, 6)]
GAS, CEILING = 140_000, 50 * 10**9
LEAST = GAS * CEILING  # as the relayer reserves: the most it can cost
RESERVE = LEAST + 10**15
LIMITS = ledger.Limits(
    signer_day=2 * RESERVE, signer_total=3 * RESERVE, contracts_day=RESERVE, day=5 * RESERVE, total=6 * RESERVE,
    signer_day_reverts=100,
)  # fmt: skip
RULES = Rules(LIMITS, queue_limit=1000, signer_pending=4)
TRACED = {
    "lane.py", "follow.py", "broadcast.py", "slots.py", "intake.py", "queue.py", "cargo.py", "audit.py", "ledger.py",
    "sqlite.py", "postgres.py", "effects.py", "simulate.py", "fees.py", "transactions.py",
}  # fmt: skip
_CURRENT: ContextVar[Relayer | None] = ContextVar("relayer", default=None)


class Relayer:
    """One process of the drill, through its lives."""

    def __init__(self, drill: Drill) -> None:
        self.drill, self.skew = drill, 0
        self.open()

    def open(self) -> None:
        """A new life."""
        drill = self.drill
        dice = drill.dice
        self.fate = Fate(dice, drill.counts, quiet=drill.quiet)
        self.raw, abandon = drill.connect()
        self.database = Faulty(self.raw, self.fate, abandon)
        self.queue = Queue(cast(Any, self.database), RULES)
        settings = Settings(
            confirmations=CONFIRMATIONS, in_flight=3, batch=4, replace_after=30, rebroadcast_after=10,
            simulate_at="latest", send_margin=20, cancel_after=30, max_fee=CEILING,
        )  # fmt: skip
        packer, rpc = Packer(SIGNED, settings), cast(Any, ModelNode(drill.chain, self.fault))
        self.lanes = [Lane(rpc, self.queue, key, Anything(), packer, settings, clock=self.clock) for key in KEYS]
        self.fate.lines_left = dice.randrange(1, 4000) if dice.random() < 0.7 and not drill.quiet else -1
        self.skew = 0 if drill.quiet else dice.choice([0, 0, 0, -20, 15])

    def clock(self) -> float:
        return self.drill.chain.now + self.skew

    def fault(self, method: str) -> str:
        self.fate.alive()
        dice = self.drill.dice
        if self.drill.quiet or dice.random() > 0.06:
            return "pass"
        if self.drill.postgres is not None and dice.random() < 0.25:
            self.drill.counts["cut between question and answer"] += 1
            cast(TrackedPostgres, self.raw).cut(lanes_only=dice.random() < 0.5)
            return "pass"
        verdict = dice.choice(["lose request", "lose answer"])
        self.drill.counts[f"{verdict} of {method}"] += 1
        return verdict

    def line(self, frame: FrameType, event: str, _: Any) -> Any:
        fate = self.fate
        if event == "line" and fate.lines_left >= 0:
            fate.lines_left -= 1
            if fate.lines_left < 0:
                fate.dead = True
                self.drill.counts["killed"] += 1
                self.drill.counts[f"killed in {Path(frame.f_code.co_filename).name}"] += 1
                raise Killed
        return self.line

    async def live(self, work: Callable[[], Any]) -> Any:
        """Do something; when it is killed the next life begins."""
        _CURRENT.set(self)
        fate = self.fate
        try:
            result = work()
            return await result if isinstance(result, Coroutine) else result
        except Killed:
            return None
        except (StorageError, RpcError, RpcTransportError, ConflictError) as error:
            self.drill.counts[type(error).__name__] += 1
            return None
        finally:
            _CURRENT.set(None)
            if fate.dead and fate is self.fate:
                self.database.abandon()
                self.open()


def _trace(frame: FrameType, event: str, _: Any) -> Any:
    """Counts lines of the relayers' own code, for whichever of them runs now."""
    place = Path(frame.f_code.co_filename)
    relayer = _CURRENT.get()
    if relayer is None or relayer.fate.lines_left < 0 or place.name not in TRACED or place.parent.name != "relayer":
        return None
    return relayer.line


class Drill:
    """Everything of one seed."""

    def __init__(self, seed: int, postgres: PostgresServer | None = None) -> None:
        self.dice = random.Random(seed)
        self.postgres = postgres
        self.deeds: dict[bytes, Deed] = {}
        self.chain = ModelChain(self.dice, self.deeds, busy=postgres is not None)
        self.counts: Counter[str] = Counter()
        self.quiet = False
        self.history = History()
        self.known: dict[str, NewAction] = {}

    def connect(self) -> tuple[Database, Callable[[], None]]:
        """The queue's database, and what happens to a dead process's connections."""
        if self.postgres is None:
            database = connect(self.path)
            return cast(Database, database), database.close
        tracked = TrackedPostgres(self.url)
        return cast(Database, tracked), tracked.abandon

    @property
    def raw(self) -> Database:
        """The database without faults."""
        return self.relayers[0].raw

    def together(self, *works: tuple[Relayer, Callable[[], Any]]) -> list[Any]:
        """Do things at the same time; what happens between is up to the dice."""

        async def main() -> list[Any]:
            return await asyncio.gather(*(relayer.live(work) for relayer, work in works))

        armed = any(relayer.fate.lines_left >= 0 for relayer, _ in works)
        sys.settrace(_trace if armed else None)
        try:
            return asyncio.run(main())
        finally:
            sys.settrace(None)

    # --- clients -----------------------------------------------------------------------------------------------

    def new(self) -> NewAction:
        number = len(self.deeds)
        signer = self.dice.choice(SIGNERS)
        deadline = self.chain.now + self.dice.choice([60, 200, 5000])
        calldata = b"deed" + number.to_bytes(28, "big")
        deed = Deed(signer, number, f"0x{number + 1:064x}", deadline, calldata)
        self.deeds[calldata] = deed
        return NewAction(
            "CancelNonce", signer, f"0x{number:064x}", SIGNED, deed.digest, SIGNED, calldata, GAS, deadline, False,
            self.dice.randrange(LEAST, RESERVE), 0,
        )  # fmt: skip

    def submission(self, relayer: Relayer) -> Callable[[], None]:
        """A client sends something new, or again what it got no answer for, or abuses a key."""
        old = [self.known[request] for request in sorted(self.known)]
        items: list[tuple[NewAction, str | None]] = []
        for _ in range(self.dice.randrange(1, 5)):
            again = old and self.dice.random() < 0.4
            new = self.dice.choice(old) if again else self.new()
            self.known[new.request] = new
            items.append((new, self.dice.choice([None, f"key-{self.dice.randrange(12)}"])))

        def submit() -> None:
            asked = [
                self.history.begin(
                    Operation(new.request, new.signer, ":".join(new.key), key, new.reserve), self.position()
                )
                for new, key in items
            ]
            results = accept_many(cast(Any, relayer.database), RULES, items, int(relayer.clock()))
            ended = self.position()
            for one, result in zip(asked, results, strict=True):
                one.ended = ended
                if isinstance(result, RefusedError):
                    assert result.status in (403, 409, 429, 503)
                    one.outcome, one.told = REFUSED, result.code
                    self.counts[f"refused: {result.code}"] += 1
                else:
                    one.outcome, one.told = OK, result.id
                    self.counts["accepted"] += result.created

        return submit

    def position(self) -> int:
        """How many promises and results the audit log holds."""
        rows = self.raw.read("SELECT number FROM chains WHERE name = ?", audit.QUEUE)
        return int(rows[0]["number"]) if rows else 0

    # --- the world ---------------------------------------------------------------------------------------------

    def misbehave(self) -> None:
        """Something happens that is nobody's fault here."""
        dice, chain = self.dice, self.chain
        happenings = ["reorg", "forget", "spike", "calm", "outsider", "cancel", "clock", "full", "poor", "nothing"]
        what = dice.choice(happenings + ["cut", "cut", "crash"] * (self.postgres is not None))
        self.counts[what] += 1
        relayer = dice.choice(self.relayers)
        if what == "reorg":
            chain.reorg(dice.randrange(1, CONFIRMATIONS))
        elif what == "forget":
            chain.pool.clear()
        elif what == "spike":
            chain.base_fee = dice.choice([5, 20, 80]) * 10**9
        elif what == "calm":
            chain.base_fee, chain.balance = 10**9, 10**24
        elif what == "poor":
            chain.balance = dice.choice([0, 10**15, 4 * 10**15])
        elif what in ("outsider", "cancel") and chain.deeds:
            # Of the newest ones, which are still on their way.
            chain.outsider(dice.choice(list(chain.deeds.values())[-6:]), cancels=what == "cancel")
        elif what == "clock":
            relayer.skew = dice.choice([-30, -5, 0, 10, 25])
        elif what == "full":
            relayer.fate.full = dice.randrange(1, 6)
        elif what == "cut":
            cast(TrackedPostgres, relayer.raw).cut()
        elif what == "crash":
            assert self.postgres is not None
            self.postgres.restart()

    # --- the drill -----------------------------------------------------------------------------------------------

    def run(self) -> Counter[str]:
        with tempfile.TemporaryDirectory(dir=fast_folder()) as folder, inline():
            self.path = Path(folder) / "queue.sqlite"
            if self.postgres is not None:
                self.url = self.postgres.new_database()
                prepare_postgres(self.url)
            self.relayers: list[Relayer] = []
            self.relayers += [Relayer(self) for _ in range(1 if self.postgres is None else 2)]
            try:
                self._live_through()
                self.settle()
                self.judge_end()
            finally:
                for relayer in self.relayers:
                    relayer.database.abandon()
                if self.postgres is not None:
                    self.postgres.drop(self.url)
        return self.counts

    def _live_through(self) -> None:
        dice = self.dice
        for _ in range(dice.randrange(15, 40)):
            works: list[tuple[Relayer, Callable[[], Any]]] = []
            if dice.random() < 0.5:
                relayer = dice.choice(self.relayers)
                works.append((relayer, self.submission(relayer)))
            for _ in range(dice.randrange(1, 3)):
                works += [(relayer, dice.choice(relayer.lanes).step) for relayer in self.relayers]
            if self.postgres is None:
                for work in works:
                    self.together(work)
            else:
                dice.shuffle(works)
                # Lanes are for one task at a time: one step of each relayer, with a client's request between.
                for start in range(0, len(works), 2):
                    first, *second = works[start : start + 2]
                    if second and second[0][0] is first[0]:
                        self.together(first)
                        self.together(*second)
                    else:
                        self.together(first, *second)
            if dice.random() < 0.5:
                self.misbehave()
            if dice.random() < 0.7:
                self.chain.mine()

    def settle(self) -> None:
        """The world is quiet; everything comes to an end."""
        self.quiet, self.chain.base_fee, self.chain.balance = True, 10**9, 10**24
        for relayer in self.relayers:
            relayer.database.abandon()
            relayer.open()
        for _ in range(700):
            for relayer in self.relayers:
                for lane in relayer.lanes:
                    self.together((relayer, lane.step))
            self.chain.mine()
            open_ = self.raw.read("SELECT 1 AS one FROM actions WHERE state NOT IN ('final', 'failed') LIMIT 1")
            if not open_ and not self.chain.pool:
                break
        else:
            rows = self.raw.read("SELECT * FROM actions WHERE state NOT IN ('final', 'failed')")
            raise AssertionError(f"without an end: {[dict(row) for row in rows]}")
        for _ in range(CONFIRMATIONS + 2):
            self.chain.mine()

    def judge_end(self) -> None:
        rows = self.raw.read("SELECT * FROM actions ORDER BY seq")
        for row in rows:
            deed = self.deeds[bytes(row["calldata"])]
            done = [use for use in self.chain.effects(deed.signer, deed.nonce) if use[2] == deed.digest]
            assert len(done) == (1 if row["state"] == "final" else 0), (dict(row), done)
            assert row["state"] == "final" or row["reason"], "a failure without a reason"
            self.counts[row["state"]] += 1
        assert set(self.history.promised.values()) <= {row["id"] for row in rows}, "a promise was lost"
        for key in KEYS:
            sql = "SELECT DISTINCT nonce FROM transactions WHERE lane = ?"
            persisted = [row["nonce"] for row in self.raw.read(sql, key.address)]
            assert sorted(persisted) == list(range(self.chain.count(key.address))), "a nonce gap"
        self.judge_money({row["id"]: row for row in rows})
        assert audit.verify(self.raw) == []

    def judge_money(self, actions: Mapping[str, Mapping[str, Any]]) -> None:
        """No budget was ever exceeded, nothing stays set aside, and the histories of clients hold."""
        for row in self.raw.read("SELECT * FROM budgets"):
            assert row["reserved"] == "0", "money stays set aside"
        spent = sum(int(row["cost"]) for row in actions.values())
        assert ledger.used(self.raw, ledger.EVERYBODY, ledger.FOREVER).spent == spent
        log = self.raw.read("SELECT * FROM audit WHERE chain = ? ORDER BY number", audit.QUEUE)
        self.history.check_idempotency()
        self.history.check_quota(log, actions, LIMITS, RULES.signer_pending)
        self.counts["operations"] += len(self.history.operations)


class Anything:
    """The guard is tested by itself, with real calls."""

    def check_transaction(self, transaction: Any, sender: str) -> None:
        pass
