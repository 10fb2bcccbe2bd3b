# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title Names a receiving address for every account: its last 20 bytes.
"""


@external
@view
def receiver_of(account: bytes32) -> address:
    return convert(convert(account, uint256) & (2**160 - 1), address)
