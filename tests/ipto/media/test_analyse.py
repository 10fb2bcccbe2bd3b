# SPDX-License-Identifier: Apache-2.0
"""A film is described in one pass: scenes, statistics, fingerprint, pictures, suggestions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ipto import documents, media, works
from ipto.content import LocalStore
from ipto.media import CancelledError, Description, Limits, MediaError, analysis, fingerprint
from ipto.works import Person, build_metadata
from tests.support.films import change, cut_film, ffmpeg

LENGTHS = (2.0, 1.0, 3.0, 1.4, 2.2)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_film(tmp_path_factory.mktemp("films") / "A_film.of-patterns.mp4", LENGTHS)


@pytest.fixture(scope="session")
def described(film: Path) -> Description:
    return media.analyse(film)


def test_every_cut_is_found_to_the_frame(described: Description) -> None:
    ends = np.cumsum(LENGTHS) * 1000
    assert [scene.end_ms for scene in described.scenes] == pytest.approx(list(ends), abs=1)
    assert [scene.begins for scene in described.scenes] == ["start", "cut", "cut", "cut", "cut"]
    assert all(scene.thumbnail and scene.thumbnail.startswith(b"\xff\xd8") for scene in described.scenes)


def test_statistics(described: Description) -> None:
    found = described.analysis
    assert found["shots"] == {
        "count": 5, "shortest_ms": 1000, "median_ms": 2000, "longest_ms": 3000, "cuts": 4, "fades": 0,
    }  # fmt: skip
    assert found["loudness"]["integrated"] == pytest.approx(-1350, abs=300)  # a tone of 0.3
    assert sum(colour["permille"] for colour in found["palette"]) <= 1000
    assert {"sd", "landscape", "25fps", "h264", "16:9", "mono"} <= set(found["tags"])


def test_it_becomes_a_metadata_document_of_version_2(described: Description, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    fields = {"title": "Patterns", "creators": [Person("A Person", "director")], "media": described.properties}
    document = build_metadata(**fields, findings=described.keep(store))
    assert document["$schema"] == "urn:ipto:schema:work:2"
    assert works.parse_metadata(documents.canonical(document), documents.digest(document)) == document
    data = store.get(works.Cid.parse_uri(document["fingerprint"]["data"]))
    assert fingerprint.decode(data).encode() == described.fingerprint.encode() == data
    assert build_metadata(**fields)["$schema"] == "urn:ipto:schema:work:1"  # nothing found: as before
    for wrong in (
        {"fingerprint": {**document["fingerprint"], "version": "urn:ipto:fingerprint:9"}},
        {"fingerprint": {**document["fingerprint"], "scenes": document["fingerprint"]["scenes"][::-1]}},
        {"analysis": {**document["analysis"], "owner": "verified"}},
        {"$schema": "urn:ipto:schema:work:1"},
        {"$schema": ["urn:ipto:schema:work:2"]},
    ):
        with pytest.raises(documents.DocumentError):
            works.validate_metadata({**document, **wrong})


def test_the_same_file_gives_the_same_fingerprint(film: Path, described: Description, tmp_path: Path) -> None:
    again = media.analyse(film, with_pictures=False, checkpoint=tmp_path)
    assert again.fingerprint.encode() == described.fingerprint.encode()
    parts = list(tmp_path.iterdir())
    assert len(parts) == 1
    resumed = media.analyse(film, with_pictures=False, checkpoint=tmp_path)
    assert resumed.fingerprint.encode() == described.fingerprint.encode()
    assert resumed.analysis == described.analysis
    parts[0].write_bytes(parts[0].read_bytes()[:-1])  # a damaged checkpoint is done again
    assert media.analyse(film, with_pictures=False, checkpoint=tmp_path).analysis == described.analysis


def test_a_film_in_parts_is_the_film(film: Path, described: Description, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "PART_SECONDS", 3)  # a boundary of scenes lies there
    parts = media.analyse(film, with_pictures=False)
    assert [scene.end_ms for scene in parts.scenes][:2] == [2000, 3000]
    assert parts.scenes[-1].end_ms == described.scenes[-1].end_ms
    whole = fingerprint.hamming(parts.fingerprint.iscc, described.fingerprint.iscc)
    assert whole <= 8


def test_progress_and_stop(film: Path) -> None:
    seen: list[float] = []
    media.analyse(film, with_pictures=False, progress=seen.append)
    assert seen[-1] == 1.0
    assert seen == sorted(seen)
    with pytest.raises(CancelledError, match="stopped"):
        media.analyse(film, cancelled=lambda: True)


def test_black_bars_are_removed(film: Path, described: Description, tmp_path: Path) -> None:
    boxed = media.analyse(change(film, tmp_path / "boxed.mp4", "pad=320:240:0:30"), with_pictures=False)
    assert boxed.analysis["crop"] == "320:180:0:30"
    assert fingerprint.hamming(boxed.fingerprint.iscc, described.fingerprint.iscc) <= 12
    assert "crop" not in described.analysis


def test_fades_split(film: Path, tmp_path: Path) -> None:
    path = change(film, tmp_path / "fade.mp4", "trim=0:2,setpts=PTS-STARTPTS,fade=out:st=0.7:d=0.3:enable='lt(t,1.1)',"
                  "fade=in:st=1.2:d=0.3:enable='gte(t,1.1)'", "-an")  # fmt: skip
    kinds = [scene.begins for scene in media.analyse(path, with_pictures=False).scenes]
    assert kinds == ["start", "fade"]


def test_pictures(described: Description, tmp_path: Path) -> None:
    shots = described.pictures
    assert shots.poster is not None
    assert shots.poster.startswith(b"\xff\xd8")
    assert shots.storyboard is not None
    preview = tmp_path / "preview.mp4"
    preview.write_bytes(shots.preview or b"")
    found = media.probe(preview)
    assert (found.width, found.height, found.codec, found.duration_ms // 1000) == (320, 180, "h264", 9)


def test_suggestions_are_cut_to_size_and_never_obeyed(film: Path, tmp_path: Path) -> None:
    named = tmp_path / "A_film.of-patterns.mp4"
    ffmpeg("-i", str(film), "-c", "copy", "-metadata", "title=A\u202egnp\x07 title", "-metadata", "artist=A Person",
           "-metadata", "date=2024-05-31", "-metadata", "copyright=(c) A Person", str(named))  # fmt: skip
    named.with_suffix(".json").write_text(
        json.dumps({"keywords": ["dance", "x" * 500, {"a": 1}], "actor": [{"name": "B Person"}], "isOwner": True})
    )
    found = {(item.field, item.value, item.source) for item in media.analyse(named, with_pictures=False).suggestions}
    assert ("name", "A gnp title", "container") in found
    assert ("creator", "A Person", "container") in found
    assert ("dateCreated", "2024-05-31", "container") in found
    assert ("copyrightNotice", "(c) A Person", "container") in found
    assert ("contributor", "B Person", "A_film.of-patterns.json") in found
    assert ("keywords", "x" * 64, "A_film.of-patterns.json") in found
    assert not any("isOwner" in item for item in found)


def test_limits_hold_for_the_decoder(film: Path) -> None:
    with pytest.raises(MediaError, match=r"memory|cannot be decoded"):
        media.analyse(film, limits=Limits(memory_bytes=64 * 1024 * 1024))


def test_a_fingerprint_that_was_tampered_with_is_refused(described: Description) -> None:
    data = described.fingerprint.encode()
    for wrong in (b"", data[:-1], data + b"\0", b"IPTOFP2\0" + data[8:], data[:48] + b"\xff" * 8 + data[56:]):
        with pytest.raises(ValueError, match="fingerprint"):
            fingerprint.decode(wrong)
