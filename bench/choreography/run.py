# SPDX-License-Identifier: Apache-2.0
"""Dances found again when somebody else dances them: `make bench-choreography`.

Eight dances that nothing was tuned on are registered beside the 64 of the null distribution, and each is danced again
by other bodies, slower, faster, in a mirror, seen from the side; films of it are made small, coarse and cropped. All
goes through the real pose model. Writes bench/results/choreography.json and the table in docs/choreography.md.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.choreography import figure, seen
from bench.choreography.motion import RATE, Motion, Performer, mirrored_pose, phrase, real_clips
from bench.choreography.null import TARGET, strangers
from ipto import media
from ipto.media import _ffmpeg
from ipto.media.choreography import Choreography, compute
from ipto.media.moving import read_choreography
from ipto.trace.choreography import ChoreographyIndex

ROOT = Path(__file__).parent.parent.parent
RESULT = ROOT / "bench" / "results" / "choreography.json"
PAGE = ROOT / "docs" / "choreography.md"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
DANCES = 8
SECONDS = 12
_STRANGERS_ASKED = 64


def dance(number: int) -> Motion:
    """One that is held out."""
    return phrase(30_000 + number, SECONDS)


def body(number: int, which: int) -> Performer:
    """Who dances it: 0 the one registered, others after."""
    return Performer.of(40_000 + 10 * number + which)


def asking(number: int) -> Choreography:
    """A dance by a dancer of whom nothing is in the catalog, nor in the null distribution."""
    who = Performer.of(60_000 + number)
    return compute(seen.joints(who.dances(phrase(50_000 + number, SECONDS)), who))


def danced(number: int) -> dict[str, Choreography]:
    """The dance as other people do it."""
    motion, others = dance(number), [body(number, which) for which in range(1, 6)]
    flipped = Motion(mirrored_pose(motion.directions), motion.floor * [-1, 1])
    takes = {
        "another dancer": others[0].dances(motion),
        "another dancer, tempo 0.8": others[1].dances(motion.at_tempo(0.8)),
        "another dancer, tempo 1.25": others[2].dances(motion.at_tempo(1.25)),
        "another dancer, mirrored": others[3].dances(flipped),
        "another dancer, turned by 30°": others[4].dances(motion).turned(30),
    }
    found = {name: compute(seen.joints(take, who)) for (name, take), who in zip(takes.items(), others, strict=True)}
    whole = found["another dancer"]
    for seconds in (8, 6, 4):
        found[f"another dancer, {seconds} seconds of it"] = excerpt(whole, 2, seconds)
    return found


def excerpt(whole: Choreography, start: float, seconds: float) -> Choreography:
    """A part of what was seen."""
    stretch = whole.stretches[0]
    part = slice(round(start * 12), round((start + seconds) * 12))
    return Choreography((type(stretch)(0, stretch.directions[part], stretch.valid[part]),))


_FILTERS = {
    "the film re-encoded, small and coarse": "scale=160:160",
    "the film cropped by a fifth": "crop=iw*0.8:ih*0.8",
    "the film cropped to the upper body": "crop=iw*0.7:ih*0.52:iw*0.15:ih*0.08",
}


def film(number: int) -> Path:
    """The registered performance as an MP4."""
    path = seen.CACHE / "films" / f"{number}.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        who = body(number, 0)
        size = f"{figure.SIDE}x{figure.SIDE}"
        command = [_ffmpeg.executable(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size]
        command += ["-r", str(RATE), "-i", "-", "-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", str(path)]
        frames = b"".join(frame.tobytes() for frame in figure.draw(who.dances(dance(number)), who))
        subprocess.run(command, input=frames, check=True)
    return path


def filmed(number: int) -> dict[str, Choreography]:
    """What copies of the film give."""
    found = {}
    for place, (name, change) in enumerate(_FILTERS.items()):
        copy = seen.CACHE / "films" / f"{number}-{place}.mp4"
        if not copy.exists():
            command = [_ffmpeg.executable(), "-v", "error", "-y", "-i", str(film(number)), "-vf", change]
            subprocess.run([*command, "-c:v", "libx264", "-crf", "34", "-pix_fmt", "yuv420p", str(copy)], check=True)
        found[name] = read_choreography(copy)
    return found


def real_people() -> dict[str, Any]:
    """Motion capture of people, one clip after the other, by two bodies; and real films that hold no dance."""
    clips = [clip for clip in real_clips(seen.CACHE).values() if clip.seconds() > 1]
    joined = clips[0]
    for clip in clips[1:]:
        joined = joined.followed_by(clip)
    joined = Motion(joined.directions, np.clip(joined.floor - joined.floor.mean(0), -0.6, 0.6))
    first, second = (compute(seen.joints(who.dances(joined), who)) for who in (Performer.of(1), Performer.of(2)))
    index = ChoreographyIndex()
    index.add("real", "motion capture", first)
    for number, stranger in enumerate(strangers()):
        index.add(f"stranger {number}", "", stranger)
    found = index.search(second)
    films = [media.sample_path().with_name(name) for name in ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")]
    return {
        "clips": len(clips),
        "seconds": round(joined.seconds()),
        "found_when_another_body_does_it": any(match.work == "real" for match in found),
        "false": sum(match.work != "real" for match in found),
        "windows_of_films_without_dance": {path.name: len(read_choreography(path).windows()) for path in films},
    }


def speed() -> dict[str, int]:
    """Of the worker, over a film of twelve seconds."""
    path = film(0)
    started = time.perf_counter()
    read_choreography(path)
    took = time.perf_counter() - started
    return {
        "film_ms": SECONDS * 1000,
        "took_ms": round(took * 1000),
        "times_real_time_hundredths": round(SECONDS / took * 100),
        "largest_child_memory_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    }


def measure() -> dict[str, Any]:
    """All of it."""
    known = strangers()
    index = ChoreographyIndex()
    for number, stranger in enumerate(known):
        index.add(f"stranger {number}", "", stranger)
    registered = [
        compute(seen.joints(body(number, 0).dances(dance(number)), body(number, 0))) for number in range(DANCES)
    ]
    for number, choreography in enumerate(registered):
        index.add(f"dance {number}", "", choreography)
    rows: dict[str, dict[str, int]] = {}
    queries = 0
    for number in range(DANCES):
        for name, query in (danced(number) | filmed(number)).items():
            matches = index.search(query)
            row = rows.setdefault(name, {"found": 0, "asked": 0, "false": 0})
            row["asked"] += 1
            row["found"] += any(match.work == f"dance {number}" for match in matches)
            row["false"] += sum(match.work != f"dance {number}" for match in matches)
            queries += 1
        print(f"dance {number}", file=sys.stderr, flush=True)
    alarms = sum(bool(index.search(asking(number))) for number in range(_STRANGERS_ASKED))
    table = json.loads(TARGET.read_text(encoding="utf-8"))
    return {
        "catalog_works": len(known) + DANCES,
        "catalog_windows": len(index),
        "rows": rows,
        "queries": queries,
        "strangers_asked": _STRANGERS_ASKED,
        "strangers_that_raised_an_alarm": alarms,
        "null_pairs": table["pairs"],
        "null_largest_thousandths": table["largest_thousandths"][0],
        "real": real_people(),
        "speed": speed(),
    }


def page(result: dict[str, Any]) -> str:
    """What stands between the marks."""
    lines = ["| what is asked | found | other works named |", "|---|---|---|"]
    lines += [f"| {name} | {row['found']} of {row['asked']} | {row['false']} |" for name, row in result["rows"].items()]
    real, fast = result["real"], result["speed"]
    films = ", ".join(f"{name} {count}" for name, count in real["windows_of_films_without_dance"].items())
    verdict = "found" if real["found_when_another_body_does_it"] else "not found"
    return "\n".join(
        [
            *lines,
            "",
            f"Catalog: {result['catalog_works']} dances, {result['catalog_windows']:,} windows. Of "
            f"{result['strangers_asked']} dances that are not in it {result['strangers_that_raised_an_alarm']} raised "
            f"an alarm. Null distribution: {result['null_pairs']:,} pairs of windows, the most alike at "
            f"{result['null_largest_thousandths'] / 1000}.",
            "",
            f"Real motion: {real['clips']} clips of motion capture in a row, {real['seconds']} seconds, done by "
            f"another body: {verdict}, {real['false']} other works named. Windows in real films that hold no dance: "
            f"{films}.",
            "",
            f"Reading a film of {fast['film_ms'] // 1000} seconds took {fast['took_ms'] / 1000:.1f} s on two cores, "
            f"{fast['times_real_time_hundredths'] / 100:.1f} × real time; the largest process took "
            f"{fast['largest_child_memory_mb']} MB.",
        ]
    )


def main() -> None:
    """Measure and write."""
    result = measure()
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}\n{page(result)}\n{_END}{after}", encoding="utf-8")
    print(page(result))


if __name__ == "__main__":
    main()
