# SPDX-License-Identifier: Apache-2.0
"""Writes the figures of bench/results/indexer.json into docs/indexer-performance.md, and draws them:

    python -m bench.indexer.report

The page's own words stay as they are; what stands between `<!-- figures -->` marks is made here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results" / "indexer.json"
PAGE = ROOT / "docs" / "indexer-performance.md"
PLOT = ROOT / "docs" / "indexer-growth.svg"
_BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.S)
_NOT_YET = "*Not measured yet with the present version.*\n"
_SIZES = ("works_10000", "works_100000", "works_1000000")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def backfill(parts: dict[str, Any]) -> str:
    """Events a second beside the peers."""
    names = {"sqlite": "ours, SQLite", "postgres": "ours, PostgreSQL", "ponder": "Ponder", "envio": "Envio"}
    shapes = ("dense", "sparse")
    rows: list[list[object]] = []
    for key, name in names.items():
        cells: list[object] = [name]
        for shape in shapes:
            found = parts[shape][key]
            times = [
                f"{found[f'times_{peer}']} × {peer.title()}" for peer in ("ponder", "envio") if f"times_{peer}" in found
            ]
            cells += [found["events_per_second"], ", ".join(times)]
        rows.append(cells)
    out = table(["", "dense", "", "sparse", ""], rows)
    days = sorted({parts[shape]["measured"] for shape in shapes})
    memory = max(parts[shape][name]["memory_mb"] for shape in shapes for name in ("sqlite", "postgres"))
    return out + f"\nMeasured {', '.join(days)}. Most memory of a run: {memory} MB.\n"


def mix(parts: dict[str, Any]) -> str:
    """The protocol's own events."""
    found = parts["mix"]
    rows = [
        [name, found[key]["events"], found[key]["events_per_second"], found[key].get("memory_mb", "")]
        for key, name in (("sqlite", "SQLite"), ("postgres", "PostgreSQL"))
    ]
    return table(["", "events", "a second", "memory, MB"], rows) + f"\nMeasured {found['measured']}.\n"


def million(parts: dict[str, Any]) -> str:
    """Speed and memory while a database grows to a million events."""
    found = parts["million"]
    lines = zip(found["sqlite"]["grown"], found["postgres"]["grown"], strict=False)
    rows = [[a["events"], a["rate"], a["memory_mb"], b["rate"], b["memory_mb"]] for a, b in lines]
    head = ["events", "SQLite, a second", "memory, MB", "PostgreSQL, a second", "memory, MB"]
    sizes = ", ".join(
        f"{name} {found[key]['database_mb']} MB" for key, name in (("sqlite", "SQLite"), ("postgres", "PostgreSQL"))
    )
    return table(head, rows) + f"\nMeasured {found['measured']}. On disk afterwards: {sizes}.\n"


def api(parts: dict[str, Any]) -> str:
    """Requests a second of one worker."""
    found = parts["api"]
    rows: list[list[object]] = []
    for key, name in (("works_10000", "SQLite, 10,000 works"), ("works_100000", "SQLite, 100,000"),
                      ("works_1000000", "SQLite, 1,000,000"), ("postgres", "PostgreSQL, 10,000")):  # fmt: skip
        for how, words in (("made", "made anew"), ("kept", "kept until a commit")):
            if key in found:
                page, single = found[key][how]["page_of_50_licenses"], found[key][how]["single_work"]
                rows.append([f"{name}, {words}", *_load(page), *_load(single)])
    rows.append(
        ["Ponder's GraphQL, 10,000 transfers", *_load(found["ponder"]["page_of_50"]), *_load(found["ponder"]["single"])]
    )
    head = ["", "pages of 50 a second", "p50, ms", "p99, ms", "single objects a second", "p50, ms", "p99, ms"]
    heads, times = found["head_to_api_ms"], found["times_ponder"]
    return (
        table(head, rows)
        + f"\nMade anew, at 10,000: pages {times['page']} ×, single objects {times['single']} × Ponder. "
        f"{_against(found)} From a block's being out to the API's showing it: "
        f"median {heads['median']} ms, p99 {heads['p99']} ms over 100 blocks. "
        f"Query plans at fault at a million works: {len(found['plans_at_fault'])} of {found['plans_looked_at']} "
        "questions. "
        f"Measured {found['measured']}.\n"
    )


# Pages and single objects a second on one worker, made anew, and how many times Ponder's pages.
_MEANT = {"page_of_50_licenses": 1_500, "single_work": 3_000}
_MEANT_TIMES = 4


def _against(found: dict[str, Any]) -> str:
    """What was meant to be reached, and what of it was not."""
    made = found["works_10000"]["made"]
    missed = [
        f"{name.replace('_', ' ')} ({made[name]['requests_per_second']:,} of {meant:,} a second)"
        for name, meant in _MEANT.items()
        if made[name]["requests_per_second"] < meant
    ]
    times = found["times_ponder"]["page"]
    if times < _MEANT_TIMES:
        missed.append(f"pages beside Ponder ({times} of {_MEANT_TIMES} ×)")
    meant = f"Meant to be reached: {_MEANT['page_of_50_licenses']:,} pages and {_MEANT['single_work']:,} single works"
    return f"{meant} a second, pages {_MEANT_TIMES} × Ponder; missed: {', '.join(missed) or 'nothing'}."


