# SPDX-License-Identifier: Apache-2.0
"""What trace answers: in JSON, in words, and as a picture in which both films lie above each other.

It says *same content* and *resembles*, with how often chance alone would say so. It never says who owns anything, nor
that a model learned from a work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Any

from ipto.media.fingerprint import Fingerprint
from ipto.trace.choreography import NOTE as MOVES
from ipto.trace.choreography import ChoreographyMatch
from ipto.trace.index import SHAPE
from ipto.trace.match import ALARMS, Catalog, Match, trace
from ipto.trace.sound import SoundIndex, SoundMatch

_COLOURS = ("#0b6e4f", "#7b2d8b", "#b5520c", "#1f5fa8", "#8a1538", "#5b6b00")
NOTE = (
    "similarity of content: shows that the films share pictures or sound, not who owns them, nor what a model learned"
)

_QUICK = "Only key frames were looked at: what stands between them, or as an inset, a full look may find."


@dataclass(frozen=True, slots=True)
class Finding:
    """All that was found."""

    duration_ms: int
    scenes: int  # of the query
    plain: int  # of them, too plain to be recognised
    compared: int  # rows in the index
    matches: tuple[Match, ...]
    sounds: tuple[tuple[str, str, SoundMatch], ...]  # work, title, stretch
    choreographies: tuple[ChoreographyMatch, ...] | None = None  # None: not asked for
    is_quick: bool = False  # only key frames were looked at, and no insets looked for

    def to_json(self) -> dict[str, Any]:
        """The answer of `POST /trace`. Probabilities are powers of ten, in hundredths: -1250 is 10^-12.5."""
        return {
            "note": NOTE,
            "query": {"duration_ms": self.duration_ms, "scenes": self.scenes, "plain_scenes": self.plain},
            "looked_at": "key frames" if self.is_quick else "every frame",
            "compared_with": self.compared,
            "false_alarms_accepted_permille": round(ALARMS * 1000),
            "matches": [_match_json(match) for match in self.matches],
            "sounds": [
                {
                    "work": work,
                    "title": title,
                    "aspect": "SOUND",
                    "query_ms": list(sound.query_ms),
                    "work_ms": list(sound.work_ms),
                    "bit_error_permille": round(sound.bit_error * 1000),
                }
                for work, title, sound in self.sounds
            ],
            **({} if self.choreographies is None else {"choreographies": self._moves()}),
        }

    def _moves(self) -> dict[str, Any]:
        return {"note": MOVES, "matches": [match.to_json() for match in self.choreographies or ()]}

    def lines(self) -> list[str]:
        """The answer in words."""
        looked = [_QUICK] if self.is_quick else []
        moves = [match.line() for match in self.choreographies or ()]
        moves += [f"This is {MOVES}."] if moves else []
        if not self.matches and not self.sounds:
            plain = f" ({self.plain} of {self.scenes} scenes show too little to be recognised)" if self.plain else ""
            return [*(moves or [f"Nothing registered was found in it{plain}."]), *looked]
        found = []
        for match in self.matches:
            first = match.scenes[0]
            found.append(
                f"Contains pictures of work {match.work.name}, “{match.work.title}”: {len(match.scenes)} scenes, "
                f"{first.how}; by chance once in {_once_in(match.false_alarms)} such queries"
            )
            found += [
                f"  {_clock(scene.query_ms[0])}–{_clock(scene.query_ms[1])} shows "
                f"{_clock(scene.work_ms[0])}–{_clock(scene.work_ms[1])} of it"
                for scene in match.scenes
            ]
        found += [
            f"Contains sound of work {work}, “{title}”: {_clock(sound.query_ms[0])}–{_clock(sound.query_ms[1])} is "
            f"{_clock(sound.work_ms[0])}–{_clock(sound.work_ms[1])} of it ({sound.bit_error:.1%} of bits differ)"
            for work, title, sound in self.sounds
        ]
        return [*found, *looked, f"This is {NOTE}.", *moves]

    def picture(self) -> str:
        """An SVG: the query above, each work below, bands between what matches."""
        rows = [match for match in self.matches if match.scenes][:6]
        height = 90 + 90 * max(1, len(rows))
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 {height}" font-family="sans-serif" '
            f'font-size="14" role="img" aria-label="Which stretches of the film are found in which works">',
            '<rect width="1000" height="100%" fill="#fff"/>',
            _bar(20, "The film that was asked about", self.duration_ms, "#444"),
        ]
        if not rows:
            parts.append('<text x="20" y="100" fill="#444">Nothing registered was found in it.</text>')
        for number, match in enumerate(rows):
            top, colour = 110 + 90 * number, _COLOURS[number % len(_COLOURS)]
            end = max(match.work.fingerprint.scenes[-1].end_ms, 1)
            for scene in match.scenes:
                a, b = (_x(time, self.duration_ms) for time in scene.query_ms)
                c, d = (_x(time, end) for time in scene.work_ms)
                parts.append(f'<polygon points="{a},45 {b},45 {d},{top} {c},{top}" fill="{colour}" opacity="0.35"/>')
            parts.append(_bar(top, f"Work {match.work.name[:24]}: {match.work.title[:60]}", end, colour))
        return "".join([*parts, "</svg>"])


def find(
    query: Fingerprint,
    catalog: Catalog,
    sounds: SoundIndex | None = None,
    shape: float = SHAPE,
    *,
    is_quick: bool = False,
) -> Finding:
    """Trace pictures and sound of a film. shape: its width by height, inside black bars (`Description.shape`).
    is_quick: the query is of a film's key frames (`media.glance`)."""
    matches = trace(query, catalog, thorough=not is_quick, shape=shape)
    heard = sounds.search(query.sound) if sounds else []
    known = [(work, match) for match in heard if (work := catalog.works[match.work]) is not None]
    return Finding(
        duration_ms=query.scenes[-1].end_ms if query.scenes else 0,
        scenes=len(query.scenes),
        plain=sum(scene.is_plain for scene in query.scenes),
        compared=len(catalog.index),
        matches=tuple(matches),
        sounds=tuple((work.name, work.title, match) for work, match in known),
        is_quick=is_quick,
    )


