# SPDX-License-Identifier: Apache-2.0
"""Suggestions for title, credits and tags, from the container and from files beside the film. People confirm or edit.

Everything read here was written by strangers: it is cut to size, freed of control characters and never obeyed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipto import documents

_MAX_SIDECAR = 1024 * 1024
_LINE, _TEXT, _WORD, _TAGS = 300, 20_000, 64, 50
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Container tag (in lower case) → field of a metadata document.
_TAGS_OF = {
    "title": "name", "artist": "creator", "author": "creator", "director": "creator", "album_artist": "creator",
    "composer": "contributor", "performer": "contributor", "copyright": "copyrightNotice",
    "comment": "description", "description": "description", "synopsis": "description",
    "genre": "keywords", "keywords": "keywords", "date": "dateCreated", "creation_time": "dateCreated",
    "com.apple.quicktime.creationdate": "dateCreated", "com.apple.quicktime.title": "name",
    "com.apple.quicktime.artist": "creator", "language": "inLanguage", "isan": "identifier", "eidr": "identifier",
}  # fmt: skip
# Keys of a JSON file beside the film: schema.org, and yt-dlp's `.info.json`.
_JSON_OF = {
    "name": "name", "title": "name", "fulltitle": "name", "description": "description", "creator": "creator",
    "author": "creator", "uploader": "creator", "director": "creator", "actor": "contributor",
    "keywords": "keywords", "tags": "keywords", "datecreated": "dateCreated", "upload_date": "dateCreated",
    "inlanguage": "inLanguage", "copyrightnotice": "copyrightNotice", "credittext": "creditText",
}  # fmt: skip
_DATE = re.compile(r"([0-9]{4})-?(0[1-9]|1[0-2])-?(0[1-9]|[12][0-9]|3[01])")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
# EIDR (ISO 26324 prefix 10.5240) and ISAN (ISO 15706).
_IDENTIFIER = re.compile(
    r"10\.5240/[0-9A-F]{4}(?:-[0-9A-F]{4}){4}-[0-9A-Z]|ISAN [0-9A-F]{4}(?:-[0-9A-F]{4}){3}(?:-[0-9A-Z])?", re.I
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value for a field of the metadata document, and where it was found."""

    field: str  # as in the document; `identifier` for an EIDR or ISAN
    value: str
    source: str  # `container`, or the name of a file beside the film


def suggest(path: Path, tags: Mapping[str, str]) -> tuple[Suggestion, ...]:
    """What the container's tags and a JSON file beside the film suggest. Never raises for what they hold."""
    found = list(_from_pairs(((_TAGS_OF.get(key.lower()), value) for key, value in tags.items()), "container"))
    for suffix in (".json", ".info.json"):
        sidecar = path.with_name(path.stem + suffix)
        found += _from_pairs(_json_pairs(sidecar), sidecar.name)
    if not any(item.field == "name" for item in found):
        words = clean(re.sub(r"[_.]+", " ", path.stem), _LINE)
        found += [Suggestion("name", words, "file name")] if words else []
    return tuple(dict.fromkeys(found))


def clean(text: str, limit: int, *, lines: bool = False) -> str:
    """Text fit for a document: normal form C, no control, format or private characters, one line unless `lines`."""
    kept = "".join(
        character if (lines and character == "\n") or unicodedata.category(character) not in _UNSEEN else " "
        for character in unicodedata.normalize("NFC", text[: 4 * limit])
    )
    kept = kept if lines else " ".join(kept.split())
    return kept.strip()[:limit].strip()


def _from_pairs(pairs: Any, source: str) -> Iterator[Suggestion]:
    for field, value in pairs:
        if field is None:
            continue
        if field == "keywords":
            words = [clean(word, _WORD) for word in re.split(r"[,;]", value)[:_TAGS]]
            yield from (Suggestion(field, word, source) for word in words if word)
            continue
        text = clean(value, _TEXT if field == "description" else _LINE, lines=field == "description")
        if field == "dateCreated":
            date = _DATE.match(text)
            # The epoch of Unix or of QuickTime says that nobody set the clock.
            text = "-".join(date.groups()) if date and date[1] not in ("1970", "1904") else ""
        elif field == "inLanguage":
            text = text if _LANGUAGE.fullmatch(text) and text != "und" else ""
        elif field == "identifier":
            number = _IDENTIFIER.search(text)
            text = number[0] if number else ""
        if text:
            yield Suggestion(field, text, source)


def _json_pairs(path: Path) -> Iterator[tuple[str | None, str]]:
    try:
        if not path.is_file() or path.stat().st_size > _MAX_SIDECAR:
            return
        data = path.read_bytes()
        # Deep nesting is refused before it is parsed: it can end the process.
        documents.check_nesting(data, "file")
        document = json.loads(data.decode("utf-8"))
    except (OSError, ValueError):
        return
    if not isinstance(document, dict):
        return
    for key, value in list(document.items())[:500]:
        field = _JSON_OF.get(str(key).lower())
        for item in value[:_TAGS] if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                item = item.get("name")
            if isinstance(item, str):
                yield field, item
