# SPDX-License-Identifier: Apache-2.0
"""A metadata document, an offer and a currency to start from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

from ipto.content import Cid
from ipto.quantities import Currency
from ipto.works import Audio, MediaProperties, Person, build_metadata

settings.register_profile("ipto", deadline=None)
settings.load_profile("ipto")

USDC = Currency("USDC", "0x" + "11" * 20, 6)
CREATOR = "0x" + "22" * 20


def media_properties() -> MediaProperties:
    return MediaProperties(
        sha256=b"\1" * 32,
        size=1_055_736,
        cid=Cid.of_block(b"film"),
        cid_profile="kubo-cid-v1",
        duration_ms=5280,
        width=1280,
        height=720,
        frame_rate="25/1",
        codec="h264",
        container="mp4",
        audio=Audio("aac", 6, 48000),
    )


@pytest.fixture
def metadata() -> dict[str, Any]:
    return build_metadata(
        title="Big Buck Bunny",
        creators=[Person("Sacha Goedegebure", "director", "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE")],
        credits=[Person("Jan Morgenstern", "music")],
        media=media_properties(),
        description="A rabbit takes revenge.\nGently.",
        credit_text="(c) Blender Foundation, CC BY 3.0",
        tags=["animation", "rabbit"],
        language="en",
        created="2008-05-31",
        poster=Cid.of_block(b"poster"),
        cultural=b"\2" * 32,
    )
