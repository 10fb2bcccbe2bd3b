# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A contract account whose ERC-1271 answer is whatever it was told for one signature it approved.
"""


ANSWER: constant(uint256) = 0
REVERT: constant(uint256) = 1
BURN: constant(uint256) = 2

mode: uint256
approved: bytes32
answer: Bytes[96]
expense: uint256


@external
def spend(units: uint256):
    """
    @notice How much gas it thinks for before it answers.
    """
    self.expense = units


@external
def approve_signature(digest: bytes32, signature: Bytes[4096], answer: Bytes[96], mode: uint256):
    """
    @notice `answer` is returned for this digest with this signature, as it is; a zero word for all others.
    """
    self.approved = keccak256(abi_encode(digest, signature))
    self.answer = answer
    self.mode = mode


@external
@view
@raw_return
def isValidSignature(digest: bytes32, signature: Bytes[4096]) -> Bytes[96]:
    if self.mode == REVERT:
        raise "wallet: no"
    assert self.mode != BURN, UNREACHABLE  # takes all gas with it
    if self.expense != 0:
        start: uint256 = msg.gas
        for i: uint256 in range(100_000):
            if start - msg.gas > self.expense:
                break
    if keccak256(abi_encode(digest, signature)) != self.approved:
        return abi_encode(empty(bytes32))
    return self.answer


@external
@payable
def run(target: address, data: Bytes[4096]):
    """
    @notice Makes one call, as the owner of what this account holds.
    """
    raw_call(target, data, value=msg.value)


@external
@payable
def __default__():
    pass
