# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Opens internal packing to proofs
"""

from contracts.interfaces import types
from contracts.modules import erc721
from contracts.modules import license_token
from contracts.modules import offer_rules


initializes: erc721
initializes: license_token[erc721 := erc721]


@deploy
def __init__():
    erc721.__init__()
    license_token.__init__()


@external
@view
def packed(offer: types.Offer, before: uint256) -> uint256:
    return offer_rules._posted(offer, before)


@external
@pure
def fields(
    status: uint256,
) -> (bool, uint32, uint40, uint16, uint16, uint16, uint16, uint32, uint32, uint8, uint8):
    return offer_rules._fields(status)


@external
@pure
def is_one_bit(mask: uint16) -> bool:
    return offer_rules._is_one_bit(mask)


@external
def issue(to: address, license: uint256, is_locked: bool, expires_at: uint256):
    license_token._mint(to, license, is_locked, expires_at)


@external
@view
def read(license: uint256) -> (address, uint256, uint256, uint256):
    word: uint256 = erc721._word(license)
    return (
        erc721._owner_in(word),
        license_token._issued_in(word),
        license_token._expires_in(word),
        license_token._flags_in(word),
    )


@external
@view
def runs_at(license: uint256, at: uint256) -> bool:
    return license_token._runs_at(erc721._word(license), at)
