# SPDX-License-Identifier: Apache-2.0
"""The pose worker: what it may answer, how long it may take, and what is said when it is not there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipto import media
from ipto.media import CancelledError, pose
from ipto.media.moving import read_choreography
from ipto.media.pose import PoseError, Worker
from ipto.media.pose.environment import VARIABLE
from ipto.media.pose.joints import RECORD_BYTES, Joints, JointsError
from tests.support.model import needs_model

_READ = "import sys, struct\nout = sys.stdout.buffer\nn = int(sys.argv[1]) * int(sys.argv[2]) * 3\n"
_EACH = _READ + "while sys.stdin.buffer.read(n):\n    "
HONEST = _EACH + "out.write(bytes(288))\n"
HOSTILE = {
    "not numbers": (_EACH + "out.write(struct.pack('<72f', *[float('nan')] * 72))\n", "numbers that are none"),
    "endless": (_READ + "while True: out.write(bytes(100000))\n", "more than it was asked for"),
    "too few": (_EACH + "pass\n", "are not the joints of 3 frames"),
    "half a record": (_EACH + "out.write(bytes(100))\n", "are not the joints of 3 frames"),
    "too far": (_EACH + "out.write(struct.pack('<72f', *[1e6] * 72))\n", "farther away"),
    "too visible": (_EACH + "out.write(struct.pack('<72f', *[2.0] * 72))\n", "visibility"),
    "fails": (_EACH + "sys.exit('no model here')\n", "no model here"),
    "ends at once": ("", "ended with|not the joints"),
    "hangs": (_READ + "while sys.stdin.buffer.read(n): pass\nwhile True: pass\n", "took longer than 2 seconds"),
    "reads nothing": ("while True: pass\n", "took longer than 2 seconds"),
    "wants memory": ("x = bytearray(3 * 1024**3)\n", "MemoryError"),
}


def _ask(folder: Path, program: str, seconds: float, check: object = None) -> Joints:
    script = folder / "worker.py"
    script.write_text(program, encoding="utf-8")
    watch = check if callable(check) else None
    with Worker(Path(sys.executable), 200, 200, seconds=seconds, script=script, check=watch) as worker:
        for _ in range(3):
            worker.feed(bytes(200 * 200 * 3))
        return worker.finish()


def test_an_honest_worker_is_heard(tmp_path: Path) -> None:
    found = _ask(tmp_path, HONEST, 60)
    assert len(found) == 3
    assert not found.seen.any()


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_worker_that_was_taken_over_harms_nobody(tmp_path: Path, name: str) -> None:
    program, said = HOSTILE[name]
    with pytest.raises(PoseError, match=said):
        _ask(tmp_path, program, 2 if "2 seconds" in said else 60)


def test_a_worker_has_no_environment_and_writes_no_file(tmp_path: Path) -> None:
    target = tmp_path / "written"
    program = (
        f"import os\nassert not set(os.environ) - {{'LC_CTYPE'}}, dict(os.environ)\n"
        f"try:\n    f = open({str(target)!r}, 'wb'); f.write(b'x'); f.close()\nexcept OSError:\n    pass\n" + HONEST
    )
    assert len(_ask(tmp_path, program, 60)) == 3
    assert not target.exists() or target.stat().st_size == 0


def test_reading_can_be_stopped(tmp_path: Path) -> None:
    asked = iter([None, None])

    def check() -> None:
        if next(asked, "stop") == "stop":
            raise CancelledError("stopped as asked")

    with pytest.raises(CancelledError):
        _ask(tmp_path, "while True: pass\n", 60, check)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=2 * RECORD_BYTES), st.integers(0, 2))
def test_any_bytes_are_joints_or_refused(data: bytes, frames: int) -> None:
    try:
        found = Joints.parse(data, frames)
    except JointsError:
        return
    assert len(found) == frames
    assert np.isfinite(found.places).all()


def test_without_the_environment_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(pose.NoPoseError, match="make pose"):
        read_choreography(media.sample_path())
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(pose.NoPoseError, match="nowhere does not exist"):
        pose.python()


@needs_model
@pytest.mark.slow
def test_the_real_model_sees_a_person_and_no_dance_in_a_man_who_sits() -> None:
    film = media.sample_path().with_name("carphone_pristine.mp4")
    found, done = media.probe(film), list[float]()
    with film.open("rb") as file:
        joints = pose.read_joints(
            file, film.name, found.demuxer, size=(found.width, found.height), duration=found.duration_ms / 1000,
            progress=done.append,
        )  # fmt: skip
    assert joints.seen.mean() > 0.9
    assert done == sorted(done)
    assert done[-1] > 0.9
    assert len(read_choreography(film).windows()) == 0


@needs_model
@pytest.mark.slow
def test_reading_a_film_with_the_real_model_can_be_stopped() -> None:
    with pytest.raises(CancelledError):
        read_choreography(media.sample_path(), cancelled=lambda: True)
