# SPDX-License-Identifier: Apache-2.0
"""`make bench-media`: everything about films that is claimed, measured; writes bench/results/media.json and docs.

    python -m bench.media.run                 all steps, an hour and a half on two quiet cores the first time
    python -m bench.media.run recall write    some of them: null, recall, peers, million, speed, write
    python -m bench.media.run ready write     recall of those copies only that were made and described before

What was made is kept in `.cache/bench-media`, so a run that was stopped goes on where it stopped.
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
PEERS_TAKE_EVERY = 3
PEERS_ASKED = ("re-encode", "brightness", "contrast and gamma", "mirror", "letterbox", "crop 10 %", "crop 20 %",
               "rotate 3°", "subtitles", "trim to the middle half", "speed 1.5", "compilation")  # fmt: skip
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
    chosen = dict(list(works.items())[::PEERS_TAKE_EVERY])
    copies = [copy for copy in recall.copies(chosen, ready=True) if copy[0].name in PEERS_ASKED]
    tasks = {
        "catalog": {name: str(film.absolute()) for name, (film, _) in works.items()},
        "copies": [[transform.name, name, str(copy.absolute())] for transform, name, copy in copies],
    }
    given, answer = footage.CACHE / "tasks.json", footage.CACHE / "peers.json"
    given.write_text(json.dumps(tasks), encoding="utf-8")
    script, kept = str(ROOT / "bench" / "media" / "peers.py"), str(footage.CACHE / "peers")
    subprocess.run([str(python), script, str(given), str(answer), kept], check=True)
    # The same question, answered by trace: a film is found when it is named.
    catalog = recall.fill(Catalog(ExactIndex()), works)
    found = json.loads(answer.read_text(encoding="utf-8"))
    for name, tally in recall.measure(catalog, chosen, copies).items():
        found["found"][name]["ours"] = [tally.films, tally.films_found, tally.false_works]
    answer.write_text(json.dumps(found, indent=1), encoding="utf-8")


def ours(ready: bool = False) -> None:
    """Recall and false matches among the registered films: of those the rules were chosen on, and of those not."""
    works = recall.works()
    catalog = recall.fill(Catalog(ExactIndex()), works)
    found = {}
    for part, films in (("tuning", footage.tuning()), ("held_out", footage.held_out())):
        names = {film.stem for film in films}
        mine = {name: work for name, work in works.items() if name in names}
        found[part] = recall.rows(recall.measure(catalog, mine, recall.copies(mine, ready=ready)))
    (footage.CACHE / "recall.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


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
    PLOT.write_text(plot(result["recall"]["tuning"], result["recall"]["held_out"]), encoding="utf-8")
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), result), encoding="utf-8")


def page_with(page: str, result: dict[str, Any]) -> str:
    """The page with these figures in it."""
    before, after = page.partition(_BEGIN)[0], page.partition(_END)[2]
    return f"{before}{_BEGIN}\n{tables(result)}\n{_END}{after}"


def tables(result: dict[str, Any]) -> str:
    """The figures as text."""
    tuning = {row["transform"]: row for row in result["recall"]["tuning"]}
    held_out = {row["transform"]: row for row in result["recall"]["held_out"]}
    head = (
        "| what was done to the film | goal | tuning films: scenes | films | held-out films: scenes | films | false |"
    )
    lines = ["![Recall for each transform](media-recall.svg)", "", head, "|---|---|---|---|---|---|---|"]
    for name, row in tuning.items():
        goal = row["goal_permille"]
        goals = "" if goal is None else "more than none" if goal < 10 else f"{goal / 10:g} %"
        other = held_out.get(name)
        false = row["false_matches"] + (other["false_matches"] if other else 0)
        cells = [name, goals, *_found(row), *(_found(other) if other else ("", "")), str(false)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", _about_null(result["null"])]
    if "peers" in result:
        lines += ["", *_beside_peers(result["peers"])]
    if "million" in result:
        lines += ["", _about_million(result["million"])]
    if "speed" in result:
        lines += ["", _about_speed(result["speed"])]
    return "\n".join(lines)


def _found(row: dict[str, Any]) -> tuple[str, str]:
    share = row["scenes_found"] / max(1, row["scenes"])
    return f"{row['scenes_found']} of {row['scenes']}, {share:.1%}", f"{row['films_found']} of {row['films']}"


def _beside_peers(found: dict[str, Any]) -> list[str]:
    head = (
        f"Films found beside peers, of every {PEERS_TAKE_EVERY}rd film of the catalog (with how many wrong ones named):"
    )
    lines = [head, "", "| | ours | iscc-sdk | PDQ | ImageHash |", "|---|---|---|---|---|"]
    for name, tallies in found["found"].items():
        cells = [name]
        for method in ("ours", "iscc-sdk", "pdq", "imagehash"):
            films, right, wrong = tallies[method]
            cells.append(f"{right} of {films}" + (f" ({wrong} wrong)" if wrong else ""))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _about_null(table: dict[str, Any]) -> str:
    return (
        f"Null distribution: {table['pairs']:,} pairs of windows of {table['subjects']} pictures, the most alike of "
        f"them at a settled T of {table['largest_thousandths'] / 1000:.1f}; "
        f"{table['comparisons_in_million'] / 1e9:.1f} thousand million comparisons in the catalog of a million scenes, "
        f"the most alike at {table['largest_in_million_thousandths'][0] / 1000:.1f}."
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
    for height in (360, 720, 1080):
        row = found[f"describe_{height}p"]
        lines.append(
            f"{height}p: {row['times_real_time_hundredths'] / 100:.1f} × real time ({row['cpu_ms'] / 1000:.1f} s of "
            f"processor time), {row['own_memory_mb']} MB and the largest decoder's {row['largest_child_memory_mb']} MB"
        )
    text = "Describing and fingerprinting a minute of film on two cores, pictures and preview included: "
    text += "; ".join(lines) + "."
    if "lookup_us" in found:
        text += (
            f" Among {found['rows']:,} rows a look-up takes {found['lookup_us'] / 1000:.2f} ms, tracing the minute "
            f"{found['trace_registered_ms'] / 1000:.2f} s, a stranger's 19 seconds with the search for insets "
            f"{found['trace_stranger_thorough_ms'] / 1000:.2f} s. From file to answer: "
            + ", ".join(f"{found[f'file_to_answer_{height}p_ms'] / 1000:.1f} s at {height}p" for height in (360, 720))
            + "; from its key frames alone (`--quick`): "
            + ", ".join(f"{found[f'quick_{height}p_ms'] / 1000:.1f} s at {height}p" for height in (360, 720, 1080))
            + "."
        )
    return text


def plot(tuning: list[dict[str, Any]], held_out: list[dict[str, Any]]) -> str:
    """Two bars for each transform: films the rules were chosen on, and held-out films."""
    others = {row["transform"]: row for row in held_out}
    height = 22 * len(tuning) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" font-size="12" '
        'role="img" aria-label="Part of surviving scenes found, for each transform"><rect width="760" height="100%" '
        'fill="#fff"/><rect x="240" y="12" width="12" height="9" fill="#0b6e4f"/><text x="258" y="21">tuning films'
        '</text><rect x="350" y="12" width="12" height="9" fill="#1f5fa8"/><text x="368" y="21">held-out films</text>'
    ]
    for number, row in enumerate(tuning):
        top = 30 + 22 * number
        parts.append(f'<text x="230" y="{top + 13}" text-anchor="end">{row["transform"]}</text>')
        pair = ((row, 0, "#0b6e4f"), (others.get(row["transform"]), 9, "#1f5fa8"))
        shares = []
        for bar, down, colour in pair:
            if bar is not None and bar["scenes"]:
                shares.append(share := bar["scenes_found"] / bar["scenes"])
                parts.append(
                    f'<rect x="240" y="{top + down}" width="{round(400 * share)}" height="8" fill="{colour}"/>'
                )
        text = " / ".join(f"{share:.0%}" for share in shares)
        parts.append(f'<text x="{246 + round(400 * max(shares, default=0))}" y="{top + 13}">{text}</text>')
    return "".join([*parts, "</svg>\n"])


def main() -> None:
    """The steps that are named, or all."""
    steps = sys.argv[1:] or ["null", "recall", "peers", "million", "speed", "write"]
    if "null" in steps:
        # In a process of its own: the million needs memory.
        subprocess.run([sys.executable, "-m", "bench.media.null"], check=True)
    if "recall" in steps or "ready" in steps:
        ours(ready="recall" not in steps)
    if "peers" in steps:
        side_by_side()
    if "speed" in steps:
        # Before the million is loaded: memory is counted as the most this process ever had.
        speed.keep(speed.describing())
    if "million" in steps:
        if not million.is_built():
            million.build()
        (footage.CACHE / "million.json").write_text(json.dumps(million.measure(), indent=1), encoding="utf-8")
    if "speed" in steps:
        speed.keep(speed.finding())
    if "write" in steps:
        write()


if __name__ == "__main__":
    main()
