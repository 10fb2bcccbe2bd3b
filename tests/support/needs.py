# SPDX-License-Identifier: Apache-2.0
"""What a test needs from the machine. A newcomer may lack it and is told; a gate that lacks it must not pass as if the
test had been run."""

from __future__ import annotations

import os

import pytest


def lacking(what: str) -> None:
    """Skip, saying what is missing and how to get it; where `CI` is set, fail."""
    assert not os.environ.get("CI"), what
    pytest.skip(what)
