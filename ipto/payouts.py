# SPDX-License-Identifier: Apache-2.0
"""Asking a keeper to pay out what one is owed, and saying where it goes: messages that need no gas of who signs them.

A request moves nothing by itself and names nobody to be paid: money only ever goes to whom the contracts owe it. A
redirection and an accepted invitation are signed for the vault (`typed_data.Redirect`, `typed_data.AcceptInvitation`);
anyone may carry them there and can change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from ipto.deployment import Deployment
from ipto.errors import InputError
from ipto.rpc import Rpc
from ipto.structs import ZERO_ADDRESS, Address, Bytes32, ChainStruct, Uint256, checksum_address
from ipto.typed_data import AcceptInvitation, Domain, Redirect, TypedData, vault_domain

__all__ = ["PayoutRequest", "acceptance", "for_vault", "keeper_domain", "payout_request", "redirection"]


@dataclass(frozen=True, slots=True)
class PayoutRequest(ChainStruct):
    """Signed by somebody who is owed (EIP-712)."""

    asker: Address
    source: Bytes32  # an account of the vault, a dataset, or a usage report
    item: Bytes32  # the offer of the work, for a dataset or report; zero for an account
    currency: Address  # of an account; zero for a dataset or report, which have one
    deadline: Uint256  # UTC seconds


def keeper_domain(deployment: Deployment) -> Domain:
    """Where requests count: keepers of one deployment."""
    return Domain("IPTO keeper", "1", deployment.chain_id, deployment.address("RoyaltyVault"))


def payout_request(deployment: Deployment, request: PayoutRequest) -> TypedData:
    """A request ready to be signed."""
    return TypedData(keeper_domain(deployment), request)


def redirection(rpc: Rpc, deployment: Deployment, account: str, to: str, deadline: int) -> Redirect:
    """Where withdrawals of an account's money go from now on; to be signed by the account (`for_vault`).

    to: the zero address: to the account itself again. deadline: last UTC second. Good once, and only until the
    account's redirection changes otherwise. Carried out by the vault's
    `redirect_by_signature(account, to, nonce, deadline, signature)`.
    """
    vault = deployment.contract("RoyaltyVault", rpc)
    if checksum_address(to) == vault.address:
        raise InputError("the vault would pay itself; name an address of a person")
    return Redirect(account, to, vault.call("redirect_nonce", account), deadline)


def acceptance(key: str, to: str, deadline: int) -> AcceptInvitation:
    """An invitation accepted; to be signed by the invite key (`for_vault`). All that the invited account earns is paid
    to `to`, for good. deadline: last UTC second.

    Carried out by the vault's `accept_invitation(key, to, deadline, signature)`.
    """
    if checksum_address(to) == ZERO_ADDRESS:
        raise InputError("an invitation is accepted for good; name who is paid")
    return AcceptInvitation(key, to, deadline)


def for_vault(deployment: Deployment, message: Redirect | AcceptInvitation) -> TypedData:
    """A message for one deployment's vault, ready to be signed."""
    return TypedData(vault_domain(deployment.chain_id, deployment.address("RoyaltyVault")), message)
