# SPDX-License-Identifier: Apache-2.0
"""The Merkle-sum tree. That the contract builds the same one is tested beside the contract."""

import pytest
from eth_abi import encode
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from ipto.errors import InputError
from ipto.structs import SumNode
from ipto.sum_tree import MAX_SUM, Share, SumTree, root_of

OFFER = bytes(27) + b"\x01" + bytes(4)


def share(amount: int, spell: int = 1, offer: bytes = OFFER) -> Share:
    return Share(offer, spell, amount)


def test_a_tree_of_three_written_out() -> None:
    """By the words of the interface, with eth-abi alone."""
    leaf_tag, node_tag, root_tag = (keccak(text=f"IPTO usage {kind}") for kind in ("leaf", "node", "root"))
    leaves = [
        keccak(encode(["bytes32", "bytes32", "uint256", "uint256"], [leaf_tag, OFFER, 1, amount]))
        for amount in (5, 6, 7)
    ]
    node = ["bytes32", "bytes32", "uint256", "bytes32", "uint256"]
    left = keccak(encode(node, [node_tag, leaves[0], 5, leaves[1], 6]))
    right = keccak(encode(node, [node_tag, leaves[2], 7, bytes(32), 0]))
    top = keccak(encode(node, [node_tag, left, 11, right, 7]))
    root = keccak(encode(["bytes32", "uint256", "uint256", "bytes32"], [root_tag, 3, 18, top]))
    tree = SumTree(map(share, (5, 6, 7)))
    assert (tree.root, tree.total, tree.count) == (root, 18, 3)
    assert tree.proof([2]) == [SumNode(left, 11)]
    assert tree.proof([0]) == [SumNode(leaves[1], 6), SumNode(right, 7)]
    assert tree.proof([0, 1, 2]) == []


@given(
    amounts=st.lists(st.integers(0, 2**96), min_size=1, max_size=130),
    chosen=st.sets(st.integers(0, 129), min_size=1),
)
def test_any_proof_leads_to_the_root(amounts: list[int], chosen: set[int]) -> None:
    shares = [share(amount, place) for place, amount in enumerate(amounts)]
    tree = SumTree(shares)
    places = sorted({place % len(shares) for place in chosen})
    proof = tree.proof(places)
    leaves = [(place, shares[place]) for place in places]
    assert root_of(len(shares), leaves, proof) == (tree.root, sum(amounts))
    with pytest.raises(InputError, match="too long"):
        root_of(len(shares), leaves, [*proof, SumNode(bytes(32), 0)])
    if proof:
        with pytest.raises(InputError, match="too short"):
            root_of(len(shares), leaves, proof[:-1])
        changed = [*proof[:-1], SumNode(proof[-1].digest, proof[-1].amount + 1)]
        assert root_of(len(shares), leaves, changed)[0] != tree.root


@given(amounts=st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_the_number_of_leaves_is_in_the_root(amounts: list[int]) -> None:
    """No padding: leaves of nothing at the end make another tree."""
    shares = list(map(share, amounts))
    assert SumTree(shares).root != SumTree([*shares, share(0)]).root


def test_order_amount_spell_and_offer_are_in_the_root() -> None:
    other = Share(bytes(26) + b"\x01\x01" + bytes(4), 1, 5)
    trees = [[share(5), share(6)], [share(6), share(5)], [share(5, 2), share(6)], [other, share(6)]]
    assert len({SumTree(shares).root for shares in trees}) == len(trees)


def test_a_contiguous_range_needs_few_nodes() -> None:
    tree = SumTree(share(1, place) for place in range(4_096))
    assert len(tree.proof(range(1_000, 1_100))) <= 2 * 12
    assert len(tree.proof(range(4_096))) == 0


@pytest.mark.parametrize("places", [[], [1, 0], [0, 0], [3], [-1]])
def test_places_there_are(places: list[int]) -> None:
    with pytest.raises(InputError, match="ascending"):
        SumTree(map(share, (1, 2, 3))).proof(places)


def test_what_no_tree_has() -> None:
    with pytest.raises(InputError, match="at least one"):
        SumTree([])
    with pytest.raises(InputError, match="104 bits"):
        SumTree([share(MAX_SUM), share(1)])
    for wrong in (share(-1), share(2**104), share(1, 2**32), share(1, offer=b"short")):
        with pytest.raises(InputError, match="no share"):
            SumTree([wrong])
