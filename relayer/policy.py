# SPDX-License-Identifier: Apache-2.0
"""What the relayer does and does not do: judged when a request comes in, and once more when the key is about to sign.

The second look (`check_transaction`) believes nothing, the database included: it decodes the very bytes that will be
signed. Whoever can change the queue still cannot make the key do anything but the calls in `relayer.actions.CALLS`,
to the contracts of the deployment, without value, under the fee and gas caps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ipto.chain import Deployment, abi
from ipto.errors import IptoError
from relayer.actions import CALLS, PURCHASE, Request
from relayer.broadcast import CANCEL_GAS, GuardError
from relayer.problems import RefusedError, busy, forbidden
from relayer.settings import Settings

# Fields by which a message names the contracts it is meant for.
_NAMED = {"registry": "WorkRegistry", "vault": "RoyaltyVault", "market": "LicenseMarket"}
_FIELDS = {"type", "chainId", "nonce", "to", "value", "data", "gas", "maxFeePerGas", "maxPriorityFeePerGas"}


class Policy:
    """The operator's rules for one deployment."""

    def __init__(self, settings: Settings, deployment: Deployment, currencies: tuple[str, ...]) -> None:
        self._settings = settings
        self._chain_id = deployment.chain_id
        self._named = {field: deployment.address(name) for field, name in _NAMED.items()}
        self._currencies = frozenset(currencies)
        self._calls = {
            (deployment.address(name), abi(name).function(function).selector): (kind, abi(name).function(function))
            for kind, (name, function) in CALLS.items()
        }

    def check_targets(self, request: Request) -> None:
        """The contracts a message names must be this deployment's. Raises RefusedError (422)."""
        for field, expected in self._named.items():
            found = getattr(request.message, field, expected)
            if found != expected:
                raise RefusedError(
                    422, "wrong-contract", f"the message names {found} as {field}; this relayer serves {expected}"
                )

    def check_new(self, request: Request, now: int) -> None:
        """Everything about a new action that needs no look at the chain. Raises RefusedError (403, 422, 503)."""
        settings = self._settings
        if settings.kill_switch is not None and settings.kill_switch.exists():
            raise busy("stopped", "the relayer accepts nothing at the moment; try again later", 600)
        if request.signer in settings.deny:
            raise forbidden("denied", f"{request.signer} is not served here; submit the action yourself")
        if settings.allow and request.signer not in settings.allow:
            raise forbidden("not-allowed", f"only known signers are served here, {request.signer} is not one of them")
        for number, offer in enumerate(request.offers):
            if request.kind != PURCHASE and offer.licensor != request.signer:
                raise RefusedError(
                    422, "not-the-actors", f"offer {number} names {offer.licensor} as licensor, not {request.signer}"
                )
        if request.deadline < now + settings.deadline_margin:
            raise RefusedError(
                422, "deadline", f"the deadline leaves less than {settings.deadline_margin} seconds; sign a later one"
            )
        if request.deadline > now + settings.deadline_horizon:
            raise RefusedError(
                422,
                "deadline",
                f"the deadline is more than {settings.deadline_horizon} seconds ahead; sign a nearer one",
            )
        if request.not_before > now:
            raise RefusedError(422, "too-early", "the authorization is not valid yet; submit it when it is")

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
        data = bytes.fromhex(transaction["data"].removeprefix("0x"))
        if transaction["to"] == sender and not data:
            # Cancels: uses a nonce up and does nothing.
            if transaction["gas"] != CANCEL_GAS:
                raise GuardError("it gives more gas than a cancellation needs")
            return
        if (transaction["to"], data[:4]) not in self._calls:
            raise GuardError(f"it calls {data[:4].hex()} of {transaction['to']}")
        kind, function = self._calls[transaction["to"], data[:4]]
        if not 0 < transaction["gas"] <= self._settings.gas_cap(kind):
            raise GuardError("its gas limit is above the cap")
        try:
            arguments = function.decode_input(data)
            again = function.encode(**arguments)
        except IptoError as error:
            raise GuardError(f"its arguments cannot be read: {error}") from error
        if again != data:
            raise GuardError("its arguments are not in canonical form")
        for field, expected in self._named.items():
            if arguments.get("message", {}).get(field, expected) != expected:
                raise GuardError(f"its message names another {field}")
        if kind == PURCHASE and arguments["offer"]["currency"] not in self._currencies:
            raise GuardError("it pays in another currency")
