# SPDX-License-Identifier: Apache-2.0
"""Films that are odd, broken or meant to harm: each gets a clear answer, within its limits, and does nothing else."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ipto import media
from ipto.media import MediaError, _ffmpeg
from tests.support.films import change, cut_film, ffmpeg


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_film(tmp_path_factory.mktemp("films") / "film.mp4", (1.0, 1.0))


def test_a_header_that_claims_ten_hours(tmp_path: Path, film: Path) -> None:
    data = bytearray(film.read_bytes())
    for box, at in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        start = data.index(box) + 4
        scale = struct.unpack_from(">I", data, start + 12)[0] if box != b"tkhd" else 1000
        struct.pack_into(">I", data, start + at, 36_000 * scale)
    path = tmp_path / "long.mp4"
    path.write_bytes(data)
    # The table of samples knows better than the headers, and nothing is made of the claim.
    assert media.analyse(path, with_pictures=False).properties.duration_ms == 2000


def test_eight_k(tmp_path: Path) -> None:
    path = tmp_path / "8k.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=7680x4320:r=5", "-frames:v", "2", "-c:v", "mpeg4", "-q:v", "20", str(path))
    found = media.analyse(path, with_pictures=False)
    assert (found.properties.width, found.properties.height) == (7680, 4320)
    assert "4320p" in found.analysis["tags"]


def test_frames_of_different_length(tmp_path: Path, film: Path) -> None:
    path = tmp_path / "variable.mkv"
    drop = "select='not(between(mod(n\\,20)\\,5\\,15))'"
    ffmpeg(
        "-i", str(film), "-an", "-vf", drop, "-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast", str(path)
    )
    found = media.analyse(path, with_pictures=False)
    assert found.properties.duration_ms == pytest.approx(2000, abs=500)
    assert found.scenes[-1].end_ms == found.properties.duration_ms


def test_a_turned_film_is_upright(tmp_path: Path, film: Path) -> None:
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", str(film), "-c", "copy", str(path))
    found = media.analyse(path)
    assert (found.properties.width, found.properties.height) == (180, 320)
    assert {"portrait", "rotated"} <= set(found.analysis["tags"])
    preview = tmp_path / "preview.mp4"
    preview.write_bytes(found.pictures.preview or b"")
    shown = media.probe(preview)
    assert shown.width < shown.height


def test_high_dynamic_range(tmp_path: Path, film: Path) -> None:
    path = tmp_path / "hdr.mp4"
    flags = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    ffmpeg("-i", str(film), "-t", "0.6", "-an", "-vf", flags, "-c:v", "libx265", "-preset", "ultrafast",
           "-x265-params", "log-level=none", str(path))  # fmt: skip
    found = media.analyse(path)
    assert {"hdr", "10bit", "hevc"} <= set(found.analysis["tags"])
    assert found.pictures.preview


def test_timestamps_that_jump(tmp_path: Path, film: Path) -> None:
    """Twenty hours between two frames: not two million frames are drawn to fill them."""
    path = tmp_path / "jump.mkv"
    jump = "setpts='PTS+if(gte(N\\,25)\\,72000/TB\\,0)'"
    ffmpeg("-i", str(film), "-an", "-vf", jump, "-fps_mode", "passthrough", "-c:v", "libx264", "-preset", "ultrafast",
           str(path))  # fmt: skip
    with pytest.raises(MediaError, match="jump by minutes"):
        media.analyse(path)


def test_metadata_is_cut_to_size(tmp_path: Path, film: Path) -> None:
    path = tmp_path / "chatty.mkv"
    tags = [part for number in range(300) for part in ("-metadata", f"tag{number}=" + "x" * 300)]
    ffmpeg("-i", str(film), "-c", "copy", "-metadata", "title=" + "long " * 20_000, *tags, str(path))
    found = media.probe(path)
    assert len(found.tags) <= 64
    assert max(map(len, found.tags.values())) <= 4000
    suggested = media.analyse(path, with_pictures=False).suggestions
    assert max(len(item.value) for item in suggested if item.field == "name") <= 300


NAMES = ["$(touch pwned).mp4", "-i x.mp4", "a;touch pwned;.mp4", "file:x|y.mp4", "%d%s%n.mp4", "{frames}.mp4", "\n.mp4"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_never_an_instruction(tmp_path: Path, film: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_bytes(film.read_bytes())
    assert media.analyse(path, with_pictures=False).properties.width == 320
    assert [found.name for found in tmp_path.iterdir()] == [name]


def test_playlists_inside_films_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    cut_film(secret, (0.5,))
    lists = [f"ffconcat version 1.0\nfile {secret}\n", f"#EXTM3U\n#EXTINF:1,\n{secret}\n"]
    for text in lists:
        path = tmp_path / "list.mp4"
        path.write_text(text)
        with pytest.raises(MediaError, match="not a video"):
            media.analyse(path)
        with path.open("rb") as file, pytest.raises(MediaError):  # the decoder alone refuses, too
            _ffmpeg.run(file, "list", "concat", ["-f", "null", "-"], [], seconds=20, memory_bytes=2**31)


def test_output_beyond_what_a_film_says_ends_the_run(film: Path) -> None:
    taken = _ffmpeg.Output("frames", 100_000)
    with film.open("rb") as file, pytest.raises(MediaError, match="far more"):
        _ffmpeg.run(file, "film", "mov", ["-f", "rawvideo", "{frames}"], [taken], seconds=60, memory_bytes=2**31)
    assert taken.size < 3_000_000


def test_the_decoder_writes_no_file(film: Path, tmp_path: Path) -> None:
    with film.open("rb") as file, pytest.raises(MediaError):
        _ffmpeg.run(file, "film", "mov", [str(tmp_path / "out.mp4")], [], seconds=60, memory_bytes=2**31)
    assert not (tmp_path / "out.mp4").exists() or (tmp_path / "out.mp4").stat().st_size == 0


def test_a_film_that_changes_while_it_is_read(tmp_path: Path, film: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(film.read_bytes())

    def touch(_: float) -> None:
        with path.open("ab") as file:
            file.write(b"\0\0\0\x08free")

    with pytest.raises(MediaError, match="changed"):
        media.analyse(path, with_pictures=False, progress=touch)


def test_cut_anywhere(tmp_path: Path, film: Path) -> None:
    path = change(film, tmp_path / "whole.mkv", "null")
    data = path.read_bytes()
    cut = tmp_path / "cut.mkv"
    for part in (0.2, 0.6):
        cut.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(MediaError):
            media.analyse(cut, with_pictures=False)
