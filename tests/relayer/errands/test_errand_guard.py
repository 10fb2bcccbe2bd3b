# SPDX-License-Identifier: Apache-2.0
"""Whatever is in their queues, these keys sign nothing but payouts, and nothing but refills."""

from __future__ import annotations

from typing import Any

import pytest

from ipto.accounts import LocalSigner
from ipto.chain import Deployment, abi
from ipto.structs import ETH
from relayer.broadcast import GuardError
from relayer.errands.guard import REFILL_GAS, KeeperGuard, TreasuryGuard
from relayer.errands.settings import KeeperSettings, TreasurySettings

ME = LocalSigner(b"\x41" * 32).address
SOMEBODY, LANE = (LocalSigner(bytes([number]) * 32).address for number in (0x42, 0x43))
VAULT, MARKET, SETTLEMENT = ("0x" + digit * 40 for digit in "123")
DEPLOYMENT = Deployment(31337, {"RoyaltyVault": VAULT, "DatasetMarket": MARKET, "UsageSettlement": SETTLEMENT}, 0, "0x")
WITHDRAW = abi("RoyaltyVault").function("withdraw").encode(SOMEBODY, ETH)


def transaction(**changes: Any) -> dict[str, Any]:
    return {
        "type": 2, "chainId": 31337, "nonce": 0, "to": VAULT, "value": 0, "data": "0x" + WITHDRAW.hex(),
        "gas": 100_000, "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 1, **changes,
    }  # fmt: skip


def test_the_keeper_signs_payouts() -> None:
    guard = KeeperGuard(KeeperSettings(), DEPLOYMENT)
    guard.check_transaction(transaction(), ME)
    guard.check_transaction(transaction(to=ME, data="0x", gas=21_000), ME)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"value": 1}, "carries value"),
        ({"to": SOMEBODY}, "it calls"),
        ({"to": MARKET}, "it calls"),
        ({"data": "0x" + abi("RoyaltyVault").function("redirect").encode(SOMEBODY).hex()}, "it calls"),
        ({"data": "0x" + abi("RoyaltyVault").function("withdraw_to").encode(SOMEBODY, ETH).hex()}, "it calls"),
        ({"data": "0x" + WITHDRAW.hex() + "00"}, "canonical"),
        ({"data": "0x" + WITHDRAW[:40].hex()}, "cannot be read"),
        ({"gas": 13_000_000}, "gas limit"),
        ({"maxFeePerGas": 10**12}, "ceiling"),
        ({"maxPriorityFeePerGas": 10**10}, "tip"),
        ({"chainId": 1}, "chain 1"),
        ({"type": 0}, "other fields"),
        ({"accessList": []}, "other fields"),
        ({"to": ME, "data": "0x", "gas": 50_000}, "more gas"),
        ({"to": ME, "data": "0x", "gas": 21_000, "value": 1}, "carries value"),
    ],
)
def test_the_keeper_signs_nothing_else(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GuardError, match=words):
        KeeperGuard(KeeperSettings(), DEPLOYMENT).check_transaction(transaction(**changes), ME)


def refill(**changes: Any) -> dict[str, Any]:
    return transaction(**{"to": LANE, "data": "0x", "value": 100, "gas": 23_625, **changes})


def test_the_treasury_signs_refills() -> None:
    TreasuryGuard(TreasurySettings(), {LANE}, 100).check_transaction(refill(), ME)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to": SOMEBODY}, "is no lane"),
        ({"to": ME}, "is no lane"),
        ({"data": "0x00"}, "carries data"),
        ({"value": 101}, "more than a refill"),
        ({"value": 0}, "more than a refill"),
        ({"gas": REFILL_GAS + 1}, "gas limit"),
    ],
)
def test_the_treasury_signs_nothing_else(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GuardError, match=words):
        TreasuryGuard(TreasurySettings(), {LANE}, 100).check_transaction(refill(**changes), ME)
