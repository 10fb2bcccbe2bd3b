# SPDX-License-Identifier: Apache-2.0
"""Arithmetic that proofs on bytecode lean on, proven over the integers by z3; run in the prover's environment.

Prints one JSON object {lemma: verdict}.
"""

import json

from z3 import And, Implies, Int, Not, Or, Solver, Sum, unsat

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


def main():
    """Prove all, say how each went."""
    verdicts = {
        f"floors of {count} shares": "proven" if proven(floors_of_shares(count)) else "not decided"
        for count in range(1, MOST + 1)
    }
    verdicts["fee on top"] = "proven" if proven(fee_on_top()) else "not decided"
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()
