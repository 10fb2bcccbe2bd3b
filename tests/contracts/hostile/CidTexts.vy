# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The module cid_text behind external functions.
"""

from contracts.modules import cid_text


@external
@pure
def base16(digest: bytes32) -> String[73]:
    return cid_text._cid_base16(digest)


@external
@pure
def base32(digest: bytes32) -> String[59]:
    return cid_text._cid_base32(digest)
