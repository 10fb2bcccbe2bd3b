# SPDX-License-Identifier: Apache-2.0
"""The commands that look at films: describe one, find one again. `ipto.cli` puts them beside the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ipto import media
from ipto._command import Context, home_option, reports_errors
from ipto.content import LocalStore
from ipto.errors import IptoError
from ipto.trace import catalogs
from ipto.trace.match import Catalog
from ipto.trace.report import find, sound_index

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


def _analyse(film: Path, checkpoint: Path | None, *, with_pictures: bool) -> media.Description:
    label, errors = f"Looking at {film.name}", click.get_text_stream("stderr")
    bar: ProgressBar[int]
    with click.progressbar(length=1000, label=label, file=errors) as bar:
        return media.analyse(
            film,
            checkpoint=checkpoint,
            with_pictures=with_pictures,
            progress=lambda done: bar.update(max(0, round(done * 1000) - bar.pos)),
        )


@click.command()
@click.argument("film", type=click.Path(path_type=Path))
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="Folder for pictures and fingerprint.")
@click.option("--checkpoint", type=click.Path(path_type=Path, file_okay=False), help="Folder to resume from.")
@reports_errors
def describe(film: Path, into: Path | None, checkpoint: Path | None) -> None:
    """Describe FILM in JSON: properties, scenes, statistics, suggestions; nothing of it is published."""
    found = _analyse(film, checkpoint, with_pictures=into is not None)
    properties = found.properties
    shown = {
        "sha256": "0x" + properties.sha256.hex(),
        "duration_ms": properties.duration_ms,
        "width": properties.width,
        "height": properties.height,
        "frame_rate": properties.frame_rate,
        "scenes": [[scene.start_ms, scene.end_ms, scene.begins] for scene in found.scenes],
        "analysis": found.analysis,
        "suggestions": [[item.field, item.value, item.source] for item in found.suggestions],
    }
    if into is not None:
        into.mkdir(parents=True, exist_ok=True)
        pictures = found.pictures
        files = {
            "poster.jpg": pictures.poster,
            "storyboard.jpg": pictures.storyboard,
            "preview.mp4": pictures.preview,
            "fingerprint.bin": found.fingerprint.encode(),
        }
        for name, data in files.items():
            if data:
                (into / name).write_bytes(data)
    click.echo(json.dumps(shown, indent=1, ensure_ascii=False))


def _catalog(context: Context, many: bool) -> Catalog:
    store = context.store
    assert isinstance(store, LocalStore)
    return catalogs.build(
        catalogs.registered(context.indexer), store, many=many, report=lambda line: click.echo(line, err=True)
    )


@click.command("trace")
@click.argument("film", type=click.Path(path_type=Path))
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Write an SVG of what matches where.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.option("--many", is_flag=True, help="For catalogs of more than some ten thousand scenes (extra `trace`).")
@home_option
@reports_errors
def trace_film(film: Path, picture: Path | None, as_json: bool, many: bool, home: Path) -> None:
    """Which registered works FILM contains, where, and how sure."""
    catalog = _catalog(Context(home), many)
    found = _analyse(film, None, with_pictures=False)
    finding = find(found.fingerprint, catalog, sound_index(catalog))
    if picture is not None:
        picture.write_text(finding.picture(), encoding="utf-8")
    click.echo(json.dumps(finding.to_json(), indent=1) if as_json else "\n".join(finding.lines()))


@click.command("trace-service")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8640, show_default=True, type=click.IntRange(1, 65535))
@click.option("--many", is_flag=True, help="For catalogs of more than some ten thousand scenes (extra `trace`).")
@home_option
@reports_errors
def trace_service(host: str, port: int, many: bool, home: Path) -> None:
    """Serve POST /trace over what is registered now."""
    try:
        import uvicorn

        from ipto.trace.service import app
    except ImportError as error:
        raise IptoError("the service needs FastAPI and uvicorn; install ipto[services]") from error
    uvicorn.run(app(_catalog(Context(home), many)), host=host, port=port, log_level="warning")
