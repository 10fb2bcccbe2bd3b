# SPDX-License-Identifier: Apache-2.0
"""docs/gas.md, written from the results alone: whoever has the JSON has the page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# One job, ours and theirs: our operation, and (peer, operation, what differs). Sums and differences are of whole
# transactions.
COMPARED: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    ("Register a work", "register", (("story", "register", "no terms yet"),)),
    (
        "Offer a work under stated terms",
        "post_offer",
        (("story", "register_terms + attach_terms", "two transactions"),),
    ),
    (
        "License or access, paid in ETH, repeat",
        "mint_eth",
        (("unlock", "purchase_eth_repeat", "an access key with an expiry, no terms"),),
    ),
    (
        "License or access, paid in an ERC-20, repeat",
        "mint_erc20",
        (
            ("unlock", "purchase_erc20_repeat", "an access key with an expiry, no terms"),
            ("ocean", "buy_and_order_repeat", "access to a service, no terms; no token remains"),
            ("thirdweb", "mint_signature_erc20", "no terms, no expiry"),
            ("story", "mint_license_next", "license token under attached terms"),
        ),
    ),
    (
        "A license, beside a bare ERC-721 mint to a repeat holder",
        "mint_eth",
        (
            ("openzeppelin_erc721", "mint_repeat", "no payment, no rules"),
            ("solady_erc721", "mint_repeat", "no payment, no rules"),
            ("snekmate_erc721", "mint_repeat", "no payment, no rules; enumerable, a URI per token"),
        ),
    ),
    ("Pay an ERC-20 out to 5 people, repeat", "pay_out_5", (("splits_v2", "distribute_5", ""),)),
    ("Pay an ERC-20 out to 10 people, repeat", "pay_out_10", (("splits_v2", "distribute_10", ""),)),
    ("Create a 5-way split", "declare_split_5", (("splits_v2", "create_5", ""), ("story", "create_split_5", ""))),
    (
        "Signed and relayed, instead of sent directly: what it adds",
        "post_offer_signed - post_offer",
        (("openzeppelin_forwarder", "call_relayed - call_direct", "signs calldata a wallet cannot show in words"),),
    ),
    (
        "A new creator's first day: split, work, offers",
        "onboard",
        (
            (
                "story",
                "create_split_5 + register + register_terms + attach_terms",
                "four transactions, one set of terms",
            ),
        ),
    ),
)


def _figure(figures: dict[str, int], expression: str) -> int:
    """A figure by name, or a sum or difference of several: `a + b - c`."""
    first, *rest = expression.split()
    total = figures[first]
    for sign, name in zip(rest[::2], rest[1::2], strict=True):
        total += figures[name] if sign == "+" else -figures[name]
    return total


def _number(gas: int) -> str:
    return f"{gas:,}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], right: int) -> list[str]:
    """A Markdown table; the column `right` holds figures."""
    names = list(head)
    rule = ["---:" if place == right else "---" for place in range(len(names))]
    return [f"| {' | '.join(cells)} |" for cells in (names, rule, *map(list, rows))]


def _peer_rows(results: dict[str, Any]) -> Iterable[list[str]]:
    for job, operation, peers in COMPARED:
        mine = _figure(results["operations"], operation)
        yield [f"**{job}**", "**IPTO**", f"**{_number(mine)}**", "", f"`{operation}`"]
        for name, theirs, difference in peers:
            source, gas = results["sources"][name], _figure(results["peers"][name], theirs)
            how = f"`{theirs}`, {source['measured']}" + (f"; {difference}" if difference else "")
            yield ["", source["title"], _number(gas), f"{gas / mine:.2f} ×", how]


def _own_rows(results: dict[str, Any]) -> Iterable[list[str]]:
    for name, gas in results["operations"].items():
        about = results["measured"][name]
        limit = about["limit"]
        verdict = "" if limit is None else f"≤ {_number(limit)}" + ("" if gas <= limit else " **missed**")
        yield [f"`{name}`", about["what"], about["state"], _number(gas), verdict]


def _size_rows(results: dict[str, Any]) -> Iterable[list[str]]:
    limit = results["code_limit"]
    for name, size in results["sizes"].items():
        yield [name, _number(size), f"{_number(limit - size)} left"]


def _source_rows(results: dict[str, Any]) -> Iterable[list[str]]:
    for source in results["sources"].values():
        yield [source["title"], source["measured"], source["source"], source["state"]]


def render(results: dict[str, Any]) -> str:
    """The page."""
    chain, compiler = results["chain"], results["compiler"]
    lines = [
        "<!-- SPDX-License-Identifier: Apache-2.0 -->",
        f"<!-- Written by `{results['command']}` from bench/results/gas.json. Change the bench, not this page. -->",
        "",
        "# What it costs",
        "",
        f"Gas of whole transactions as their receipts state it, on {chain['client']} ({chain['hardfork']}).",
        f"Our contracts are compiled by {compiler['vyper']} for {compiler['evm_version']}. The figures are the same on",
        "every run and every machine: a receipt that differs by one unit fails `make bench-gas-check`.",
        "",
        "## Beside others",
        "",
        "*live*: the peer's own published code ran on the same kind of node in the same run. *recorded*: measured",
        "once, see the sources below. The ratio is theirs to ours. The jobs are not equal; the last column says how:",
        "a license carries terms, an expiry, an acknowledgement and a payment booked to a split; a bare mint does not.",
        "",
        *_table(("job", "who", "gas", "ratio", "how"), _peer_rows(results), 2),
        "",
        "## All our operations",
        "",
        "*Repeat* and *before* mean that no storage an operation writes starts from zero, as in a protocol in use.",
        "",
        *_table(("operation", "what", "state", "gas", "limit"), _own_rows(results), 3),
        "",
        "## Code",
        "",
        f"Bytes of deployed code; a chain accepts {_number(results['code_limit'])} (EIP-170).",
        "",
        *_table(("contract", "bytes", "room"), _size_rows(results), 1),
        "",
        "## Sources",
        "",
        "Live peers are installed from npm (or pip) by lock file, without running their install scripts.",
        f"Solidity sources are compiled by solc {compiler['solc']} for {chain['hardfork']}. Live peers and we are",
        "paid in the same test stablecoin.",
        "",
        *_table(("peer", "measured", "source", "state"), _source_rows(results), -1),
        "",
        "## Again",
        "",
        "```",
        "make bench-gas         # measure us and the peers, write bench/results/gas.json and this page",
        "make bench-gas-check   # measure us, compare with the committed figures",
        "```",
    ]
    return "\n".join(lines) + "\n"
