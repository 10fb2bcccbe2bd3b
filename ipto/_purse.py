# SPDX-License-Identifier: Apache-2.0
"""How a buyer pays a market: from its own account, or by signing a payment that others carry."""

from __future__ import annotations

import time
from typing import Any

from ipto import ids, typed_data
from ipto.accounts import Signer
from ipto.chain import Contract, Deployment, Receipt, RevertedError
from ipto.errors import InputError
from ipto.quantities import ETHER, Currency, format_amount
from ipto.rpc import Rpc
from ipto.structs import ETH, Authorization
from ipto.typed_data import ReceiveWithAuthorization, TypedData


def currencies(deployment: Deployment) -> tuple[Currency, ...]:
    """What can be paid with on a deployment's chain: ETH and its listed tokens."""
    return (ETHER, *(Currency(token.symbol, token.address, token.decimals) for token in deployment.tokens.values()))


def currency_at(deployment: Deployment, address: str) -> Currency:
    """The currency at an address. Raises InputError for one the deployment does not list."""
    for currency in currencies(deployment):
        if currency.address == address:
            return currency
    raise InputError(f"the currency {address} is not listed in the deployment file; add it under tokens")


class Purse:
    """An account that buys."""

    def __init__(self, signer: Signer, deployment: Deployment, rpc: Rpc) -> None:
        self.signer, self.deployment, self.rpc = signer, deployment, rpc

    def pay(self, market: Contract, currency: str, total: int, function: str, *arguments: Any) -> Receipt:
        """Call a market's function that takes `total`, in ETH or an ERC-20 (allowing exactly the total first).

        Raises InputError when the account cannot pay, RevertedError in the contract's words. An allowance given for a
        sale that does not happen is taken back.
        """
        self.check_funds(currency, total)
        if currency == ETH:
            return market.send(self.signer, function, *arguments, value=total)
        token = self._token(currency)
        allowed = int(token.call("allowance", self.signer.address, market.address))
        if allowed < total:
            token.send(self.signer, "approve", market.address, total)
        try:
            return market.send(self.signer, function, *arguments)
        except RevertedError:
            if allowed < total:
                token.send(self.signer, "approve", market.address, allowed)
            raise

    def take_back(self, market: Contract, currency: str) -> None:
        """Take back what a market was allowed to take and did not."""
        token = self._token(currency)
        if currency != ETH and int(token.call("allowance", self.signer.address, market.address)):
            token.send(self.signer, "approve", market.address, 0)

    def authorize(self, market: Contract, currency: str, total: int, order: bytes, seconds: int) -> Authorization:
        """Sign an EIP-3009 payment to the vault for one order (`ids.order_hash`) in one market.

        seconds: how long it holds. Raises InputError for a currency without EIP-3009, for nothing to pay and when the
        account cannot pay.
        """
        token = next((item for item in self.deployment.tokens.values() if item.address == currency), None)
        if token is None or not token.version:
            raise InputError("this currency cannot be paid by authorization; mint from an account with ETH instead")
        if not total:
            raise InputError("this offer is free, there is nothing to authorize; mint from an account with ETH instead")
        self.check_funds(currency, total)
        until = int(time.time()) + seconds
        payment = ReceiveWithAuthorization(
            payer=self.signer.address,
            to=self.deployment.address("RoyaltyVault"),
            value=total,
            valid_after=0,
            valid_before=until,
            nonce=ids.authorization_nonce(market.address, order),
        )
        domain = typed_data.Domain(token.name, token.version, self.deployment.chain_id, token.address)
        v, r, s = typed_data.split_signature(self.signer.sign_typed_data(TypedData(domain, payment)))
        return Authorization(self.signer.address, 0, until, v, r, s)

    def check_funds(self, currency: str, total: int) -> None:
        """Raise InputError when the account holds less than `total`."""
        me = self.signer.address
        has = self.rpc.balance(me) if currency == ETH else int(self._token(currency).call("balanceOf", me))
        if has < total:
            unit = currency_at(self.deployment, currency)
            needed = format_amount(total, unit)
            raise InputError(f"{me} holds {format_amount(has, unit)}, the license costs {needed}; send it some first")

    def _token(self, currency: str) -> Contract:
        # Any ERC-20 answers to these names.
        return Contract("TestUSD", currency, self.rpc)
