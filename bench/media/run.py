# SPDX-License-Identifier: Apache-2.0
"""`make bench-media`: everything about films that is claimed, measured; writes bench/results/media.json and docs.

python -m bench.media.run          all steps, an hour and a half on two cores the first time
python -m bench.media.run write    only results and docs, from the steps that were done
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.media import footage, million, null, recall, speed
from ipto.trace.index import ExactIndex
from ipto.trace.match import Catalog

ROOT = Path(__file__).parent.parent.parent
RESULT = ROOT / "bench" / "results" / "media.json"
PAGE = ROOT / "docs" / "media.md"
PLOT = ROOT / "docs" / "media-recall.svg"
_ENVIRONMENT = ROOT / ".build" / "bench-media"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"


def side_by_side() -> None:
    """The copies and catalog, once more with the peers, in their own environment."""
    python = _ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_ENVIRONMENT)], check=True)
        lock = str(ROOT / "requirements" / "bench-media.lock")
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", lock], check=True)
    works = recall.works()
    tasks = {
        "catalog": {name: str(film.absolute()) for name, (film, _) in works.items()},
        "copies": [[transform.name, name, str(copy.absolute())] for transform, name, copy in recall.copies(works)],
    }
    given, answer = footage.CACHE / "tasks.json", footage.CACHE / "peers.json"
    given.write_text(json.dumps(tasks), encoding="utf-8")
    script = str(ROOT / "bench" / "media" / "peers.py")
    subprocess.run([str(python), script, str(given), str(answer)], check=True)


def ours() -> None:
    """Recall and false matches in the catalog alone."""
    works = recall.works()
    catalog = recall.fill(Catalog(ExactIndex()), works)
    rows = recall.rows(recall.measure(catalog, works, recall.copies(works)))
    (footage.CACHE / "recall.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


def gather() -> dict[str, Any]:
    """What the steps left."""
    found: dict[str, Any] = {"null": json.loads(null.TARGET.read_text(encoding="utf-8"))}
    for name in ("recall", "peers", "million", "speed"):
        path = footage.CACHE / f"{name}.json"
        if path.exists():
            found[name] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write() -> None:
    """Results and the measured part of docs/media.md."""
    result = gather()
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    PLOT.write_text(plot(result["recall"]), encoding="utf-8")
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), result), encoding="utf-8")


def page_with(page: str, result: dict[str, Any]) -> str:
    """The page with these figures in it."""
    before, after = page.partition(_BEGIN)[0], page.partition(_END)[2]
    return f"{before}{_BEGIN}\n{tables(result)}\n{_END}{after}"


def tables(result: dict[str, Any]) -> str:
    """The figures as text."""
    peers = result.get("peers", {}).get("found", {})
    head = "| what was done to the film | scenes found | goal | films found | false | iscc-sdk | PDQ | ImageHash |"
    lines = ["![Recall for each transform](media-recall.svg)", "", head, "|---|---|---|---|---|---|---|---|"]
    for row in result["recall"]:
        goal = row["goal_permille"]
        goals = "" if goal is None else "more than none" if goal < 10 else f"{goal / 10:g} %"
        cells = [
            row["transform"],
            f"{row['scenes_found']} of {row['scenes']}, {row['scenes_found'] / max(1, row['scenes']):.1%}",
            goals,
            f"{row['films_found']} of {row['films']}",
            str(row["false_matches"]),
        ]
        for method in ("iscc-sdk", "pdq", "imagehash"):
            tally = peers.get(row["transform"], {}).get(method)
            cells.append(f"{tally[1]} of {tally[0]}" + (f", {tally[2]} false" if tally[2] else "") if tally else "")
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "Peers: films found, of as many. " + _about_null(result["null"])]
    if "million" in result:
        lines += ["", _about_million(result["million"])]
    if "speed" in result:
        lines += ["", _about_speed(result["speed"])]
    return "\n".join(lines)


def _about_null(table: dict[str, Any]) -> str:
    return (
        f"Null distribution: {table['pairs']:,} pairs of windows of {table['subjects']} pictures, the most alike of "
        f"them at T = {table['largest_thousandths'] / 1000:.1f}."
    )


def _about_million(found: dict[str, Any]) -> str:
    rows = {row["transform"]: row for row in found["recall"]}
    names = ", ".join(f"{name} {row['scenes_found']}/{row['scenes']}" for name, row in rows.items())
    return (
        f"In a catalog of {found['scenes']:,} scenes ({found['rows']:,} rows): {found['stranger_queries_with_alarm']} "
        f"of {found['stranger_queries']} queries by strangers raised an alarm; of {found['copy_queries']} copies "
        f"{found['copy_queries_with_false_match']} named a work they do not hold. Scenes found there: {names}."
    )


def _about_speed(found: dict[str, Any]) -> str:
    lines = []
    for height in (720, 1080):
        row = found[f"describe_{height}p"]
        lines.append(
            f"{height}p: {row['times_real_time_hundredths'] / 100:.1f} × real time, {row['own_memory_mb']} MB and the "
            f"decoder's {row['largest_child_memory_mb']} MB"
        )
    text = "Describing and fingerprinting a minute of film on two cores, pictures and preview included: "
    text += "; ".join(lines) + "."
    if "lookup_us" in found:
        text += (
            f" Among {found['rows']:,} rows a look-up takes {found['lookup_us'] / 1000:.2f} ms, tracing the minute "
            f"{found['trace_registered_ms'] / 1000:.2f} s after that, a stranger's 19 seconds with the search for "
            f"insets {found['trace_stranger_thorough_ms'] / 1000:.2f} s."
        )
    return text


def plot(rows: list[dict[str, Any]]) -> str:
    """Bars, one for each transform."""
    height = 22 * len(rows) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" font-size="12" '
        'role="img" aria-label="Part of surviving scenes found, for each transform"><rect width="760" height="100%" '
        'fill="#fff"/>'
    ]
    for number, row in enumerate(rows):
        share, top = row["scenes_found"] / max(1, row["scenes"]), 10 + 22 * number
        parts.append(f'<text x="230" y="{top + 13}" text-anchor="end">{row["transform"]}</text>')
        parts.append(f'<rect x="240" y="{top}" width="{round(440 * share)}" height="17" fill="#0b6e4f"/>')
        parts.append(f'<text x="{246 + round(440 * share)}" y="{top + 13}">{share:.0%}</text>')
    return "".join([*parts, "</svg>\n"])


def main() -> None:
    """All steps, or only the last."""
    if sys.argv[1:] != ["write"]:
        null.main()
        ours()
        side_by_side()
        million.build()
        (footage.CACHE / "million.json").write_text(json.dumps(million.measure(), indent=1), encoding="utf-8")
        (footage.CACHE / "speed.json").write_text(json.dumps(speed.measure(), indent=1), encoding="utf-8")
    write()


if __name__ == "__main__":
    main()
