# SPDX-License-Identifier: Apache-2.0
"""credit_with_authorization: the payer's signature names the vault, the market and the order, and counts once."""

from dataclasses import replace
from typing import Any

import pytest

from ipto import ids
from ipto.structs import ETH
from tests.contracts.support.build import account, authorization, digest
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.system import System, balance, travel

ORDER = digest("order")


def signed(system: System, value: int = 10, market: str | None = None, **changes: Any) -> Any:
    token = changes.get("token", system.usd)
    token.mint(system.licensee, value)
    nonce = ids.authorization_nonce(market or system.keeper, changes.get("order", ORDER))
    return authorization(token.address, system.licensee, changes.get("to", system.vault.address), value, nonce)


def credit(system: System, proof: Any, value: int = 10, **changes: Any) -> None:
    parts = changes.get("parts", [(account(system.creator), value)])
    system.vault.credit_with_authorization(
        [item for item, _ in parts],
        [amount for _, amount in parts],
        changes.get("token", system.usd).address,
        changes.get("order", ORDER),
        proof,
        sender=changes.get("sender", system.keeper),
    )


def test_takes_the_money_and_books_it(system: System) -> None:
    parts = [(account(system.creator), 7), (account(system.dancer), 3)]
    credit(system, signed(system), parts=parts)
    assert system.vault.events("Credited") == [
        {"account": item, "currency": system.usd.address, "market": system.keeper, "amount": amount}
        for item, amount in parts
    ]
    assert balance(system.usd.address, system.vault.address) == 10
    assert balance(system.usd.address, system.licensee) == 0


def test_once(system: System) -> None:
    proof = signed(system)
    credit(system, proof)
    system.usd.mint(system.licensee, 10)
    with reverts("token: authorization used"):
        credit(system, proof)


def test_another_market_cannot_use_it(system: System) -> None:
    with reverts("token: bad signature"):
        credit(system, signed(system), sender=system.thief)


def test_not_for_another_order(system: System) -> None:
    with reverts("token: bad signature"):
        credit(system, signed(system), order=digest("another"))


@pytest.mark.parametrize("value", [9, 11])
def test_not_another_amount(system: System, value: int) -> None:
    with reverts("token: bad signature"):
        credit(system, signed(system), value=value)


def test_not_meant_for_the_vault(system: System) -> None:
    with reverts("token: bad signature"):
        credit(system, signed(system, to=system.keeper))


def test_not_of_another_payer(system: System) -> None:
    with reverts("token: bad signature"):
        credit(system, replace(signed(system), payer=str(system.creator)))


def test_not_late_and_not_early(system: System) -> None:
    proof = signed(system)
    with reverts("token: bad signature"):
        credit(system, replace(proof, valid_before=proof.valid_before + 1))
    travel(3_600)
    with reverts("token: expired"):
        credit(system, proof)


def test_eth_cannot_be_authorized(system: System) -> None:
    with reverts(""):
        system.vault.credit_with_authorization([], [], ETH, ORDER, signed(system), sender=system.keeper)


def test_accounts_are_checked(system: System) -> None:
    with reverts("vault: no such account"):
        credit(system, signed(system), parts=[(bytes(32), 10)])
    with reverts("vault: accounts and amounts differ in number"):
        system.vault.credit_with_authorization(
            [account(system.creator)], [], system.usd.address, ORDER, signed(system), sender=system.keeper
        )


def test_a_fee_taking_token_books_nothing(system: System) -> None:
    token = hostile("FeeTaking")
    token.set_fees(1, 0)
    with reverts("vault: received differs from the sum"):
        credit(system, signed(system, token=token), token=token)


def test_a_token_that_does_nothing_books_nothing(system: System) -> None:
    token = hostile("Lying")
    token.lie_about(system.vault.address, 50)
    with reverts("vault: received differs from the sum"):
        credit(system, signed(system, token=token), token=token)
