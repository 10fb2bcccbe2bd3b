# SPDX-License-Identifier: Apache-2.0
"""How alike strangers move: the null distribution that trace's probabilities for choreography come from.

    python -m bench.choreography.null        ten minutes the first time; needs `make pose`

Counts the likeness of all pairs of windows of different dances by different dancers (more than a million), as they are
and in a mirror, and writes ipto/trace/choreography-null-1.json. Beyond the counted pairs the tail is exponential, no
steeper than three quarters of what the counted tail itself shows: chance is rather thought too likely than too rare.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.choreography import seen
from bench.choreography.motion import Performer, phrase
from ipto.media import choreography
from ipto.media.choreography import Choreography
from ipto.trace.choreography import LEAST, alike

TARGET = Path(__file__).parent.parent.parent / "ipto" / "trace" / "choreography-null-1.json"
DANCES = 64
SECONDS = 16
_SHARES = (0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5)
_CAUTION = 0.75


def strangers(count: int = DANCES) -> list[Choreography]:
    """Different dances, each by another dancer, as the pose model sees them."""
    bodies = [Performer.of(5000 + number) for number in range(count)]
    dances = [body.dances(phrase(10_000 + number, SECONDS)) for number, body in enumerate(bodies)]
    return [choreography.compute(seen.joints(dance, body)) for dance, body in zip(dances, bodies, strict=True)]


def calibrate() -> dict[str, Any]:
    """The table."""
    dances = strangers()
    plain, flipped = ([dance.windows(mirrored=side) for dance in dances] for side in (False, True))
    values, pairs = [], 0
    for number, own in enumerate(plain):
        for others in (plain, flipped):
            for other in others[number + 1 :]:
                pairs += len(own) * len(other)
                rows, columns = np.nonzero(own.rows @ other.rows.T >= LEAST)
                values.append(alike(own.rows[rows], other.rows[columns]))
    falling = np.sort(np.concatenate(values))[::-1]
    points = [(1.0, 0.0)]
    for share in _SHARES:
        place = int(pairs * share)
        if place < len(falling):
            points.append((share, float(falling[place])))
    # Maximum likelihood of an exponential tail over the 200 most alike.
    slope = _CAUTION / float((falling[:200] - falling[200]).mean())
    return {
        "about": "likeness of windows of strangers' dances, counted by `python -m bench.choreography.null`",
        "choreography_version": choreography.VERSION,
        "pairs": pairs,
        "windows": sum(len(windows) for windows in plain),
        "dances": len(dances),
        "dancers": len(dances),
        "largest_thousandths": [round(float(value) * 1000) for value in falling[:10]],
        "slope_thousandths": round(slope * 1000),
        "quantiles": [
            {"likeness_thousandths": round(at * 1000), "pairs_in_1e9": round(share * 1e9)} for share, at in points
        ],
    }


def main() -> None:
    """Count, and write the table."""
    table = calibrate()
    TARGET.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(f"{table['pairs']} pairs of windows of {table['dances']} dances; largest: {table['largest_thousandths'][0]}")


if __name__ == "__main__":
    main()
