# SPDX-License-Identifier: Apache-2.0
"""All that is known of a film after it was studied, in the form a metadata document takes it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any, Protocol

from ipto.content import ContentStore, describe
from ipto.media import analysis, fingerprint, pictures
from ipto.media.choreography import Choreography
from ipto.media.fingerprint import Fingerprint
from ipto.media.study import Study, Subject
from ipto.media.suggestions import Suggestion
from ipto.works import Findings, MediaProperties

ANALYSIS = "urn:ipto:analysis:1"
_PALETTE = 6
_LEAST_PERMILLE = 20
# Luma in limited range.
_DARKEST, _BRIGHTEST = 16, 235
_SIZES = ((4320, "4320p"), (2160, "2160p"), (1440, "1440p"), (1080, "1080p"), (720, "720p"), (480, "480p"), (0, "sd"))
_SHAPES = {(16, 9), (4, 3), (1, 1), (9, 16), (21, 9), (3, 2), (2, 1)}


class Probed(Protocol):
    """The part of `ipto.media.Probe` that tags come from."""

    @property
    def is_hdr(self) -> bool: ...
    @property
    def bit_depth(self) -> int: ...
    @property
    def is_variable(self) -> bool: ...
    @property
    def rotation(self) -> int: ...


@dataclass(slots=True)
class Pictures:
    """Encoded, ready to be stored."""

    poster: bytes | None = None  # JPEG
    storyboard: bytes | None = None  # JPEG
    preview: bytes | None = None  # MP4


@dataclass(frozen=True, slots=True)
class SceneView:
    """A scene as a person sees it."""

    start_ms: int
    end_ms: int
    begins: str  # `start`, `cut`, `fade`; `part` when it goes on from the one before
    motion: int  # thousandths
    thumbnail: bytes | None  # JPEG


@dataclass(frozen=True, slots=True)
class Description:
    """A film, described."""

    properties: MediaProperties
    fingerprint: Fingerprint
    scenes: tuple[SceneView, ...]
    analysis: dict[str, Any]  # as in the metadata document
    pictures: Pictures
    suggestions: tuple[Suggestion, ...]  # for people to confirm or edit; nothing of it is taken over unasked
    choreography: Choreography | None = None  # read apart, `ipto.media.moving`

    @property
    def shape(self) -> float:
        """Width by height of the picture, inside black bars."""
        return shape_of(self.analysis.get("crop"), self.properties.width, self.properties.height)

    def blobs(self) -> tuple[bytes, ...]:
        """What belongs into a content store: fingerprint, poster, storyboard, preview, choreography."""
        shots = (self.pictures.poster, self.pictures.storyboard, self.pictures.preview)
        moves = (self.choreography.encode(),) if self.choreography else ()
        return (self.fingerprint.encode(), *(data for data in shots if data), *moves)

    def findings(self) -> Findings:
        """What to give `works.build_metadata`. Stores nothing: the addresses follow from the bytes."""
        shots = self.pictures
        return Findings(
            fingerprint=self.fingerprint.document(describe(self.fingerprint.encode()).cid.uri),
            analysis=self.analysis,
            storyboard=describe(shots.storyboard).cid if shots.storyboard else None,
            preview=describe(shots.preview).cid if shots.preview else None,
            choreography=self.choreography.document(describe(self.choreography.encode()).cid.uri)
            if self.choreography
            else None,
        )

    def keep(self, store: ContentStore) -> Findings:
        """Store all of it; gives `findings`."""
        for data in self.blobs():
            store.put(data)
        return self.findings()


def shape_of(crop: str | None, width: int, height: int) -> float:
    """Width by height of the picture, inside black bars. crop: `width:height:x:y`, as `analysis.detect_crop` gives."""
    inside = crop.split(":") if crop else []
    wide, high = map(int, inside[:2]) if len(inside) == 4 else (width, height)
    return wide / high


def draw_preview(subject: Subject, memory_bytes: int, check: Callable[[], object]) -> bytes:
    """The preview; needs nothing of the study. Raises MediaError and what `check` raises."""
    return pictures.preview(
        subject.path,
        subject.container,
        duration_ms=subject.duration_ms,
        size=(subject.width, subject.height),
        memory_bytes=memory_bytes,
        check=check,
    )


def draw_storyboard(study: Study, memory_bytes: int) -> bytes | None:
    """The storyboard, from the thumbnails of the study. Raises MediaError."""
    thumbs = [piece.thumbnail for piece in study.pieces if piece.kind != "part" and piece.thumbnail]
    return pictures.storyboard(thumbs, memory_bytes=memory_bytes)


def compose(
    properties: MediaProperties,
    probed: Probed,
    study: Study,
    shots: Pictures,
    suggestions: tuple[Suggestion, ...],
) -> Description:
    """Put together what was seen."""
    whole = properties.duration_ms
    scenes = tuple(
        SceneView(
            round(piece.start * 1000), min(round(piece.end * 1000), whole), piece.kind, _motion(piece), piece.thumbnail
        )
        for piece in study.pieces
    )
    return Description(
        properties=properties,
        fingerprint=fingerprint.compute(study, whole),
        scenes=scenes,
        analysis=_statistics(properties, probed, study),
        pictures=shots,
        suggestions=suggestions,
    )


def _statistics(properties: MediaProperties, probed: Probed, study: Study) -> dict[str, Any]:
    lengths = _shot_lengths(study.pieces)
    frames = [piece.end - piece.start for piece in study.pieces]
    total = sum(frames) or 1.0
    motion = sum(_motion(piece) * span for piece, span in zip(study.pieces, frames, strict=True)) / total
    luma = sum(piece.luma * span for piece, span in zip(study.pieces, frames, strict=True)) / total
    kinds = [piece.kind for piece in study.pieces]
    found: dict[str, Any] = {
        "version": ANALYSIS,
        "shots": {
            "count": len(lengths),
            "shortest_ms": min(lengths),
            "median_ms": round(statistics.median(lengths)),
            "longest_ms": max(lengths),
            "cuts": kinds.count("cut"),
            "fades": kinds.count("fade"),
        },
        "motion": round(motion),
        "brightness": max(0, min(1000, round((luma - _DARKEST) * 1000 / (_BRIGHTEST - _DARKEST)))),
        "palette": _palette(study),
        "tags": technical_tags(properties, probed, study),
    }
    if study.sound and study.sound.loudness:
        loud = study.sound.loudness
        found["loudness"] = {"integrated": loud.integrated, "range": loud.range, "true_peak": loud.true_peak}
    if study.crop:
        found["crop"] = study.crop
    return found


def _motion(piece: analysis.Piece) -> int:
    return min(1000, round(piece.motion * 1000 / 255))


def _shot_lengths(pieces: list[analysis.Piece]) -> list[int]:
    """Milliseconds of each scene, pieces of long ones taken together."""
    lengths: list[float] = []
    for piece in pieces:
        span = (piece.end - piece.start) * 1000
        if piece.kind == "part" and lengths:
            lengths[-1] += span
        else:
            lengths.append(span)
    return [round(length) for length in lengths]


def _palette(study: Study) -> list[dict[str, Any]]:
    total = int(study.colours.sum()) or 1
    order = sorted(range(len(study.colours)), key=lambda index: (-int(study.colours[index]), index))
    shares = [(index, round(int(study.colours[index]) * 1000 / total)) for index in order[:_PALETTE]]
    return [
        {"colour": analysis.colour_name(index), "permille": share}
        for index, share in shares
        if share >= _LEAST_PERMILLE
    ]


def technical_tags(properties: MediaProperties, probed: Probed, study: Study) -> list[str]:
    """Tags that mean the same in every language."""
    width, height = properties.width, properties.height
    divisor = gcd(width, height)
    shape = (width // divisor, height // divisor)
    rate = Fraction(properties.frame_rate)
    tags = [
        next(name for lines, name in _SIZES if min(width, height) >= lines),
        "portrait" if height > width else "landscape" if width > height else "square",
        f"{round(float(rate), 2):g}fps",
        properties.codec,
    ]
    if shape in _SHAPES:
        tags.append(f"{shape[0]}:{shape[1]}")
    channels = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
    if properties.audio is None:
        tags.append("no-audio")
    elif study.sound and study.sound.loudness is None and study.seconds > 1:
        tags.append("silent")
    else:
        tags.append(channels.get(properties.audio.channels, f"{properties.audio.channels}ch"))
    flags = {
        "hdr": probed.is_hdr,
        f"{probed.bit_depth}bit": probed.bit_depth > 8,
        "vfr": probed.is_variable,
        "rotated": probed.rotation != 0,
        "black-bars": study.crop is not None,
        "single-shot": len(_shot_lengths(study.pieces)) == 1,
        "still": all(piece.motion < 0.05 for piece in study.pieces),
    }
    tags += [name for name, applies in flags.items() if applies]
    return list(dict.fromkeys(tag[:64] for tag in tags))
