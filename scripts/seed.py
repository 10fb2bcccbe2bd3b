# SPDX-License-Identifier: Apache-2.0
"""Fills a development chain, deployed before with `ape run deploy`, with an invented catalog.

    ape run seed --works 1000 --network http://127.0.0.1:8545
    ape run seed                                                 in this process: deploys as well, to try it

See ipto/seed.py.
"""

from __future__ import annotations

from pathlib import Path

import ape
import click
from ape.cli import ConnectedProviderCommand

from ipto.chain import Deployment
from ipto.content import LocalStore
from ipto.deploy import Parameters, deploy, install_factory
from ipto.errors import IptoError
from ipto.seed import seed
from scripts._ape import connect, signer


@click.command(cls=ConnectedProviderCommand)
@click.option("--works", type=click.IntRange(0, 1_000_000), default=20, show_default=True, help="How many works.")
@click.option("--catalog", type=int, default=1, show_default=True, help="Which catalog; another number, other works.")
@click.option("--account", help="Ape account that pays; on a local network a test account.")
@click.option("--content", type=click.Path(path_type=Path), help="Content folder that gets the documents.")
@click.option("--directory", type=click.Path(path_type=Path), default=Path("deployments"), help="Deployment files.")
def cli(works: int, catalog: int, account: str | None, content: Path | None, directory: Path) -> None:
    """Fill a development chain with works, offers and sales."""
    provider = ape.networks.provider
    try:
        payer, rpc = signer(account, provider), connect(provider)
        if provider.http_uri is None:
            # A chain in this process has nothing on it yet.
            install_factory(rpc, payer)
            deployment = deploy(rpc, payer, Parameters(payer.address), test_token=True)
        else:
            deployment = Deployment.load(rpc.chain_id(), directory)
            deployment.check(rpc)
        store = LocalStore(content) if content is not None else None
        done = seed(rpc, deployment, payer, works=works, number=catalog, store=store, report=click.echo)
    except IptoError as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{done.works} works, {done.offers} offers, {done.licenses} licenses, {done.payouts} payouts "
        f"in {done.transactions} transactions; {done.skipped} works were there already"
    )
