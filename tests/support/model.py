# SPDX-License-Identifier: Apache-2.0
"""For tests that need the real pose model, and what stands in its place for those that do not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from ipto.media import pose
from ipto.media.pose.environment import VARIABLE
from ipto.media.pose.joints import Joints

_PLAYER = """#!{python}
import sys
size = int(sys.argv[-2]) * int(sys.argv[-1]) * 3
with open({joints!r}, "rb") as kept:
    while sys.stdin.buffer.read(size):
        sys.stdout.buffer.write({answer})
"""


def _has_model() -> bool:
    try:
        pose.python()
    except pose.NoPoseError:
        return False
    return True


# The environment is optional, 173 MB, and of Python 3.9 to 3.12 only, so `make test` does without; whoever asks for the
# model by `make test-choreography` is not told that all passed when these were not run.
if os.environ.get("IPTO_TEST_POSE") and not _has_model():
    raise pose.NoPoseError("these tests were asked for with the real pose model; run `make pose` first")
needs_model = pytest.mark.skipif(not _has_model(), reason="needs the pose environment: make pose")


def sees(
    joints: Joints, folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str = "kept.read(288).ljust(288, bytes(1))"
) -> None:
    """From now on the pose environment sees these joints in any film, and nobody after them. answer: to a frame."""
    values = np.concatenate([joints.places, joints.visibility[..., None], joints.spots], axis=-1)
    (folder / "joints").write_bytes(values.astype("<f4").tobytes())
    player = folder / "python"
    text = _PLAYER.format(python=sys.executable, joints=str(folder / "joints"), answer=answer)
    player.write_text(text, encoding="utf-8")
    player.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(player))
