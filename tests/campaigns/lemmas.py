# SPDX-License-Identifier: Apache-2.0
"""Arithmetic that proofs on bytecode lean on, proven over the integers by z3; run in the prover's environment.

Prints one JSON object {lemma: verdict}.
"""

import json

from z3 import And, Implies, Int, Ints, Not, Or, Solver, Sum, unsat

ONE = 1_000_000
MOST = 64


def proven(claim):
    """Whether nothing contradicts a claim."""
    solver = Solver()
    solver.set("timeout", 60_000)
    solver.add(Not(claim))
    return solver.check() == unsat


def floors_of_shares(count):
    """Floors of `count` shares of x that sum to the whole sum to at most x, and fall short by less than `count`.

    y[i] stands for x * share[i]: their sum is x * ONE because the shares sum to ONE. q[i] is the floor of y[i] / ONE.
    """
    x = Int("x")
    y = [Int(f"y{i}") for i in range(count)]
    q = [Int(f"q{i}") for i in range(count)]
    given = [x >= 0, Sum(y) == x * ONE]
    given += [And(y[i] >= 0, q[i] * ONE <= y[i], y[i] < (q[i] + 1) * ONE) for i in range(count)]
    return Implies(And(given), And(Sum(q) <= x, Or(x - Sum(q) < count, x == 0)))


def fee_on_top():
    """The fee on any price is at most 2.5 % and fits, with the price, into a word."""
    price, bps, fee = Int("price"), Int("bps"), Int("fee")
    # bps is at most 250, so the product is at most price * 250; linear in price for each bps.
    cases = [
        Implies(
            And(
                bps == value,
                price >= 0,
                price < 2**96,
                fee * 10_000 <= price * value,
                price * value < (fee + 1) * 10_000,
            ),
            And(fee * 40 <= price, price + fee < 2**97),
        )
        for value in range(251)
    ]
    return And(cases)


def dataset_owed():
    """Whatever happens to a member, what it was paid and what its word says it is owed are the sales it was in.

    true: sales it was in. paid: those it was paid for. The word keeps `owed` (of ended spells) and `settled` (of the
    running one). Every step keeps: paid + owed + (sales - settled while in) = true, never more than
    all sales, and settled never passes sales.
    """
    sales, settled, owed, paid, true, price = Ints("sales settled owed paid true price")

    def holds(is_in, sales, settled, owed, paid, true):
        running = sales - settled if is_in else 0
        return And(paid + owed + running == true, true <= sales, settled <= sales, owed >= 0, paid >= 0, settled >= 0)

    kept = []
    for is_in in (False, True):
        before = holds(is_in, sales, settled, owed, paid, true)
        due = owed + (sales - settled if is_in else 0)
        kept += [
            Implies(before, holds(is_in, sales + 1, settled, owed, paid, true + (1 if is_in else 0))),  # a sale
            Implies(before, holds(is_in, sales, sales, 0, paid + due, true)),  # collected
            Implies(before, due >= 0),
            # Money: what collecting pays is the price for each sale not yet paid.
            Implies(And(before, price >= 0), price * due == price * (true - paid)),
        ]
    before = holds(True, sales, settled, owed, paid, true)
    kept.append(Implies(before, holds(False, sales, sales, owed + (sales - settled), paid, true)))  # left
    before = holds(False, sales, settled, owed, paid, true)
    kept.append(Implies(before, holds(True, sales, sales, owed, paid, true)))  # joined, again or for the first time
    return And(kept)


def dataset_account():
    """A dataset's account holds what its members are owed: kept by every sale and every collection, for one member
    beside all others together."""
    held, mine, others, price, sum_of_others, due = Ints("held mine others price rest due")
    before = And(held == price * mine + others, price >= 0, mine >= 0, others >= 0, sum_of_others >= 0)
    sold = held + (price + sum_of_others) == price * (mine + 1) + (others + sum_of_others)
    collected = Implies(And(due >= 0, due <= mine), held - price * due == price * (mine - due) + others)
    return Implies(before, And(sold, collected, held >= price * mine))


def leaf_within_total(levels):
    """Through `levels` nodes, each the sum of two that are not negative, no leaf is more than the root says."""
    leaf = Int("leaf")
    sums, given = [leaf], [leaf >= 0]
    for level in range(levels):
        beside = Int(f"beside{level}")
        given.append(beside >= 0)
        sums.append(sums[-1] + beside)
    return Implies(And(given), leaf <= sums[-1])


def claims_within_total():
    """What was paid below a node is at most its sum, if that holds on both sides: by induction for the whole tree, when
    each leaf is paid once. A leaf: paid is nothing or its amount."""
    left, right, paid_left, paid_right, amount, paid = Ints("l r pl pr a p")
    leaf = Implies(And(amount >= 0, Or(paid == 0, paid == amount)), And(paid >= 0, paid <= amount))
    halves = And(left >= 0, right >= 0, paid_left >= 0, paid_right >= 0, paid_left <= left, paid_right <= right)
    node = Implies(halves, And(paid_left + paid_right >= 0, paid_left + paid_right <= left + right))
    return And(leaf, node)


def report_account():
    """A report's account holds its total less what was paid, through claims and through a ruling, which shares out anew
    what is left; over all rulings, no more is paid than the report brought."""
    held, total, paid, brought, out, now = Ints("held total paid brought out now")
    given = And(held == total - paid, brought == out + held, paid >= 0, paid <= total)
    claimed = Implies(
        And(now >= 0, paid + now <= total),
        And(held - now == total - (paid + now), brought == (out + now) + (held - now), held - now >= 0),
    )
    ruled = And(held == (total - paid) - 0, out <= brought)
    return Implies(given, And(claimed, ruled))


def main():
    """Prove all, say how each went."""
    verdicts = {
        f"floors of {count} shares": "proven" if proven(floors_of_shares(count)) else "not decided"
        for count in range(1, MOST + 1)
    }
    verdicts["fee on top"] = "proven" if proven(fee_on_top()) else "not decided"
    others = {
        "dataset: paid and owed are the sales a member was in": dataset_owed(),
        "dataset: its account holds what is owed": dataset_account(),
        "report: what is paid below a node is at most its sum": claims_within_total(),
        "report: its account holds what was not paid": report_account(),
        "report: a leaf is at most the root's sum (32 levels)": leaf_within_total(32),
    }
    verdicts |= {name: "proven" if proven(claim) else "not decided" for name, claim in others.items()}
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()
