# SPDX-License-Identifier: Apache-2.0
"""What names a database."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")


def is_postgres(url: str) -> bool:
    """Whether a URL names a PostgreSQL database."""
    return url.startswith(POSTGRES)


def sqlite_path(url: str) -> Path:
    """The file a SQLite URL names."""
    return Path(url.removeprefix(SQLITE))


def redacted(url: str) -> str:
    """A URL as it may stand in a log: without user and password."""
    if not is_postgres(url):
        return url
    parts = urlsplit(url)
    return f"postgresql://{parts.hostname or ''}{parts.path}"
