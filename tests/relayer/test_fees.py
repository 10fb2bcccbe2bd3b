# SPDX-License-Identifier: Apache-2.0
"""Fees: every replacement is accepted by nodes (an eighth up on both fields) and nothing passes the ceiling."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from relayer import fees

wei = st.integers(0, 10**13)


@given(base=wei, tip=wei, ceiling=st.integers(1, 10**13))
def test_first_fees_stay_under_the_ceiling_and_can_be_mined(base: int, tip: int, ceiling: int) -> None:
    got = fees.first(fees.Market(base, tip), ceiling)
    if got is None:
        assert base + fees.MIN_TIP > ceiling or base + tip > ceiling
        return
    assert base <= got.max_fee <= ceiling
    assert 0 <= got.priority_fee <= got.max_fee
    assert got.priority_fee <= tip


@given(st.data())
def test_replacement_raises_both_by_an_eighth_or_is_none(data: st.DataObject) -> None:
    ceiling = data.draw(st.integers(1, 10**13))
    max_fee = data.draw(st.integers(0, ceiling))
    old = fees.Fees(max_fee, data.draw(st.integers(0, max_fee)))
    now = fees.Market(data.draw(wei), data.draw(wei))
    got = fees.replacement(old, now, ceiling)
    if got is None:
        assert Fraction(max_fee) * Fraction(9, 8) > ceiling or max_fee + 1 > ceiling
        return
    assert got.max_fee <= ceiling
    assert got.priority_fee <= got.max_fee
    assert got.max_fee >= Fraction(9, 8) * old.max_fee
    assert got.priority_fee >= Fraction(9, 8) * old.priority_fee
    assert got.max_fee > old.max_fee
    assert got.priority_fee > old.priority_fee