def sound_index(catalog: Catalog) -> SoundIndex:
    """The sounds of a catalog's works."""
    index = SoundIndex()
    for number, work in enumerate(catalog.works):
        if work is not None:
            index.add(number, work.fingerprint.sound)
    return index


def _match_json(match: Match) -> dict[str, Any]:
    return {
        "work": match.work.name,
        "title": match.work.title,
        "aspect": "FOOTAGE",
        "false_alarms_log10_hundredths": _hundredths(match.false_alarms),
        "scenes": [
            {
                "query_ms": list(scene.query_ms),
                "work_ms": list(scene.work_ms),
                "scene": scene.scene,
                "how": scene.how,
                "p_log10_hundredths": round(scene.log_p / math.log(10) * 100),
                "iscc_bits_differ": scene.iscc_distance,
                "mpeg7_distance": scene.vector_distance,
            }
            for scene in match.scenes
        ],
    }


def _hundredths(value: float) -> int:
    return round(math.log10(max(value, 1e-300)) * 100)


def _once_in(alarms: float) -> str:
    return f"{1 / alarms:,.0f}" if alarms > 1e-12 else "more than a million million"


def _clock(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes}:{rest / 1000:04.1f}"


def _x(time: int, whole: int) -> int:
    return 20 + round(960 * min(time, whole) / max(whole, 1))


def _bar(top: int, label: str, ms: int, colour: str) -> str:
    return (
        f'<rect x="20" y="{top}" width="960" height="25" fill="{colour}"/>'
        f'<text x="26" y="{top + 18}" fill="#fff">{escape(label)}</text>'
        f'<text x="974" y="{top + 18}" fill="#fff" text-anchor="end">{_clock(ms)}</text>'
    )
