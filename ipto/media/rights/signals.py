# SPDX-License-Identifier: Apache-2.0
"""Every rights signal that is in a film or beside it, read and put together; the most restrictive answer wins."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipto import documents
from ipto.errors import InputError
from ipto.media.rights import boxes, provenance, rsl, web, xmp
from ipto.media.rights.provenance import Provenance
from ipto.media.rights.statement import Statement, merge
from ipto.media.rights.xml import MAX_BYTES

_MAX_JSON = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Signals:
    """What was found, by where; unreadable ones are listed, because they may have said no."""

    found: tuple[tuple[str, Statement], ...]
    provenance: Provenance | None
    unreadable: tuple[str, ...]

    def together(self) -> Statement:
        """All of it; what an invalid signature claims counts only where it restricts, as all else does."""
        return merge(statement for _, statement in self.found)

    def to_json(self) -> dict[str, Any]:
        """For people: what each place says, what all of it together says, who signed, what could not be read."""
        signed = self.provenance
        return {
            "found": [{"where": where, **_said(statement)} for where, statement in self.found],
            "together": _said(self.together()),
            "signature": {"state": signed.state, "signer": signed.signer, "issuer": signed.issuer} if signed else None,
            "soft_bindings": list(signed.soft_bindings) if signed else [],
            "unreadable": list(self.unreadable),
        }


def _said(statement: Statement) -> dict[str, Any]:
    said = statement.strict()
    words = {
        "terms_url": said.terms_url,
        "terms_digest": said.terms_digest,
        "credit": said.credit,
        "copyright": said.copyright,
        "cultural": said.cultural,
    }
    answers = {use.value: answer.name.lower() for use, answer in said.answers.items()}
    return answers | {name: value for name, value in words.items() if value}


def read_signals(path: Path, trust_anchors: bytes | None = None) -> Signals:
    """Read a film's own signals and those in `NAME.xmp`, `NAME.rsl.xml` and `tdmrep.json` beside it."""
    found: list[tuple[str, Statement]] = []
    unreadable: list[str] = []

    def attempt(source: str, reader: Callable[[], Statement | None]) -> None:
        try:
            statement = reader()
        except (InputError, OSError) as error:
            unreadable.append(f"{source}: {str(error)[:300]}")
            return
        if statement is not None and statement != Statement():
            found.append((source, statement))

    credentials: list[Provenance] = []

    def manifest() -> Statement | None:
        try:
            read = provenance.read(path, trust_anchors)
        except InputError as error:
            if "neither MP4" in str(error):
                return None
            raise
        if read is not None:
            credentials.append(read)
        return read.statement if read else None

    attempt("C2PA", manifest)
    attempt("XMP in the file", lambda: _packet(boxes.xmp_packet(path)))
    attempt(f"{path.stem}.xmp", lambda: _beside(path.with_suffix(".xmp"), xmp.read))
    attempt(f"{path.stem}.rsl.xml", lambda: _beside(path.with_suffix(".rsl.xml"), rsl.read))
    attempt("tdmrep.json", lambda: _tdmrep(path))
    return Signals(tuple(found), credentials[0] if credentials else None, tuple(unreadable))


def _packet(data: bytes | None) -> Statement | None:
    return xmp.read(data) if data is not None else None


def _beside(path: Path, read: Callable[[bytes], Statement]) -> Statement | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return read(file.read(MAX_BYTES + 1))


def _tdmrep(path: Path) -> Statement | None:
    listing = path.with_name("tdmrep.json")
    if not listing.is_file():
        return None
    with listing.open("rb") as file:
        data = file.read(_MAX_JSON + 1)
    try:
        # Deep nesting is refused before it is parsed: it can end the process.
        documents.check_nesting(data, "file")
        entries: Any = json.loads(data) if len(data) <= _MAX_JSON else None
    except ValueError as error:
        raise InputError("it is no JSON") from error
    if not isinstance(entries, list):
        raise InputError("it is no list of entries")
    mine = [entry for entry in entries if isinstance(entry, dict) and _names(entry.get("location"), path.name)]
    return merge(web.read_tdmrep(entry) for entry in mine[:100])


def _names(location: object, name: str) -> bool:
    """Whether a location of TDMRep covers a file: its name, or a prefix with a star."""
    if not isinstance(location, str):
        return False
    place = location.rpartition("/")[2]
    return name.startswith(place[:-1]) if place.endswith("*") else place in ("", name)
