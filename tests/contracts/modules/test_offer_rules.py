# SPDX-License-Identifier: Apache-2.0
"""offer_rules: the id of any offer, possible or not, is what the library computes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from ipto import ids
from ipto.structs import Offer
from tests.contracts.support.build import digest, offer_for
from tests.contracts.support.contract import Contract, hostile
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System
from tests.ipto.strategies import structures


@pytest.fixture(scope="module")
def contract(system: System) -> Contract:
    """The module behind an external function."""
    return hostile("OfferIds")


@effort(60)
@given(structures(Offer))
def test_ids(contract: Contract, offer: Offer) -> None:
    number = contract.offer_id(offer)
    assert number == ids.offer_id(offer)
    assert number[28:] == bytes(4)


@pytest.mark.parametrize("field", [spec.name for spec in Offer.fields()])
def test_every_field_is_in_the_id(system: System, contract: Contract, field: str) -> None:
    offer = offer_for(1, system.creator, unit=1, unit_price=1, report_every=1, forbids=1, flags=1)
    value = getattr(offer, field)
    other: Any = value ^ 1 if isinstance(value, int) else system.heir if isinstance(value, str) else digest()
    changed = replace(offer, **{field: str(other) if isinstance(value, str) else other})
    assert contract.offer_id(changed) != contract.offer_id(offer)
