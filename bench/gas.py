# SPDX-License-Identifier: Apache-2.0
"""Gas of every operation beside its peers.

python -m bench.gas             measure us and the peers; write bench/results/gas.json and docs/gas.md
python -m bench.gas --ours      measure us alone and keep the peers' figures: after a change of the contracts
python -m bench.gas --check     measure us and compare with what is committed; writes nothing, needs no npm
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench import report
from bench.harness import GENESIS, HARDFORK, fresh_chain
from bench.operations import CODE_LIMIT, OPERATIONS, measure
from ipto.chain import artifact
from ipto.errors import IptoError

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "gas.json"
PAGE = ROOT / "docs" / "gas.md"
COMMAND = "python -m bench.gas"
# What --check compares; the rest are names of tools and the peers' figures.
COMPARED = ("operations", "sizes")


def measure_ours() -> dict[str, Any]:
    """Our part of the results, from a chain of its own."""
    with fresh_chain() as chain:
        gas, sizes = measure(chain)
        client = chain.client_version().replace("/v", " ")
        chain_id = chain.chain_id
    compiled = artifact("LicenseMarket")
    return {
        "chain": {"client": client, "hardfork": HARDFORK, "chain_id": chain_id, "genesis": GENESIS},
        "compiler": {"vyper": compiled["compiler"], "evm_version": compiled["evm_version"]},
        "command": COMMAND,
        "operations": gas,
        "sizes": sizes,
        "code_limit": CODE_LIMIT,
        "measured": {
            name: {"what": operation.what, "state": operation.state, "limit": operation.limit}
            for name, operation in OPERATIONS.items()
        },
    }


def with_peers(ours: dict[str, Any]) -> dict[str, Any]:
    """Our results and the peers', measured now."""
    # Only here: --check must work where the peers cannot be installed.
    from bench import peers

    gas, sources = peers.measure()
    ours["compiler"]["solc"] = peers.solc_version()
    return {**ours, "peers": gas, "sources": sources}


def with_kept_peers(ours: dict[str, Any], committed: dict[str, Any]) -> dict[str, Any]:
    """Our results and the peers' as they were measured last."""
    ours["compiler"]["solc"] = committed["compiler"]["solc"]
    return {**ours, "peers": committed["peers"], "sources": committed["sources"]}


def differences(committed: dict[str, Any], measured: dict[str, Any]) -> list[tuple[str, int | None, int | None]]:
    """Every figure that is not the committed one: name, committed, measured. None: it does not exist there."""
    found = []
    for part in COMPARED:
        old, new = committed[part], measured[part]
        for name in dict.fromkeys([*old, *new]):
            if old.get(name) != new.get(name):
                found.append((name, old.get(name), new.get(name)))
    return found


def over_limit(results: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Every figure above its limit: name, figure, limit."""
    limits = {name: about["limit"] for name, about in results["measured"].items() if about["limit"] is not None}
    limits |= dict.fromkeys(results["sizes"], results["code_limit"])
    figures = {**results["operations"], **results["sizes"]}
    return [(name, figures[name], limit) for name, limit in limits.items() if figures[name] > limit]


def stale_page(results: dict[str, Any], page: Path) -> bool:
    """Whether the page is not the one these results give."""
    return not page.exists() or page.read_text(encoding="utf-8") != report.render(results)


def check(results: Path, page: Path) -> list[str]:
    """Measure us and compare with what is committed; one line for each thing that is wrong."""
    if not results.exists():
        return [f"{results.name} does not exist; run: {COMMAND}"]
    committed = json.loads(results.read_text(encoding="utf-8"))
    problems = [
        f"{name:24} {_figure(old):>12} committed {_figure(new):>12} measured {_change(old, new)}"
        for name, old, new in differences(committed, measure_ours())
    ]
    problems += [f"{name:24} {gas:>12,} above its limit of {limit:,}" for name, gas, limit in over_limit(committed)]
    if stale_page(committed, page):
        problems.append(f"docs/{page.name} is not the page of these results")
    return problems


def _figure(value: int | None) -> str:
    return "none" if value is None else f"{value:,}"


def _change(old: int | None, new: int | None) -> str:
    return "" if old is None or new is None else f"{new - old:>+10,}"


def _show(results: dict[str, Any]) -> None:
    for name, gas in results["operations"].items():
        limit = results["measured"][name]["limit"]
        print(f"{name:24} {gas:>12,}" + ("" if limit is None else f"   limit {limit:>8,}"))
    for name, size in results["sizes"].items():
        print(f"{name:24} {size:>12,}   bytes of {results['code_limit']:,}")
    for name, gas, limit in over_limit(results):
        print(f"above its limit: {name}, {gas:,} of {limit:,}", file=sys.stderr)


def write(results: dict[str, Any]) -> None:
    """Write results and page."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(report.render(results), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all is well, 1 when a figure is not what it should be, 2 when nothing could be measured."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Gas of every operation beside its peers.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="compare with what is committed; writes nothing")
    mode.add_argument("--ours", action="store_true", help="keep the peers' figures as they are")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            problems = check(RESULTS, PAGE)
            print("\n".join(problems) or "every figure is the committed one, within its limit")
            if problems:
                print(f"if this is meant, run: {COMMAND} --ours, and commit what it writes", file=sys.stderr)
            return 1 if problems else 0
        ours = measure_ours()
        if options.ours:
            results = with_kept_peers(ours, json.loads(RESULTS.read_text(encoding="utf-8")))
        else:
            results = with_peers(ours)
    except (IptoError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    write(results)
    _show(results)
    return 1 if over_limit(results) else 0


if __name__ == "__main__":
    sys.exit(main())
