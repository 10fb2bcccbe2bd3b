# SPDX-License-Identifier: Apache-2.0
"""Bytes anyone can make again, and a real IPFS daemon, one for each test process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ipto.content.local import LocalStore
from tests.support.ipfs_daemon import IpfsDaemon

# A busy machine is not a failing test.
settings.register_profile("ipto", deadline=None)
settings.load_profile("ipto")


def stream_bytes(seed: str, size: int) -> bytes:
    """The stream of the golden vectors: SHA-256 of `seed:0`, `seed:1`, … cut at `size`."""
    out = b"".join(hashlib.sha256(f"{seed}:{i}".encode()).digest() for i in range(-(-size // 32)))
    return out[:size]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An empty local store."""
    return LocalStore(tmp_path / "store")


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IpfsDaemon]:
    """A private IPFS daemon."""
    with IpfsDaemon(tmp_path_factory.mktemp("ipfs")) as running:
        yield running
