# SPDX-License-Identifier: Apache-2.0
"""Reads what a client submits into one shape: who signed what, for which contract, and the call that carries it out.

The call is built here from the message alone. Nothing a client sends reaches the chain as it came, so there is no
"data" field to smuggle another call in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ipto import ids
from ipto.chain import Deployment, Token, abi
from ipto.errors import InputError
from ipto.rpc import AsyncRpc, RpcError
from ipto.structs import Authorization, ChainStruct, Offer, checksum_address
from ipto.typed_data import (
    ACTIONS,
    Action,
    Domain,
    Onboard,
    PostOffers,
    ReceiveWithAuthorization,
    TypedData,
    WithdrawOffer,
    signed_actions_domain,
)
from relayer.problems import RefusedError, forbidden, malformed
from relayer.simulate import is_revert, words_of

PURCHASE = "Purchase"
# What may be called at all: kind → contract and function. The guard refuses to sign anything else.
CALLS = {kind.__name__: ("SignedActions", kind.FUNCTION) for kind in ACTIONS} | {
    PURCHASE: ("LicenseMarket", "mint_with_authorization")
}
MAX_SIGNATURE = 4096  # bytes, as in the contract
_KINDS = {kind.__name__: kind for kind in ACTIONS}
_GAS_1271 = 600_000  # what a contract account's code may use, and what is around it


def served(deployment: Deployment) -> dict[str, type[Action]]:
    """The kinds whose contracts this deployment has, by name."""
    return {name: kind for name, kind in _KINDS.items() if set(kind.TARGETS.values()) <= set(deployment.contracts)}


def most_gas(kind: str, *, by_contract: bool) -> int:
    """What an action of `kind` may need on an honest deployment at most."""
    return _KINDS[kind].GAS + _GAS_1271 * by_contract


@dataclass(frozen=True, slots=True)
class Request:
    """A submission, read and encoded, not yet judged."""

    kind: str
    signer: str
    nonce: str  # bytes32 hex
    contract: str  # which keeps the nonce
    struct_hash: str  # bytes32 hex, EIP-712
    digest: bytes  # the 32 bytes that were signed
    signature: bytes
    target: str
    calldata: bytes
    deadline: int  # UTC seconds, the last at which it can be carried out
    not_before: int
    message: ChainStruct | None  # of a signed action
    offers: tuple[Offer, ...]


class Reader:
    """Knows the deployment, and so how messages must be signed and calls are encoded."""

    def __init__(self, rpc: AsyncRpc, deployment: Deployment, tokens: tuple[Token, ...]) -> None:
        self._rpc = rpc
        self._chain_id = deployment.chain_id
        self._signed = deployment.address("SignedActions")
        self._market = deployment.address("LicenseMarket")
        self._vault = deployment.address("RoyaltyVault")
        self._tokens = {token.address: token for token in tokens}
        self._kinds = served(deployment)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The actions that are carried."""
        return tuple(self._kinds)

    @property
    def currencies(self) -> tuple[str, ...]:
        """The tokens that can be paid with."""
        return tuple(self._tokens)

    def read_action(self, body: bytes) -> Request:
        """Read `{kind, message, signature}`. Raises RefusedError (422)."""
        data = _object(body, {"kind", "message", "signature"})
        kind = self._kinds.get(data["kind"]) if isinstance(data["kind"], str) else None
        if kind is None:
            raise malformed(f"kind must be one of {', '.join(self._kinds)}")
        signature = _signature(data["signature"])
        try:
            message = kind.from_mapping(data["message"])
            calldata = abi("SignedActions").function(kind.FUNCTION).encode(message, signature)
        except InputError as error:
            raise malformed(str(error)) from None
        typed = TypedData(signed_actions_domain(self._chain_id, self._signed), message)
        struct_hash, digest = typed.hashes()
        return Request(
            kind=kind.__name__,
            signer=message.actor,
            nonce=f"0x{message.nonce:064x}",
            contract=self._signed,
            struct_hash="0x" + struct_hash.hex(),
            digest=digest,
            signature=signature,
            target=self._signed,
            calldata=calldata,
            deadline=message.deadline,
            not_before=0,
            message=message,
            offers=_offers(message),
        )

    async def read_purchase(self, body: bytes) -> Request:
        """Read `{offer, licensee, party, acknowledged, authorization}` and ask the market for the total.

        Raises RefusedError: 422, or 403 for a currency that is not served.
        """
        data = _object(body, {"offer", "licensee", "party", "acknowledged", "authorization"})
        try:
            offer = Offer.from_mapping(data["offer"])
            licensee = checksum_address(data["licensee"], "licensee")
            party, acknowledged = _bytes32(data["party"], "party"), _bytes32(data["acknowledged"], "acknowledged")
            paid = Authorization.from_mapping(data["authorization"])
            order = ids.order_hash(self._chain_id, ids.offer_id(offer), licensee, party, acknowledged)
            nonce = ids.authorization_nonce(self._market, order)
            calldata = abi("LicenseMarket").function("mint_with_authorization").encode(
                offer, licensee, party, acknowledged, paid
            )  # fmt: skip
        except InputError as error:
            raise malformed(str(error)) from None
        token = self._tokens.get(offer.currency)
        if token is None:
            raise forbidden(
                "currency", f"purchases in {offer.currency} are not relayed; pay from the licensee's own account"
            )
        typed = TypedData(
            Domain(token.name, token.version, self._chain_id, token.address),
            ReceiveWithAuthorization(
                paid.payer, self._vault, await self._total(offer), paid.valid_after, paid.valid_before, nonce
            ),
        )
        return Request(
            kind=PURCHASE,
            signer=paid.payer,
            nonce="0x" + nonce.hex(),
            contract=token.address,
            struct_hash="0x" + typed.struct_hash.hex(),
            digest=typed.digest,
            signature=paid.r + paid.s + bytes([paid.v]),
            target=self._market,
            calldata=calldata,
            deadline=paid.valid_before - 1 if paid.valid_before else 0,
            not_before=paid.valid_after + 1,
            message=None,
            offers=(offer,),
        )

    async def _total(self, offer: Offer) -> int:
        """Price and fee: what the authorization has to be about."""
        function = abi("LicenseMarket").function("quote")
        call = {"to": self._market, "data": "0x" + function.encode(offer).hex()}
        try:
            answer = await self._rpc.call("eth_call", call, "latest")
        except RpcError as error:
            if is_revert(error):
                raise RefusedError(422, "would-revert", f"the market does not quote it: {words_of(error)}") from None
            raise
        total: int = function.decode_output(bytes.fromhex(answer[2:]))[0]
        return total


def _offers(message: Action) -> tuple[Offer, ...]:
    """The offers that a message posts or withdraws, which have to be its actor's."""
    if isinstance(message, (Onboard, PostOffers)):
        return message.offers
    return (message.offer,) if isinstance(message, WithdrawOffer) else ()


def _object(body: bytes, keys: set[str]) -> Mapping[str, Any]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"the body is not JSON: {error}") from None
    if not isinstance(data, dict) or set(data) != keys:
        raise malformed(f"the body must be an object with {', '.join(sorted(keys))}")
    return data


def _signature(value: object) -> bytes:
    if not isinstance(value, str) or not re.fullmatch("0x([0-9a-fA-F]{2})+", value):
        raise malformed("signature must be 0x and an even number of hex digits")
    raw = bytes.fromhex(value[2:])
    if len(raw) > MAX_SIGNATURE:
        raise malformed(f"a signature has at most {MAX_SIGNATURE} bytes; an account with a key signs 65")
    return raw


def _bytes32(value: object, where: str) -> bytes:
    if not isinstance(value, str) or not re.fullmatch("0x[0-9a-fA-F]{64}", value):
        raise malformed(f"{where} must be 0x and 64 hex digits")
    return bytes.fromhex(value[2:])
