# SPDX-License-Identifier: Apache-2.0
"""The last look before a key is used. It believes nothing, the database included: it decodes the very bytes that will
be signed. Whoever can change the queue still cannot make a key do anything but the calls in `relayer.actions.CALLS`,
alone or in a batch, to the contracts of the deployment, without value, under the fee and gas caps; and use a nonce up.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from ipto.chain import Deployment, abi
from ipto.errors import IptoError
from relayer.actions import CALLS, PURCHASE, served
from relayer.broadcast import CANCEL_GAS, GuardError
from relayer.settings import Settings

_FIELDS = {"type", "chainId", "nonce", "to", "value", "data", "gas", "maxFeePerGas", "maxPriorityFeePerGas"}
# Calls this process built itself from messages it had checked; their digests, so that nobody can exchange them.
_REMEMBERED = 20_000


class Guard:
    """The rules of one deployment."""

    def __init__(self, settings: Settings, deployment: Deployment, currencies: tuple[str, ...]) -> None:
        self._settings = settings
        self._chain_id = deployment.chain_id
        self._signed = deployment.address("SignedActions")
        self._batch = abi("SignedActions").function("execute_many")
        self._currencies = frozenset(currencies)
        kinds = served(deployment)
        self._targets = {
            name: {field: deployment.address(contract) for field, contract in kind.TARGETS.items()}
            for name, kind in kinds.items()
        }
        self._calls = {
            (deployment.address(name), abi(name).function(function).selector): (kind, abi(name).function(function))
            for kind, (name, function) in CALLS.items()
            if kind == PURCHASE or kind in kinds
        }
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def vouch(self, target: str, data: bytes) -> None:
        """This process has built the call itself: it need not be taken apart once more."""
        self._known[_digest(target, data)] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def check_transaction(self, transaction: Mapping[str, Any], sender: str) -> None:
        """Raises GuardError unless this is exactly what the key of `sender` may sign."""
        if set(transaction) != _FIELDS or transaction["type"] != 2:
            raise GuardError("it has other fields than the lane's")
        if transaction["chainId"] != self._chain_id:
            raise GuardError(f"it is for chain {transaction['chainId']}")
        if transaction["value"] != 0:
            raise GuardError("it carries value")
        if not 0 < transaction["maxFeePerGas"] <= self._settings.max_fee:
            raise GuardError("its fee is above the ceiling")
        if not 0 <= transaction["maxPriorityFeePerGas"] <= transaction["maxFeePerGas"]:
            raise GuardError("its tip is above its fee")
        target, data, gas = transaction["to"], bytes.fromhex(transaction["data"][2:]), transaction["gas"]
        if target == sender and not data:
            # Cancels: uses a nonce up and does nothing.
            if gas != CANCEL_GAS:
                raise GuardError("it gives more gas than a cancellation needs")
        elif target == self._signed and data[:4] == self._batch.selector:
            self._check_batch(data, gas)
        else:
            self._check_call(target, data, gas)

    def _check_batch(self, data: bytes, gas: int) -> None:
        if not 0 < gas <= self._settings.gas_cap_batch:
            raise GuardError("its gas limit is above the cap of a batch")
        try:
            calls, limits = self._batch.decode_input(data).values()
        except IptoError as error:
            raise GuardError(f"its arguments cannot be read: {error}") from error
        if self._batch.encode(calls, limits) != data:
            raise GuardError("its arguments are not in canonical form")
        if not calls or len(calls) != len(limits):
            raise GuardError("it is not a batch")
        for call, limit in zip(calls, limits, strict=True):
            self._check_call(self._signed, call, limit)

    def _check_call(self, target: str, data: bytes, gas: int) -> None:
        if (target, data[:4]) not in self._calls:
            raise GuardError(f"it calls {data[:4].hex()} of {target}")
        kind, function = self._calls[target, data[:4]]
        if not 0 < gas <= self._settings.gas_cap(kind, by_contract=True):
            raise GuardError("its gas limit is above the cap")
        if _digest(target, data) in self._known:
            return
        try:
            arguments = function.decode_input(data)
            again = function.encode(**arguments)
        except IptoError as error:
            raise GuardError(f"its arguments cannot be read: {error}") from error
        if again != data:
            raise GuardError("its arguments are not in canonical form")
        if kind == PURCHASE:
            if arguments["offer"]["currency"] not in self._currencies:
                raise GuardError("it pays in another currency")
            return
        for field, expected in self._targets[kind].items():
            if arguments["message"][field] != expected:
                raise GuardError(f"its message names another {field}")


def _digest(target: str, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16, key=target.encode()).digest()
