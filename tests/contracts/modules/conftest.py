# SPDX-License-Identifier: Apache-2.0
"""What the module tests run against: both ERC-721 contracts, and every contract with an owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.contracts.support.build import buy, on_sale, register
from tests.contracts.support.contract import Contract
from tests.contracts.support.system import Actor, System


@dataclass
class Tokens:
    """One ERC-721 contract. mint: a new token for an account; returns its id."""

    contract: Contract
    mint: Callable[[Actor], int]


@pytest.fixture(params=["works", "licenses"])
def tokens(request: pytest.FixtureRequest, system: System) -> Tokens:
    """Works, and licenses that can be transferred."""
    if request.param == "works":
        return Tokens(system.registry, lambda to: register(system, to))
    offer = on_sale(system, flags=2, price=0)
    return Tokens(system.market, lambda to: buy(system, offer, to))


@pytest.fixture(params=["registry", "market", "signed"])
def owned(request: pytest.FixtureRequest, system: System) -> Contract:
    """Each contract with an owner."""
    contract: Contract = getattr(system, request.param)
    return contract
