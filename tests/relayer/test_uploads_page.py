# SPDX-License-Identifier: Apache-2.0
"""docs/uploads.md: every attack it lists has a test, and the test exists."""

from __future__ import annotations

import re
from pathlib import Path

from relayer.films import CLOSED, OPEN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "uploads.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def test_every_attack_has_a_test_that_exists() -> None:
    section = PAGE[PAGE.index("## Threat model") :]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| attack")]
    assert len(rows) >= 15
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        for file, name in named:
            text = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert re.search(rf"^def {name}\(", text, re.M), (file, name)


def test_every_state_is_explained() -> None:
    for state in (*OPEN, *CLOSED):
        assert f"`{state}`" in PAGE, state
