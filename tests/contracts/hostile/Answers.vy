# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A market that answers what it was told, possible or not.
"""


struct License:
    holder: address
    issued_at: uint40
    expires_at: uint40
    flags: uint8
    source: bytes32


struct Status:
    live: bool
    sold: uint32
    posted_at: uint40
    usages: uint16
    aspects: uint16
    forbids: uint16
    share_bps: uint16
    start_ms: uint32
    end_ms: uint32
    after_term: uint8
    flags: uint8


license: License
status: Status


@external
def tell(license: License, status: Status):
    self.license = license
    self.status = status


@external
@view
def license_of(license: uint256) -> (address, uint40, uint40, uint8, bytes32):
    item: License = self.license
    return item.holder, item.issued_at, item.expires_at, item.flags, item.source


@external
@view
def offer_status(
    offer_id: bytes32,
) -> (bool, uint32, uint40, uint16, uint16, uint16, uint16, uint32, uint32, uint8, uint8):
    item: Status = self.status
    return (
        item.live,
        item.sold,
        item.posted_at,
        item.usages,
        item.aspects,
        item.forbids,
        item.share_bps,
        item.start_ms,
        item.end_ms,
        item.after_term,
        item.flags,
    )
