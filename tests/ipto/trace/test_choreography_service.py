# SPDX-License-Identifier: Apache-2.0
"""`POST /trace?choreography=true`: which works move alike, and what is said where that cannot be read."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from bench.choreography import figure
from bench.choreography.motion import RATE, Performer, phrase
from ipto import media
from ipto.cli import main
from ipto.media import _ffmpeg
from ipto.media.pose.environment import VARIABLE
from ipto.trace import Catalog, ExactIndex
from ipto.trace.choreography import ChoreographyIndex
from ipto.trace.service import app
from tests.support.dancers import recorded, registered
from tests.support.model import needs_model, sees

FILM = media.sample_path().with_name("bikes.mp4")  # ten seconds


@pytest.fixture(scope="module")
def dances() -> ChoreographyIndex:
    return registered(4)


def _ask(dances: ChoreographyIndex | None, film: bytes, address: str = "/trace?choreography=true") -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app(Catalog(ExactIndex()), dances))
        async with httpx.AsyncClient(transport=transport, base_url="http://trace", timeout=120) as client:
            return await client.post(address, content=film)

    return asyncio.run(ask())


def test_the_service_names_the_work_another_dancer_moves_like(
    dances: ChoreographyIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sees(recorded("second"), tmp_path, monkeypatch)
    answer = _ask(dances, FILM.read_bytes()).json()
    assert answer["matches"] == []
    assert [(match["work"], match["aspect"]) for match in answer["choreographies"]["matches"]] == [
        ("recorded", "CHOREOGRAPHY")
    ]
    assert "not who made or owns a dance" in answer["choreographies"]["note"]


def test_choreography_is_read_only_when_asked_for(
    dances: ChoreographyIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sees(recorded("second"), tmp_path, monkeypatch, "sys.exit('asked')")
    answer = _ask(dances, FILM.read_bytes(), "/trace")
    assert answer.status_code == 200
    assert "choreographies" not in answer.json()


def _is_refused(answer: httpx.Response, status: int, said: str) -> bool:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code == answer.json()["status"] == status and said in answer.json()["detail"]


def test_a_service_that_cannot_read_choreography_says_so_before_it_takes_the_film(
    dances: ChoreographyIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sees(recorded("second"), tmp_path, monkeypatch)
    assert _is_refused(_ask(None, b"not a film"), 503, "knows no choreographies")
    assert _is_refused(_ask(dances, b"not a film"), 422, "the film is not a video")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    refused = _ask(dances, b"not a film")
    assert _is_refused(refused, 503, "has no pose model")
    assert str(tmp_path) not in refused.text, "nor tells strangers where it looked"


def test_what_a_failing_model_says_stays_in_the_log(
    dances: ChoreographyIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sees(recorded("second"), tmp_path, monkeypatch, "sys.exit('a secret place')")
    refused = _ask(dances, FILM.read_bytes())
    assert _is_refused(refused, 503, "could not read this film")
    assert "secret" not in refused.text
    assert "secret" in caplog.text


def test_the_command_does_not_start_without_the_pose_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    ended = CliRunner().invoke(main, ["trace-service", "--choreography", "--home", str(tmp_path)])
    assert ended.exit_code == 1
    assert "make pose" in ended.output


@needs_model
@pytest.mark.slow
def test_the_real_model_finds_the_dance_in_a_film_of_another_dancer(dances: ChoreographyIndex, tmp_path: Path) -> None:
    film, who = tmp_path / "film.mp4", Performer.of(1001)
    size = f"{figure.SIDE}x{figure.SIDE}"
    command = [_ffmpeg.executable(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size]
    command += ["-r", str(RATE), "-i", "-", "-pix_fmt", "yuv420p", str(film)]
    frames = b"".join(frame.tobytes() for frame in figure.draw(who.dances(phrase(0, 12)), who))
    subprocess.run(command, input=frames, check=True)
    (match,) = _ask(dances, film.read_bytes()).json()["choreographies"]["matches"]
    assert match["work"] == "recorded"
    assert abs(match["query_ms"][0] - match["work_ms"][0]) < 1000
