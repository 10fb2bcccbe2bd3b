# SPDX-License-Identifier: Apache-2.0
"""Asking a keeper to pay out what one is owed, even when it is worth less than the keeper's gas allows by itself.

A request moves nothing by itself and names nobody to be paid: money only ever goes to whom the contracts owe it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ipto.deployment import Deployment
from ipto.structs import Address, Bytes32, ChainStruct, Uint256
from ipto.typed_data import Domain, TypedData

__all__ = ["PayoutRequest", "keeper_domain", "payout_request"]


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
