# SPDX-License-Identifier: Apache-2.0
"""Drills of keeper and treasury, as those of the relayer (`tests.relayer.drill`): faults, kills between any two lines,
reorganisations, an indexer that lags; then it is quiet and everything is counted. All of it follows from one seed."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, cast

from ipto import ids
from ipto.accounts import LocalSigner
from ipto.chain import Deployment, abi
from ipto.errors import IptoError
from ipto.rpc import RpcError
from ipto.services import ServiceError
from ipto.structs import ETH, checksum_address
from relayer import audit
from relayer.database import Database, StorageError
from relayer.errands import REFILL
from relayer.errands.commands import make_keeper, make_treasury
from relayer.errands.settings import KeeperSettings, TreasurySettings
from relayer.schema import connect
from relayer.slots import ConflictError
from relayer.transactions import call_of
from tests.relayer.drill import CONFIRMATIONS
from tests.relayer.faults import Fate, Faulty, Killed, inline
from tests.relayer.model_node import SIGNED, Block, ModelChain, ModelNode, Sent
from tests.support.postgres import fast_folder

VAULT = checksum_address("0x" + "a1" * 20)
DEPLOYMENT = Deployment(31337, {"RoyaltyVault": VAULT, "SignedActions": SIGNED}, 0, "0x")
KEY = LocalSigner(b"\x51" * 32)
PEOPLE = [LocalSigner(bytes([number]) * 32).address for number in (0x61, 0x62, 0x63, 0x64)]
LANES = [LocalSigner(bytes([number]) * 32).address for number in (0x71, 0x72)]
DAY_WEI = 10**17
LOW, FULL = 10**16, 10**17
REFILL_DAY = 10**18
_WITHDRAW = abi("RoyaltyVault").function("withdraw")
_FOLDERS = ("errands", "relayer")


class VaultChain(ModelChain):
    """The vault's balances, and ETH that is sent."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(dice, {})
        self.credits: Counter[str] = Counter()
        self.burned: Counter[str] = Counter()
        self.refusing: set[str] = set()
        self.idle = 0  # payouts mined that moved nothing

    def withdrawn(self, account: str, block: str = "latest") -> int:
        return sum(use[1] for item in self.until(block) for use in item.used if use[0] == account)

    def booked(self, account: str, block: str = "latest") -> int:
        return self.credits[account] - self.withdrawn(account, block)

    def lane_balance(self, lane: str, block: str = "latest") -> int:
        calls = (call_of(tx.raw) for item in self.until(block) for tx in item.sent)
        return sum(call.value for call in calls if call.to == lane) - self.burned[lane]

    def _act(self, block: Block, tx: Sent, data: bytes) -> bool:
        account, _ = _WITHDRAW.decode_input(data).values()
        amount = self.booked(account)
        if account in self.refusing or not amount:
            self.idle += 1
        else:
            block.used.append((account, amount, None, tx.hash))
        return True


class VaultNode(ModelNode):
    """JSON-RPC of it."""

    chain: VaultChain

    def _eth_simulateV1(self, plan: dict[str, Any], _: str) -> list[Any]:
        data = bytes.fromhex(plan["blockStateCalls"][0]["calls"][0]["data"][2:])
        account, _currency = _WITHDRAW.decode_input(data).values()
        amount = 0 if account in self.chain.refusing else self.chain.booked(account)
        return [{"calls": [{"status": "0x1", "gasUsed": hex(71_000), "returnData": f"0x{amount:064x}"}]}]

    def _eth_estimateGas(self, *_: Any) -> str:
        return hex(21_000)

    def _eth_getBalance(self, address: str, block: str) -> str:
        return hex(self.chain.lane_balance(address, block) if address in LANES else 10**24)


class LaggingIndexer:
    """Shows the vault as it was some blocks ago, or does not answer."""

    def __init__(self, chain: VaultChain, drill: ErrandDrill) -> None:
        self._chain, self._drill = chain, drill

    def height(self) -> str:
        """The block it shows. Raises ServiceError when it does not answer."""
        if self._drill.dead:
            raise Killed
        quiet, dice = self._drill.quiet, self._drill.dice
        if not quiet and dice.random() < 0.05:
            raise ServiceError("the indexer does not answer")
        return hex(max(0, len(self._chain.blocks) - 1 - (0 if quiet else dice.choice([0, 0, 1, 5]))))

    def get(self, path: str, **_: Any) -> Any:
        assert path == "balances"
        block = self.height()
        items = []
        for account in PEOPLE:
            booked = self._chain.booked(account, block)
            if booked:
                left = self._chain.withdrawn(account, block)
                items.append(
                    {
                        "account": {"account": "0x" + ids.address_account(account).hex()},
                        "balance": {"amount": str(booked), "currency": ETH},
                        "left_before": {"amount": str(left)},
                        "split": None,
                    }
                )
        return {"items": items, "next": None}


