# SPDX-License-Identifier: Apache-2.0
"""The last look before the key is used: whoever holds the database still cannot make it sign anything else."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest

from ipto.accounts import LocalSigner
from ipto.chain import Deployment, abi
from ipto.structs import Authorization, Offer
from relayer.broadcast import GuardError
from relayer.guard import Guard
from relayer.settings import Settings
from tests.relayer.world import RelayerProcess, World

ADDRESSES = {
    name: LocalSigner(bytes([number]) * 32).address
    for number, name in enumerate(("SignedActions", "RoyaltyVault", "WorkRegistry", "LicenseMarket", "TestUSD"), 1)
}
DEPLOYMENT = Deployment(5, ADDRESSES, 0, "0x")
GUARD = Guard(Settings(chain_id=5), DEPLOYMENT, (ADDRESSES["TestUSD"],))
THIEF = LocalSigner(b"\x77" * 32).address
LANE = LocalSigner(b"\x66" * 32).address


class Bare(World):
    """Builds messages without a chain."""

    def __init__(self) -> None:
        self.deployment = DEPLOYMENT

    def offer(self, creator: str, work: int, **changes: Any) -> Offer:
        values = [
            work,
            creator,
            1,
            1,
            0,
            0,
            2**32 - 1,
            ADDRESSES["TestUSD"],
            5,
            9,
            0,
            0,
            0,
            0,
            1,
            1,
            THIEF,
            0,
            9,
            0,
            bytes(32),
        ]
        names = [spec.name for spec in Offer.fields()]
        return Offer(**{**dict(zip(names, values, strict=True)), **changes})


def onboard_call(**changes: Any) -> bytes:
    message = Bare().onboard(LocalSigner(b"\x55" * 32).address, **changes)
    return abi("SignedActions").function("onboard").encode(message, b"\x01" * 65)


def purchase_call(**changes: Any) -> bytes:
    paid = Authorization(THIEF, 0, 9, 27, bytes(32), bytes(32))
    offer = Bare().offer(THIEF, 1, **changes)
    return abi("LicenseMarket").function("mint_with_authorization").encode(offer, THIEF, bytes(32), bytes(32), paid)


def _call(name: str, function: str, *args: Any) -> str:
    return "0x" + abi(name).function(function, len(args)).encode(*args).hex()


def batch_call(calls: list[bytes], limits: list[int]) -> str:
    return _call("SignedActions", "execute_many", calls, limits)


def transaction(**changes: Any) -> dict[str, Any]:
    values = {
        "type": 2, "chainId": 5, "nonce": 0, "to": ADDRESSES["SignedActions"], "value": 0,
        "data": "0x" + onboard_call().hex(), "gas": 500_000, "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 10**8,
    }  # fmt: skip
    return {**values, **changes}


def test_what_may_be_signed() -> None:
    GUARD.check_transaction(transaction(), LANE)
    GUARD.check_transaction(transaction(to=ADDRESSES["LicenseMarket"], data="0x" + purchase_call().hex()), LANE)
    GUARD.check_transaction(transaction(to=LANE, data="0x", gas=21_000), LANE)
    GUARD.check_transaction(transaction(data=batch_call([onboard_call(), onboard_call()], [500_000] * 2)), LANE)


def test_what_it_vouched_for_cannot_be_exchanged() -> None:
    guard = Guard(Settings(chain_id=5), DEPLOYMENT, (ADDRESSES["TestUSD"],))
    good, other = onboard_call(), onboard_call(market=THIEF)
    guard.vouch(ADDRESSES["SignedActions"], good)
    guard.check_transaction(transaction(data="0x" + good.hex()), LANE)
    guard.vouch(ADDRESSES["LicenseMarket"], other)
    with pytest.raises(GuardError):
        guard.check_transaction(transaction(data="0x" + other.hex()), LANE)


@pytest.mark.parametrize(
    "changes",
    [
        {"value": 1},
        {"chainId": 1},
        {"type": 0},
        {"accessList": []},
        {"to": THIEF},
        {"to": ADDRESSES["TestUSD"]},
        {"to": ADDRESSES["RoyaltyVault"]},
        {"to": ADDRESSES["LicenseMarket"]},  # an allowed selector, on another contract
        {"data": "0x"},
        {"to": THIEF, "data": "0x", "gas": 21_000},
        {"to": LANE, "data": "0x", "gas": 21_001},
        {"to": LANE, "data": "0x", "gas": 21_000, "value": 1},
        {"data": _call("SignedActions", "close_gate")},
        {"data": _call("SignedActions", "cancel_nonce", 1)},
        {"data": _call("SignedActions", "transfer_ownership", THIEF)},
        {"to": ADDRESSES["TestUSD"], "data": _call("TestUSD", "transfer", THIEF, 1)},
        {"to": ADDRESSES["LicenseMarket"], "data": "0x" + purchase_call(currency=THIEF).hex()},
        {"data": "0x" + onboard_call().hex() + "00"},
        {"data": "0x" + onboard_call().hex()[:-64]},
        {"data": "0x" + onboard_call(registry=THIEF).hex()},
        {"data": "0x" + onboard_call(vault=THIEF).hex()},
        {"data": "0x" + onboard_call(market=THIEF).hex()},
        {"gas": 12_000_001},
        {"data": batch_call([onboard_call()], [500_000, 1])},
        {"data": batch_call([], [])},
        {"data": batch_call([onboard_call(), purchase_call()], [500_000, 500_000])},
        {"data": batch_call([onboard_call(market=THIEF)], [500_000])},
        {"data": batch_call([onboard_call()], [0])},
        {"data": batch_call([onboard_call()], [12_000_001])},
        {"data": batch_call([bytes.fromhex(_call("SignedActions", "accept_ownership")[2:])], [90_000])},
        {"data": batch_call([bytes.fromhex(batch_call([onboard_call()], [500_000])[2:])], [900_000])},
        {"data": batch_call([onboard_call()], [500_000]) + "00"},
        {"data": batch_call([onboard_call()], [500_000]), "gas": 15_000_001},
        {"gas": 0},
        {"maxFeePerGas": 51 * 10**9},
        {"maxPriorityFeePerGas": 2 * 10**9},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_what_must_not_be_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(GuardError):
        GUARD.check_transaction(transaction(**changes), LANE)


def test_a_row_changed_behind_its_back_is_not_signed(world: World, start: Callable[..., RelayerProcess]) -> None:
    world.chain.set_balance(world.lane.address, 0)
    relayer = start()
    name = relayer.submit(world.signed_onboarding())
    good = world.signed_onboarding()
    other = relayer.submit(good)
    relayer.kill()  # a running lane may have read the row already, and would rightly send what it had read
    # A call that would succeed, from the relayer's own balance, if it were signed.
    data = bytes.fromhex(_call("SignedActions", "cancel_nonce", 1)[2:])
    with sqlite3.connect(world.folder / "relayer.sqlite", timeout=10) as db:
        db.execute("UPDATE actions SET calldata = ? WHERE id = ?", (data, name))
    db.close()
    world.chain.set_balance(world.lane.address, 10**19)
    relayer.start()
    assert "refused to sign" in relayer.wait_for(name, "failed")["reason"]
    relayer.wait_for(other, "final")
    assert world.lane_count() == 1
    time.sleep(0.1)
    assert len(world.executions(good)) == 1
