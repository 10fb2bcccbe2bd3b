# SPDX-License-Identifier: Apache-2.0
"""Words that strangers wrote into a file, taken only when they are what they should be."""

from __future__ import annotations

import re

from ipto.media.suggestions import clean

_ADDRESS = re.compile(r"https://[!-;=?-~]{1,1992}")
_DIGEST = re.compile(r"0x[0-9a-f]{64}")


def line(text: object) -> str | None:
    """One clean line, or None."""
    return (clean(text, 300) or None) if isinstance(text, str) else None


def address(text: object) -> str | None:
    """An https address, or None."""
    return text if isinstance(text, str) and _ADDRESS.fullmatch(text) else None


def digest(text: object) -> str | None:
    """0x and 64 hex digits in lower case, or None."""
    return text if isinstance(text, str) and _DIGEST.fullmatch(text) else None
