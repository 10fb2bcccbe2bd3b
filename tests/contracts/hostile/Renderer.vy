# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A certificate renderer that knows few words.
"""


@external
@view
def license_uri(market: address, license: uint256) -> String[16384]:
    assert self._asked(market, license)
    return "certificate"


@external
@view
def dataset_uri(market: address, license: uint256) -> String[16384]:
    assert self._asked(market, license)
    return "certificate of a dataset"


@external
@view
def asked(market: address, license: uint256) -> bool:
    """
    @notice Whether the question makes sense: a market that is a contract, a license that is a number.
    """
    return self._asked(market, license)


@internal
@view
def _asked(market: address, license: uint256) -> bool:
    return market.is_contract and license != 0
