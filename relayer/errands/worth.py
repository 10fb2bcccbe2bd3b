# SPDX-License-Identifier: Apache-2.0
"""Whether a payout is worth its gas, exactly: prices are fractions, amounts integers of the smallest unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ipto.chain import abi
from ipto.rpc import AsyncRpc, RpcError
from ipto.structs import ETH
from relayer.problems import ConfigurationError

_MOST_DECIMALS = 36
ETH_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class Worth:
    """wei: what one smallest unit of each priced currency is worth. gas_price: wei per gas that a transaction pays now.
    ratio: how many times its gas a payout must be worth. overhead: wei a transaction costs besides."""

    wei: Mapping[str, Fraction]
    ratio: int
    gas_price: int = 0
    overhead: int = 0

    def knows(self, currency: str) -> bool:
        """Whether there is a price."""
        return currency in self.wei

    def pays(self, amount: int, currency: str, gas: int, *, marginal: bool = False) -> bool:
        """Whether an amount is worth its gas; never without a price.

        marginal: of one more item in a transaction that goes out anyway.
        """
        if currency not in self.wei or amount <= 0:
            return False
        cost = gas * self.gas_price + (0 if marginal else self.overhead)
        return amount * self.wei[currency] >= self.ratio * cost


async def read_prices(rpc: AsyncRpc, prices: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Wei for the smallest unit of each currency, from ETH for a whole token and the token's own decimals.

    Raises ConfigurationError for a currency that does not say its decimals.
    """
    data = "0x" + abi("TestUSD").function("decimals").encode().hex()
    found = {}
    for currency, price in prices.items():
        decimals = ETH_DECIMALS
        if currency != ETH:
            try:
                answer = await rpc.call("eth_call", {"to": currency, "data": data}, "latest")
            except RpcError:
                answer = "0x"
            decimals = int(answer, 16) if isinstance(answer, str) and len(answer) == 66 else _MOST_DECIMALS + 1
            if decimals > _MOST_DECIMALS:
                raise ConfigurationError(f"{currency} does not say its decimals; is it a token on this chain?")
        found[currency] = price * 10**ETH_DECIMALS / 10**decimals
    return found
