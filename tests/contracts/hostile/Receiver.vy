# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A receiver of ETH and of ERC-721 tokens that accepts, reverts, burns all gas or answers with a bomb.
"""


ACCEPT: constant(uint256) = 0
REVERT: constant(uint256) = 1
BURN: constant(uint256) = 2
BOMB: constant(uint256) = 3  # reverts with a hundred kilobytes
WRONG: constant(uint256) = 4  # answers, but not the magic value

mode: public(uint256)


@external
def behave(mode: uint256):
    self.mode = mode


@external
@payable
def __default__():
    self._behave()


@external
def onERC721Received(operator: address, sender: address, token_id: uint256, data: Bytes[1024]) -> bytes4:
    self._behave()
    return 0xDEADBEEF if self.mode == WRONG else 0x150B7A02


@internal
def _behave():
    if self.mode == REVERT:
        raise "receiver: no"
    assert self.mode != BURN, UNREACHABLE  # takes all gas with it
    if self.mode == BOMB:
        bomb: Bytes[102400] = abi_encode(empty(uint256[3199]))
        raw_revert(bomb)
