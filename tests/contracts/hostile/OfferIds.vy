# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The ids of offers behind an external function.
"""

from contracts.interfaces import types
from contracts.modules import offer_rules


@external
@pure
def offer_id(offer: types.Offer) -> bytes32:
    return offer_rules._id(offer)
