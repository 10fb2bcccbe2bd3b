# SPDX-License-Identifier: Apache-2.0
"""Compares the database with the chain, at the database's own block: owners, offers, balances, by eth_call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from indexer.database import ReadConnection
from indexer.ledger import is_address
from indexer.project import HELD
from ipto.chain import abi
from ipto.deployment import Deployment
from ipto.errors import NotFoundError
from ipto.rpc import Rpc, RpcError
from ipto.structs import NEVER, checksum_address

_BATCH = 100

# One comparison: what it is called, the contract and function to ask, its arguments, and the answer as it should be.
Probe = tuple[str, str, str, tuple[Any, ...], tuple[Any, ...]]


def check(db: ReadConnection, deployment: Deployment, rpc: Rpc) -> tuple[int, list[str]]:
    """Ask the chain for everything the projections say. Returns the number of comparisons and the differences.

    Raises NotFoundError when the database is empty or its last block is not on the chain.
    """
    db.begin()
    try:
        return _check(db, deployment, rpc)
    finally:
        db.end()


def _check(db: ReadConnection, deployment: Deployment, rpc: Rpc) -> tuple[int, list[str]]:
    at = db.one("SELECT number, hash, timestamp FROM checkpoint")
    if at is None:
        raise NotFoundError("the database is empty; run the indexer first")
    block = rpc.call("eth_getBlockByNumber", hex(at["number"]), False)
    if block is None or block["hash"] != "0x" + at["hash"].hex():
        raise NotFoundError("the database's last block is not on the chain; let the indexer catch up first")
    count, wrong, batch = 0, [], []
    for probe in _probes(db, at["timestamp"]):
        batch.append(probe)
        if len(batch) == _BATCH:
            wrong += _ask(batch, deployment, rpc, block["hash"])
            count, batch = count + len(batch), []
    wrong += _ask(batch, deployment, rpc, block["hash"])
    return count + len(batch), wrong


def _ask(probes: list[Probe], deployment: Deployment, rpc: Rpc, block_hash: str) -> list[str]:
    calls = []
    for _, contract, function, args, _ in probes:
        data = abi(contract).function(function, len(args)).encode(*args)
        request = {"to": deployment.address(contract), "data": "0x" + data.hex()}
        calls.append(("eth_call", [request, {"blockHash": block_hash}]))
    wrong = []
    for (what, contract, function, args, wanted), answer in zip(probes, rpc.try_batch(calls), strict=True):
        if isinstance(answer, RpcError):
            wrong.append(f"{what}: the chain refuses {contract}.{function}: {answer}")
            continue
        found = abi(contract).function(function, len(args)).decode_output(bytes.fromhex(answer[2:]))
        found = tuple(found) if isinstance(found, (tuple, list)) else (found,)
        if found != wanted:
            wrong.append(f"{what}: {contract}.{function} is {found} on the chain, {wanted} in the database")
    return wrong


def _probes(db: ReadConnection, now: int) -> Iterator[Probe]:
    yield from _works(db, now)
    for make in _KINDS:
        yield from make(db)


def _rows(db: ReadConnection, table: str) -> Iterator[Any]:
    yield from db.each(f"SELECT * FROM {table}")  # noqa: S608  # our own names


def _works(db: ReadConnection, now: int) -> Iterator[Probe]:
    for row in _rows(db, "works"):
        wanted = (
            _address(row["owner"]),
            row["owned_since"],
            row["duration_ms"],
            row["cleared"],
            # A hold ends by itself.
            row["flags"] if row["held_until"] > now else row["flags"] & ~HELD,
            row["metadata"],
            row["cultural"],
            row["payee"],
            _address(row["steward"]),
        )
        yield f"work {row['work'].hex()}", "WorkRegistry", "work_of", (int.from_bytes(row["work"]),), wanted


def _offers(db: ReadConnection) -> Iterator[Probe]:
    names = ["usages", "aspects", "forbids", "revenue_share_bps", "start_ms", "end_ms", "after_term", "flags"]
    for row in _rows(db, "offers"):
        wanted = (not row["withdrawn"], row["sold"], row["posted_at"], *[row[name] for name in names])
        yield f"offer {row['offer_id'].hex()}", "LicenseMarket", "offer_status", (row["offer_id"],), wanted


def _licenses(db: ReadConnection) -> Iterator[Probe]:
    for row in _rows(db, "licenses"):
        flags = row["locked"] | row["ended"] << 1
        wanted = (_address(row["holder"]), row["issued_at"], row["expires_at"], flags, row["offer_id"])
        license_id = int.from_bytes(row["license"])
        yield f"license {row['license'].hex()}", "LicenseMarket", "license_of", (license_id,), wanted


def _consents(db: ReadConnection) -> Iterator[Probe]:
    for row in _rows(db, "consents"):
        args = (row["offer_id"], _address(row["steward"]))
        yield f"consent {row['offer_id'].hex()}", "LicenseMarket", "has_consent", args, (bool(row["given"]),)


def _exclusivity(db: ReadConnection) -> Iterator[Probe]:
    for row in _rows(db, "exclusivity"):
        wanted = 2**256 - 1 if row["until"] == NEVER else row["until"]
        args = (int.from_bytes(row["work"]), row["usage"])
        yield f"exclusivity of {row['work'].hex()}", "LicenseMarket", "exclusive_until", args, (wanted,)


def _balances(db: ReadConnection) -> Iterator[Probe]:
    for row in _rows(db, "balances"):
        args = (row["account"], _address(row["currency"]))
        wanted = (int.from_bytes(row["balance"]),)
        yield f"balance of {row['account'].hex()}", "RoyaltyVault", "balance_of", args, wanted


def _splits(db: ReadConnection) -> Iterator[Probe]:
    for row in _rows(db, "splits"):
        wanted = (_address(row["controller"]),)
        yield f"split {row['split'].hex()}", "RoyaltyVault", "controller_of", (row["split"],), wanted


def _redirects(db: ReadConnection) -> Iterator[Probe]:
    for row in _rows(db, "accounts"):
        if not is_address(row["account"]):
            continue  # only its receiving address is known
        args = (_address(row["account"][12:]),)
        yield f"account {row['account'].hex()}", "RoyaltyVault", "redirect_of", args, (_address(row["redirect"]),)


def _nonces(db: ReadConnection) -> Iterator[Probe]:
    for row in _rows(db, "nonces"):
        args = (_address(row["actor"]), int.from_bytes(row["nonce"]))
        yield f"nonce of {row['actor'].hex()}", "SignedActions", "is_nonce_used", args, (True,)


_KINDS: tuple[Callable[[ReadConnection], Iterator[Probe]], ...] = (
    _offers,
    _licenses,
    _consents,
    _exclusivity,
    _balances,
    _splits,
    _redirects,
    _nonces,
)


def _address(raw: bytes) -> str:
    return checksum_address("0x" + raw.hex())
