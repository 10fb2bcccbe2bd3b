# SPDX-License-Identifier: Apache-2.0
"""One trial: real processes. Clients at once, two relayers with the same keys on one PostgreSQL queue, a chaos proxy in
front of a real node with the real contracts; relayers are killed, the database crashes, the mempool is forgotten,
blocks are taken back. Then it is quiet, and the recorded history is judged.

What is done follows from a seed; when it happens is up to the machine, so a trial is not repeated to the letter.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from ipto.accounts import LocalSigner
from relayer import audit, ledger
from relayer.database import Database
from relayer.schema import connect_postgres
from tests.relayer import chaos
from tests.relayer.chaos import ChaosProxy
from tests.relayer.history import OK, REFUSED, History, Operation
from tests.relayer.world import RelayerProcess, World
from tests.support.postgres import PostgresServer

KEYS = tuple(bytes([number]) * 32 for number in (0x21, 0x22))
PATIENCE = 900.0  # seconds; a stopped machine must not fail a trial
MAX_FEE = 50 * 10**9
RESERVE = 700_000 * MAX_FEE  # more than an onboarding sets aside
LIMITS = ledger.Limits(
    signer_day=6 * RESERVE, signer_total=6 * RESERVE, contracts_day=RESERVE, day=14 * RESERVE, total=14 * RESERVE,
    signer_day_reverts=100,
)  # fmt: skip
PENDING = 3
_CLIENTS = 5
# Whatever the answer says, the row may have been kept.
_UNCLEAR = {"storage", "internal"}
_VERDICTS = [chaos.LOSE_REQUEST, chaos.LOSE_ANSWER, chaos.TWICE, chaos.UNAVAILABLE]


class Trial:
    """Everything of one seed."""

    def __init__(
        self, seed: int, world: World, postgres: PostgresServer, start: Callable[..., RelayerProcess], *, each: int = 8
    ) -> None:
        """each: operations of a client."""
        self.dice, self.world, self.postgres, self.start, self.each = random.Random(seed), world, postgres, start, each
        self.counts: Counter[str] = Counter()
        self.history = History()
        self.bodies: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.signers = [LocalSigner.random() for _ in range(4)]

    # --- the world ---------------------------------------------------------------------------------------------

    def run(self) -> Counter[str]:
        url = self.postgres.new_database()
        for key in KEYS:
            self.world.chain.set_balance(LocalSigner(key).address, 10**21)
        self.database: Database = connect_postgres(url)
        with ChaosProxy(self.world.chain.url) as proxy:
            settings = {
                "database_url": url, "in_flight": 3, "replace_after": 5, "rebroadcast_after": 1, "confirmations": 3,
                "signer_pending": PENDING, "signer_day_wei": LIMITS.signer_day, "signer_total_wei": LIMITS.signer_total,
                "day_wei": LIMITS.day, "total_wei": LIMITS.total, "signer_day_reverts": 100, "max_fee": MAX_FEE,
            }  # fmt: skip
            self.relayers = [self.start(proxy.url, keys=KEYS, **settings) for _ in range(2)]
            proxy.rule = self._rule
            threads = [threading.Thread(target=self._client, args=(self.dice.random(),)) for _ in range(_CLIENTS)]
            nemesis = threading.Thread(target=self._nemesis, args=(self.dice.random(),))
            for thread in (*threads, nemesis):
                thread.start()
            for thread in threads:
                thread.join()
            self._over.set()
            nemesis.join()
            self._heal()
            self._settle()
        self._judge()
        return self.counts

    def _rule(self, method: str, params: list[Any]) -> str:
        if self._over.is_set() or self.dice.random() > 0.03:
            return chaos.PASS
        verdict = self.dice.choice(_VERDICTS)
        self.counts[f"{verdict} of {method}"] += 1
        return verdict

    def _nemesis(self, seed: float) -> None:
        dice, chain = random.Random(seed), self.world.chain
        while not self._over.wait(dice.uniform(0.2, 1.2)):
            what = dice.choice(["kill", "kill", "crash", "forget", "reorg", "mine", "mine", "spike"])
            self.counts[what] += 1
            if what == "kill":
                relayer = dice.choice(self.relayers)
                relayer.kill()
                self._restart(relayer)
            elif what == "crash":
                self.postgres.restart()
            elif what == "forget":
                chain.rpc.call("anvil_dropAllTransactions")
            elif what == "reorg":
                chain.mine()
                chain.rpc.call("anvil_reorg", 1, [])
            elif what == "spike":
                chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(dice.choice([1, 20, 45]) * 10**9))
                chain.mine()
            else:
                chain.mine()

    def _restart(self, relayer: RelayerProcess) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                relayer.start()
                return
            except AssertionError:
                # The node or the database was away when it looked; an operator's supervisor starts it again.
                self.counts["start refused"] += 1
                assert time.monotonic() < end

    def _heal(self) -> None:
        self.world.chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(10**9))
        for relayer in self.relayers:
            if not relayer.is_alive():
                self._restart(relayer)

    # --- clients -----------------------------------------------------------------------------------------------

    def _position(self) -> int | None:
        try:
            rows = self.database.read("SELECT number FROM chains WHERE name = ?", audit.QUEUE)
            return int(rows[0]["number"]) if rows else 0
        except Exception:
            return None  # the database is away

    def _client(self, seed: float) -> None:
        dice = random.Random(seed)
        with httpx.Client(timeout=60, trust_env=False) as http:
            for _ in range(self.each):
                with self._lock:
                    old = sorted(self.bodies)
                if old and dice.random() < 0.35:
                    request = dice.choice(old)
                else:
                    signer = dice.choice(self.signers)
                    body = self.world.signed_onboarding(signer)
                    request = f"{signer.address}:{body['message']['nonce']}"
                    with self._lock:
                        self.bodies[request] = body
                self._submit(http, request, dice.choice([None, f"key-{dice.randrange(8)}"]), dice)

    def _submit(self, http: httpx.Client, request: str, key: str | None, dice: random.Random) -> None:
        body, relayer = self.bodies[request], dice.choice(self.relayers)
        with self._lock:
            one = self.history.begin(Operation(request, request.partition(":")[0], request, key), self._position() or 0)
        try:
            answer = http.post(relayer.url + "/v1/actions", json=body, headers={"Idempotency-Key": key} if key else {})
        except httpx.HTTPError:
            self.counts["no answer"] += 1
            time.sleep(0.2)
            return
        one.ended = self._position()
        if answer.status_code == 202:
            one.outcome, one.told = OK, answer.json()["id"]
            self.counts["accepted or known"] += 1
            return
        code = answer.json()["code"]
        self.counts[f"refused: {code}"] += 1
        assert answer.status_code in (409, 422, 429, 403, 503), answer.text
        assert code != "bad-signature"
        if code not in _UNCLEAR:
            one.outcome, one.told = REFUSED, code

    # --- the end -----------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            self.world.chain.mine()
            try:
                rows = self.database.read("SELECT 1 AS one FROM actions WHERE state NOT IN ('final', 'failed') LIMIT 1")
            except Exception:
                rows = [{}]
            if not rows:
                return
            if time.monotonic() > end:
                open_ = self.database.read("SELECT * FROM actions WHERE state NOT IN ('final', 'failed')")
                logs = "".join(relayer.log.read_text()[-1500:] for relayer in self.relayers)
                raise AssertionError(f"without an end: {[dict(row) for row in open_]} {logs}")
            time.sleep(0.1)

    def _judge(self) -> None:
        rows = {row["id"]: row for row in self.database.read("SELECT * FROM actions ORDER BY seq")}
        assert set(self.history.promised.values()) <= set(rows), "a promise was lost"
        names = {f"{row['signer']}:{int(row['nonce'], 16)}": row for row in rows.values()}
        for request, body in self.bodies.items():
            done = len(self.world.executions(body))
            row = names.get(request)
            assert done == (1 if row is not None and row["state"] == "final" else 0), (request, done, row)
            if row is not None:
                self.counts[row["state"]] += 1
                assert row["state"] == "final" or row["reason"]
        for key in KEYS:
            address = LocalSigner(key).address
            used = [row["nonce"] for row in self.database.read(
                "SELECT DISTINCT nonce FROM transactions WHERE lane = ?", address)]  # fmt: skip
            assert sorted(used) == list(range(self.world.chain.rpc.nonce(address, "latest"))), "a nonce gap"
        for row in self.database.read("SELECT * FROM budgets"):
            assert row["reserved"] == "0", "money stays set aside"
        log = self.database.read("SELECT * FROM audit WHERE chain = ? ORDER BY number", audit.QUEUE)
        self.history.check_idempotency()
        self.history.check_quota(log, rows, LIMITS, PENDING)
        assert audit.verify(self.database) == []
        self.counts["operations"] += len(self.history.operations)
        self.database.close()
