# SPDX-License-Identifier: Apache-2.0
"""For tests that need the real pose model."""

from __future__ import annotations

import pytest

from ipto.media import pose


def _has_model() -> bool:
    try:
        pose.python()
    except pose.NoPoseError:
        return False
    return True


needs_model = pytest.mark.skipif(not _has_model(), reason="needs the pose environment: make pose")
