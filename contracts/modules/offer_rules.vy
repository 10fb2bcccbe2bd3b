# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title What an offer may say, how it is named, and the word that is kept of it
@license GNU Affero General Public License v3.0 only
"""

from ..interfaces import types


# All bits and codes that are defined.
USAGES: constant(uint16) = 2**8 - 1
ASPECTS: constant(uint16) = 2**9 - 1
FORBIDS: constant(uint16) = 2**7 - 1
FLAGS: constant(uint8) = 2**4 - 1
BUNDLE: constant(uint8) = 1
TRANSFERABLE: constant(uint8) = 2
EXCLUSIVE: constant(uint8) = 4
ONE_MODEL: constant(uint8) = 8
LAST_UNIT: constant(uint8) = 5
LAST_AFTER_TERM: constant(uint8) = 3

# A license id is its offer's id, whose last 32 bits are zero, plus the number of the sale.
SALE_MASK: constant(uint256) = 2**32 - 1

# An offer's word. Only `sold` ever counts up; the rest is a copy for contracts that know the id alone.
#
#   216    208..215 200..207     168..199 136..167  120..135 104..119  88..103   72..87   32..71     0..31
#   | live | flags  | after_term | end_ms | start_ms | share  | forbids | aspects | usages | posted at | sold |
POSTED_AT: constant(uint256) = 32
USAGES_AT: constant(uint256) = 72
ASPECTS_AT: constant(uint256) = 88
FORBIDS_AT: constant(uint256) = 104
SHARE_AT: constant(uint256) = 120
START_AT: constant(uint256) = 136
END_AT: constant(uint256) = 168
AFTER_TERM_AT: constant(uint256) = 200
FLAGS_AT: constant(uint256) = 208
LIVE: constant(uint256) = 1 << 216
SOLD_MASK: constant(uint256) = 2**32 - 1


@internal
@pure
def _id(offer: types.Offer) -> bytes32:
    return convert(convert(keccak256(abi_encode(offer)), uint256) & ~SALE_MASK, bytes32)


@internal
@pure
def _id_of(license: uint256) -> bytes32:
    return convert(license & ~SALE_MASK, bytes32)


@internal
@pure
def _check(offer: types.Offer):
    self._check_terms(
        offer.usages,
        offer.aspects,
        offer.forbids,
        offer.currency,
        offer.term,
        offer.revenue_share_bps,
        offer.unit,
        offer.unit_price,
        offer.report_every,
        offer.after_term,
        offer.terms,
    )
    fault: String[43] = ""
    if offer.flags & (BUNDLE | EXCLUSIVE) == BUNDLE | EXCLUSIVE:
        fault = "market: a bundle is never exclusive"
    if offer.flags > FLAGS:
        fault = "market: flags out of range"
    if offer.opens_at >= offer.closes_at:
        fault = "market: closes before it opens"
    if offer.supply == 0:
        fault = "market: supply is zero"
    if offer.start_ms >= offer.end_ms:
        fault = "market: scene is empty"
    assert len(fault) == 0, fault


@internal
@pure
def _check_terms(
    usages: uint16,
    aspects: uint16,
    forbids: uint16,
    currency: address,
    term: uint40,
    revenue_share_bps: uint16,
    unit: uint8,
    unit_price: uint96,
    report_every: uint32,
    after_term: uint8,
    terms: bytes32,
):
    """
    @dev What offers and datasets have in common.
    """
    # An assertion for each would be twice the code. The last assignment counts: read it upwards.
    fault: String[43] = ""
    if terms == empty(bytes32):
        fault = "market: terms are zero"
    if after_term == 0 or after_term > LAST_AFTER_TERM:
        fault = "market: after_term out of range"
    if (unit != 0 or revenue_share_bps != 0) != (report_every != 0):
        fault = "market: reporting and what is owed disagree"
    if (unit == 0) != (unit_price == 0):
        fault = "market: unit and unit price disagree"
    if unit > LAST_UNIT:
        fault = "market: unit out of range"
    if revenue_share_bps > 10_000:
        fault = "market: revenue share above 10000"
    if term == 0:
        fault = "market: term is zero"
    if currency == empty(address):
        fault = "market: currency is zero"
    if forbids > FORBIDS:
        fault = "market: forbids out of range"
    if aspects == 0 or aspects > ASPECTS:
        fault = "market: aspects out of range"
    if usages == 0 or usages > USAGES:
        fault = "market: usages out of range"
    assert len(fault) == 0, fault


@internal
@view
def _posted(offer: types.Offer, before: uint256) -> uint256:
    """
    @return The word of an offer that is posted now; what was sold before still counts.
    """
    return (
        (before & SOLD_MASK)
        | (block.timestamp << POSTED_AT)
        | (convert(offer.usages, uint256) << USAGES_AT)
        | (convert(offer.aspects, uint256) << ASPECTS_AT)
        | (convert(offer.forbids, uint256) << FORBIDS_AT)
        | (convert(offer.revenue_share_bps, uint256) << SHARE_AT)
        | (convert(offer.start_ms, uint256) << START_AT)
        | (convert(offer.end_ms, uint256) << END_AT)
        | (convert(offer.after_term, uint256) << AFTER_TERM_AT)
        | (convert(offer.flags, uint256) << FLAGS_AT)
        | LIVE
    )


@internal
@pure
def _posted_at(status: uint256) -> uint256:
    return (status >> POSTED_AT) & (2**40 - 1)


@internal
@pure
def _fields(
    status: uint256,
) -> (bool, uint32, uint40, uint16, uint16, uint16, uint16, uint32, uint32, uint8, uint8):
    return (
        status & LIVE != 0,
        convert(status & SOLD_MASK, uint32),
        convert(self._posted_at(status), uint40),
        convert((status >> USAGES_AT) & (2**16 - 1), uint16),
        convert((status >> ASPECTS_AT) & (2**16 - 1), uint16),
        convert((status >> FORBIDS_AT) & (2**16 - 1), uint16),
        convert((status >> SHARE_AT) & (2**16 - 1), uint16),
        convert((status >> START_AT) & (2**32 - 1), uint32),
        convert((status >> END_AT) & (2**32 - 1), uint32),
        convert((status >> AFTER_TERM_AT) & 255, uint8),
        convert((status >> FLAGS_AT) & 255, uint8),
    )


@internal
@pure
def _is_one_bit(mask: uint16) -> bool:
    return mask != 0 and mask & (mask - 1) == 0
