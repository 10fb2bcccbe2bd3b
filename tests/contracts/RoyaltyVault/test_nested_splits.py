# SPDX-License-Identifier: Apache-2.0
"""Splits of splits: paid one by one from the outside in, every person gets what a model says, nothing is lost."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ipto.structs import ETH, SHARE_TOTAL, ZERO_ADDRESS, Share
from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.money import pay_in
from tests.contracts.support.system import System, balance


def test_ten_deep(system: System) -> None:
    """An agency in a label in a collective …: each level passes half on."""
    levels: list[list[Share]] = [even_split(system.dancer)]
    for _ in range(9):
        levels.append(even_split(account(system.editor), declare(system, levels[-1])))
    outermost = declare(system, levels[-1])
    pay_in(system, system.usd, (outermost, 1 << 20))
    for shares in reversed(levels):
        system.vault.pay_out(shares, ZERO_ADDRESS, system.usd.address)
    assert balance(system.usd.address, system.dancer) == 1 << 11
    assert balance(system.usd.address, system.editor) == (1 << 20) - (1 << 11)
    assert balance(system.usd.address, system.vault.address) == 0


def test_none_contains_itself(system: System) -> None:
    """A split is its own hash: none can name itself, and none can be declared before what it names."""
    inner = even_split(system.dancer)
    name = system.vault.split_of(inner, ZERO_ADDRESS)
    outer = even_split(account(system.editor), name)
    with reverts("vault: recipient cannot be paid"):
        declare(system, outer)
    declare(system, inner)
    declare(system, outer)


def test_paid_in_any_order_it_waits_where_it_is(system: System) -> None:
    inner = even_split(system.dancer)
    outer = even_split(account(system.editor), declare(system, inner))
    pay_in(system, ETH, (declare(system, outer), 10))
    assert system.vault.pay_out(inner, ZERO_ADDRESS, ETH) == 0
    assert system.vault.pay_out(outer, ZERO_ADDRESS, ETH) == 10
    assert system.vault.pay_out(inner, ZERO_ADDRESS, ETH) == 5


def test_each_has_its_own_controller(system: System) -> None:
    """Who controls the outer split has no say over the inner one."""
    inner = declare(system, even_split(system.dancer), system.dancer)
    outer = declare(system, even_split(account(system.editor), inner), system.controller)
    assert system.vault.controller_of(inner) == system.dancer
    assert system.vault.controller_of(outer) == system.controller


TREES = st.recursive(
    st.integers(0, 3),
    lambda inner: st.lists(st.tuples(inner, st.integers(1, 99)), min_size=1, max_size=4),
    max_leaves=12,
)


@effort(15)
@given(TREES.filter(lambda tree: not isinstance(tree, int)), st.integers(0, 10**9), st.booleans())
def test_as_a_model_says(system: System, tree: list[tuple[object, int]], amount: int, pushes: bool) -> None:
    people = [system.creator, system.dancer, system.editor, system.heir]
    declared: list[list[Share]] = []

    def build(node: object) -> bytes:
        """Declare a tree from the inside out; a recipient named twice counts once, with both shares."""
        if isinstance(node, int):
            return account(people[node])
        assert isinstance(node, list)
        weights: Counter[bytes] = Counter()
        for child, weight in node:
            weights[build(child)] += weight
        whole = sum(weights.values())
        parts = {item: SHARE_TOTAL * weight // whole for item, weight in weights.items()}
        first = min(parts)
        parts[first] += SHARE_TOTAL - sum(parts.values())
        shares = [Share(item, part) for item, part in sorted(parts.items())]
        if shares not in declared:
            declared.append(shares)
        return declare(system, shares)

    root = build(tree)
    before = Counter({who: balance(system.usd.address, who) for who in people})
    pay_in(system, system.usd, (root, amount))
    expected: Counter[bytes] = Counter({root: amount})
    names = {declare(system, shares): shares for shares in declared}
    # A split is declared after all that it names: from the last to the first is from the outside in.
    for name, shares in reversed(names.items()):
        inside = expected[name]
        for share in shares:
            part = inside * share.share // SHARE_TOTAL
            expected[name] -= part
            expected[share.account] += part
        function = system.vault.pay_out if pushes else system.vault.distribute
        assert function(shares, ZERO_ADDRESS, system.usd.address) == inside - expected[name]
    for who in people:
        system.vault.withdraw(who, system.usd.address)
        assert balance(system.usd.address, who) - before[who] == expected[account(who)]
    for name in names:
        assert system.vault.balance_of(name, system.usd.address) == expected[name]
