# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title snekmate's ERC-721 with open minting, to compare our own module with.
"""

from snekmate.auth import ownable
from snekmate.tokens import erc721


initializes: ownable
initializes: erc721[ownable := ownable]
exports: (
    erc721.approve,
    erc721.setApprovalForAll,
    erc721.transferFrom,
    erc721.safeTransferFrom,
    erc721.balanceOf,
    erc721.ownerOf,
    erc721.getApproved,
    erc721.isApprovedForAll,
)


@deploy
def __init__():
    ownable.__init__()
    erc721.__init__("Reference", "REF", "", "Reference", "1")


@external
def mint(to: address, token_id: uint256):
    erc721._mint(to, token_id)
