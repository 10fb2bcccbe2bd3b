# SPDX-License-Identifier: Apache-2.0
"""Records what the real pose model sees of one dance by two dancers, for tests without the model.

python -m bench.choreography.record        half a minute; needs `make pose`
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.choreography import seen
from bench.choreography.motion import Performer, phrase

TARGET = Path(__file__).parent.parent.parent / "tests" / "vectors" / "joints.npz"


def main() -> None:
    """Write `first` and `second`: (frames, 12, 6) places, visibility, spots; rounded to a half float."""
    takes = {}
    for name, seed in (("first", 1000), ("second", 1001)):
        body = Performer.of(seed)
        joints = seen.joints(body.dances(phrase(0, 12)), body)
        parts = (joints.places, joints.visibility[..., None], joints.spots)
        takes[name] = np.concatenate(parts, axis=-1).astype(np.float16)
    np.savez_compressed(TARGET, **takes)


if __name__ == "__main__":
    main()
