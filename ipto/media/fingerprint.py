# SPDX-License-Identifier: Apache-2.0
"""A film's fingerprint, version 1: what finds it again. The same file gives the same bytes wherever it is computed.

- whole and each scene: ISCC video code, 256 bits (ISO 24138), over MPEG-7 vectors (ISO/IEC 15938-3), five a second,
  black bars removed; a scene longer than 12 seconds in equal pieces;
- each scene: the 256-bit code and the portrait of `ipto.media.sketch`, and its mean MPEG-7 vector to check again;
- sound: Chromaprint, eight numbers a second.

Codes and times stand in the metadata document; all of it in one binary file, which the document names by CID.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipto.errors import InputError
from ipto.media import signature, sketch
from ipto.media.study import Study

VERSION = 1
NAME = f"urn:ipto:fingerprint:{VERSION}"
MAGIC = b"IPTOFP1\x00"
MAX_LISTED = 2_500  # scenes in a metadata document, so that it fits one block
MAX_SCENES = 50_000
_MAX_SOUND = 1_000_000
_PLAIN = 1
_HEAD = struct.Struct("<8sII32s")
_SCENE = struct.Struct(f"<IIB3x32s32s{sketch.GRID**2}s{signature.SIZE}s")
_MEAN_SCALE = 127  # a mean of 0 to 2 in one byte


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene, or an equal part of a long one."""

    start_ms: int
    end_ms: int
    iscc: bytes  # 32 bytes
    code: bytes  # 32 bytes, zeros when plain
    portrait: bytes  # `sketch.pack`, zeros when plain
    vector: bytes  # mean MPEG-7 vector, each number times 127
    is_plain: bool = False  # shows too little to be recognised

    def picture(self) -> sketch.Portrait:
        """The portrait as numbers."""
        return sketch.unpack(self.portrait)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of one film."""

    iscc: bytes  # of the whole, 32 bytes
    scenes: tuple[Scene, ...]
    sound: NDArray[np.uint32]  # Chromaprint, one for each `audio.ITEM_SECONDS`; empty without sound

    def encode(self) -> bytes:
        """The binary file."""
        rows = [
            _SCENE.pack(
                scene.start_ms, scene.end_ms, _PLAIN * scene.is_plain,
                scene.iscc, scene.code, scene.portrait, scene.vector,
            )
            for scene in self.scenes
        ]  # fmt: skip
        head = _HEAD.pack(MAGIC, len(self.scenes), len(self.sound), self.iscc)
        return head + b"".join(rows) + self.sound.astype("<u4").tobytes()

    def document(self, uri: str) -> dict[str, Any]:
        """What the metadata document says; `uri`: where the binary file is, `ipfs://…`."""
        listed = self.scenes
        if len(listed) > MAX_LISTED:  # the longest tell most
            listed = tuple(sorted(sorted(listed, key=lambda s: s.start_ms - s.end_ms)[:MAX_LISTED], key=_start))
        return {
            "version": NAME,
            "iscc": iscc_text(self.iscc),
            "data": uri,
            "scene_count": len(self.scenes),
            "scenes": [
                {
                    "start_ms": scene.start_ms,
                    "end_ms": scene.end_ms,
                    "iscc": scene.iscc.hex(),
                    "code": None if scene.is_plain else scene.code.hex(),
                }
                for scene in listed
            ],
        }


def _start(scene: Scene) -> int:
    return scene.start_ms


def decode(data: bytes) -> Fingerprint:
    """Read the binary file. Raises InputError for anything but a whole one of this version."""
    if len(data) < _HEAD.size or data[:8] != MAGIC:
        raise InputError(f"this is not a fingerprint of version {VERSION}")
    _, scenes, sound, iscc = _HEAD.unpack_from(data)
    if scenes > MAX_SCENES or sound > _MAX_SOUND or len(data) != _HEAD.size + scenes * _SCENE.size + 4 * sound:
        raise InputError("the fingerprint is cut off or has bytes it does not tell of")
    found, before = [], 0
    for number in range(scenes):
        start, end, flags, code, sign, portrait, vector = _SCENE.unpack_from(data, _HEAD.size + number * _SCENE.size)
        if not before <= start < end or flags > _PLAIN:
            raise InputError(f"scene {number} of the fingerprint has impossible times or flags")
        before = start
        found.append(Scene(start, end, code, sign, portrait, vector, bool(flags)))
    items = np.frombuffer(data, "<u4", sound, len(data) - 4 * sound).astype(np.uint32)
    return Fingerprint(iscc, tuple(found), items)


def compute(study: Study, duration_ms: int) -> Fingerprint:
    """The fingerprint of a film that was studied."""
    portraits = [piece.portrait for piece in study.pieces]
    blank = np.zeros((sketch.GRID, sketch.GRID), np.float32)
    packed = [sketch.pack(blank if portrait is None else portrait) for portrait in portraits]
    # From the stored portrait, so that whoever has only that computes the same code.
    signs = sketch.codes(sketch.sketches(np.array([sketch.unpack(data) for data in packed])))
    scenes: list[Scene] = []
    for piece, portrait, data, sign in zip(study.pieces, portraits, packed, signs, strict=True):
        start = scenes[-1].end_ms if scenes else 0
        end = min(round(piece.end * 1000), duration_ms) if piece is not study.pieces[-1] else duration_ms
        if end <= start or piece.vectors is None:
            continue
        mean = piece.vectors / max(1, piece.vector_count)
        scenes.append(
            Scene(
                start_ms=start,
                end_ms=end,
                iscc=_iscc(piece.vectors),
                code=bytes(32) if portrait is None else sign.tobytes(),
                portrait=data,
                vector=np.rint(mean * _MEAN_SCALE).clip(0, 255).astype(np.uint8).tobytes(),
                is_plain=portrait is None,
            )
        )
    sound = study.sound.items[:_MAX_SOUND] if study.sound else np.zeros(0, np.uint32)
    whole = np.unique(study.vectors, axis=0).sum(0, dtype=np.int64)
    return Fingerprint(_iscc(whole), tuple(scenes[:MAX_SCENES]), sound)


def iscc_text(code: bytes) -> str:
    """A 256-bit video code as an ISCC unit: `ISCC:…`."""
    from iscc_lib import encode_component

    content, video, version = 2, 3, 0
    return "ISCC:" + str(encode_component(content, video, version, len(code) * 8, code))


def hamming(first: bytes, second: bytes) -> int:
    """How many bits differ."""
    return (int.from_bytes(first, "big") ^ int.from_bytes(second, "big")).bit_count()


def vector_distance(first: bytes, second: bytes) -> int:
    """L1 distance of mean MPEG-7 vectors in their own unit, 0 to 760; trims and re-encodes stay below 60."""
    a, b = np.frombuffer(first, np.uint8).astype(int), np.frombuffer(second, np.uint8).astype(int)
    return round(int(np.abs(a - b).sum()) / _MEAN_SCALE)


def _iscc(vector_sum: NDArray[np.int64]) -> bytes:
    """ISO 24138 hashes the sum of a video's distinct vectors, so the sum alone is enough."""
    from iscc_lib import soft_hash_video_v0

    rows: Sequence[Sequence[int]] = [vector_sum.tolist()]
    return bytes(soft_hash_video_v0(rows, 256))
