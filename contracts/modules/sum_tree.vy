# pragma version ==0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A Merkle tree whose nodes carry the sum of what is below them
@license GNU Affero General Public License v3.0 only
@notice The sum at the root is what all leaves share: nobody can add a leaf beyond it. Leaf, node and root are hashed
        under tags of their own, so that none can be passed off as another; the root also says how many leaves there
        are, so that every path has one length. `ipto/sum_tree.py` builds it.
@dev Sums are added with overflow checks: a tree that claims more than 2**256 - 1 proves nothing.
"""


LEAF: constant(bytes32) = keccak256("IPTO usage leaf")
NODE: constant(bytes32) = keccak256("IPTO usage node")
ROOT: constant(bytes32) = keccak256("IPTO usage root")


@internal
@pure
def _leaf(offer_id: bytes32, spell: uint32, amount: uint256) -> bytes32:
    return keccak256(abi_encode(LEAF, offer_id, convert(spell, uint256), amount))


@internal
@pure
def _node(left: bytes32, left_sum: uint256, right: bytes32, right_sum: uint256) -> bytes32:
    return keccak256(abi_encode(NODE, left, left_sum, right, right_sum))


@internal
@pure
def _root(count: uint32, total: uint256, top: bytes32) -> bytes32:
    return keccak256(abi_encode(ROOT, convert(count, uint256), total, top))
