# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title BatchToken: an ERC-20 that fills blocks with transfers, for benchmarks
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256


balanceOf: public(HashMap[address, uint256])


@deploy
def __init__():
    self.balanceOf[msg.sender] = max_value(uint256)
    log Transfer(sender=empty(address), receiver=msg.sender, value=max_value(uint256))


@external
def spread(first: uint256, count: uint256, holders: uint256, amount: uint256):
    """
    @notice Sends `amount` to `count` of the holders 0x…10000 + n, beginning with number `first`, going round.
    """
    for i: uint256 in range(count, bound=1000):
        receiver: address = convert(convert(65536 + (first + i * 7) % holders, uint160), address)
        self.balanceOf[msg.sender] -= amount + i
        self.balanceOf[receiver] += amount + i
        log Transfer(sender=msg.sender, receiver=receiver, value=amount + i)
