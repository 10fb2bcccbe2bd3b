# SPDX-License-Identifier: Apache-2.0
"""Deploys the protocol to the network ape is connected to and writes deployments/<chain id>.json.

    ape run deploy                                                             in this process, to try it
    ape run deploy --network http://127.0.0.1:8545                             any node
    ape run deploy --network base:mainnet:node --account me --proposer 0x… --member 0x… --token 0x…

It can be run again: what stands is skipped, all of it is verified. See ipto/deploy.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ape
import click
from ape.cli import ConnectedProviderCommand

from ipto.deploy import Parameters, deploy, install_factory
from ipto.errors import IptoError
from ipto.structs import ETH, ZERO_ADDRESS
from scripts._ape import connect, is_local, signer


@click.command(cls=ConnectedProviderCommand)
@click.option("--account", help="Ape account that pays and is the first owner; on a local network a test account.")
@click.option("--proposer", "proposers", multiple=True, help="Who may schedule at the timelock; repeat. None: none.")
@click.option("--executor", "executors", multiple=True, help="Who may execute what is due; repeat. None: anybody.")
@click.option("--delay", default=172_800, show_default=True, help="Seconds of the timelock's delay.")
@click.option("--member", "panel", multiple=True, help="Of the panel that rules disputes; repeat. None: the account.")
@click.option("--quorum", default=0, help="Equal votes of the panel that decide; default: more than half.")
@click.option("--bond-currency", default=ETH, show_default=True, help="In which disputes are bonded.")
@click.option("--bond", default=10**17, show_default=True, help="Of a dispute, in the currency's smallest unit.")
@click.option("--ruling-fee", default=5 * 10**16, show_default=True, help="The panel's, out of the lost bond.")
@click.option("--rent-per-day", default=10**16, show_default=True, help="Of an asked hold.")
@click.option("--fee-bps", default=0, show_default=True, help="Of the market, on top of prices.")
@click.option("--fee-recipient", default=ZERO_ADDRESS, help="Who gets the fee.")
@click.option("--salt", default="0x" + "00" * 32, help="32 bytes; another salt gives other addresses.")
@click.option("--token", "tokens", multiple=True, help="ERC-20 currency to list; may be repeated.")
@click.option("--test-token", is_flag=True, help="Deploy a worthless stablecoin as well; on a local network always.")
@click.option("--install-factory", "factory", is_flag=True, help="Create the CREATE2 factory where it is missing.")
@click.option("--directory", type=click.Path(path_type=Path), default=Path("deployments"), help="Where to write.")
def cli(
    account: str | None,
    tokens: tuple[str, ...],
    executors: tuple[str, ...],
    test_token: bool,
    factory: bool,
    directory: Path,
    **parameters: Any,
) -> None:
    """Deploy the protocol."""
    provider = ape.networks.provider
    local = is_local(provider)
    try:
        payer, rpc = signer(account, provider), connect(provider)
        if factory or local:
            install_factory(rpc, payer)
        deploy(
            rpc,
            payer,
            Parameters(payer.address, executors=executors or (ZERO_ADDRESS,), **parameters),
            tokens=tokens,
            test_token=test_token or local,
            directory=directory,
            report=click.echo,
        )
    except IptoError as error:
        raise click.ClickException(str(error)) from None
