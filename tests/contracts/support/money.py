# SPDX-License-Identifier: Apache-2.0
"""Paying into the vault the way a market does: everything in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from ipto.structs import ETH
from tests.contracts.support.contract import Contract, hostile
from tests.contracts.support.system import System

Part = tuple[bytes, int]  # an account and an amount


def market() -> Contract:
    """A market of its own: a contract that makes the calls it is handed, in one transaction."""
    return hostile("Puppet")


def call(contract: Contract, name: str, *args: object) -> tuple[str, int, bytes]:
    """One call for a Puppet to make."""
    return contract.address, 0, contract.data(name, *args)


def opening(system: System, token: Contract) -> tuple[str, int, bytes]:
    """`vault.open`."""
    return call(system.vault, "open", token.address)


def transfer(system: System, token: Contract, amount: int) -> tuple[str, int, bytes]:
    """The token's transfer to the vault."""
    return call(token, "transfer", system.vault.address, amount)


def crediting(system: System, token: Contract | str, parts: Sequence[Part], value: int = 0) -> tuple[str, int, bytes]:
    """`vault.credit` of these parts."""
    currency = token if isinstance(token, str) else token.address
    data = system.vault.data("credit", [item for item, _ in parts], [amount for _, amount in parts], currency)
    return system.vault.address, value, data


def pay_in(system: System, currency: Contract | str, *parts: Part, by: Contract | None = None) -> None:
    """Book parts of one payment, the money included."""
    total = sum(amount for _, amount in parts)
    if isinstance(currency, str):
        assert currency == ETH
        system.vault.credit([item for item, _ in parts], [amount for _, amount in parts], ETH, value=total)
        return
    payer = by or market()
    currency.mint(payer.address, total)
    payer.run([opening(system, currency), transfer(system, currency, total), crediting(system, currency, parts)])
