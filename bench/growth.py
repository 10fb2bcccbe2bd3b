# SPDX-License-Identifier: Apache-2.0
"""How gas grows with the size of things: one table for each.

python -m bench.growth          measure and print
python -m bench.growth NAME …   only these
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from bench import datasets, usage
from bench.harness import fresh_chain
from bench.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Growth:
    """A figure measured for several sizes, each in a state of its own."""

    what: str
    size: str  # what is counted
    sizes: tuple[int, ...]
    measure: Callable[[Protocol, int], int]


GROWTHS = {
    "dataset_mint": Growth(
        "License a dataset, repeat, in an ERC-20", "members", datasets.MEMBERS, datasets.mint_repeat
    ),
    "dataset_join": Growth(
        "Add a work to a dataset, every rule on, per work", "works in the batch", datasets.ADDED, datasets.join
    ),
    "dataset_collect": Growth(
        "Settle a member, repeat payee, per work", "members in the batch", datasets.SETTLED, datasets.collect
    ),
    "claim": Growth(
        "Claim a leaf of a report of 131,072, per leaf, neighbours", "leaves in the call", usage.CLAIMS, usage.claim
    ),
    "claim_tree": Growth(
        "Claim 100 leaves of a report, per leaf, neighbours",
        "leaves in the report",
        usage.TREES,
        lambda protocol, count: usage.claim(protocol, count=count),
    ),
}


def measure(protocol: Protocol, names: list[str] | None = None) -> dict[str, dict[int, int]]:
    """Gas by growth and size."""
    found: dict[str, dict[int, int]] = {}
    for name in names or GROWTHS:
        growth, found[name] = GROWTHS[name], {}
        for size in growth.sizes:
            with protocol.aside():
                found[name][size] = growth.measure(protocol, size)
    return found


def main(names: list[str]) -> int:
    """Print the tables; 2 for a name that does not exist."""
    if unknown := [name for name in names if name not in GROWTHS]:
        print(f"there is no {', '.join(unknown)}; there are {', '.join(GROWTHS)}", file=sys.stderr)
        return 2
    with fresh_chain() as chain:
        for name, figures in measure(Protocol(chain), names or None).items():
            print(f"\n{GROWTHS[name].what}\n")
            print(f"| {GROWTHS[name].size} | gas |\n|---:|---:|")
            for size, gas in figures.items():
                print(f"| {size:,} | {gas:,} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
