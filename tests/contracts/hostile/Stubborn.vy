# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title An arbiter that takes no cases.
"""


@external
def request(case: uint256):
    raise "stubborn: no"
