# SPDX-License-Identifier: Apache-2.0
"""ERC-1271: an account that is a contract says itself what it signed, in bounded gas and any length."""

import pytest
from eth_utils import keccak

from ipto import typed_data
from tests.contracts.support.build import chain_id, onboard_message
from tests.contracts.support.contract import Contract, hostile, reverts
from tests.contracts.support.system import System

MAGIC = bytes.fromhex("1626ba7e")
WORD = MAGIC + bytes(28)
ANSWER, REVERT, BURN = range(3)


def prepared(
    system: System, signature: bytes, answer: bytes = WORD, mode: int = ANSWER
) -> tuple[Contract, typed_data.Onboard]:
    wallet = hostile("Wallet")
    message = onboard_message(system, wallet.address)
    domain = typed_data.signed_actions_domain(chain_id(), system.signed.address)
    wallet.approve_signature(typed_data.TypedData(domain, message).digest, signature, answer, mode)
    return wallet, message


def test_magic_is_the_selector() -> None:
    assert keccak(text="isValidSignature(bytes32,bytes)")[:4] == MAGIC


@pytest.mark.parametrize("length", [0, 1, 32, 64, 65, 66, 130, 1_000, 4_096])
def test_any_length(system: System, length: int) -> None:
    signature = b"\x07" * length
    wallet, message = prepared(system, signature)
    work = system.signed.onboard(message, signature)
    assert system.registry.ownerOf(work) == wallet.address


def test_too_long(system: System) -> None:
    _, message = prepared(system, b"")
    with reverts(""):
        system.signed.onboard(message, bytes(4_097))


@pytest.mark.parametrize(
    ("answer", "is_fine"),
    [
        (WORD, True),
        (WORD + b"\x01" * 64, True),  # only the first word is an answer
        (MAGIC, False),
        (b"", False),
        (WORD[:31], False),
        (bytes(32), False),
        (bytes(28) + MAGIC, False),
        (MAGIC + b"\x01" + bytes(27), False),
        (b"\xff" * 32, False),
        ((1).to_bytes(32, "big"), False),
    ],
)
def test_answers(system: System, answer: bytes, is_fine: bool) -> None:
    signature = b"owners agree"
    _, message = prepared(system, signature, answer)
    if is_fine:
        system.signed.onboard(message, signature)
    else:
        with reverts("signed: bad signature"):
            system.signed.onboard(message, signature)


@pytest.mark.parametrize("mode", [REVERT, BURN])
def test_a_wallet_that_fails(system: System, mode: int) -> None:
    signature = b"owners agree"
    _, message = prepared(system, signature, mode=mode)
    with reverts("signed: bad signature"):
        system.signed.onboard(message, signature, gas=900_000)


def test_another_signature_or_message(system: System) -> None:
    _, message = prepared(system, b"owners agree")
    with reverts("signed: bad signature"):
        system.signed.onboard(message, b"owners disagree")


def test_once(system: System) -> None:
    signature = b"owners agree"
    _, message = prepared(system, signature)
    system.signed.onboard(message, signature)
    with reverts("signed: nonce already used"):
        system.signed.onboard(message, signature)


def test_a_contract_without_an_opinion(system: System) -> None:
    message = onboard_message(system, system.vault.address)
    with reverts("signed: bad signature"):
        system.signed.onboard(message, bytes(65))


@pytest.mark.parametrize(("gas", "is_fine"), [(450_000, True), (520_000, False)])
def test_thinks_for_half_a_million_gas_at_most(system: System, gas: int, is_fine: bool) -> None:
    """Enough for passkeys and many owners; a relayer's loss by an expensive account is bounded."""
    signature = b"owners agree"
    wallet, message = prepared(system, signature)
    wallet.spend(gas)
    if is_fine:
        system.signed.onboard(message, signature)
    else:
        with reverts("signed: bad signature"):
            system.signed.onboard(message, signature)
