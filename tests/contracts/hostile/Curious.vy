# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A contract account that confirms one digest, whatever the signature.
"""


expected: bytes32


@external
def expect(digest: bytes32):
    self.expected = digest


@external
@view
def isValidSignature(digest: bytes32, signature: Bytes[4096]) -> bytes4:
    return 0x1626BA7E if digest == self.expected else 0xFFFFFFFF
