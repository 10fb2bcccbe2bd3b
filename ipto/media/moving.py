# SPDX-License-Identifier: Apache-2.0
"""From a film to its choreography, where the pose environment was made (`make pose`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ipto import media
from ipto.media import Description, pose
from ipto.media.choreography import Choreography, compute

__all__ = ["describe_choreography", "read_choreography"]


def read_choreography(
    path: Path | str,
    *,
    limits: media.Limits = media.DEFAULT_LIMITS,
    environment: Path | None = None,
    progress: Callable[[float], object] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Choreography:
    """How the most prominent person in a film moves; without windows where nobody dances.

    environment: the Python of the pose environment, if not the one `make pose` made. progress: called with the part
    that is done, 0 to 1. cancelled: asked several times a second. Raises MediaError, CancelledError, NoPoseError (which
    says how to get the environment), PoseError.
    """
    interpreter = pose.python(environment)  # before anything is read
    path = Path(path)
    found = media.probe(path, limits)
    with path.open("rb") as file:
        joints = pose.read_joints(
            file, str(path), found.demuxer, size=(found.width, found.height), duration=found.duration_ms / 1000,
            environment=interpreter, progress=progress, cancelled=cancelled,
        )  # fmt: skip
    return compute(joints)


def describe_choreography(description: Description, choreography: Choreography) -> Description:
    """The description with it, where there is anything to recognise."""
    return replace(description, choreography=choreography) if len(choreography.windows()) else description
