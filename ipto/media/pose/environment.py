# SPDX-License-Identifier: Apache-2.0
"""Where the pose environment is: a Python of its own, because mediapipe needs NumPy below 2 and Python 3.9 to 3.12."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from ipto.errors import NotFoundError

VERSION = 1  # of what is installed there
VARIABLE = "IPTO_POSE_PYTHON"
_HOW = "make it with `make pose` (175 MB), or name a Python that has mediapipe 0.10.21 in " + VARIABLE


class NoPoseError(NotFoundError):
    """Choreography cannot be read, because the pose environment was not made."""


def folder() -> Path:
    """Where `make pose` puts it."""
    return user_cache_path("ipto") / f"pose-{VERSION}"


def python(given: Path | None = None) -> Path:
    """The environment's Python: `given`, else the one the variable names, else that of `make pose`.

    Raises NoPoseError, saying how to get one.
    """
    named = os.environ.get(VARIABLE)
    path = given or (Path(named) if named else folder() / "bin" / "python")
    if not path.is_file():
        where = f"{path} does not exist" if given or named else "the pose environment was not made yet"
        raise NoPoseError(f"reading choreography needs a pose model, and {where}; {_HOW}")
    return path.absolute()  # not resolved: a virtual environment is found by the link's place
