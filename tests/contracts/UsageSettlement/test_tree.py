# SPDX-License-Identifier: Apache-2.0
"""The contract's tree and `ipto.sum_tree` are the same tree, for any leaves and any selection of them."""

import boa
from hypothesis import given
from hypothesis import strategies as st

from ipto import ids
from ipto.structs import SumNode
from ipto.sum_tree import Share, SumTree, root_of
from tests.contracts.support.build import digest
from tests.contracts.support.contract import reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import travel
from tests.contracts.support.usage import MONTH, Usage, after_window

AMOUNT = st.sampled_from([0, 1, 2, 1_000, 10**18, 2**96 - 1])


@given(
    amounts=st.lists(AMOUNT, min_size=1, max_size=70).filter(any),
    chosen=st.sets(st.integers(0, 69), min_size=1),
    again=st.sets(st.integers(0, 69), min_size=1),
)
@effort(40)
def test_any_leaves_in_any_selection(usage: Usage, amounts: list[int], chosen: set[int], again: set[int]) -> None:
    with boa.env.anchor():
        token = usage.system.usd.address
        offer, license = usage.sell(currency=token, price=0)
        travel(MONTH)
        shares = [Share(ids.offer_id(offer), 0, amount) for amount in amounts]
        tree = SumTree(shares)
        report = usage.report(offer, usage.reported(license, total=tree.total, root=tree.root))
        after_window()
        paid: dict[int, int] = {}
        for selection in (chosen, again):
            places = sorted({place % len(amounts) for place in selection})
            proof = tree.proof(places)
            assert root_of(tree.count, [(place, shares[place]) for place in places], proof) == (tree.root, tree.total)
            leaves = [usage.leaf(offer, amounts[place], place) for place in places]
            new = {place: amounts[place] for place in places if place not in paid and amounts[place]}
            assert usage.claim(license, leaves, proof, tree.count) == sum(new.values())
            told = {event["index"]: event["amount"] for event in usage.contract.events("UsagePaid")}
            assert told == new
            paid |= new
            assert usage.held_by(report, token) == tree.total - sum(paid.values())
        for place in range(len(amounts)):
            assert usage.contract.is_claimed(report, place) is (place in paid)


@given(
    amounts=st.lists(st.integers(1, 100), min_size=2, max_size=40),
    where=st.integers(0, 39),
    spoil=st.sampled_from(["digest", "amount", "swap", "drop", "add", "count", "index", "share"]),
    which=st.integers(0, 39),
)
@effort(60)
def test_one_thing_wrong_proves_nothing(usage: Usage, amounts: list[int], where: int, spoil: str, which: int) -> None:
    """Whatever is changed in a proof that holds, the contract refuses as the library does."""
    with boa.env.anchor():
        offer, license = usage.sell()
        travel(MONTH)
        shares = [Share(ids.offer_id(offer), 0, amount) for amount in amounts]
        tree = SumTree(shares)
        report = usage.report(offer, usage.reported(license, total=tree.total, root=tree.root))
        after_window()
        place, count, proof = where % len(amounts), tree.count, list(tree.proof([where % len(amounts)]))
        amount, right = amounts[place], list(proof)
        at = which % len(proof) if proof else 0
        if spoil in ("digest", "amount", "swap", "drop") and proof:
            node = proof.pop(at)
            other = {
                "digest": [SumNode(digest(), node.amount)],
                "amount": [SumNode(node.digest, node.amount + 1)],
                "swap": [],
                "drop": [],
            }[spoil]
            proof[at:at] = other
            if spoil == "swap":
                proof.insert((at + 1) % (len(proof) + 1), node)
        elif spoil == "add":
            proof.insert(at, SumNode(digest(), 0))
        elif spoil == "count":
            count += 1 + which
        elif spoil == "index":
            place = (place + 1) % len(amounts)
        else:
            amount += 1
        if (place, count, proof, amount) == (where % len(amounts), tree.count, right, amounts[place]):
            return  # nothing was changed
        if spoil == "index" and amounts[place] == amount and tree.proof([place]) == proof:
            return  # a twin of its neighbour
        with reverts("usage: wrong proof"):
            usage.claim(license, [usage.leaf(offer, amount, place)], proof, count)
        assert usage.held_by(report) == tree.total
