# SPDX-License-Identifier: Apache-2.0
"""MPEG-7 video signature (ISO/IEC 15938-3) as FFmpeg's filter `signature` writes it: 380 ternary numbers a frame.

What ISCC (ISO 24138) hashes, and what candidates are checked against again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZE = 380  # numbers in a frame's vector, each 0, 1 or 2
_HEADER_BITS = 129
_SEGMENT_BITS = 4 * 32 + 1 + 5 * 243
_FRAME_BITS = 1 + 32 + 8 + 5 * 8 + 76 * 8
_VECTOR_AT = 1 + 32 + 8 + 5 * 8
# A byte packs five ternary digits, the first the most significant.
_TRITS = np.array([[value // 3**power % 3 for power in (4, 3, 2, 1, 0)] for value in range(256)], np.uint8)


class SignatureError(ValueError):
    """Bytes are not an MPEG-7 video signature."""


def parse(data: bytes) -> NDArray[np.uint8]:
    """The frames' vectors, shape (frames, 380), from the filter's binary output. Raises SignatureError."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))

    def number(at: int, width: int = 32) -> int:
        if at + width > bits.size:
            raise SignatureError("the signature is cut off")
        return int.from_bytes(np.packbits(bits[at : at + width]).tobytes(), "big")

    frames = number(_HEADER_BITS)
    at = _HEADER_BITS + 32 + 16 + 1 + 64
    at += 32 + number(at) * _SEGMENT_BITS + 1
    if frames == 0 or at + frames * _FRAME_BITS > bits.size:
        raise SignatureError("the signature holds fewer frames than it says")
    rows = bits[at : at + frames * _FRAME_BITS].reshape(frames, _FRAME_BITS)[:, _VECTOR_AT:]
    packed = np.packbits(rows, axis=1)
    return _TRITS[packed].reshape(frames, SIZE)
