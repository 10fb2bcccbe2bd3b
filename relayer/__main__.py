# SPDX-License-Identifier: Apache-2.0
"""`python -m relayer run`: checks chain and contracts, opens the key, then serves until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import click
import uvicorn
from pydantic import ValidationError

from ipto.accounts import Signer
from ipto.chain import Deployment, Token
from ipto.content import LocalStore
from ipto.deploy import read_token, verify
from ipto.errors import IptoError
from ipto.rpc import Rpc
from relayer import doctor, ledger
from relayer.actions import Reader
from relayer.api import create_app
from relayer.bundle import BundledRpc
from relayer.cargo import Packer
from relayer.errands.commands import keep_command, refill_command
from relayer.errands.doctor import errands_findings
from relayer.guard import Guard
from relayer.intake import Rules
from relayer.keys import forget_secrets, open_keys
from relayer.lane import Lane
from relayer.operators_api import read_key
from relayer.policy import Policy
from relayer.portal import Portal
from relayer.portal_tables import add_tables
from relayer.postgres import PostgresDatabase
from relayer.problems import ConfigurationError
from relayer.program import told
from relayer.proofs import Proofs
from relayer.queue import Queue
from relayer.schema import bind, connect, connect_postgres
from relayer.sender import Sender
from relayer.service import Service
from relayer.settings import Settings, settings_table
from relayer.sqlite import SqliteDatabase, only_one
from relayer.status import Status
from relayer.uploads import Uploads

log = logging.getLogger("relayer")


def check_chain(settings: Settings) -> tuple[Deployment, tuple[Token, ...], str]:
    """Deployment, served tokens and genesis hash, compared with the chain. Raises IptoError when they differ."""
    deployment = Deployment.load(settings.deployment_file)
    if deployment.chain_id != settings.chain_id:
        raise ConfigurationError(
            f"{settings.deployment_file} is for chain {deployment.chain_id}, the settings say {settings.chain_id}"
        )
    with Rpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds) as rpc:
        verify(rpc, deployment)
        if settings.currencies:
            tokens = [read_token(rpc, address) for address in settings.currencies]
            if without := [token.symbol for token in tokens if not token.version]:
                raise ConfigurationError(f"{', '.join(without)} names no EIP-712 domain (EIP-5267): cannot be relayed")
        else:
            tokens = [token for token in deployment.tokens.values() if token.version]
        genesis = rpc.call("eth_getBlockByNumber", "0x0", False)
    return deployment, tuple(tokens), str(genesis["hash"])


@contextmanager
def open_queue(settings: Settings, deployment: Deployment, genesis: str) -> Iterator[Queue]:
    """The queue this deployment's promises are in. Raises ConfigurationError, StorageError."""
    with ExitStack() as stack:
        db: SqliteDatabase | PostgresDatabase
        if settings.database_url is None:
            stack.enter_context(only_one(settings.database))
            db = connect(settings.database)
        else:
            db = connect_postgres(settings.database_url, connections=settings.database_connections)
        stack.callback(db.close)
        add_tables(db)
        bind(db, "chain", str(settings.chain_id))
        bind(db, "genesis", genesis)
        bind(db, "SignedActions", deployment.address("SignedActions"))
        limits = ledger.Limits(
            signer_day=settings.signer_day_wei,
            signer_total=settings.signer_total_wei,
            contracts_day=settings.contracts_day_wei,
            day=settings.day_wei,
            total=settings.total_wei,
            signer_day_reverts=settings.signer_day_reverts,
            network_day=settings.network_day_wei,
        )
        yield Queue(db, Rules(limits, settings.queue_limit, settings.signer_pending, settings.free_actions))


def serve(settings: Settings) -> None:
    """Run until a signal comes. Raises IptoError when the relayer must not start."""
    deployment, tokens, genesis = check_chain(settings)
    with open_queue(settings, deployment, genesis) as queue:
        signers = open_keys(settings)
        forget_secrets(os.environ)
        if settings.database_url is None:
            ours = {signer.address for signer in signers}
            for lane in queue.busy_lanes():
                if lane not in ours:
                    # Nobody would follow them, and their actions would neither end nor be sent again.
                    raise ConfigurationError(
                        f"transactions of another lane are under way; start with the key of {lane}"
                    )
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings, deployment, tokens, queue, signers))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where there is one: a third less CPU for the same requests."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(
    settings: Settings, deployment: Deployment, tokens: tuple[Token, ...], queue: Queue, signers: list[Signer]
) -> None:
    rpc = BundledRpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds, largest=settings.rpc_batch)
    reader = Reader(rpc, deployment, tokens)
    guard = Guard(settings, deployment, reader.currencies)
    owner = f"{socket.gethostname()} {os.getpid()}"
    packer = Packer(deployment.address("SignedActions"), settings)
    lanes = [Lane(rpc, queue, key, guard, packer, settings, owner=owner) for key in signers]
    sender = Sender(lanes, settings.poll_seconds, settings.batch_wait)
    service = Service(settings, rpc, queue, reader, Policy(settings, deployment), sender, guard)
    uploads = None
    if settings.content_folder is not None:
        uploads = Uploads(LocalStore(settings.content_folder), queue, settings)
    proofs = Proofs(queue, settings, rpc, deployment, time.time)
    admin_key = None if settings.admin_key_file is None else read_key(settings.admin_key_file)
    portal = Portal(settings, service, deployment, admin_key)
    app = create_app(service, Status(service, deployment), uploads, proofs, admin_key, portal)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="info",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=15,
    )
    for signer in signers:
        log.info("lane %s on chain %d", signer.address, settings.chain_id)
    await uvicorn.Server(config).serve()


@click.group()
def main() -> None:
    """The relayer of IPTO: carries signed actions to the chain and pays their gas."""


@main.command()
def run() -> None:
    """Serve. Everything is set by environment variables; see docs/operators.md."""
    with told("IPTO_RELAYER_ settings"):
        serve(Settings())


@main.command("doctor")
def examine() -> None:
    """Look at node, contracts, keys and queue, and say what is wrong; exit code 1 if anything is."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise click.ClickException(f"settings: {error.errors()[0]['msg']}") from None
    findings = [*doctor.node(settings), *doctor.contracts(settings)]
    try:
        findings += doctor.lanes(settings, [signer.address for signer in open_keys(settings)])
    except IptoError as error:
        findings.append(doctor.Finding("error", f"the keys: {error}"))
    try:
        db: SqliteDatabase | PostgresDatabase | None = None
        if settings.database_url is not None:
            db = connect_postgres(settings.database_url, connections=2)
        elif settings.database.exists():
            db = connect(settings.database)
        if db is not None:
            findings += doctor.queue(db, int(time.time()))
            db.close()
    except IptoError as error:
        findings.append(doctor.Finding("error", f"the queue: {error}"))
    findings += errands_findings()
    for finding in findings:
        click.echo(f"{finding.level:8}{finding.words}")
    if any(finding.level == "error" for finding in findings):
        raise SystemExit(1)


main.add_command(keep_command)
main.add_command(refill_command)


@main.command("settings")
def show_settings() -> None:
    """Print the table of settings for docs/operators.md."""
    sys.stdout.write(settings_table())


if __name__ == "__main__":
    main(prog_name="python -m relayer")
