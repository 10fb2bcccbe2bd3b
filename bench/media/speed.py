# SPDX-License-Identifier: Apache-2.0
"""How fast a film is described, how much memory that takes, and how fast it is traced. Alone on the machine.

python -m bench.media.speed                 both parts
python -m bench.media.speed describing      what needs no catalog
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.media import footage, million
from ipto import media
from ipto.trace.index import query_variants
from ipto.trace.match import PROMISING, Catalog, Work, trace

SECONDS = 60
HEIGHTS = (360, 720, 1080)


def clip(height: int, seconds: int = SECONDS) -> Path:
    """A minute of real and pictured films, one after another, H.264 with sound."""
    path = footage.CACHE / f"clip-{height}-{seconds}.mp4"
    if not path.exists() and height < 720:
        small = ["-vf", f"scale=-2:{height}", "-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-c:a", "copy"]
        footage.ffmpeg("-i", str(clip(720, seconds)), *small, str(path))
    if not path.exists():
        films = [*footage.real_films(), *footage.picture_films(2)]
        inputs = [part for film in films for part in ("-i", str(film))]
        width = height * 16 // 9
        chains = ";".join(
            f"[{number}:v]scale={width}:{height},setsar=1,fps=25,format=yuv420p[v{number}]"
            for number in range(len(films))
        )
        joined = "".join(f"[v{number}]" for number in range(len(films)))
        graph = f"{chains};{joined}concat=n={len(films)}:v=1[a];[a]noise=alls=6:allf=t[v]"
        tone = ["-f", "lavfi", "-i", "aevalsrc='0.3*sin(2*PI*t*220*2^(floor(mod(t*3,12))/12))':s=48000"]
        encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-c:a", "aac", "-t", str(seconds)]
        maps = ["-map", "[v]", "-map", f"{len(films)}:a"]
        footage.ffmpeg(*inputs, *tone, "-filter_complex", graph, *maps, *encode, str(path))
    return path


def describe(film: Path) -> dict[str, int]:
    """Time and memory of `ipto.media.analyse`, pictures included, in a process of its own."""
    code = (
        "import sys, time, resource; from ipto import media;"
        "start = time.perf_counter(); found = media.analyse(sys.argv[1]);"
        "took = time.perf_counter() - start;"
        "own, others = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN));"
        "used = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN));"
        "print(took, own, others, found.properties.duration_ms, used)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(film)], capture_output=True, check=True, text=True)
    took, own, others, duration, used = done.stdout.split()
    return {
        "film_ms": int(duration),
        "took_ms": round(float(took) * 1000),
        "cpu_ms": round(float(used) * 1000),
        "times_real_time_hundredths": round(int(duration) / float(took) / 10),
        "own_memory_mb": int(own) // 1024,
        "largest_child_memory_mb": int(others) // 1024,
    }


def describing() -> dict[str, Any]:
    """Time and memory of describing a minute: the median of three runs by time."""
    found = {}
    for height in HEIGHTS:
        runs = sorted((describe(clip(height)) for _ in range(3)), key=lambda run: run["took_ms"])
        found[f"describe_{height}p"] = runs[1]
    return found


def finding() -> dict[str, Any]:
    """Time of look-ups and traces in the catalog of a million scenes."""
    films = {height: clip(height) for height in HEIGHTS}
    found: dict[str, Any] = {}
    index = million.load()
    catalog = Catalog(index)
    million.take_for_strangers(catalog)
    known = media.analyse(films[720], with_pictures=False).fingerprint
    catalog.add(Work("clip", "clip", known))
    portraits = np.array([scene.picture() for scene in known.scenes if not scene.is_plain])
    _, rows = query_variants(portraits)
    # As in a service that has run for a while: the rows are in memory, the threads are there.
    million.read()
    times = []
    for _ in range(6):
        started = time.perf_counter()
        index.search(rows, PROMISING)
        times.append(time.perf_counter() - started)
    found["lookup_first_us"] = round(times[0] / len(rows) * 1e6)
    found["lookup_us"] = round(statistics.median(times[1:]) / len(rows) * 1e6)
    found["lookups"] = len(rows)
    started = time.perf_counter()
    matches = trace(known, catalog)
    found["trace_registered_ms"] = round((time.perf_counter() - started) * 1000)
    assert matches[0].work.name == "clip"
    for height in HEIGHTS[:2]:
        started = time.perf_counter()
        seen = media.analyse(films[height], with_pictures=False)
        matches = trace(seen.fingerprint, catalog, shape=seen.shape)
        found[f"file_to_answer_{height}p_ms"] = round((time.perf_counter() - started) * 1000)
        assert matches[0].work.name == "clip"
    for height in HEIGHTS:
        started = time.perf_counter()
        glance = media.glance(films[height])
        matches = trace(glance.fingerprint, catalog, thorough=False, shape=glance.shape)
        found[f"quick_{height}p_ms"] = round((time.perf_counter() - started) * 1000)
        assert matches[0].work.name == "clip"
    stranger = million.strangers(1)[0]
    started = time.perf_counter()
    trace(stranger, catalog)
    found["trace_stranger_thorough_ms"] = round((time.perf_counter() - started) * 1000)
    found["rows"] = len(index)
    found["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def keep(result: dict[str, Any]) -> None:
    """Add to what was measured before."""
    path = footage.CACHE / "speed.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(before | result, indent=1), encoding="utf-8")


def main() -> None:
    """`prepare`, `describing`, `finding`, or the last two; writes `.cache/bench-media/speed.json`."""
    steps = sys.argv[1:] or ["describing", "finding"]
    if "prepare" in steps:
        print([str(clip(height)) for height in HEIGHTS])
    if "describing" in steps:
        keep(describing())
    if "finding" in steps:
        keep(finding())


if __name__ == "__main__":
    main()
