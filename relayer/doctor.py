# SPDX-License-Identifier: Apache-2.0
"""`python -m relayer doctor`: looks at everything a relayer needs and says what is wrong and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ipto.chain import Deployment
from ipto.deploy import verify
from ipto.errors import IptoError
from ipto.rpc import Rpc, RpcError, RpcTransportError, quantity
from relayer import audit, ledger
from relayer.database import Database
from relayer.intake import OPEN
from relayer.settings import Settings

_METHOD_NOT_FOUND = -32601
_SKEW = 30  # seconds between this clock and a chain that makes blocks
_LOW_BALANCE_ACTIONS = 20  # a lane should pay for so many at the ceiling
_TYPICAL_GAS = 400_000


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: str  # ok, warning, error
    words: str


def node(settings: Settings) -> Iterator[Finding]:
    """The chain's node."""
    with Rpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds) as rpc:
        try:
            found = rpc.chain_id()
        except IptoError as error:
            yield Finding("error", f"the node does not answer: {error}")
            return
        if found != settings.chain_id:
            yield Finding("error", f"the node is on chain {found}, the settings say {settings.chain_id}")
            return
        yield Finding("ok", f"the node is on chain {found}")
        block = rpc.call("eth_getBlockByNumber", "latest", False)
        skew = int(time.time()) - quantity(block["timestamp"])
        level = "ok" if abs(skew) <= _SKEW else "warning"
        yield Finding(level, f"its newest block is {skew} s old by this clock (check the clock, and the node's sync)")
        base_fee = quantity(block.get("baseFeePerGas", "0x0"))
        level = "ok" if base_fee * 2 <= settings.max_fee else "warning" if base_fee <= settings.max_fee else "error"
        yield Finding(level, f"gas costs {base_fee} wei now, the ceiling IPTO_RELAYER_MAX_FEE is {settings.max_fee}")
        yield from _abilities(rpc, settings)


def _abilities(rpc: Rpc, settings: Settings) -> Iterator[Finding]:
    def asks(what: str, without: str, call: Callable[[], Any]) -> Finding:
        try:
            call()
        except RpcError as error:
            if error.code == _METHOD_NOT_FOUND or "not" in error.message.lower():
                return Finding("warning", f"the node has no {what}: {without}")
        except RpcTransportError:
            return Finding("warning", f"the node has no {what}: {without}")
        return Finding("ok", f"the node has {what}")

    zero = "0x" + "00" * 20
    plan = {"blockStateCalls": [{"calls": [{"from": zero, "to": zero}]}], "validation": False}
    yield asks(
        "eth_simulateV1", "gas is searched for, which costs it more", lambda: rpc.call("eth_simulateV1", plan, "latest")
    )
    yield asks(
        "batches", "set IPTO_RELAYER_RPC_BATCH=1", lambda: rpc.batch([("eth_chainId", []), ("eth_blockNumber", [])])
    )
    if settings.simulate_at == "pending":
        state = "the pending state"
        without = "set IPTO_RELAYER_SIMULATE_AT=latest"
        yield asks(state, without, lambda: rpc.call("eth_call", {"to": zero}, "pending"))
    yield asks("eth_feeHistory", "fees cannot be found", lambda: rpc.call("eth_feeHistory", "0x1", "latest", [60]))


def contracts(settings: Settings) -> Iterator[Finding]:
    """The deployment, compared with the chain."""
    try:
        deployment = Deployment.load(settings.deployment_file)
        with Rpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds) as rpc:
            verify(rpc, deployment)
    except IptoError as error:
        yield Finding("error", f"the contracts: {error}")
    else:
        yield Finding("ok", f"the {len(deployment.contracts)} contracts are the ones this version was built with")


def lanes(settings: Settings, addresses: list[str]) -> Iterator[Finding]:
    """The lanes' gas money and mempool."""
    need = _LOW_BALANCE_ACTIONS * _TYPICAL_GAS * settings.max_fee
    with Rpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds) as rpc:
        for address in addresses:
            try:
                balance = rpc.balance(address)
                mined, pending = rpc.nonce(address, "latest"), rpc.nonce(address, "pending")
            except IptoError as error:
                yield Finding("error", f"lane {address}: {error}")
                continue
            level = "error" if balance == 0 else "ok" if balance >= need else "warning"
            yield Finding(level, f"lane {address} has {balance} wei, {pending - mined} of its transactions are out")


def queue(database: Database, now: int) -> Iterator[Finding]:
    """The queue, its money and its log."""
    rows = database.read(f"SELECT count(*) AS n, min(accepted_at) AS oldest FROM actions WHERE {OPEN}")  # noqa: S608
    count, oldest = int(rows[0]["n"]), rows[0]["oldest"]
    age = 0 if oldest is None else now - oldest
    yield Finding("ok" if age < 600 else "warning", f"{count} actions are open, the oldest for {age} s")
    stopped = database.read("SELECT 1 AS one FROM meta WHERE name = 'stopped'")
    yield Finding("warning" if stopped else "ok", "it is stopped" if stopped else "it is not stopped")
    held = sum(
        int(row["reserved"])
        for row in database.read(f"SELECT reserved FROM actions WHERE {OPEN}")  # noqa: S608
    )
    booked = ledger.used(database, ledger.EVERYBODY, ledger.FOREVER).reserved
    if held == booked:
        yield Finding("ok", f"what is set aside is what open actions may cost ({held} wei)")
    else:
        yield Finding("error", f"set aside are {booked} wei, open actions may cost {held}: restore a backup")
    wrong = audit.verify(database)
    yield from (Finding("error", f"the audit log: {words}") for words in wrong)
    if not wrong:
        yield Finding("ok", "the audit log is whole")
