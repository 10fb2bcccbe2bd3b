# SPDX-License-Identifier: Apache-2.0
"""Thousands of drills of the relayer, each from its seed: `make chaos-relayer` (RUNS=2000, FIRST=0).

Writes bench/results/relayer-chaos.json: how many were run, what happened in them, and the seeds that failed.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import orjson

from tests.relayer.drill import Drill

RESULTS = Path(__file__).parents[2] / "bench" / "results" / "relayer-chaos.json"


def drill(seed: int) -> tuple[int, Counter[str], str]:
    """One drill; its seed, what happened, and why it failed."""
    logging.disable(logging.CRITICAL)
    one = Drill(seed)
    try:
        return seed, one.run(), ""
    except Exception:
        return seed, one.counts, traceback.format_exc()


def main() -> None:
    runs, first = int(os.environ.get("RUNS", "2000")), int(os.environ.get("FIRST", "0"))
    total: Counter[str] = Counter()
    failed: dict[int, str] = {}
    begun = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for number, (seed, counts, why) in enumerate(pool.map(drill, range(first, first + runs), chunksize=5), 1):
            total += counts
            if why:
                failed[seed] = why
                print(f"seed {seed}: {why}", flush=True)
            if number % 200 == 0:
                print(f"{number} drills, {len(failed)} failed, {time.monotonic() - begun:.0f} s", flush=True)
    result = {
        "drills": runs,
        "first_seed": first,
        "failed_seeds": sorted(failed),
        "events": dict(sorted(total.items())),
    }
    RESULTS.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    print(f"{runs - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
