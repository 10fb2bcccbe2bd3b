# SPDX-License-Identifier: Apache-2.0
"""royaltyInfo (ERC-2981): the resale of a license owes those its sale paid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.support.build import buy, declare, even_split, on_sale, post, register
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System


def test_what_cannot_be_sold_owes_nothing(system: System) -> None:
    license = buy(system, on_sale(system))
    assert system.market.royaltyInfo(license, 2**256 - 1) == (system.licensee, 0)


@effort(20)
@given(st.integers(0, 2**256 - 1))
def test_five_percent_to_the_split(system: System, price: int) -> None:
    split = declare(system, even_split(system.dancer, system.editor))
    license = buy(system, post(system, register(system, payee=split), flags=2))
    assert system.market.royaltyInfo(license, price) == (system.receivers.receiver_of(split), price // 20)


def test_a_creator_alone_is_paid_directly(system: System) -> None:
    license = buy(system, on_sale(system, flags=2))
    assert system.market.royaltyInfo(license, 1_000) == (system.creator, 50)


@pytest.mark.parametrize("moved", ["work", "payee", "license"])
def test_stays_with_the_payee_of_the_sale(system: System, moved: str) -> None:
    """Whatever moves afterwards."""
    first, second = (declare(system, even_split(who), system.creator) for who in (system.dancer, system.editor))
    work = register(system, payee=first)
    license = buy(system, post(system, work, flags=2))
    if moved == "work":
        system.registry.transferFrom(system.creator, system.heir, work, sender=system.creator)
    elif moved == "payee":
        system.registry.set_payee(work, second, sender=system.creator)
    else:
        system.market.transferFrom(system.licensee, system.heir, license, sender=system.licensee)
    assert system.market.royaltyInfo(license, 100) == (system.receivers.receiver_of(first), 5)
