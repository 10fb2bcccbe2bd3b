# SPDX-License-Identifier: Apache-2.0
"""The commands that look at films: describe, check, find again, weigh a claim; `ipto.cli` puts them with the others."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ipto import documents, media
from ipto._command import Context, home_option, reports_errors
from ipto.attestations import Attestations
from ipto.chain import Contract
from ipto.content import LocalStore
from ipto.content import describe as addressed
from ipto.errors import InputError, IptoError
from ipto.evidence import Challenge, Registration, Resemblance, assess, prove_domain
from ipto.media import pose
from ipto.media.choreography import Choreography
from ipto.media.moving import describe_choreography, read_choreography
from ipto.media.rights import provenance, read_signals
from ipto.rpc import quantity
from ipto.structs import checksum_address
from ipto.trace import catalogs
from ipto.trace.choreography import ChoreographyIndex
from ipto.trace.match import Catalog
from ipto.trace.report import find, sound_index

_many_option = click.option(
    "--many", is_flag=True, help="For catalogs of more than some ten thousand scenes (extra `trace`)."
)
_postgres_option = click.option("--postgres", help="Address of a database with pgvector to keep the scenes in.")
_FOR_THE_CLAIM = "rights-checked"

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


@contextmanager
def _progress(label: str) -> Iterator[Callable[[float], None]]:
    bar: ProgressBar[int]
    with click.progressbar(length=1000, label=label, file=click.get_text_stream("stderr")) as bar:
        yield lambda done: bar.update(max(0, round(done * 1000) - bar.pos))


def _analyse(film: Path, checkpoint: Path | None, *, with_pictures: bool) -> media.Description:
    with _progress(f"Looking at {film.name}") as progress:
        return media.analyse(film, checkpoint=checkpoint, with_pictures=with_pictures, progress=progress)


def _glance(film: Path) -> media.Glance:
    with _progress(f"Looking at {film.name}") as progress:
        return media.glance(film, progress=progress)


_choreography_option = click.option(
    "--choreography", "with_choreography", is_flag=True, help="Read how people move, too (needs `make pose`)."
)


def _moves(film: Path) -> Choreography:
    with _progress(f"Watching {film.name} move") as progress:
        return read_choreography(film, progress=progress)


@click.command()
@click.argument("film", type=click.Path(path_type=Path))
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="Folder for pictures and fingerprint.")
@click.option("--checkpoint", type=click.Path(path_type=Path, file_okay=False), help="Folder to resume from.")
@click.option("--trust", type=click.Path(path_type=Path, dir_okay=False), help="PEM of signing authorities you trust.")
@_choreography_option
@reports_errors
def describe(
    film: Path, into: Path | None, checkpoint: Path | None, trust: Path | None, with_choreography: bool
) -> None:
    """Describe FILM in JSON: properties, scenes, statistics, suggestions, and what it says of its rights (C2PA, XMP and
    files beside it, the most restrictive winning). Nothing of it is published."""
    if with_choreography:
        pose.python()  # says at once when it is missing
    found = _analyse(film, checkpoint, with_pictures=into is not None)
    if with_choreography:
        found = describe_choreography(found, _moves(film))
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
        "rights": read_signals(film, trust.read_bytes() if trust else None).to_json(),
    }
    moves = found.choreography.encode() if found.choreography else None
    if found.choreography and moves:
        shown["choreography"] = found.choreography.document(addressed(moves).cid.uri)
    elif with_choreography:
        shown["choreography"] = None
    if into is not None:
        into.mkdir(parents=True, exist_ok=True)
        pictures = found.pictures
        files = {
            "poster.jpg": pictures.poster,
            "storyboard.jpg": pictures.storyboard,
            "preview.mp4": pictures.preview,
            "fingerprint.bin": found.fingerprint.encode(),
            "choreography.bin": moves,
        }
        for name, data in files.items():
            if data:
                (into / name).write_bytes(data)
    click.echo(json.dumps(shown, indent=1, ensure_ascii=False))


def _store(context: Context) -> LocalStore:
    store = context.store
    assert isinstance(store, LocalStore)
    return store


def _catalog(context: Context, many: bool, postgres: str | None = None) -> Catalog:
    return catalogs.build(
        catalogs.registered(context.indexer),
        _store(context),
        many=many,
        postgres=postgres,
        report=lambda line: click.echo(line, err=True),
    )


def _dances(context: Context) -> ChoreographyIndex:
    return catalogs.choreographies(
        catalogs.registered(context.indexer), _store(context), lambda line: click.echo(line, err=True)
    )


@click.command("trace")
@click.argument("film", type=click.Path(path_type=Path))
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Write an SVG of what matches where.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.option("--quick", is_flag=True, help="Look at key frames only, and for no insets: an answer in seconds.")
@_many_option
@_postgres_option
@_choreography_option
@home_option
@reports_errors
def trace_film(
    film: Path,
    picture: Path | None,
    as_json: bool,
    quick: bool,
    many: bool,
    postgres: str | None,
    with_choreography: bool,
    home: Path,
) -> None:
    """Which registered works FILM contains, where, and how sure."""
    if with_choreography:
        pose.python()  # says at once when it is missing
    context = Context(home)
    catalog = _catalog(context, many, postgres)
    found = _glance(film) if quick else _analyse(film, None, with_pictures=False)
    finding = find(found.fingerprint, catalog, sound_index(catalog), found.shape, is_quick=quick)
    if with_choreography:
        finding = replace(finding, choreographies=tuple(_dances(context).search(_moves(film))))
    if picture is not None:
        picture.write_text(finding.picture(), encoding="utf-8")
    click.echo(json.dumps(finding.to_json(), indent=1) if as_json else "\n".join(finding.lines()))


def _registration(context: Context, content: bytes) -> Registration:
    registry = Contract("WorkRegistry", context.deployment.address("WorkRegistry"), context.rpc)
    work, since = registry.call("first_claim", content)
    if not work:
        return Registration(None, 0, None)
    return Registration(work, since, str(context.indexer.get_work(str(work))["creator"]))


@click.command()
@click.argument("film", type=click.Path(path_type=Path))
@home_option
@reports_errors
def check(film: Path, home: Path) -> None:
    """Before registering FILM: was this file, or content it shares, registered here already?"""
    context = Context(home)
    found = _analyse(film, None, with_pictures=False)
    first = _registration(context, found.properties.sha256)
    if first.first_claim is None:
        click.echo("Nobody registered this very file here.")
    else:
        click.echo(f"This very file is work {first.first_claim}, claimed by {first.claimant}.")
    catalog = _catalog(context, many=False)
    click.echo("\n".join(find(found.fingerprint, catalog, sound_index(catalog), found.shape).lines()))


@click.command()
@click.argument("work_id", metavar="WORK")
@click.argument("film", type=click.Path(path_type=Path))
@click.option("--domain", "domains", multiple=True, help="A domain whose keeper published the claim.")
@click.option("--trust", type=click.Path(path_type=Path, dir_okay=False), help="PEM of signing authorities you trust.")
@click.option("--attester", "attesters", multiple=True, help="An account whose attestations you trust.")
@click.option("--into", type=click.Path(path_type=Path, dir_okay=False), help="Write the report, as it is attested.")
@home_option
@reports_errors
def evidence(
    work_id: str,
    film: Path,
    domains: tuple[str, ...],
    trust: Path | None,
    attesters: tuple[str, ...],
    into: Path | None,
    home: Path,
) -> None:
    """What speaks for the claim WORK on FILM: a report with parts and a level, never proof of ownership."""
    context = Context(home)
    claim = context.indexer.get_work(work_id)
    work, claimant = int(claim["id"]), str(claim["owner"])
    found = _analyse(film, None, with_pictures=False)
    content = found.properties.sha256
    if "0x" + content.hex() != claim["content"]:
        raise InputError(f"{film} is not the file that was registered as work {work}; name the master")
    proofs = []
    for domain in domains:
        challenge = Challenge.of(domain, claimant, work)
        if (proof := prove_domain(challenge)) is not None:
            proofs.append(proof)
        else:
            click.echo(f"{challenge.domain} does not publish the claim. Put this line into a TXT record at ", err=True)
            click.echo(f"{challenge.dns_name}, or into {challenge.url}:\n{challenge.line}", err=True)
    resemblances = []
    catalog = _catalog(context, many=False)
    for match in find(found.fingerprint, catalog, shape=found.shape).matches:
        other = context.indexer.get_work(match.work.name)
        if int(other["id"]) != work and other["registered_at"] < claim["registered_at"]:
            alarms = round(math.log10(max(match.false_alarms, 1e-300)) * 100)
            resemblances.append(Resemblance(int(other["id"]), str(other["owner"]), len(match.scenes), alarms))
    trusted, others = _attestations(context, work, {checksum_address(attester) for attester in attesters})
    report = assess(
        work=work,
        claimant=claimant,
        content=content,
        registration=_registration(context, content),
        resemblances=resemblances,
        provenance=provenance.read(film, trust.read_bytes() if trust else None) if _carries_credentials(film) else None,
        domains=proofs,
        attestations=trusted,
        other_attestations=others,
        transactions=quantity(context.rpc.call("eth_getTransactionCount", claimant, "latest")),
        at=int(time.time()),
    )
    click.echo("\n".join(report.lines()))
    if into is not None:
        into.write_bytes(documents.canonical(report.document))
        click.echo(f"The report's digest, for an attestation: 0x{report.digest.hex()}")


def _attestations(
    context: Context, work: int, trusted: set[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """What stands on chain about a work: for the claim by those who are trusted, and all else, at most a hundred."""
    standing = [
        item
        for item in Attestations(context.deployment, context.rpc).about(work.to_bytes(32, "big"))
        if not item.revoked_at
    ]
    mine, others = [], []
    for item in standing:
        identifier, attester = "0x" + item.id.hex(), checksum_address(item.attester)
        if attester in trusted and item.name == _FOR_THE_CLAIM:
            mine.append((attester, identifier))
        else:
            others.append((attester, identifier, item.name))
    return mine[:50], others[:50]


def _carries_credentials(film: Path) -> bool:
    with film.open("rb") as file:
        return file.read(8)[4:] in (b"ftyp", b"moov") or film.suffix.lower() == ".avi"


@click.command("trace-service")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8640, show_default=True, type=click.IntRange(1, 65535))
@_many_option
@_postgres_option
@_choreography_option
@home_option
@reports_errors
def trace_service(host: str, port: int, many: bool, postgres: str | None, with_choreography: bool, home: Path) -> None:
    """Serve POST /trace over what is registered now; with --choreography also POST /trace?choreography=true."""
    if with_choreography:
        pose.python()  # says at once when it is missing
    try:
        import uvicorn

        from ipto.trace.service import app
    except ImportError as error:
        raise IptoError("the service needs FastAPI and uvicorn; install ipto[services]") from error
    context = Context(home)
    dances = _dances(context) if with_choreography else None
    uvicorn.run(app(_catalog(context, many, postgres), dances), host=host, port=port, log_level="warning")
