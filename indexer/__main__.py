# SPDX-License-Identifier: Apache-2.0
"""python -m indexer run|serve|check|rebuild|prune|migrate|typescript|python|settings"""

from __future__ import annotations

import datetime
import logging
import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

import click
import orjson

from indexer.check import check as compare
from indexer.database import open_read, open_writer
from indexer.migrations import migrate as bring_up_to_date
from indexer.migrations import version_of
from indexer.service import Service, ServiceThread, open_store, schema_of
from indexer.settings import PREFIX, Settings, as_markdown, load
from ipto.deployment import Deployment
from ipto.errors import IptoError
from ipto.rpc import Rpc

if TYPE_CHECKING:
    import uvicorn

log = logging.getLogger("indexer")


_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """A JSON object a line: time (UTC, ISO 8601), level, logger, message, and the error when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


@click.group(help="The indexer: chain → database → query API. Settings are environment variables; see `settings`.")
def main() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if os.environ.get(f"{PREFIX}LOG_FORMAT") == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)


@main.command(help="Follow the chain and serve the API, in one process.")
@click.option("--no-api", is_flag=True, help="Only follow; serve the API from other processes.")
def run(no_api: bool) -> None:
    settings = load()
    deployment = Deployment.load(settings.deployment)
    with open_store(settings, deployment) as store:
        server = None if no_api else _server(settings, deployment)
        listening = None if no_api else _listen(settings)

        def ended() -> None:
            if server is not None:
                server.should_exit = True

        follower = ServiceThread(Service(settings, deployment, store), ended)
        # Also after the server has handed the signal back: everything below is left in order.
        signal.signal(signal.SIGTERM, _interrupt)
        follower.start()
        try:
            if server is not None and listening is not None:
                server.run(sockets=[listening])
            else:
                follower.wait()
        except KeyboardInterrupt:
            log.info("stopping")
        finally:
            follower.stop()
        if follower.error is not None:
            raise follower.error


@main.command(help="Serve the API alone, from a database that `run` writes.")
def serve() -> None:
    settings = load()
    deployment = Deployment.load(settings.deployment)
    _server(settings, deployment).run(sockets=[_listen(settings)])


@main.command(help="Compare the database with the chain, at the database's own block.")
def check() -> None:
    settings = load()
    deployment = Deployment.load(settings.deployment)
    reader = open_read(settings.database, schema_of(deployment))
    try:
        with Rpc(settings.rpc_urls[0], timeout=settings.rpc_timeout_seconds) as rpc:
            report = compare(reader, deployment, rpc)
    finally:
        reader.close()
    for line in report.lines():
        click.echo(line)
    sys.exit(1 if report.wrong else 0)


@main.command(help="Make all projections anew from the raw events, without the chain.")
@click.option("--from-chain", is_flag=True, help="Forget the raw events too; the next `run` reads them again.")
def rebuild(from_chain: bool) -> None:
    settings = load()
    deployment = Deployment.load(settings.deployment)
    with open_store(settings, deployment) as store:
        if from_chain:
            store.forget()
            click.echo("the database is empty; `run` reads the chain again")
        else:
            click.echo(f"{store.rebuild()} events projected")


@main.command(help="Forget what nobody needs any more, and give back the room.")
def prune() -> None:
    settings = load()
    deployment = Deployment.load(settings.deployment)
    with open_store(settings, deployment) as store:
        for what, count in store.prune(int(time.time())).items():
            click.echo(f"{count} {what} forgotten")


@main.command(help="Bring the database's tables up to date with this version.")
def migrate() -> None:
    settings = load()
    deployment = Deployment.load(settings.deployment)
    # Holding the writer's lock while another session migrates.
    with open_writer(settings.database, schema_of(deployment)) as db:
        before = version_of(db)
        with db.aside():
            bring_up_to_date(settings.database, schema_of(deployment))
        click.echo(f"{before or 'empty'} → {version_of(db)}")


@main.command(help="Print the typed TypeScript client, made from the OpenAPI description.")
def typescript() -> None:
    from indexer.typescript import description
    from indexer.typescript import typescript as made

    click.echo(made(description()), nl=False)


@main.command(help="Print the types and operations of the Python client, ipto/indexer_api.py.")
def python() -> None:
    from indexer.python import python as made
    from indexer.typescript import description

    click.echo(made(description()), nl=False)


@main.command(help="Print the settings as the page docs/indexer-settings.md.")
def settings() -> None:
    click.echo(as_markdown(), nl=False)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _server(settings: Settings, deployment: Deployment) -> uvicorn.Server:
    # Here, because the other commands need no web framework and start faster without.
    import uvicorn

    from indexer.api.app import create_app

    app = create_app(settings, deployment)
    return uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, http="httptools", timeout_graceful_shutdown=2
        )
    )


def _listen(settings: Settings) -> socket.socket:
    """A listening socket, so that an occupied port is reported before anything starts."""
    listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        # Whoever reads the line below may connect at once.
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise IptoError(
            f"{settings.host}:{settings.port} cannot be used ({error.strerror}); choose another IPTO_INDEXER_PORT"
        ) from error
    host, port = listening.getsockname()[:2]
    click.echo(f"indexer API on http://{f'[{host}]' if ':' in host else host}:{port}/v1")
    return listening


if __name__ == "__main__":
    try:
        main()
    except IptoError as error:
        click.echo(f"indexer: {error}", err=True)
        sys.exit(2)
