# SPDX-License-Identifier: Apache-2.0
"""Deploys the protocol to the network ape is connected to and writes deployments/<chain id>.json.

    ape run deploy                                                             in this process, to try it
    ape run deploy --network http://127.0.0.1:8545                             any node
    ape run deploy --network base:mainnet:node --account me --owner 0x… --token 0x…

It can be run again: what stands is skipped, all of it is verified. See ipto/deploy.py.
"""

from __future__ import annotations

from pathlib import Path

import ape
import click
from ape.cli import ConnectedProviderCommand
from ape.utils import ZERO_ADDRESS

from ipto.deploy import Parameters, deploy, install_factory
from ipto.errors import IptoError
from scripts._ape import connect, is_local, signer


@click.command(cls=ConnectedProviderCommand)
@click.option("--account", help="Ape account that pays; on a local network a test account.")
@click.option("--owner", help="Who sets the fee and pauses sales, for real networks a timelock; default: the payer.")
@click.option("--judge", "judges", multiple=True, help="Member of the first dispute panel; default: the owner alone.")
@click.option("--quorum", default="", help="Equal votes of the panel that decide; default: more than half.")
@click.option("--certificates", default=ZERO_ADDRESS, help="Renderer of tokenURI; none by default.")
@click.option("--salt", default="0x" + "00" * 32, help="32 bytes; another salt gives other addresses.")
@click.option("--token", "tokens", multiple=True, help="ERC-20 currency to list; may be repeated.")
@click.option("--test-token", is_flag=True, help="Deploy a worthless stablecoin as well; on a local network always.")
@click.option("--install-factory", "factory", is_flag=True, help="Create the CREATE2 factory where it is missing.")
@click.option("--directory", type=click.Path(path_type=Path), default=Path("deployments"), help="Where to write.")
def cli(
    account: str | None,
    owner: str | None,
    judges: tuple[str, ...],
    quorum: str,
    certificates: str,
    salt: str,
    tokens: tuple[str, ...],
    test_token: bool,
    factory: bool,
    directory: Path,
) -> None:
    """Deploy the protocol."""
    provider = ape.networks.provider
    local = is_local(provider)
    try:
        payer, rpc = signer(account, provider), connect(provider)
        if factory or local:
            install_factory(rpc, payer)
        parameters = Parameters(owner or payer.address, certificates, salt, ",".join(judges), quorum)
        deploy(
            rpc,
            payer,
            parameters,
            tokens=tokens,
            test_token=test_token or local,
            directory=directory,
            report=click.echo,
        )
    except IptoError as error:
        raise click.ClickException(str(error)) from None