class ErrandDrill:
    """Everything of one seed; `what` is keeper or treasury."""

    deployment = DEPLOYMENT
    chain: VaultChain

    def __init__(self, seed: int, what: str) -> None:
        self.dice, self.what = random.Random(seed), what
        self.chain = self.make_chain()
        self.counts: Counter[str] = Counter()
        self.quiet = self.dead = False
        self.full = 0  # so many transactions find the disk full
        self.skew, self.lines_left = 0, -1

    def make_chain(self) -> VaultChain:
        return VaultChain(self.dice)

    def make_node(self) -> VaultNode:
        return VaultNode(self.chain, self.fault)

    def make_indexer(self) -> LaggingIndexer:
        return LaggingIndexer(self.chain, self)

    def keeper_settings(self) -> dict[str, Any]:
        return {}

    def clock(self) -> float:
        return self.chain.now + self.skew

    def alive(self) -> None:
        if self.dead:
            raise Killed

    def fault(self, method: str) -> str:
        if self.dead:
            raise Killed
        if self.quiet or self.dice.random() > 0.06:
            return "pass"
        self.counts["faults"] += 1
        return self.dice.choice(["lose request", "lose answer"])

    def open(self) -> None:
        """A new life on the same file."""
        self.dead, self.full = False, 0
        quiet, self.quiet = self.quiet, True  # a start that fails is simply another one
        real = connect(self.path)
        self.database = Faulty(cast(Database, real), cast(Fate, self), real.close)
        node, database = cast(Any, self.make_node()), cast(Any, self.database)
        common: dict[str, Any] = {
            "confirmations": CONFIRMATIONS, "replace_after": 30, "rebroadcast_after": 10, "simulate_at": "latest",
            "cancel_after": 30, "max_fee": 50 * 10**9, "patience": 600, "signer_day_reverts": 1000,
        }  # fmt: skip
        if self.what == "keeper":
            settings = KeeperSettings(
                ratio=1,
                interval=0,
                backoff=60,
                backoff_most=600,
                day_wei=DAY_WEI,
                account_day_wei=DAY_WEI,
                **self.keeper_settings(),
                **common,
            )
            indexer = cast(Any, self.make_indexer())
            parts = asyncio.run(make_keeper(settings, self.deployment, database, [KEY], node, indexer, self.clock))
            self.decide: Callable[[], Any] = parts.keeper.step
            self.office = parts.office
        else:
            refills = TreasurySettings(
                lanes=tuple(LANES), threshold_wei=LOW, target_wei=FULL, day_wei=REFILL_DAY, lane_day_wei=REFILL_DAY,
                **common,
            )  # fmt: skip
            treasury = make_treasury(refills, self.deployment, database, [KEY], node, self.clock)
            self.decide, self.office = treasury.treasury.step, treasury.office
        self.quiet = quiet
        self.lane = self.office.sender.lanes[0]
        self.lines_left = self.dice.randrange(1, 4000) if not self.quiet and self.dice.random() < 0.7 else -1
        self.skew = 0 if self.quiet else self.dice.choice([0, 0, 0, -20, 15])

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        return self.line if Path(frame.f_code.co_filename).parent.name in _FOLDERS and "tests" not in (
            frame.f_code.co_filename
        ) else None  # fmt: skip

    def line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and self.lines_left >= 0:
            self.lines_left -= 1
            if self.lines_left < 0:
                self.dead = True
                self.counts["killed"] += 1
                raise Killed
        return self.line

    def life(self, work: Callable[[], Any]) -> None:
        """Do something; when it is killed the next life begins."""
        sys.settrace(self.trace if self.lines_left >= 0 else None)
        try:
            with suppress(Killed):
                asyncio.run(work())
        except (StorageError, ConflictError, ServiceError, RpcError, IptoError) as error:
            self.counts[type(error).__name__] += 1
        finally:
            sys.settrace(None)
            if self.dead:
                self.database.abandon()
                self.open()

    def misbehave(self) -> None:
        dice, chain = self.dice, self.chain
        what = dice.choice(["reorg", "forget", "spike", "calm", "clock", "full", "mood"])
        self.counts[what] += 1
        if what == "reorg":
            chain.reorg(dice.randrange(1, CONFIRMATIONS))
        elif what == "forget":
            chain.pool.clear()
        elif what in ("spike", "calm"):
            chain.base_fee = 10**9 * (1 if what == "calm" else dice.choice([5, 20, 80]))
        elif what == "clock":
            self.skew = dice.choice([-30, -5, 0, 10, 25])
        elif what == "full":
            self.full = dice.randrange(1, 6)
        else:
            self.mood()

    def mood(self) -> None:
        """Somebody refuses what is sent, or no longer."""
        if self.chain.refusing:
            self.chain.refusing.clear()
        else:
            self.chain.refusing.add(self.dice.choice(PEOPLE))

    def people(self) -> None:
        """Somebody pays in; a lane is used."""
        if self.what == "keeper":
            self.chain.credits[self.dice.choice(PEOPLE)] += self.dice.randrange(10**16, 10**17)
        else:
            lane = self.dice.choice(LANES)
            balance = self.chain.lane_balance(lane)
            # What was final once stays: a reorganisation takes no more than is there.
            self.chain.burned[lane] += max(0, self.dice.randrange(0, max(1, balance)) if balance > 0 else 0)

    def check(self) -> None:
        limit = DAY_WEI if self.what == "keeper" else REFILL_DAY
        for row in self.database.real.read("SELECT * FROM budgets"):
            assert int(row["reserved"]) >= 0
            if row["period"] != "all":
                assert int(row["reserved"]) + int(row["spent"]) <= limit, "a budget was passed"
        for lane in LANES:
            assert self.chain.lane_balance(lane) <= FULL, "a lane was filled twice for one need"

    def run(self) -> Counter[str]:
        with tempfile.TemporaryDirectory(dir=fast_folder()) as folder, inline():
            self.path = Path(folder) / "errands.sqlite"
            self.open()
            for _ in range(120):
                step = self.dice.random()
                if step < 0.15:
                    self.people()
                elif step < 0.25:
                    self.misbehave()
                elif step < 0.5:
                    self.life(self.decide)
                elif step < 0.8:
                    self.life(self.lane.step)
                else:
                    self.chain.mine()
                self.check()
            self.settle()
            self.database.close()
        return self.counts

    def settle(self) -> None:
        """Nothing misbehaves any more: what is owed is paid, what is low is filled, and everything adds up."""
        self.quieten()
        self.database.abandon()
        self.open()
        for _ in range(400):
            self.life(self.decide)
            self.life(self.lane.step)
            self.chain.mine()
            self.check()
            if not self.office.desk.open() and not self.owed():
                break
        assert not self.owed(), f"left: {self.owed()}; {self.office.desk.refusals}"
        self.judge_end()

    def quieten(self) -> None:
        self.quiet, self.chain.base_fee, self.skew, self.full = True, 10**9, 0, 0
        self.chain.refusing.clear()

    def judge_end(self) -> None:
        """Everything adds up: one effect for each need, no gap among nonces, nothing set aside any more."""
        rows = self.database.read("SELECT * FROM actions")
        assert {row["state"] for row in rows} <= {"final", "failed"}
        mined = {tx.hash: call_of(tx.raw) for block in self.chain.blocks for tx in block.sent}
        carried = [row for row in rows if row["state"] == "final"]
        assert len({row["tx_hash"] for row in carried}) == len(carried), "two payouts are said to be one transaction"
        for row in carried:
            call, data = mined[row["tx_hash"]], bytes(row["calldata"])
            said = (b"", int.from_bytes(data, "big")) if row["kind"] == REFILL else (data, 0)
            assert (call.to, call.data, call.value) == (row["target"], *said), "another transaction than was said"
        nonces = [row["nonce"] for row in self.database.read("SELECT DISTINCT nonce FROM transactions")]
        assert sorted(nonces) == list(range(self.chain.count(KEY.address))), "a nonce gap"
        assert all(row["reserved"] == "0" for row in self.database.read("SELECT * FROM budgets"))
        assert audit.verify(cast(Any, self.database)) == []
        self.counts["rows"] += len(rows)
        self.counts["moved nothing"] += self.chain.idle
        # Only who changes their mind between question and block costs gas for nothing.
        assert not self.chain.idle or self.counts["mood"], "a payout was sent that had been made"

    def owed(self) -> list[str]:
        if self.what == "keeper":
            return [account for account in PEOPLE if self.chain.booked(account)]
        return [lane for lane in LANES if self.chain.lane_balance(lane) < LOW]
