# SPDX-License-Identifier: Apache-2.0
"""What can be read, and how the contract is wired."""

import pytest
from eth_abi import encode
from eth_utils import keccak

from ipto.structs import ZERO_ADDRESS
from tests.contracts.support.build import digest
from tests.contracts.support.contract import deploy, reverts
from tests.contracts.support.system import CONTRACTS, System
from tests.contracts.support.usage import FINAL_WINDOW, GRACE, WINDOW, Usage

NAMES = ["VAULT", "REGISTRY", "SIGNED_ACTIONS", "DISPUTES", "MARKET", "DATASETS"]


def test_what_it_is_wired_to(usage: Usage) -> None:
    system = usage.system
    expected = [system.vault.address, system.registry.address, system.signed.address]
    expected += [usage.disputes, usage.market, usage.datasets]
    assert [getattr(usage.contract, name)() for name in NAMES] == expected


@pytest.mark.parametrize("missing", [0, 1, 2, 4, 5])
def test_everything_but_disputes_must_be_there(system: System, usage: Usage, missing: int) -> None:
    arguments = [getattr(usage.contract, name)() for name in NAMES]
    for nothing in (ZERO_ADDRESS, str(system.thief)):
        arguments[missing] = nothing
        with reverts("usage: bad wiring"):
            deploy(CONTRACTS / "UsageSettlement.vy", *arguments)


def test_the_times_are_constant(usage: Usage) -> None:
    assert (usage.contract.WINDOW(), usage.contract.FINAL_WINDOW(), usage.contract.GRACE()) == (
        WINDOW,
        FINAL_WINDOW,
        GRACE,
    )


def test_report_id(usage: Usage) -> None:
    license = int.from_bytes(digest(), "big")
    ledger = keccak(encode(["address", "uint256"], [usage.market, license]))[:28]
    for number in (0, 1, 2**32 - 1):
        expected = ledger + number.to_bytes(4, "big")
        assert usage.contract.report_id(usage.market, license, number) == expected
    assert usage.contract.report_id(usage.system.vault.address, license, 1)[:28] != ledger


def test_report_of_an_unknown_report(usage: Usage) -> None:
    with reverts("usage: no such report"):
        usage.contract.report_of(digest())


def test_a_ledger_nobody_wrote_in(usage: Usage) -> None:
    assert usage.contract.ledger_of(usage.market, 1) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("index", [0, 255, 256, 2**32 - 1])
def test_nothing_is_claimed_yet(usage: Usage, index: int) -> None:
    assert not usage.contract.is_claimed(digest(), index)
