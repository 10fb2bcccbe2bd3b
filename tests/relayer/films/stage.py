# SPDX-License-Identifier: Apache-2.0
"""What tests of sent films share: a film, long ones, and how to look at what came of them."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import httpx

from ipto.media import sample_path
from tests.relayer.world import RelayerProcess

Start = Callable[..., RelayerProcess]
MIB = 1024 * 1024
FILM = sample_path().read_bytes()


def padded(size: int) -> bytes:
    """The film with a box of random bytes behind it: as long as a real one, and still a film."""
    rest = size - len(FILM)
    return FILM + struct.pack(">I4s", rest, b"free") + random.Random(size).randbytes(rest - 8)


LONG = padded(20 * MIB)


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
