# SPDX-License-Identifier: Apache-2.0
"""The last look before the keeper's or the treasury's key is used. It believes nothing, the queue included.

The keeper's key signs nothing but calls that pay people what the contracts say they are owed; the treasury's nothing
but ETH to the lanes it was started with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

from ipto.chain import Deployment, abi
from ipto.errors import IptoError
from relayer.broadcast import CANCEL_GAS, GuardError
from relayer.errands import PAYOUTS
from relayer.settings import Settings

_FIELDS = {"type", "chainId", "nonce", "to", "value", "data", "gas", "maxFeePerGas", "maxPriorityFeePerGas"}
REFILL_GAS = 60_000  # a lane may be a contract account with a short receive function


class _Guard(ABC):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check_transaction(self, transaction: Mapping[str, Any], sender: str) -> None:
        """Raises GuardError unless this is exactly what the key of `sender` may sign."""
        if set(transaction) != _FIELDS or transaction["type"] != 2:
            raise GuardError("it has other fields than the lane's")
        if transaction["chainId"] != self._settings.chain_id:
            raise GuardError(f"it is for chain {transaction['chainId']}")
        if not 0 < transaction["maxFeePerGas"] <= self._settings.max_fee:
            raise GuardError("its fee is above the ceiling")
        if not 0 <= transaction["maxPriorityFeePerGas"] <= transaction["maxFeePerGas"]:
            raise GuardError("its tip is above its fee")
        target, data = transaction["to"], bytes.fromhex(transaction["data"][2:])
        if target == sender and not data and transaction["value"] == 0:
            if transaction["gas"] != CANCEL_GAS:
                raise GuardError("it gives more gas than a cancellation needs")
            return
        self._check(target, data, transaction["value"], transaction["gas"])

    @abstractmethod
    def _check(self, target: str, data: bytes, value: int, gas: int) -> None: ...


class KeeperGuard(_Guard):
    """Payouts of one deployment."""

    def __init__(self, settings: Settings, deployment: Deployment) -> None:
        super().__init__(settings)
        self._calls = {
            (deployment.address(name), abi(name).function(function).selector): abi(name).function(function)
            for name, function in PAYOUTS.values()
            if name in deployment.contracts
        }

    def _check(self, target: str, data: bytes, value: int, gas: int) -> None:
        if value != 0:
            raise GuardError("it carries value")
        if (target, data[:4]) not in self._calls:
            raise GuardError(f"it calls {data[:4].hex()} of {target}")
        if not 0 < gas <= self._settings.gas_cap_action:
            raise GuardError("its gas limit is above the cap")
        function = self._calls[target, data[:4]]
        try:
            again = function.encode(**function.decode_input(data))
        except IptoError as error:
            raise GuardError(f"its arguments cannot be read: {error}") from error
        if again != data:
            raise GuardError("its arguments are not in canonical form")


class TreasuryGuard(_Guard):
    """ETH to lanes, each time at most `most` wei."""

    def __init__(self, settings: Settings, lanes: Collection[str], most: int) -> None:
        super().__init__(settings)
        self._lanes, self._most = frozenset(lanes), most

    def _check(self, target: str, data: bytes, value: int, gas: int) -> None:
        if target not in self._lanes:
            raise GuardError(f"it sends money to {target}, which is no lane")
        if data:
            raise GuardError("it carries data")
        if not 0 < value <= self._most:
            raise GuardError("it sends more than a refill")
        if not 0 < gas <= REFILL_GAS:
            raise GuardError("its gas limit is above the cap")