def _load(found: dict[str, Any]) -> list[object]:
    return [found["requests_per_second"], found["p50_ms"], found["p99_ms"]]


def sizing(parts: dict[str, Any]) -> str:
    """What a catalog takes on disk."""
    found = parts["api"]
    rows = []
    for key in _SIZES:
        works, size = int(key.partition("_")[2]), found[key]["database_mb"]
        rows.append([works, size, f"{size * 1024 / works:.1f} kB"])
    return table(["works, each with an offer, a license and a document", "SQLite, MB", "a work"], rows)


def drawing(_parts: dict[str, Any]) -> str:
    """Where the plot is shown."""
    return f"![Backfill and answers as databases grow]({PLOT.name})\n"


MAKERS = {"backfill": backfill, "mix": mix, "million": million, "api": api, "drawing": drawing, "sizing": sizing}
_NEEDS = {
    "backfill": ("dense", "sparse"),
    "mix": ("mix",),
    "million": ("million",),
    "api": ("api",),
    "drawing": ("million", "api"),
    "sizing": ("api",),
}


def page(text: str, parts: dict[str, Any]) -> str:
    """The page with the figures in place; what was not measured says so."""

    def made(found: re.Match[str]) -> str:
        name = found[2]
        measured = all(part in parts for part in _NEEDS[name])
        return f"{found[1]}{MAKERS[name](parts) if measured else _NOT_YET}{found[3]}"

    return _BLOCK.sub(made, text)


# ---- the plot -------------------------------------------------------------------------------------------

_WIDE, _HIGH, _LEFT, _BOTTOM = 340, 190, 52, 34
_COLORS = {"SQLite": "#2563eb", "PostgreSQL": "#b45309", "page": "#2563eb", "single": "#b45309"}

Line = tuple[str, list[tuple[float, float]]]


def plot(parts: dict[str, Any]) -> str:
    """Two charts side by side: backfill over events, answers over works."""
    grown = parts["million"]
    left: list[Line] = [
        (name, [(line["events"], line["rate"]) for line in grown[key]["grown"]])
        for key, name in (("sqlite", "SQLite"), ("postgres", "PostgreSQL"))
    ]
    found = parts["api"]
    right: list[Line] = [
        (name, [(int(size.partition("_")[2]), found[size]["made"][key]["requests_per_second"]) for size in _SIZES])
        for key, name in (("page_of_50_licenses", "page"), ("single_work", "single"))
    ]
    style = "font-family:system-ui,sans-serif;font-size:11px;fill:#374151"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _WIDE + 40} {_HIGH + 50}" style="{style}">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
        f"{_chart(10, 'Backfill: events a second, as the database grows', left, log=False)}"
        f"{_chart(_WIDE + 30, 'API: requests a second, made anew, over works', right, log=True)}</svg>\n"
    )


def _chart(at: int, title: str, lines: Sequence[Line], *, log: bool) -> str:
    top = max(value for _, points in lines for _, value in points) * 1.1
    most = max(x for _, points in lines for x, _ in points)
    least = min(x for _, points in lines for x, _ in points)

    def place(x: float, y: float) -> tuple[float, float]:
        share = math.log(x / least) / math.log(most / least) if log else x / most
        return at + _LEFT + share * (_WIDE - _LEFT - 10), 30 + (1 - y / top) * (_HIGH - _BOTTOM)

    out = f'<text x="{at}" y="16" font-weight="600">{title}</text>\n'
    step = 10 ** math.floor(math.log10(top / 2))
    step *= next(times for times in (1, 2, 5, 10) if top / (step * times) <= 5)
    value = 0.0
    while value <= top:
        _, y = place(least, value)
        out += f'<path d="M{at + _LEFT} {y:.1f}H{at + _WIDE - 10}" stroke="#e5e7eb"/>'
        out += f'<text x="{at + _LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>\n'
        value += step
    for x in sorted({x for _, points in lines for x, _ in points})[:: 1 if log else 3]:
        out += f'<text x="{place(x, 0)[0]:.1f}" y="{_HIGH + 14}" text-anchor="middle">{x:,.0f}</text>\n'
    for number, (name, points) in enumerate(lines):
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (place(*point) for point in points))
        color = _COLORS[name]
        out += f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>\n'
        x = at + _LEFT + 90 * number
        out += f'<text x="{x}" y="{_HIGH + 34}" style="fill:{color}">■ {name}</text>\n'
    return out


def write() -> None:
    """Both files."""
    parts = orjson.loads(RESULTS.read_bytes())["parts"]
    PAGE.write_text(page(PAGE.read_text(), parts))
    if all(part in parts for part in _NEEDS["drawing"]):
        PLOT.write_text(plot(parts))


if __name__ == "__main__":
    write()
