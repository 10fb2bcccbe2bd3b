# SPDX-License-Identifier: Apache-2.0
"""`python -m relayer run`: checks chain and contracts, opens the key, then serves until it is told to stop."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import uvicorn
from pydantic import ValidationError

from ipto.accounts import LocalSigner, Signer, open_keystore, read_passphrase
from ipto.chain import Deployment, Token
from ipto.content import LocalStore
from ipto.deploy import read_token, verify
from ipto.errors import IptoError
from ipto.rpc import AsyncRpc, Rpc
from relayer import ledger
from relayer.actions import Reader
from relayer.api import create_app
from relayer.lane import Lane
from relayer.policy import Policy
from relayer.problems import ConfigurationError
from relayer.queue import Queue
from relayer.schema import bind, connect
from relayer.sender import Sender
from relayer.service import Service
from relayer.settings import Settings, settings_table
from relayer.status import Status
from relayer.uploads import Uploads

log = logging.getLogger("relayer")


def open_key(settings: Settings) -> Signer:
    """The lane's key, from the encrypted keystore or an inherited file descriptor; never from argv or environment.

    Raises ConfigurationError and what `ipto.accounts` raises.
    """
    if settings.key_fd is not None:
        try:
            with os.fdopen(settings.key_fd, "rb") as file:
                text = file.read(130).decode("ascii").strip().removeprefix("0x")
            return LocalSigner(bytes.fromhex(text))
        except (OSError, ValueError):
            # The text of the error could quote the key.
            raise ConfigurationError(f"descriptor {settings.key_fd} does not give a key of 64 hex digits") from None
    if settings.keystore is None:
        raise ConfigurationError("set IPTO_RELAYER_KEYSTORE (an encrypted keystore file) or IPTO_RELAYER_KEY_FD")
    return open_keystore(settings.keystore, read_passphrase(settings.password_file, prompt="Keystore passphrase: "))


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
def only_one(database: Path) -> Iterator[None]:
    """Two relayers on one queue would sign for the same lane. Raises ConfigurationError when one runs already."""
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = database.with_name(database.name + ".lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(f"another relayer uses {database}; stop it first") from None
        yield


def serve(settings: Settings) -> None:
    """Run until a signal comes. Raises IptoError when the relayer must not start."""
    deployment, tokens, genesis = check_chain(settings)
    with only_one(settings.database):
        db = connect(settings.database)
        try:
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
            )
            queue = Queue(db, limits, queue_limit=settings.queue_limit, signer_pending=settings.signer_pending)
            signer = open_key(settings)
            for lane in queue.busy_lanes():
                if lane != signer.address:
                    # Nobody would follow them, and their actions would neither end nor be sent again.
                    raise ConfigurationError(
                        f"transactions of another lane are under way; start with the key of {lane}"
                    )
            asyncio.run(_serve(settings, deployment, tokens, queue, signer))
        finally:
            db.close()


async def _serve(
    settings: Settings, deployment: Deployment, tokens: tuple[Token, ...], queue: Queue, signer: Signer
) -> None:
    rpc = AsyncRpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds)
    reader = Reader(rpc, deployment, tokens)
    policy = Policy(settings, deployment, reader.currencies)
    sender = Sender([Lane(rpc, queue, signer, policy, settings)], settings.poll_seconds)
    service = Service(settings, rpc, queue, reader, policy, sender)
    uploads = None
    if settings.content_folder is not None:
        uploads = Uploads(LocalStore(settings.content_folder), queue, settings)
    app = create_app(service, Status(service, deployment), uploads)
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
    log.info("lane %s on chain %d", signer.address, settings.chain_id)
    await uvicorn.Server(config).serve()


@click.group()
def main() -> None:
    """The relayer of IPTO: carries signed actions to the chain and pays their gas."""


@main.command()
def run() -> None:
    """Serve. Everything is set by environment variables; see docs/operators.md."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # httpx logs URLs, and RPC URLs carry API keys.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        serve(Settings())
    except ValidationError as error:
        # Not its own text: that repeats the values.
        wrong = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors())
        raise click.ClickException(f"IPTO_RELAYER_ settings: {wrong}") from None
    except (IptoError, OSError) as error:
        raise click.ClickException(str(error)) from None


@main.command("settings")
def show_settings() -> None:
    """Print the table of settings for docs/operators.md."""
    sys.stdout.write(settings_table())


if __name__ == "__main__":
    main(prog_name="python -m relayer")
